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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sharing.groups import array_on_disk, on_disk
from ..sharing.pack import row_bytes
from ..sharing.protocol import SharingProtocol, ShuffleHandle
from ..sharing.shares import Bits, Share, as_bits, stack
from .chunks import chunk_count, row_ranges
from .compare import less_than, serial_comparison
from .order import Order, Placed, Shuffled, place, shuffle_rows
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
    source = None
    if not p.counts_only:
        source = array_on_disk(p, find_order(p, PackedKeys.of(compared), schedule))
    if p.counts_only:
        count_batches(p, compared.width, schedule)
    sorted_keys = compared.planes(ties, compared.width)
    placed = place(p, [sorted_keys, *moved[1:]], source)
    return placed, Order((Shuffled(handle), Placed(source)))


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
    moved, handle = shuffle_rows(p, [tagged, *columns])
    return ties, moved, handle


def find_order(p: SharingProtocol, keys: PackedKeys, schedule: Schedule) -> _Rows:
    """The positions of the smallest row, the next, and so on, of the rows that are scheduled."""
    order = np.arange(schedule.stages[0].sample, dtype=np.intp)
    for stage in schedule.stages:
        order = _merge_gaps(p, keys, order, _descend(p, keys, order, stage), stage.expected_pairs)
    return order


def _descend(p: SharingProtocol, keys: PackedKeys, order: _Rows, stage: Stage) -> _Rows:
    """For every row of the rest the gap between sample rows that it belongs in.

    The sample's search tree is perfect: level l has 2^l pivots, the odd multiples of
    2^(depth - l - 1) among the sample's ranks counted from 1.
    """
    node = np.zeros(stage.rest, dtype=np.intp)
    if stage.depth == 0:
        return node
    ranges = row_ranges(p, stage.rest)
    parts = [np.arange(stage.sample + a, stage.sample + b, dtype=np.intp) for a, b in ranges]
    rest = [as_bits(x) for part in parts for x in on_disk(p, [keys.bits(part)])]
    for level in range(stage.depth):
        step = 1 << stage.depth - level
        pivots = keys.take(order[step // 2 - 1 :: step])
        for (start, stop), mine in zip(ranges, rest, strict=True):
            part = node[start:stop]
            outcome = opened_less(p, mine, pivots.bits(part), stage.rest)
            part <<= 1
            part += outcome ^ np.uint8(1)
    return node


def _merge_gaps(
    p: SharingProtocol, keys: PackedKeys, order: _Rows, gaps: _Rows, expected: float
) -> _Rows:
    """The order of sample and rest, after comparing all pairs of the rest in the same gap.

    So many pairs are expected.
    """
    sample, rest = len(order), len(gaps)
    sizes = np.bincount(gaps, minlength=sample + 1)
    # Unique numbers, so that every sorting algorithm gives the same result at every party.
    members = gaps * rest
    del gaps
    members += np.arange(rest, dtype=np.intp)
    members.sort()
    members %= rest
    members += sample
    starts = np.cumsum(sizes) - sizes
    first = np.repeat(starts, sizes)
    places = _ranks(p, keys.take(members), first, expected)
    places += first
    places += np.repeat(np.arange(sample + 1, dtype=np.intp), sizes)
    result = np.empty(sample + rest, dtype=np.intp)
    result[np.arange(sample) + starts[1:]] = order
    result[places] = members
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    earlier: _Rows
    later: _Rows


def _pairs_in_gaps(first: _Rows, count: int) -> Iterator[_Pairs]:
    """All pairs of places in the same gap, in so many chunks of equally many. The members of a gap
    stand side by side: `first` is where the gap of each place begins."""
    ends = np.arange(len(first), dtype=np.intp)
    ends -= first
    np.cumsum(ends, out=ends)
    total = int(ends[-1])
    for chunk in range(count):
        numbers = np.arange(total * chunk // count, total * (chunk + 1) // count, dtype=np.intp)
        if len(numbers) == 0:
            yield _Pairs(numbers, numbers)
            continue
        low, high = np.searchsorted(ends, numbers[[0, -1]], side="right")
        places = np.arange(low, high + 1, dtype=np.intp)
        before = places - first[low : high + 1]
        skipped = numbers[0] - (ends[low] - before[0])
        later = np.repeat(places, before)[skipped : skipped + len(numbers)]
        numbers -= ends[later]
        numbers += later
        yield _Pairs(numbers, later)


def _ranks(p: SharingProtocol, members: PackedKeys, first: _Rows, expected: float) -> _Rows:
    """How many members of its gap are smaller, for every member.

    If no two happen to be in the same gap, two of them are compared in vain: rounds do not depend
    on the order.
    """
    ranks = np.zeros(members.rows, dtype=np.intp)
    if members.rows < 2:
        return ranks
    for pairs in _pairs_in_gaps(first, chunk_count(p, expected)):
        if len(pairs.later) == 0:
            one, other = (np.full(1, place, dtype=np.intp) for place in (0, 1))
            opened_less(p, members.bits(one), members.bits(other), expected)
            continue
        outcome = opened_less(p, members.bits(pairs.earlier), members.bits(pairs.later), expected)
        greater = np.where(outcome != 0, pairs.later, pairs.earlier)
        ranks += np.bincount(greater, minlength=members.rows)
    return ranks


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
            for start, stop in row_ranges(p, stage.rest):
                count_comparisons(p, stop - start, width, stage.rest)
        pairs = stage.expected_pairs
        count = chunk_count(p, pairs)
        for chunk in range(count):
            if stage.depth == 0:
                part = round(pairs) * (chunk + 1) // count - round(pairs) * chunk // count
                count_comparisons(p, part, width, pairs)
            elif pairs:
                part = 64 * max(round((pairs / count + 31.5) / 64), 1)
                count_comparisons(p, part, width, pairs)
                p.count_random()


def count_comparisons(p: SharingProtocol, rows: int, width: int, expected: float) -> None:
    p.count_copied(2 * rows * row_bytes(width))
    empty = Bits(rows, width, ())
    p.open(less_than(p, [(empty, empty)], serial=serial_comparison(p, expected)))
