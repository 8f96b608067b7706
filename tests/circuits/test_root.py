"""Square roots are math.isqrt's."""

from __future__ import annotations

from math import isqrt

from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.root import square_root


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 180), st.integers(1, 70), st.randoms(use_true_random=False))
def test_roots_are_rounded_down(clear, width, rows, seeds):
    top = (1 << width) - 1
    squares = [seeds.randrange(1 << (width + 1) // 2) ** 2 for _ in range(4)]
    edge = [0, top, 1 & top, top >> 1, *(min(top, s) for s in squares)]
    edge += [max(0, min(top, s) - 1) for s in squares]
    values = [seeds.choice([*edge, seeds.randrange(1 << width)]) for _ in range(rows)]
    p = clear()
    root = square_root(p, p.bits(values, width))
    assert root.width == (width + 1) // 2
    assert p.values(root) == [isqrt(value) for value in values]


def test_rounds_are_those_promised(clear):
    p = clear(counts_only=True)
    square_root(p, p.constant_bits(0, 120, 10))
    assert p.rounds <= 600
