"""A relation of N pieces as rows that move: packed bits, then ring vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..messages import relation_rows
from ..pack import planes_to_rows, row_bytes, rows_to_planes
from ..randomness import Stream
from ..rounds import split
from ..shares import Bits, Ring, Share

Arrays = list[NDArray[Any]]
"""Rows in the form in which they move: packed bits, shape (n, bytes), then ring vectors."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """What one row holds: bits, and ring elements by their size."""

    rows: int
    width: int
    rings: tuple[int, ...]

    @staticmethod
    def of(columns: Sequence[Share]) -> RowShape:
        return RowShape(
            rows=relation_rows(columns),
            width=sum(c.width for c in columns if isinstance(c, Bits)),
            rings=tuple(c.bits for c in columns if isinstance(c, Ring)),
        )

    @property
    def row_bytes(self) -> int:
        return row_bytes(self.width) + sum(self.rings) // 8

    def with_rows(self, rows: int) -> RowShape:
        """So many rows of the same shape."""
        return RowShape(rows=rows, width=self.width, rings=self.rings)


def rows_of(columns: Sequence[Share]) -> Arrays:
    """This party's piece of a relation, as rows that move."""
    planes = [c.parts[0] for c in columns if isinstance(c, Bits)]
    width = sum(len(p) for p in planes)
    rows = relation_rows(columns)
    packed = (
        planes_to_rows(np.concatenate(planes), rows) if width else np.empty((rows, 0), np.uint8)
    )
    return [packed, *(c.parts[0] for c in columns if isinstance(c, Ring))]


def rows_without_bytes(columns: Sequence[Share]) -> Arrays:
    """Rows of no bits, or no rows."""
    return zeros(RowShape.of(columns), relation_rows(columns))


def columns_of(columns: Sequence[Share], arrays: Arrays) -> list[Share]:
    """Rows that moved, as columns of the given shapes."""
    width = sum(c.width for c in columns if isinstance(c, Bits))
    planes = rows_to_planes(arrays[0], width)
    rings = iter(arrays[1:])
    made: list[Share] = []
    position = 0
    for column in columns:
        if isinstance(column, Bits):
            part = planes[position : position + column.width]
            made.append(Bits(column.rows, column.width, (part,)))
            position += column.width
        else:
            made.append(Ring(column.rows, column.bits, (next(rings),)))
    return made


def combine(one: Arrays, other: Arrays) -> Arrays:
    """Piece by piece: XOR of bytes, sum of ring elements."""
    return [a ^ b if a.dtype == np.uint8 else a + b for a, b in zip(one, other, strict=True)]


def difference(one: Arrays, other: Arrays) -> Arrays:
    return [a ^ b if a.dtype == np.uint8 else a - b for a, b in zip(one, other, strict=True)]


def separated(payload: NDArray[np.uint8], shape: RowShape) -> Arrays:
    """A frame of whole rows as arrays."""
    return list(separated_rows(payload, shape, shape.rows))


def separated_like(payload: NDArray[np.uint8], rows: Arrays) -> Arrays:
    """A frame of whole rows as arrays like the given ones."""
    return split(payload, [(array.shape, array.dtype) for array in rows])


def zeros(shape: RowShape, rows: int) -> Arrays:
    packed = np.zeros((rows, row_bytes(shape.width)), np.uint8)
    return [packed, *(np.zeros(rows, f"uint{bits}") for bits in shape.rings)]


def random_rows(own: Stream, shape: RowShape, rows: int) -> Arrays:
    arrays = zeros(shape, rows)
    for array in arrays:
        own.fill(array)
    return arrays


def resized(arrays: Arrays, rows: int) -> Arrays:
    """Copies, cut or padded with rows of zeros."""
    result = []
    for array in arrays:
        copied = np.zeros((rows, *array.shape[1:]), array.dtype)
        kept = min(rows, len(array))
        copied[:kept] = array[:kept]
        result.append(copied)
    return result


def cut(messages: NDArray[np.uint8], shape: RowShape) -> Iterator[NDArray[Any]]:
    """Hash outputs as the arrays of a row."""
    start = row_bytes(shape.width)
    yield messages[:, :start]
    for bits in shape.rings:
        stop = start + bits // 8
        yield np.ascontiguousarray(messages[:, start:stop]).reshape(-1).view(f"uint{bits}")
        start = stop


def separated_rows(
    payload: NDArray[np.uint8], shape: RowShape, rows: int
) -> Iterator[NDArray[Any]]:
    """Arrays that travel back to back."""
    start = rows * row_bytes(shape.width)
    yield payload[:start].reshape(rows, row_bytes(shape.width))
    for bits in shape.rings:
        stop = start + rows * bits // 8
        piece = payload[start:stop]
        yield (piece if piece.ctypes.data % 8 == 0 else piece.copy()).view(f"uint{bits}")
        start = stop


def joined(arrays: Arrays) -> NDArray[np.uint8]:
    return np.concatenate([np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays])
