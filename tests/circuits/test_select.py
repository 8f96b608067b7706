"""Choosing by a flag takes one round, whatever is chosen."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.select import mask, select, select_ring

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 2**70 - 1), st.integers(0, 2**70 - 1)),
    min_size=1,
    max_size=130,
)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_select_and_mask(clear, rows):
    p = clear()
    flags, xs, ys = (list(column) for column in zip(*rows, strict=True))
    flag, x, y = p.bits(flags, 1), p.bits(xs, 70), p.bits(ys, 70)
    narrow = x.planes(0, 1), y.planes(0, 1)
    chosen, one = select(p, [(flag, x, y), (flag, *narrow)])
    assert p.values(chosen) == [a if f else b for f, a, b in rows]
    assert p.values(one) == [a & 1 if f else b & 1 for f, a, b in rows]
    assert p.rounds == 1
    masked, empty = mask(p, [(flag, x), (flag, x.planes(3, 3))])
    assert p.values(masked) == [a if f else 0 for f, a, _ in rows]
    assert empty.width == 0


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_select_in_the_ring(clear, rows):
    p = clear()
    flags, xs, ys = (list(column) for column in zip(*rows, strict=True))
    for bits in (32, 64):
        choice = (p.ring(flags, bits), p.ring(xs, bits), p.ring(ys, bits))
        (chosen,) = select_ring(p, [choice])
        assert p.values(chosen) == [(a if f else b) % (1 << bits) for f, a, b in rows]


def test_nothing_to_choose_sends_nothing(clear):
    p = clear()
    flag = p.bits([1], 1)
    assert select(p, []) == []
    assert mask(p, [(flag, p.bits([0], 0))])[0].width == 0
    assert p.rounds == 0
