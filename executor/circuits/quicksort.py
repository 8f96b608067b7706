"""Quicksort on shuffled rows: compare secretly, open the outcome, place publicly.

After Hamada, Kikuchi, Ikarashi, Chida, Takahashi (ICISC 2012). The rows are shuffled once by a
permutation that nobody knows; then every comparison's outcome is opened to all.

What the outcomes reveal is nothing: they are a function of the order of the shuffled rows and of
nothing else (which rows meet in which comparison is decided by earlier outcomes, the row count
and public positions). Let s be that order: the position after the shuffle of the smallest row, of
the next, and so on. As long as no two compared keys are equal, the data fix one order of the
relation's own rows, and s is that order behind a permutation that is uniformly random and unknown
to every party: s is uniformly random whatever the data are. A simulator draws a random
permutation and answers every comparison by it. Two things are needed:
  - the shuffle is fresh. It is made here, and used for no other opening of outcomes;
  - no two compared keys are equal. So the row's number BEFORE the shuffle is appended to the key
    as its lowest planes, secretly shared: equal keys then differ, and the sort is stable. (Ties
    broken by the position AFTER the shuffle would be a function of the data: equal keys would
    show an order that is not random.) Keys that are declared distinct need no such planes.
Outcomes have one bit for each comparison and none else: lanes that pad a plane's last word hold
gathered zeros, and opening clears them.

The batches are planned from the row count and the protocol alone (schedule.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sharing.protocol import SharingProtocol, ShuffleHandle
from ..sharing.shares import Bits, Share, as_bits, stack
from .compare import less_than, serial_comparison
from .order import Order, Placed, Shuffled, place
from .packed_keys import PackedKeys
from .row_numbers import number_width, row_numbers
from .schedule import Schedule, Stage, plan_stages

_Rows = NDArray[np.intp]


def quicksort(
    p: SharingProtocol, keys: Bits, columns: Sequence[Share], *, distinct: bool
) -> tuple[list[Share], Order]:
    """The keys and the columns in ascending order of the keys, ties in their original order.

    At least two rows. `distinct` promises that no two keys are equal.

    Cost: 2 rounds and 4/3 (W + log2 n) bits per row for the shuffle; for each comparison less
    than 2 (w + log2 n) bits (2w if distinct) and one for its outcome; about 1.04 log2 n
    comparisons per row for a million rows; log2(w + log2 n) + 2 rounds for each batch.
    """
    ties, moved, handle = shuffled_rows(p, keys, columns, distinct=distinct)
    compared = as_bits(moved[0])
    schedule = plan_stages(keys.rows, batch_in_comparisons(p, keys.rows, compared.width))
    source = None if p.counts_only else find_order(p, PackedKeys.of(compared), schedule)
    if p.counts_only:
        count_batches(p, compared.width, schedule)
    sorted_keys = compared.planes(ties, compared.width)
    return place([sorted_keys, *moved[1:]], source), Order((Shuffled(handle), Placed(source)))


def batch_in_comparisons(p: SharingProtocol, rows: int, width: int) -> int:
    """How many comparisons the rounds of a batch are worth, as a power of two."""
    serial = serial_comparison(p, rows)
    rounds, bits = (width, width) if serial else ((width + 1).bit_length(), 2 * width)
    return 1 << max((rounds + 1) * p.round_worth * 8 // (bits + 1), 1).bit_length() - 1


def shuffled_rows(
    p: SharingProtocol, keys: Bits, columns: Sequence[Share], *, distinct: bool
) -> tuple[int, list[Share], ShuffleHandle]:
    """Keys that all differ, before the columns, in a fresh secret order.

    Returns how many planes tell ties apart, at the bottom of the keys.
    """
    ties = 0 if distinct else number_width(keys.rows)
    tagged = stack([row_numbers(p, keys.rows), keys]) if ties else keys
    moved, handle = p.shuffle([tagged, *columns])
    return ties, moved, handle


def find_order(p: SharingProtocol, keys: PackedKeys, schedule: Schedule) -> _Rows:
    """The positions of the smallest row, the next, and so on, of the rows that are scheduled."""
    order = np.arange(schedule.stages[0].sample, dtype=np.intp)
    for stage in schedule.stages:
        gaps = _descend(p, keys, order, stage)
        order = _merge_gaps(p, keys, order, gaps, stage.expected_pairs)
    return order


def _descend(p: SharingProtocol, keys: PackedKeys, order: _Rows, stage: Stage) -> _Rows:
    """For every row of the rest the gap between sample rows that it belongs in.

    The sample's search tree is perfect: level l has 2^l pivots, the odd multiples of
    2^(depth - l - 1) among the sample's ranks counted from 1.
    """
    node = np.zeros(stage.rest, dtype=np.intp)
    if stage.depth == 0:
        return node
    rest = keys.bits(np.arange(stage.sample, stage.rows, dtype=np.intp))
    for level in range(stage.depth):
        step = 1 << stage.depth - level
        pivots = keys.take(order[step // 2 - 1 :: step])
        outcome = opened_less(p, rest, pivots.bits(node), stage.rest)
        node <<= 1
        node += outcome ^ np.uint8(1)
    return node


def _merge_gaps(
    p: SharingProtocol, keys: PackedKeys, order: _Rows, gaps: _Rows, expected: float
) -> _Rows:
    """The order of sample and rest, after comparing all pairs of the rest in the same gap.

    So many pairs are expected.
    """
    sample, rest = len(order), len(gaps)
    # Unique numbers, so that every sorting algorithm gives the same result at every party.
    by_gap = np.sort(gaps * rest + np.arange(rest, dtype=np.intp)) % rest
    members = sample + by_gap
    sizes = np.bincount(gaps, minlength=sample + 1)
    starts = np.cumsum(sizes) - sizes
    pairs = _pairs_in_gaps(starts, sizes)
    ranks = _ranks(p, keys.take(members), pairs, expected)
    result = np.empty(sample + rest, dtype=np.intp)
    result[np.arange(sample) + starts[1:]] = order
    gap_of = np.repeat(np.arange(sample + 1), sizes)
    result[gap_of + starts[gap_of] + ranks] = members
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    earlier: _Rows
    later: _Rows


def _pairs_in_gaps(starts: _Rows, sizes: _Rows) -> _Pairs:
    """All pairs of places in the same gap, where the members of a gap stand side by side."""
    first = np.repeat(starts, sizes)
    places = np.arange(len(first), dtype=np.intp)
    before = places - first
    later = np.repeat(places, before)
    ends = np.cumsum(before)
    earlier = np.arange(len(later), dtype=np.intp) - np.repeat(ends - before - first, before)
    return _Pairs(earlier, later)


def _ranks(p: SharingProtocol, members: PackedKeys, pairs: _Pairs, expected: float) -> _Rows:
    """How many members of its gap are smaller, for every member.

    If no two happen to be in the same gap, two of them are compared in vain: rounds do not depend
    on the order.
    """
    if len(pairs.later) == 0:
        if members.rows > 1:
            first, second = (np.full(1, place, dtype=np.intp) for place in (0, 1))
            opened_less(p, members.bits(first), members.bits(second), expected)
        return np.zeros(members.rows, dtype=np.intp)
    outcome = opened_less(p, members.bits(pairs.earlier), members.bits(pairs.later), expected)
    greater = np.where(outcome != 0, pairs.later, pairs.earlier)
    return np.bincount(greater, minlength=members.rows)


def opened_less(p: SharingProtocol, x: Bits, y: Bits, expected: float) -> NDArray[np.uint8]:
    """Compares and opens: 1 where x < y. How is decided by the number of rows that is expected, so
    that the rounds do not depend on how many there are."""
    opened = p.open(less_than(p, [(x, y)], serial=serial_comparison(p, expected)))
    assert opened is not None
    return np.unpackbits(opened[0].view(np.uint8).reshape(-1), count=x.rows, bitorder="little")


def count_batches(p: SharingProtocol, width: int, schedule: Schedule) -> None:
    """Counts the batches as `find_order` runs them, by running comparisons without values.

    Only the last batch of a stage has a random size. Its planes are rounded up to whole words,
    31.5 bits in expectation, and its cost is linear in words; a fraction of a word is counted as
    that fraction of what one word costs.
    """
    for stage in schedule.stages:
        for _ in range(stage.depth):
            count_comparisons(p, stage.rest, width, stage.rest)
        pairs = stage.expected_pairs
        if stage.depth == 0:
            count_comparisons(p, round(pairs), width, pairs)
        elif pairs:
            count_comparisons(p, 64 * max(round((pairs + 31.5) / 64), 1), width, pairs)
            p.count_expected(0, 0.0, 0.0)


def count_comparisons(p: SharingProtocol, rows: int, width: int, expected: float) -> None:
    empty = Bits(rows, width, ())
    p.open(less_than(p, [(empty, empty)], serial=serial_comparison(p, expected)))
