"""Copying down, and dealing rows out to tiles, against plain Python."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from plain_windows import tile
from tacit.executor.circuits.copy_down import copy_down, reverse_rows
from tacit.executor.circuits.tiles import tile_numbers


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=150))
def test_every_row_takes_the_last_flagged_row_at_or_before_it(clear, flags):
    p = clear()
    values = [5 * row + 3 for row in range(len(flags))]
    rings = [-7 * row - 1 for row in range(len(flags))]
    planes, ring = copy_down(p, p.bits(flags, 1), [p.bits(values, 10), p.ring(rings)])
    last = [max((j for j in range(i + 1) if flags[j]), default=None) for i in range(len(flags))]
    assert p.values(planes) == [0 if j is None else values[j] for j in last]
    assert p.values(ring) == [0 if j is None else rings[j] % (1 << 64) for j in last]


def test_copying_costs_the_same_rounds_whatever_the_size(clear):
    costs = set()
    for rows in (2, 64, 5000):
        p, dry = clear(), clear(counts_only=True)
        for q in (p, dry):
            copy_down(q, q.bits([1] * rows, 1), [q.bits([0] * rows, 9), q.ring([0] * rows)])
        assert p.cost() == dry.cost()
        costs.add(p.rounds)
    assert len(costs) == 1


def test_nothing_is_sent_to_copy_no_columns(clear):
    p = clear()
    assert copy_down(p, p.bits([1, 0], 1), []) == []
    assert p.rounds == 0


def test_rows_are_reversed(clear):
    p = clear()
    assert p.values(reverse_rows(p.bits(list(range(70)), 7))) == list(range(70))[::-1]
    assert p.values(reverse_rows(p.ring([1, 2, 3]))) == [3, 2, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 45))
def test_rows_are_dealt_out_to_tiles(clear, rows, tiles):
    p = clear()
    width = rows.bit_length()
    found = tile_numbers(p, p.bits(list(range(rows)), width), p.bits([rows] * rows, width), tiles)
    assert p.values(found) == [tile(place, rows, tiles) - 1 for place in range(rows)]
