"""From planes to the rows that are hashed: a transpose of 128 planes, in place, 64 x 64 bits each.

Six steps of swaps between planes (Warren, Hacker's Delight, section 7-3) act on whole planes, so
that a call of numpy handles half of the block; then whole words are copied to their rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..shares import Words

Rows = NDArray[np.uint8]

ROW_BYTES = 16
_WORD_BITS = 64

PITCH = 8
"""Words between planes: without them, all planes' words would compete for the same cache lines."""

_STEPS = tuple(
    (1 << step, np.uint64(1 << step), np.uint64((2**64 - 1) // (2 ** (1 << step) + 1)))
    for step in range(6)
)


def spaced_planes(count: int, length: int) -> Words:
    """Uninitialised planes of `length` words, spaced out in memory."""
    return np.empty((count, length + PITCH), np.uint64)[:, :length]


def transpose_into(planes: Words, rows: Rows, scratch: Words) -> None:
    """Writes rows, shape (64 n, 16), from planes, shape (128, n), which are destroyed.

    `scratch`: 32 planes.
    """
    count = planes.shape[1]
    target = rows.view(np.uint64).reshape(count, _WORD_BITS, 2)
    for half in (0, 1):
        block = planes[half * _WORD_BITS : (half + 1) * _WORD_BITS]
        _transpose(block, scratch[:, :count])
        target[:, :, half] = block.T


def _transpose(block: Words, scratch: Words) -> None:
    """Swaps plane number and bit position inside every word, in place."""
    count = block.shape[1]
    for step, shift, mask in _STEPS:
        pairs = block.reshape(32 // step, 2, step, count)
        low, high = pairs[:, 0], pairs[:, 1]
        swap = scratch.reshape(32 // step, step, count)
        np.right_shift(low, shift, out=swap)
        swap ^= high
        swap &= mask
        high ^= swap
        swap <<= shift
        low ^= swap
