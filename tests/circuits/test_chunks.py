"""Long columns go chunk by chunk: the same results, in rounds that are foreseen."""

from itertools import pairwise

import numpy as np
import pytest
from tacit.executor.circuits.chunks import MOST_CHUNKS, chunk_count, row_ranges
from tacit.executor.circuits.convert import ring_to_word, word_to_ring
from tacit.executor.circuits.sort import sort

ROUND_WORTH = 8
"""So that 128 rows are a chunk."""


@pytest.mark.parametrize("rows", [0, 1, 64, 128, 129, 1000, 10**9 + 7])
def test_chunks_are_whole_words_and_few(clear, rows):
    p = clear(counts_only=True, round_worth=ROUND_WORTH)
    ranges = row_ranges(p, rows)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == rows
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    assert all(start % 64 == 0 for start, _ in ranges)
    assert len(ranges) <= chunk_count(p, rows) <= MOST_CHUNKS
    assert len(ranges) == 1 or rows > 128


@pytest.mark.parametrize("rows", [130, 1000, 5000])
def test_conversions_by_chunks(clear, rows):
    p, dry = (clear(counts_only=counts, round_worth=ROUND_WORTH) for counts in (False, True))
    values = [int(x) for x in np.random.default_rng(rows).integers(0, 1 << 20, rows)]
    (ring,) = word_to_ring(p, [p.bits(values, 20)], 64)
    assert p.values(ring) == values
    (word,) = ring_to_word(p, [ring], 20)
    assert p.values(word) == values
    ring_to_word(dry, word_to_ring(dry, [dry.constant_bits(0, 20, rows)], 64), 20)
    assert dry.cost() == p.cost()


@pytest.mark.parametrize("rows", [200, 700, 3000])
def test_a_quicksort_by_chunks(clear, rows):
    """Comparisons go in chunks, whose number follows from the expected number of pairs."""
    dry = clear(counts_only=True, round_worth=ROUND_WORTH)
    sort(dry, dry.constant_bits(0, 9, rows), [], algorithm="quick")
    assert dry.rounds > 0
    measured = []
    for seed in range(6):
        p = clear(seed=seed, round_worth=ROUND_WORTH)
        keys = [int(x) for x in np.random.default_rng(seed).integers(0, 1 << 9, rows)]
        numbers = p.bits(list(range(rows)), 12)
        ordered = sort(p, p.bits(keys, 9), [numbers], algorithm="quick")
        places = p.values(ordered.columns[0])
        assert places == sorted(range(rows), key=lambda row: (keys[row], row))
        assert p.rounds == dry.rounds
        measured.append(p.and_words)
    assert dry.and_words == pytest.approx(np.mean(measured), rel=0.05)
