"""Quotients are exact, in every radix."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.divide import divide


@st.composite
def divisions(draw):
    wide, narrow = draw(st.integers(0, 64)), draw(st.integers(1, 40))
    rows = draw(st.integers(1, 70))
    seeds = draw(st.randoms(use_true_random=False))

    def words(width):
        top = (1 << width) - 1
        edge = [0, top, top >> 1, 1 & top, top >> width // 2]
        return [seeds.choice([*edge, seeds.randrange(1 << width)]) for _ in range(rows)]

    return wide, words(wide), narrow, words(narrow)


@settings(max_examples=60, deadline=None)
@given(divisions(), st.integers(1, 6), st.integers(0, 3))
def test_quotients_are_floors_and_division_by_zero_gives_all_ones(clear, case, digit_bits, more):
    wide, xs, narrow, ys = case
    p = clear()
    x, y = p.bits(xs, wide), p.bits(ys, narrow)
    quotient = divide(p, x, y, quotient_width=wide + more, digit_bits=digit_bits)
    ones = (1 << wide + more) - 1
    assert p.values(quotient) == [x // y if y else ones for x, y in zip(xs, ys, strict=True)]


@settings(max_examples=40, deadline=None)
@given(divisions(), st.integers(1, 6), st.integers(1, 30))
def test_narrow_quotients_take_narrow_work(clear, case, digit_bits, width):
    """Averages: the sum is wide, the quotient is known to be narrow."""
    _, _, narrow, ys = case
    xs = [y * ((1 << width) - 1 - i % (1 << width)) + y // 2 for i, y in enumerate(ys)]
    p = clear()
    x, y = p.bits(xs, narrow + width), p.bits(ys, narrow)
    quotient = divide(p, x, y, quotient_width=width, digit_bits=digit_bits)
    ones = (1 << width) - 1
    assert p.values(quotient) == [x // y if y else ones for x, y in zip(xs, ys, strict=True)]


@pytest.mark.parametrize(("rows", "rounds"), [(1, 75), (1 << 10, 160), (1 << 15, 400)])
def test_few_rows_take_few_rounds(clear, rows, rounds):
    p = clear(counts_only=True)
    divide(p, p.constant_bits(0, 64, rows), p.constant_bits(0, 32, rows), quotient_width=64)
    assert p.rounds <= rounds


def test_what_a_round_is_worth_decides_on_the_radix(clear):
    rounds = []
    for worth in (1 << 14, 1 << 18, 1 << 22):
        p = clear(counts_only=True, round_worth=worth)
        divide(p, p.constant_bits(0, 64, 1000), p.constant_bits(0, 32, 1000), quotient_width=64)
        rounds.append(p.rounds)
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[0] > 2 * rounds[-1]


def test_known_quotients(clear):
    p = clear()
    xs = [0, 1, 2**64 - 1, 2**64 - 1, 2**63, 10**18, 7, 7]
    ys = [5, 1, 1, 2**32 - 1, 2**31, 10**9, 7, 8]
    quotient = divide(p, p.bits(xs, 64), p.bits(ys, 32), quotient_width=64)
    assert p.values(quotient) == [x // y for x, y in zip(xs, ys, strict=True)]
    nothing = p.bits([0] * 8, 0)
    assert p.values(divide(p, p.bits(xs, 64), nothing, quotient_width=3)) == [7] * 8
    assert divide(p, nothing, p.bits(ys, 32), quotient_width=0).width == 0


def test_a_dry_run_counts_the_same(clear):
    costs = []
    for p in (clear(), clear(counts_only=True)):
        for rows in (3, 5000, 70000):
            x, y = p.constant_bits(9, 12, rows), p.constant_bits(2, 7, rows)
            divide(p, x, y, quotient_width=12)
        costs.append(p.cost())
    assert costs[0] == costs[1]
