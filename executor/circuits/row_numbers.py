"""Public numbers of rows, as planes or in the ring, and back. In a dry run they are not made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..sharing.pack import planes_to_rows, row_bytes, rows_to_planes
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Words, words


def number_width(rows: int) -> int:
    """Planes that the numbers of so many rows take."""
    return max(rows - 1, 0).bit_length()


def row_numbers(p: SharingProtocol, rows: int, *, first: int = 0, width: int | None = None) -> Bits:
    """A sharing of first, first + 1, ...: `number_width(rows)` planes unless given. Local."""
    width = number_width(rows) if width is None else width
    if p.counts_only:
        return p.constant_bits(0, width, rows)
    numbers = np.arange(first, first + rows, dtype="<u8").view(np.uint8).reshape(rows, 8)
    return p.public_bits(rows_to_planes(numbers[:, : row_bytes(width)], width), rows)


def ring_numbers(p: SharingProtocol, rows: int, *, first: int = 0, bits: int = 64) -> Ring:
    """A sharing of first, first + 1, ... in the ring. Local."""
    if p.counts_only:
        return p.constant_ring(0, rows, bits)
    return p.constant_ring(np.arange(first, first + rows, dtype=f"u{bits // 8}"), rows, bits)


def row_range(p: SharingProtocol, start: int, stop: int, rows: int) -> Bits:
    """A sharing of a plane that is 1 in the rows [start, stop). Local."""
    if p.counts_only:
        return p.constant_bits(0, 1, rows)
    return p.public_bits(range_plane(start, stop, rows), rows)


def range_plane(start: int, stop: int, rows: int) -> Words:
    """A public plane that is 1 in the rows [start, stop)."""
    flags = np.zeros(words(rows) * 64, np.uint8)
    flags[start:stop] = 1
    packed: Words = np.packbits(flags, bitorder="little").view("<u8").reshape(1, -1)
    return packed


def numbers_of(planes: Words, rows: int) -> NDArray[np.intp]:
    """The unsigned values of opened planes, at most 62 of them."""
    packed = np.zeros((rows, 8), dtype=np.uint8)
    packed[:, : row_bytes(len(planes))] = planes_to_rows(planes, rows)
    return packed.reshape(-1).view("<i8").astype(np.intp, copy=False)
