"""Public row numbers as bit planes, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..sharing.pack import planes_to_rows, row_bytes, rows_to_planes
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Words


def number_width(rows: int) -> int:
    """Planes that the numbers of so many rows take."""
    return max(rows - 1, 0).bit_length()


def row_numbers(p: SharingProtocol, rows: int) -> Bits:
    """A sharing of 0, 1, 2, ... of `number_width(rows)` planes. Local."""
    width = number_width(rows)
    if p.counts_only:
        return p.constant_bits(0, width, rows)
    numbers = np.arange(rows, dtype="<u4").view(np.uint8).reshape(rows, 4)
    return p.public_bits(rows_to_planes(numbers[:, : row_bytes(width)], width), rows)


def numbers_of(planes: Words, rows: int) -> NDArray[np.intp]:
    """The unsigned values of opened planes, at most 62 of them."""
    packed = np.zeros((rows, 8), dtype=np.uint8)
    packed[:, : row_bytes(len(planes))] = planes_to_rows(planes, rows)
    return packed.reshape(-1).view("<i8").astype(np.intp, copy=False)
