"""Comparisons say what Python says, at the cost that they state."""

from __future__ import annotations

from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.compare import (
    all_of,
    any_of,
    any_row,
    equal,
    equal_constant,
    less_than,
    less_than_constant,
)


@st.composite
def word_pairs(draw, max_rows=200):
    """(width, xs, ys), with many rows that are equal or differ in one bit."""
    width = draw(st.integers(1, 70))
    rows = draw(st.integers(1, max_rows))
    word = st.integers(0, (1 << width) - 1)
    base = draw(st.lists(word, min_size=1, max_size=8))
    seeds = draw(st.randoms(use_true_random=False))
    xs = [seeds.choice(base) for _ in range(rows)]
    ys = [
        seeds.choice([x, x ^ (1 << seeds.randrange(width)), seeds.randrange(1 << width)])
        for x in xs
    ]
    return width, xs, ys


@settings(max_examples=60, deadline=None)
@given(word_pairs(), word_pairs(max_rows=70), st.sampled_from([1, 1 << 17]))
def test_comparing_pairs_of_any_shapes_in_one_batch(clear, first, second, worth):
    p = clear(round_worth=worth)
    cases = [first, second]
    pairs = [(p.bits(xs, width), p.bits(ys, width)) for width, xs, ys in cases]
    for (_, xs, ys), same, less in zip(cases, equal(p, pairs), less_than(p, pairs), strict=True):
        assert p.values(same) == [int(x == y) for x, y in zip(xs, ys, strict=True)]
        assert p.values(less) == [int(x < y) for x, y in zip(xs, ys, strict=True)]


@settings(max_examples=60, deadline=None)
@given(word_pairs(), st.lists(st.integers(-2, (1 << 70) + 2), min_size=1, max_size=5))
def test_comparing_with_constants(clear, case, constants):
    p = clear()
    width, xs, _ = case
    constants = [*constants, 0, 1, (1 << width) - 1, 1 << width, xs[0], xs[-1] + 1]
    x = p.bits(xs, width)
    for value, flag in zip(constants, equal_constant(p, x, constants), strict=True):
        assert p.values(flag) == [int(v == value) for v in xs]
    items = [(x, value) for value in constants]
    for value, flag in zip(constants, less_than_constant(p, items), strict=True):
        assert p.values(flag) == [int(v < value) for v in xs]


@settings(max_examples=40, deadline=None)
@given(word_pairs())
def test_all_and_any_over_planes_and_rows(clear, case):
    p = clear()
    width, xs, _ = case
    x = p.bits(xs, width)
    assert p.values(all_of(p, [x])[0]) == [int(v == (1 << width) - 1) for v in xs]
    assert p.values(any_of(p, [x])[0]) == [int(v != 0) for v in xs]
    assert p.values(any_row(p, x.planes(0, 1))) == [max(v & 1 for v in xs)]


@pytest.mark.parametrize("rows", [1, 2, 3, 63, 64, 65, 127, 128, 129, 4096, 5000])
def test_any_row_finds_one_flag_wherever_it_stands(clear, rows):
    for place in {0, rows // 2, rows - 1}:
        p = clear()
        assert p.values(any_row(p, p.bits([int(r == place) for r in range(rows)], 1))) == [1]
        assert p.rounds == ceil(log2(rows))
    p = clear()
    assert p.values(any_row(p, p.invert(p.bits([1] * rows, 1)))) == [0]


def test_words_without_planes_are_equal_and_none_is_less(clear):
    p = clear()
    empty = p.bits([0] * 5, 0)
    assert p.values(equal(p, [(empty, empty)])[0]) == [1] * 5
    assert p.values(less_than(p, [(empty, empty)])[0]) == [0] * 5
    assert [p.values(flag)[0] for flag in equal_constant(p, empty, [0, 1])] == [1, 0]
    flags = less_than_constant(p, [(empty, 0), (empty, 1)])
    assert [p.values(flag)[0] for flag in flags] == [0, 1]
    assert p.rounds == 0


def test_words_of_different_widths_are_refused(clear):
    p = clear()
    with pytest.raises(ValueError, match="different shapes"):
        less_than(p, [(p.bits([1], 1), p.bits([1], 2))])


@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 31, 32, 33, 40, 52, 64, 70])
def test_gates_and_rounds_of_pairs_are_as_stated(clear, width):
    p = clear()
    x = p.bits([1, 0], width)
    equal(p, [(x, x)])
    assert (p.and_planes, p.rounds) == (width - 1, ceil(log2(width)))
    p = clear()
    less_than(p, [(x, x)])
    assert p.and_planes <= 2 * width - 1
    assert p.rounds == ceil(log2(width + 1))


def test_many_rows_take_half_the_gates_and_a_round_for_each_plane(clear):
    p = clear(counts_only=True, round_worth=1 << 10)
    x = p.constant_bits(0, 32, 1 << 14)
    less_than(p, [(x, x)])
    assert (p.and_planes, p.rounds) == (32, 32)


def test_constants_drop_what_a_known_bit_makes_free(clear):
    p = clear()
    x = p.bits([1, 0], 32)
    less_than_constant(p, [(x, 1 << 31)])
    assert (p.and_planes, p.rounds) == (0, 0)
    less_than_constant(p, [(x, 0x5A5A5A5B)])
    assert p.and_planes <= 1.5 * 32 + 2
    assert p.rounds <= 6
    p = clear()
    equal_constant(p, p.bits([1], 8), list(range(256)))
    assert p.and_planes < 256 * 1.3
    assert p.rounds == 3


def test_a_dry_run_counts_the_same(clear):
    def run(p):
        for width in (1, 5, 32):
            x = p.bits([0] * 300, width)
            equal(p, [(x, x)])
            less_than(p, [(x, x)])
            equal_constant(p, x, [0, 3, 1])
            less_than_constant(p, [(x, 1), (x, 3)])
            any_row(p, x.planes(0, 1))
        return p.cost()

    assert run(clear()) == run(clear(counts_only=True))
