"""Shuffles by a permutation that nobody knows, on replicated shares.

Setting: three parties, one of them may be curious. Each pair shares a random permutation; all
three are applied one after the other, so every party lacks one of them. `first` knows the first
two, `middle` the first and the last, `last` the last two. (Plus and minus are XOR for bits.)
  1. middle: B = p1(x) - Z1 for the component x that `first` lacks; sends B to last.
  2. first: A = p2(p1(v) + Z1) + Z2 for the sum v of its own two components; sends A to middle.
  3. middle: X = p3(A). last: Y = p3(p2(B) - Z2). So X + Y is the permuted value.
  4. Resharing: m from the stream of (first, middle), l from the stream of (last, first); middle
     sends X - m to last, last sends Y - l to middle; the third component is the sum of both.
Every message is masked by a stream that its receiver does not hold: A by Z2, B by Z1, X - m by m,
Y - l by l. Two rounds, four messages of whole rows. Masks are fresh in every call; a permutation
may be used again, as nothing that depends on it is ever sent unmasked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .link import Link, split
from .messages import BACKWARD, FORWARD, Roles, check_rows, relation_rows, shuffle_rounds
from .pack import planes_to_rows, row_bytes, rows_to_planes
from .randomness import Purpose
from .shares import Bits, Ring, Share, words

_Order = NDArray[np.intp]
_Arrays = list[NDArray[Any]]
"""A relation's values: the ring columns, then its bits, as packed rows or as planes (2-D)."""


@dataclass(frozen=True, slots=True, repr=False)
class SecretOrder:
    """The two of the three permutations that this party knows, by the peer that knows them too.

    Row r of a permuted relation is row source[r] of the relation.
    """

    rows: int
    sources: dict[int, _Order]


def draw_order(link: Link, columns: Sequence[Share]) -> SecretOrder:
    """Draws this party's part of a fresh secret permutation. Local."""
    rows = relation_rows(columns)
    peers = sorted((link.previous, link.next))
    sources = {peer: link.stream(peer, Purpose.PERMUTATION).permutation(rows) for peer in peers}
    return SecretOrder(rows, sources)


def apply(link: Link, order: SecretOrder, columns: Sequence[Share]) -> list[Share]:
    """The columns in the secret order."""
    return _run(link, order.sources, columns, FORWARD, order.rows)


def undo(link: Link, order: SecretOrder, columns: Sequence[Share]) -> list[Share]:
    """Columns that stand in the secret order, brought back."""
    inverses = {peer: _inverse(source) for peer, source in order.sources.items()}
    return _run(link, inverses, columns, BACKWARD, order.rows)


def _run(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles, rows: int
) -> list[Share]:
    check_rows(columns, rows)
    if link.party == roles.first:
        by_peer = _at_first(link, sources, columns, roles)
    elif link.party == roles.middle:
        by_peer = _at_middle(link, sources, columns, roles)
    else:
        by_peer = _at_last(link, sources, columns, roles)
    return _columns(columns, by_peer[link.previous], by_peer[link.next])


def _at_first(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles
) -> dict[int, _Arrays]:
    """Party `first`: sends A, draws m and l. Returns its components by the peer that has them."""
    rounds = shuffle_rounds(columns, roles)
    values = _packed(columns, [_sum(column) for column in columns])
    for peer in (roles.middle, roles.last):
        values = [array.take(sources[peer], axis=0) for array in values]
        _add(link, peer, Purpose.SHUFFLE, values)
    link.exchange(rounds[0], {roles.middle: values})
    return {peer: _drawn(link, peer, columns) for peer in (roles.middle, roles.last)}


def _at_middle(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles
) -> dict[int, _Arrays]:
    """Party `middle`: sends B, makes X of A, reshares it with `last`."""
    first, last = roles.first, roles.last
    rounds = shuffle_rounds(columns, roles)
    index = 1 if link.next == last else 0
    values = _packed(columns, [column.parts[index] for column in columns])
    values = [array.take(sources[first], axis=0) for array in values]
    _subtract(link, first, Purpose.SHUFFLE, values)
    received = link.exchange(rounds[0], {last: values}).get(first)
    values = _payload(received, _packed_pieces(columns))
    values = _unpacked(columns, [array.take(sources[last], axis=0) for array in values])
    return _reshared(link, values, columns, roles, peer=last)


def _at_last(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles
) -> dict[int, _Arrays]:
    """Party `last`: makes Y of B, reshares it with `middle`."""
    first, middle = roles.first, roles.middle
    rounds = shuffle_rounds(columns, roles)
    received = link.exchange(rounds[0], {}).get(middle)
    values = _payload(received, _packed_pieces(columns))
    values = [array.take(sources[first], axis=0) for array in values]
    _subtract(link, first, Purpose.SHUFFLE, values)
    values = _unpacked(columns, [array.take(sources[middle], axis=0) for array in values])
    return _reshared(link, values, columns, roles, peer=middle)


def _reshared(
    link: Link, values: _Arrays, columns: Sequence[Share], roles: Roles, *, peer: int
) -> dict[int, _Arrays]:
    """Masks this party's addend by the component shared with `first`, and swaps with the peer."""
    own = _drawn(link, roles.first, columns)
    for value, mask in zip(values, own, strict=True):
        _combine(value, mask, np.subtract)
    second = shuffle_rounds(columns, roles)[1]
    received = link.exchange(second, {peer: values}).get(peer)
    third = _payload(received, [(value.shape, value.dtype) for value in values])
    for value, addend in zip(third, values, strict=True):
        _combine(value, addend, np.add)
    return {roles.first: own, peer: third}


def _packed(columns: Sequence[Share], parts: Sequence[NDArray[Any]]) -> _Arrays:
    """Values in the form in which rows move: ring columns, then packed rows of all bits."""
    both = list(zip(columns, parts, strict=True))
    arrays = [part for column, part in both if isinstance(column, Ring)]
    planes = [part for column, part in both if isinstance(column, Bits)]
    if planes:
        arrays.append(planes_to_rows(np.concatenate(planes), relation_rows(columns)))
    return arrays


def _packed_pieces(columns: Sequence[Share]) -> list[tuple[tuple[int, ...], Any]]:
    pieces = _ring_pieces(columns)
    if any(isinstance(column, Bits) for column in columns):
        pieces.append(((relation_rows(columns), row_bytes(_width(columns))), np.uint8))
    return pieces


def _unpacked(columns: Sequence[Share], arrays: _Arrays) -> _Arrays:
    """The bits as planes again, which is how they are reshared."""
    if any(isinstance(column, Bits) for column in columns):
        return [*arrays[:-1], rows_to_planes(arrays[-1], _width(columns))]
    return arrays


def _drawn(link: Link, peer: int, columns: Sequence[Share]) -> _Arrays:
    """A fresh component, known to this party and the peer, in the form of `_unpacked`."""
    pieces = _ring_pieces(columns)
    if any(isinstance(column, Bits) for column in columns):
        pieces.append(((_width(columns), words(relation_rows(columns))), np.uint64))
    stream = link.stream(peer, Purpose.RESHARE)
    return [stream.draw(shape, dtype) for shape, dtype in pieces]


def _columns(columns: Sequence[Share], first: _Arrays, second: _Arrays) -> list[Share]:
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


def _sum(column: Share) -> NDArray[Any]:
    if isinstance(column, Ring):
        return column.parts[0] + column.parts[1]
    return column.parts[0] ^ column.parts[1]


def _payload(
    received: NDArray[np.uint8] | None, pieces: Sequence[tuple[tuple[int, ...], Any]]
) -> _Arrays:
    return split(np.empty(0, dtype=np.uint8) if received is None else received, pieces)


def _add(link: Link, peer: int, purpose: Purpose, arrays: _Arrays) -> None:
    stream = link.stream(peer, purpose)
    for array in arrays:
        if array.ndim == 1:
            stream.add_into(array)
        else:
            stream.xor_into(array)


def _subtract(link: Link, peer: int, purpose: Purpose, arrays: _Arrays) -> None:
    stream = link.stream(peer, purpose)
    for array in arrays:
        if array.ndim == 1:
            stream.subtract_from(array)
        else:
            stream.xor_into(array)


def _combine(target: NDArray[Any], other: NDArray[Any], function: np.ufunc) -> None:
    """Adds or subtracts in place; bits are XORed either way."""
    (function if target.ndim == 1 else np.bitwise_xor)(target, other, out=target)


def _inverse(source: _Order) -> _Order:
    inverse = np.empty_like(source)
    inverse[source] = np.arange(len(source), dtype=source.dtype)
    return inverse
