"""The smallest rows of many, in order, for ORDER BY ... LIMIT: most rows are compared once.

1. Shuffle the rows, sort a small sample of them (its first `sample` rows).
2. Compare every other row with one row of the sample, which is almost surely a little larger than
   the `count`-th smallest row of all.
3. Sort the rows up to it. So that rounds do not depend on how many these are, others fill them up
   to a fixed number.

What the opened outcomes reveal is nothing, for the reason that quicksort.py gives: they, and with
them the candidates, are a function of the order of freshly shuffled rows alone, which is a
uniformly random permutation whatever the data are.

Let X be how many of the sample are among the `count` smallest of all: hypergeometric, with mean
m = count sample / rows. The pivot is the sample's row of rank m + x; it is too small for step 3 if
X >= m + x, which has probability exp(-x^2 / (2m + x)) at most. With x = 14 + sqrt(196 + 56 m) that
is exp(-28) < 2^-40. There are more rows up to the pivot than `candidates` if fewer than `rank` of
the sample are among so many smallest, whose mean M exceeds the rank by 28 + sqrt(784 + 56 rank):
exp(-(M - rank)^2 / 2M), below exp(-28) again. In both cases, which everyone sees and which do not
depend on the data, all rows are sorted. (Bounds of Chernoff; for draws without replacement by
Hoeffding, Journal of the American Statistical Association 58, 1963.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share, as_bits
from .packed_keys import PackedKeys
from .quicksort import (
    batch_in_comparisons,
    count_batches,
    count_comparisons,
    find_order,
    opened_less,
    shuffled_rows,
)
from .rows import permute_rows
from .schedule import plan_stages, stages_price

_Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How the `count` smallest of `rows` rows are found (see the module's docstring)."""

    rows: int
    count: int
    sample: int
    rank: int
    candidates: int


@lru_cache(maxsize=1024)
def plan_selection(rows: int, count: int, batch: int = 1 << 16) -> Selection | None:
    """The cheapest sample; None if the rows are too few for any, or sorting all is cheaper.

    `batch`: the rounds of a batch are worth so many comparisons.
    """
    options = [_selection(rows, count, (1 << depth) - 1) for depth in range(4, rows.bit_length())]
    possible = [s for s in options if s.rank <= s.sample and 2 <= s.candidates < s.rows]
    best = min(possible, key=lambda s: _price(s, batch), default=None)
    if best is None or _price(best, batch) >= stages_price(plan_stages(rows, batch), batch):
        return None
    return best


def _selection(rows: int, count: int, sample: int) -> Selection:
    mean = -(-count * sample // rows)
    rank = mean + 15 + isqrt(196 + 56 * mean)
    reach = rank + 29 + isqrt(784 + 56 * rank)
    candidates = -(-reach * rows // sample)
    return Selection(rows=rows, count=count, sample=sample, rank=rank, candidates=candidates)


def _price(selection: Selection, batch: int) -> float:
    sorts = (plan_stages(selection.sample, batch), plan_stages(selection.candidates, batch))
    once = batch + selection.rows - selection.sample
    return once + sum(stages_price(schedule, batch) for schedule in sorts)


def smallest(
    p: SharingProtocol, keys: Bits, columns: Sequence[Share], selection: Selection
) -> list[Share]:
    """Keys and columns of the smallest rows, ascending; ties in their original order.

    Cost: 2 rounds and 4/3 (W + log2 n) bits per row for the shuffle; one comparison per row, less
    than 2 (w + log2 n) bits, and the sorts of the sample and of the candidates.
    """
    ties, moved, _ = shuffled_rows(p, keys, columns, distinct=False)
    compared = as_bits(moved[0])
    batch = batch_in_comparisons(p, keys.rows, compared.width)
    source = None
    if p.counts_only:
        _count(p, compared.width, selection, batch)
    else:
        source = _found(p, PackedKeys.of(compared), selection, batch)
    kept = [compared.planes(ties, compared.width), *moved[1:]]
    return [permute_rows(column, source, rows=selection.count) for column in kept]


def _found(p: SharingProtocol, keys: PackedKeys, selection: Selection, batch: int) -> _Rows:
    """The positions of the smallest rows, ascending."""
    count, sample = selection.count, selection.sample
    order = find_order(p, keys, plan_stages(sample, batch))
    pivot = keys.take(order[selection.rank - 1 : selection.rank])
    rest = np.arange(sample, keys.rows, dtype=np.intp)
    once = pivot.bits(np.zeros(len(rest), dtype=np.intp))
    below = opened_less(p, keys.bits(rest), once, len(rest))
    chosen = np.zeros(keys.rows, dtype=np.bool_)
    chosen[order[: selection.rank]] = True
    chosen[sample:] = below != 0
    missing = selection.candidates - int(np.count_nonzero(chosen))
    if missing < 0 or selection.candidates - missing < count:
        return find_order(p, keys, plan_stages(keys.rows, batch))[:count]
    others = np.flatnonzero(~chosen)
    chosen[others[np.arange(missing) * len(others) // max(missing, 1)]] = True
    candidates = np.flatnonzero(chosen)
    schedule = plan_stages(selection.candidates, batch)
    return candidates[find_order(p, keys.take(candidates), schedule)[:count]]


def _count(p: SharingProtocol, width: int, selection: Selection, batch: int) -> None:
    """Counts what `_found` runs."""
    count_batches(p, width, plan_stages(selection.sample, batch))
    rest = selection.rows - selection.sample
    count_comparisons(p, rest, width, rest)
    count_batches(p, width, plan_stages(selection.candidates, batch))
