"""The rows of a relation in the form in which they move between parties, and the masks on them.

Ring columns are vectors; all bits of a row together are one packed row of bytes. Plus and minus
are XOR for bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .link import Link, split
from .messages import relation_rows
from .pack import planes_to_rows, row_bytes, rows_to_planes
from .randomness import Purpose
from .rounds import Round
from .shares import Bits, Ring, Share, words

Arrays = list[NDArray[Any]]
"""A relation's values: the ring columns, then its bits, as packed rows or as planes (2-D)."""


def packed(columns: Sequence[Share], parts: Sequence[NDArray[Any]]) -> Arrays:
    """Values in the form in which rows move: ring columns, then packed rows of all bits."""
    both = list(zip(columns, parts, strict=True))
    arrays = [part for column, part in both if isinstance(column, Ring)]
    planes = [part for column, part in both if isinstance(column, Bits)]
    if planes:
        arrays.append(planes_to_rows(np.concatenate(planes), relation_rows(columns)))
    return arrays


def packed_pieces(columns: Sequence[Share]) -> list[tuple[tuple[int, ...], Any]]:
    """Shapes and types of the arrays of `packed`."""
    pieces = _ring_pieces(columns)
    if any(isinstance(column, Bits) for column in columns):
        pieces.append(((relation_rows(columns), row_bytes(_width(columns))), np.uint8))
    return pieces


def unpacked(columns: Sequence[Share], arrays: Arrays) -> Arrays:
    """The bits as planes again, which is how they are reshared."""
    if any(isinstance(column, Bits) for column in columns):
        return [*arrays[:-1], rows_to_planes(arrays[-1], _width(columns))]
    return arrays


def drawn_component(link: Link, peer: int, columns: Sequence[Share]) -> Arrays:
    """A fresh component, known to this party and the peer, in the form of `unpacked`."""
    pieces = _ring_pieces(columns)
    if any(isinstance(column, Bits) for column in columns):
        pieces.append(((_width(columns), words(relation_rows(columns))), np.uint64))
    stream = link.stream(peer, Purpose.RESHARE)
    return [stream.draw(shape, dtype) for shape, dtype in pieces]


def reshared(
    link: Link,
    round_: Round,
    values: Arrays,
    columns: Sequence[Share],
    *,
    first: int,
    peer: int,
) -> dict[int, Arrays]:
    """Makes two addends, of this party and of `peer`, a sharing again.

    Masks this party's addend (in the form of `unpacked`) by the component that it shares with
    `first`, and swaps with the peer; the third component is the sum of both. Returns this party's
    components by the peer that has them, too. 1 round.
    """
    own = drawn_component(link, first, columns)
    for value, mask in zip(values, own, strict=True):
        combine(value, mask, np.subtract)
    received = link.exchange(round_, {peer: values}).get(peer)
    third = payload_arrays(received, [(value.shape, value.dtype) for value in values])
    for value, addend in zip(third, values, strict=True):
        combine(value, addend, np.add)
    return {first: own, peer: third}


def columns_of(columns: Sequence[Share], first: Arrays, second: Arrays) -> list[Share]:
    """Cuts two components back into columns, in the columns' order."""
    ring = plane = 0
    result: list[Share] = []
    for column in columns:
        if isinstance(column, Ring):
            result.append(Ring(column.rows, column.bits, (first[ring], second[ring])))
            ring += 1
        else:
            planes = slice(plane, plane + column.width)
            parts = (first[-1][planes], second[-1][planes])
            result.append(Bits(column.rows, column.width, parts))
            plane += column.width
    return result


def _ring_pieces(columns: Sequence[Share]) -> list[tuple[tuple[int, ...], Any]]:
    return [((c.rows,), f"uint{c.bits}") for c in columns if isinstance(c, Ring)]


def _width(columns: Sequence[Share]) -> int:
    return sum(column.width for column in columns if isinstance(column, Bits))


def sum_of_parts(column: Share) -> NDArray[Any]:
    """What this party's two components add up to."""
    if isinstance(column, Ring):
        return column.parts[0] + column.parts[1]
    return column.parts[0] ^ column.parts[1]


def payload_arrays(
    received: NDArray[np.uint8] | None, pieces: Sequence[tuple[tuple[int, ...], Any]]
) -> Arrays:
    """A frame, or none where there would be no bytes in it, as arrays."""
    return split(np.empty(0, dtype=np.uint8) if received is None else received, pieces)


def add_mask(link: Link, peer: int, purpose: Purpose, arrays: Arrays) -> None:
    """Adds the next masks of the stream shared with the peer, in place."""
    stream = link.stream(peer, purpose)
    for array in arrays:
        if array.ndim == 1:
            stream.add_into(array)
        else:
            stream.xor_into(array)


def subtract_mask(link: Link, peer: int, purpose: Purpose, arrays: Arrays) -> None:
    """Takes the next masks of the stream shared with the peer away, in place."""
    stream = link.stream(peer, purpose)
    for array in arrays:
        if array.ndim == 1:
            stream.subtract_from(array)
        else:
            stream.xor_into(array)


def combine(target: NDArray[Any], other: NDArray[Any], function: np.ufunc) -> None:
    """Adds or subtracts in place; bits are XORed either way."""
    (function if target.ndim == 1 else np.bitwise_xor)(target, other, out=target)
