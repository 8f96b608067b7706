"""Words and rings convert exactly, both ways, by both routes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits import convert
from tacit.executor.circuits.convert import ring_to_word, word_to_ring


@st.composite
def columns(draw):
    width, rows = draw(st.integers(0, 64)), draw(st.integers(1, 90))
    seeds = draw(st.randoms(use_true_random=False))
    edge = [0, (1 << width) - 1]
    return width, [seeds.choice([*edge, seeds.randrange(1 << width)]) for _ in range(rows)]


@settings(max_examples=30, deadline=None)
@given(st.lists(columns(), min_size=1, max_size=3), st.sampled_from([32, 64]), st.booleans())
def test_words_become_ring_columns(clear, cases, bits, by_mask):
    p = clear()
    with pytest.MonkeyPatch.context() as patch:
        if by_mask:
            patch.setattr(convert, "_WORTH_ROUNDS", 0)
        rings = word_to_ring(p, [p.bits(xs, width) for width, xs in cases], bits)
    for (_, xs), ring in zip(cases, rings, strict=True):
        assert ring.bits == bits
        assert p.values(ring) == [x % (1 << bits) for x in xs]


@settings(max_examples=30, deadline=None)
@given(columns(), st.integers(0, 64))
def test_ring_columns_become_words(clear, case, width):
    p = clear()
    _, xs = case
    (word,) = ring_to_word(p, [p.ring(xs)], width)
    assert p.values(word) == [x % (1 << width) for x in xs]


def test_the_route_depends_on_public_shapes(clear):
    p = clear()
    word_to_ring(p, [p.bits([0] * 100, 20)])
    assert p.rounds == 2
    p = clear(counts_only=True)
    word_to_ring(p, [p.constant_bits(0, 1, 1 << 20)])
    assert p.rounds == 2
    p = clear(counts_only=True)
    word_to_ring(p, [p.constant_bits(0, 20, 1 << 20)])
    assert p.rounds > 2


def test_a_ring_too_narrow_for_the_word_is_refused(clear):
    p = clear()
    with pytest.raises(ValueError, match="narrower ring"):
        ring_to_word(p, [p.ring([1], 32)], 33)
    assert word_to_ring(p, []) == []
    assert ring_to_word(p, [], 5) == []
