"""Between bit planes and rows of bytes: what moving rows about needs.

Planes hold row r in bit r % 64 of word r // 64; packed rows hold plane p in bit p % 8 of byte
p // 8. Both directions are transposes of bit matrices, done as 8 x 8 blocks inside 64-bit words
(Warren, Hacker's Delight, section 7-3), in blocks of rows that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .shares import Words, words

_BLOCK_WORDS = 1024
"""Words of one plane per block: 8 planes of them, and the scratch, fit the first-level cache."""

_STEPS = (
    (1, np.uint64(1), np.uint64(0x5555555555555555)),
    (2, np.uint64(2), np.uint64(0x3333333333333333)),
    (4, np.uint64(4), np.uint64(0x0F0F0F0F0F0F0F0F)),
)


def row_bytes(width: int) -> int:
    """Bytes of one packed row of `width` bits."""
    return (width + 7) // 8


def planes_to_rows(planes: Words, rows: int) -> NDArray[np.uint8]:
    """Packs planes, shape (width, words(rows)), to bytes, shape (rows, row_bytes(width))."""
    width = len(planes)
    packed = np.empty((words(rows) * 64, row_bytes(width)), dtype=np.uint8)
    for start, stop, eight, scratch in _blocks(words(rows)):
        for group in range(row_bytes(width)):
            source = planes[group * 8 : group * 8 + 8, start:stop]
            eight[: len(source)] = source
            eight[len(source) :] = 0
            _transpose_bits(eight, scratch)
            target = packed[start * 64 : stop * 64, group].reshape(-1, 8)
            target[...] = eight.view(np.uint8).T
    return packed[:rows]


def rows_to_planes(packed: NDArray[np.uint8], width: int) -> Words:
    """Unpacks bytes, shape (rows, row_bytes(width)), to planes; bits past the last row are 0."""
    rows = len(packed)
    planes = np.empty((width, words(rows)), dtype=np.uint64)
    for start, stop, eight, scratch in _blocks(words(rows)):
        block = packed[start * 64 : stop * 64]
        whole = len(block) // 8
        for group in range(row_bytes(width)):
            lanes = eight.view(np.uint8)
            column = block[:, group]
            lanes[:, :whole] = column[: whole * 8].reshape(-1, 8).T
            lanes[:, whole:] = 0
            lanes[: len(column) - whole * 8, whole : whole + 1] = column[whole * 8 :, None]
            _transpose_bits(eight, scratch)
            target = planes[group * 8 : group * 8 + 8, start:stop]
            target[...] = eight[: len(target)]
    return planes


def _blocks(count: int) -> Iterator[tuple[int, int, Words, Words]]:
    """Ranges of words, each with a block of eight planes and scratch for half of it."""
    for start in range(0, count, _BLOCK_WORDS):
        stop = min(count, start + _BLOCK_WORDS)
        eight = np.empty((8, stop - start), dtype=np.uint64)
        yield start, stop, eight, np.empty((4, stop - start), dtype=np.uint64)


def _transpose_bits(eight: Words, scratch: Words) -> None:
    """Swaps plane number and bit position inside every byte, in place; its own inverse."""
    for step, shift, mask in _STEPS:
        pairs = eight.reshape(4 // step, 2, step, -1)
        low, high = pairs[:, 0], pairs[:, 1]
        swap = scratch.reshape(low.shape)
        np.right_shift(low, shift, out=swap)
        swap ^= high
        swap &= mask
        high ^= swap
        swap <<= shift
        low ^= swap
