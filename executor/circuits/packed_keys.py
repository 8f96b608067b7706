"""Shared keys laid out for gathering rows: by bytes, not by planes.

A comparison wants planes, a gather wants rows. Columns of bytes are the middle: a gather takes
one byte column at a time, and eight planes are packed out of a byte column by masks and
`numpy.packbits`, both at the speed of the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sharing.pack import planes_to_rows
from ..sharing.shares import Bits, Words, words

_BLOCK_ROWS = 1 << 15
"""Rows that are gathered at a time: their masked bytes stay in the cache while they are packed."""

_MASKS = np.array([[1 << plane] for plane in range(8)], dtype=np.uint8)

_Columns = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PackedKeys:
    """For every component the bytes of all rows' keys, shape (bytes, rows)."""

    rows: int
    width: int
    parts: tuple[_Columns, ...]

    @staticmethod
    def of(keys: Bits) -> PackedKeys:
        """The same keys by bytes. Local."""
        columns = [np.ascontiguousarray(planes_to_rows(x, keys.rows).T) for x in keys.parts]
        return PackedKeys(keys.rows, keys.width, tuple(columns))

    def take(self, source: NDArray[np.intp]) -> PackedKeys:
        """The keys of rows source[0], source[1], and so on."""
        parts = tuple(np.take(part, source, axis=1) for part in self.parts)
        return PackedKeys(len(source), self.width, parts)

    def bits(self, source: NDArray[np.intp]) -> Bits:
        """The keys of the given rows as planes; bits past the last row are 0."""
        parts = tuple(_planes(part, source, self.width) for part in self.parts)
        return Bits(len(source), self.width, parts)


def _planes(columns: _Columns, source: NDArray[np.intp], width: int) -> Words:
    planes = np.zeros((width, words(len(source))), dtype=np.uint64)
    lanes = planes.view(np.uint8)
    scratch = np.empty((8, min(_BLOCK_ROWS, len(source))), dtype=np.uint8)
    for start in range(0, len(source), _BLOCK_ROWS):
        block = source[start : start + _BLOCK_ROWS]
        begin, end = start // 8, start // 8 + (len(block) + 7) // 8
        for place, column in enumerate(columns):
            target = lanes[8 * place : 8 * place + 8, begin:end]
            masked = scratch[: len(target), : len(block)]
            np.bitwise_and(column.take(block), _MASKS[: len(target)], out=masked)
            target[...] = np.packbits(masked, axis=1, bitorder="little")
    return planes
