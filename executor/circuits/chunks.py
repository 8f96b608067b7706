"""Rows taken chunk by chunk, so that what a circuit needs on the way is bounded.

Chunks multiply rounds. So they follow from public sizes and from what a round is worth, the same
at every party and in a dry run: a plane of a chunk takes as long as two rounds at least. There are
few of them however many the rows are, which bounds the rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from ...planner.spilling import MOST_CHUNKS
from ..sharing.groups import on_disk
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Share
from .rows import concat_rows, slice_rows

PLANE_ROUNDS = 2
"""So many rounds a plane of a chunk is worth, at least."""


def chunk_count(p: SharingProtocol, rows: float) -> int:
    """In how many chunks so many rows (as an expectation) are taken."""
    return min(MOST_CHUNKS, max(1, ceil(rows / (8 * PLANE_ROUNDS * p.round_worth))))


def row_ranges(p: SharingProtocol, rows: int) -> list[tuple[int, int]]:
    """Where the chunks start and stop: at whole words."""
    step = 64 * max(1, ceil(rows / (64 * chunk_count(p, rows))))
    return [(start, min(start + step, rows)) for start in range(0, rows, step)] or [(0, 0)]


def by_chunks(
    p: SharingProtocol,
    shares: Sequence[Share],
    work: Callable[[Sequence[Share]], Sequence[Share]],
) -> list[Share]:
    """What `work`, which works row by row, makes of shares of equally many rows.

    Cost: the rounds of `work` for every chunk.
    """
    ranges = row_ranges(p, shares[0].rows)
    if len(ranges) == 1:
        return list(work(shares))
    pieces = []
    for start, stop in ranges:
        ready = work([slice_rows(share, start, stop) for share in shares])
        pieces.append(on_disk(p, list(ready)))
    return [
        ready for column in zip(*pieces, strict=True) for ready in on_disk(p, [concat_rows(column)])
    ]
