"""Sums and differences are exact modulo the power of two asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.add import (
    add,
    add_constant,
    add_many,
    negate,
    subtract,
    subtract_with_borrow,
)

ADDERS = ["ripple", "sparse", "full"]


@st.composite
def additions(draw):
    """(x width, xs, y width, ys, width): random words among edge values."""
    widths = draw(st.tuples(st.integers(0, 70), st.integers(0, 70), st.integers(0, 72)))
    rows = draw(st.integers(1, 100))
    seeds = draw(st.randoms(use_true_random=False))

    def words(width):
        edge = [0, (1 << width) - 1, (1 << width) >> 1]
        return [seeds.choice([*edge, seeds.randrange(1 << width)]) for _ in range(rows)]

    return widths[0], words(widths[0]), widths[1], words(widths[1]), widths[2]


@settings(max_examples=80, deadline=None)
@given(additions(), st.sampled_from(ADDERS), st.integers(0, 1))
def test_add_and_subtract(clear, case, adder, carry):
    x_width, xs, y_width, ys, width = case
    p = clear()
    x, y = p.bits(xs, x_width), p.bits(ys, y_width)
    total = add(p, x, y, width=width, carry_in=carry, adder=adder)
    assert total.width == width
    modulus = 1 << width
    rows = list(zip(xs, ys, strict=True))
    assert p.values(total) == [(a + b + carry) % modulus for a, b in rows]
    difference = subtract(p, x, y, width=width, adder=adder)
    assert p.values(difference) == [(a - b) % modulus for a, b in rows]
    assert p.values(negate(p, x, width=width, adder=adder)) == [-a % modulus for a in xs]


@settings(max_examples=60, deadline=None)
@given(additions(), st.integers(-(1 << 70), 1 << 70))
def test_constants_and_borrows(clear, case, value):
    x_width, xs, y_width, ys, width = case
    p = clear()
    x, y = p.bits(xs, x_width), p.bits(ys, y_width)
    modulus = 1 << width
    assert p.values(add_constant(p, x, value, width=width)) == [(a + value) % modulus for a in xs]
    difference, borrow = subtract_with_borrow(p, x, y, width=width)
    rows = [(a % modulus, b % modulus) for a, b in zip(xs, ys, strict=True)]
    assert p.values(difference) == [(a - b) % modulus for a, b in rows]
    assert p.values(borrow) == [int(a < b) for a, b in rows]


def test_pairs_of_different_shapes_share_their_rounds(clear):
    p = clear()
    pairs = [(p.bits([3, 5], 3), p.bits([1, 7], 40)), (p.bits([9], 32), p.bits([250], 8))]
    first, second = add_many(p, pairs, width=40)
    assert (p.values(first), p.values(second)) == ([4, 12], [259])
    assert p.rounds <= 7


@pytest.mark.parametrize(("width", "gates", "rounds"), [(2, 1, 1), (8, 18, 4), (32, 95, 6)])
def test_prefix_costs_about_3w_gates_in_log_rounds(clear, width, gates, rounds):
    p = clear()
    x = p.bits([1], width)
    add(p, x, x, width=width, adder="sparse")
    assert p.and_planes <= gates
    assert p.rounds <= rounds


def test_ripple_costs_one_gate_and_one_round_for_each_carry(clear):
    p = clear()
    x = p.bits([1], 32)
    add(p, x, x, width=32, adder="ripple")
    assert (p.and_planes, p.rounds) == (31, 31)


def test_public_planes_cost_nothing(clear):
    p = clear()
    x = p.bits([1], 8)
    add(p, x, x, width=64)
    narrow = p.and_planes
    assert narrow <= 24
    add_constant(p, x, 1 << 7, width=8)
    assert p.and_planes == narrow


def test_a_dry_run_counts_the_same(clear):
    def run(p):
        x, y = p.bits([0] * 100, 20), p.bits([0] * 100, 33)
        for adder in ADDERS:
            add(p, x, y, width=40, adder=adder)
            subtract_with_borrow(p, x, y, width=33, adder=adder)
            add_constant(p, x, -77, width=64, adder=adder)
        return p.cost()

    assert run(clear()) == run(clear(counts_only=True))


def test_what_a_round_is_worth_decides_on_the_adder(clear):
    """Few rows or a distant peer: few rounds. Many rows: few gates."""
    rounds = {}
    for worth in (1 << 12, 1 << 20):
        for rows in (1, 1 << 20):
            p = clear(counts_only=True, round_worth=worth)
            add(p, p.constant_bits(0, 32, rows), p.constant_bits(0, 32, rows), width=32)
            rounds[worth, rows] = p.rounds
    assert rounds == {(4096, 1): 6, (4096, 1 << 20): 31, (1 << 20, 1): 5, (1 << 20, 1 << 20): 6}
