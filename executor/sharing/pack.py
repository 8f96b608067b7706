"""Between bit planes and rows of bytes: what moving rows about needs.

Planes hold row r in bit r % 64 of word r // 64; packed rows hold plane p in bit p % 8 of byte
p // 8. Both directions are transposes of bit matrices, done as 8 x 8 blocks inside 64-bit words
(Warren, Hacker's Delight, section 7-3). Blocks of rows stay in the cache; where there are few
rows, a block holds many groups of eight planes, so that wide rows take few calls.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .shares import Words, words

_BLOCK_WORDS = 2048
"""Words of one plane per block, or of planes of several groups: eight times as many, and the
scratch, fit the second-level cache."""

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
    if len(planes) == 1:
        return np.unpackbits(_octets(planes[0]), count=rows, bitorder="little")[:, None]
    packed = np.empty((words(rows) * 64, row_bytes(len(planes))), dtype=np.uint8)
    lanes = _lanes(packed)
    whole, rest = _groups(planes)
    for groups, columns, eight, scratch in _blocks(packed.shape[1], words(rows)):
        given = whole[:, groups, columns]
        eight[:, : given.shape[1]] = given
        if given.shape[1] < eight.shape[1]:
            eight[: len(rest), -1] = rest[:, columns]
            eight[len(rest) :, -1] = 0
        _transpose_bits(eight, scratch)
        lanes[:, groups, columns.start * 8 : columns.stop * 8] = eight.view(np.uint8)
    return packed[:rows]


def rows_to_planes(packed: NDArray[np.uint8], width: int) -> Words:
    """Unpacks bytes, shape (rows, row_bytes(width)), to planes; bits past the last row are 0."""
    planes = np.empty((width, words(len(packed))), dtype=np.uint64)
    if width == 1:
        bits = np.packbits(packed[:, 0] & 1, bitorder="little")
        planes[0, -1:] = 0
        _octets(planes[0])[: len(bits)] = bits
        return planes
    lanes, last = _lanes(packed), packed[len(packed) // 8 * 8 :]
    whole, rest = _groups(planes)
    for groups, columns, eight, scratch in _blocks(packed.shape[1], planes.shape[1]):
        given = lanes[:, groups, columns.start * 8 : columns.stop * 8]
        octets = eight.view(np.uint8)
        octets[:, :, : given.shape[2]] = given
        if given.shape[2] < octets.shape[2]:
            octets[:, :, given.shape[2] :] = 0
            octets[: len(last), :, given.shape[2]] = last[:, groups]
        _transpose_bits(eight, scratch)
        target = whole[:, groups, columns]
        target[...] = eight[:, : target.shape[1]]
        if target.shape[1] < eight.shape[1]:
            rest[:, columns] = eight[: len(rest), -1]
    return planes


def _octets(plane: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """One plane as bytes of eight rows each."""
    return np.ascontiguousarray(plane).view(np.uint8)


def _lanes(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A view of the rows in whole eights: row in its eight, byte of the row, eight."""
    count, size = len(packed) // 8, packed.shape[1]
    return packed[: count * 8].reshape(count, 8, size).transpose(1, 2, 0)


def _groups(planes: Words) -> tuple[Words, Words]:
    """Views of the planes: number in its eight, eight, word; and the planes that are left."""
    count = len(planes) // 8
    whole = planes[: count * 8].reshape(count, 8, planes.shape[1])
    return whole.transpose(1, 0, 2), planes[count * 8 :]


def _blocks(groups: int, count: int) -> Iterator[tuple[slice, slice, Words, Words]]:
    """Ranges of groups and of words, with a block of these groups' planes and scratch for half."""
    together = max(1, min(groups, _BLOCK_WORDS // max(1, count)))
    space = np.empty(12 * together * min(count, _BLOCK_WORDS), dtype=np.uint64)
    for column in range(0, count, _BLOCK_WORDS):
        columns = slice(column, min(count, column + _BLOCK_WORDS))
        for group in range(0, groups, together):
            some = slice(group, min(groups, group + together))
            shape = (8, some.stop - some.start, columns.stop - columns.start)
            size = math.prod(shape)
            yield some, columns, space[:size].reshape(shape), space[size : size * 3 // 2]


def _transpose_bits(eight: Words, scratch: Words) -> None:
    """Swaps plane number and bit position inside every byte, in place; its own inverse."""
    for step, shift, mask in _STEPS:
        pairs = eight.reshape(4 // step, 2, step, eight[0].size)
        low, high = pairs[:, 0], pairs[:, 1]
        swap = scratch.reshape(low.shape)
        np.right_shift(low, shift, out=swap)
        swap ^= high
        swap &= mask
        high ^= swap
        swap <<= shift
        low ^= swap
