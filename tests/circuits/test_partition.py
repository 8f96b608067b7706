"""Compaction is stable, can be repeated on further columns, and can be undone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.partition import partition

FLAGS = st.lists(st.integers(0, 1), min_size=1, max_size=200)


@settings(max_examples=60, deadline=None)
@given(FLAGS)
def test_ones_come_first_each_side_in_its_own_order(clear, flags):
    p = clear()
    rows = len(flags)
    wide, ring = list(range(rows)), [7 * r for r in range(rows)]
    result = partition(p, p.bits(flags, 1), [p.bits(wide, 9), p.ring(ring), p.ring(ring, 32)])
    expected = sorted(range(rows), key=lambda r: -flags[r])
    assert p.values(result.columns[0]) == expected
    assert p.values(result.columns[1]) == p.values(result.columns[2]) == [7 * r for r in expected]
    (again,) = result.order.apply(p, [p.bits(wide, 9)])
    assert p.values(again) == expected
    (back,) = result.order.undo(p, [again])
    assert p.values(back) == wide


def test_it_takes_six_rounds_whatever_the_size(clear):
    costs = set()
    for rows in (2, 64, 5000):
        p = clear()
        partition(p, p.bits([1] * rows, 1), [p.bits([0] * rows, 40)])
        dry = clear(counts_only=True)
        partition(dry, dry.bits([1] * rows, 1), [dry.bits([0] * rows, 40)])
        assert p.cost() == dry.cost()
        costs.add(p.rounds)
    assert costs == {6}


def test_one_row_stays_where_it_is(clear):
    p = clear()
    result = partition(p, p.bits([0], 1), [p.ring([5])])
    assert p.values(result.columns[0]) == [5]
    assert p.values(result.order.undo(p, result.columns)[0]) == [5]
    assert p.rounds == 0


def test_nothing_is_sent_to_move_no_columns(clear):
    p = clear()
    result = partition(p, p.bits([0, 1], 1), [])
    rounds = p.rounds
    assert result.order.apply(p, []) == result.order.undo(p, []) == []
    assert p.rounds == rounds
