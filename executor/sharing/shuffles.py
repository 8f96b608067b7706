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

import numpy as np
from numpy.typing import NDArray

from .link import Link
from .messages import BACKWARD, FORWARD, Roles, check_rows, relation_rows, shuffle_rounds
from .packed_rows import (
    Arrays,
    add_mask,
    columns_of,
    drawn_component,
    packed,
    packed_pieces,
    payload_arrays,
    reshared,
    subtract_mask,
    sum_of_parts,
    unpacked,
)
from .randomness import Purpose
from .shares import Share
from .spilling import Spill

_Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True, repr=False)
class SecretOrder:
    """The two of the three permutations that this party knows, by the peer that knows them too.

    Row r of a permuted relation is row source[r] of the relation.
    """

    rows: int
    sources: dict[int, _Order]

    def on_disk(self, spill: Spill) -> SecretOrder:
        """The same order, on disk. Errors: SessionError."""
        kept = spill.keep_arrays(list(self.sources.values()))
        return SecretOrder(self.rows, dict(zip(self.sources, kept, strict=True)))


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
    return columns_of(columns, by_peer[link.previous], by_peer[link.next])


def _at_first(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles
) -> dict[int, Arrays]:
    """Party `first`: sends A, draws m and l. Returns its components by the peer that has them."""
    rounds = shuffle_rounds(columns, roles)
    values = packed(columns, [sum_of_parts(column) for column in columns])
    for peer in (roles.middle, roles.last):
        values = [array.take(sources[peer], axis=0) for array in values]
        add_mask(link, peer, Purpose.SHUFFLE, values)
    link.exchange(rounds[0], {roles.middle: values})
    link.exchange(rounds[1], {})
    return {peer: drawn_component(link, peer, columns) for peer in (roles.middle, roles.last)}


def _at_middle(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles
) -> dict[int, Arrays]:
    """Party `middle`: sends B, makes X of A, reshares it with `last`."""
    first, last = roles.first, roles.last
    rounds = shuffle_rounds(columns, roles)
    index = 1 if link.next == last else 0
    values = packed(columns, [column.parts[index] for column in columns])
    values = [array.take(sources[first], axis=0) for array in values]
    subtract_mask(link, first, Purpose.SHUFFLE, values)
    received = link.exchange(rounds[0], {last: values}).get(first)
    values = payload_arrays(received, packed_pieces(columns))
    values = unpacked(columns, [array.take(sources[last], axis=0) for array in values])
    return reshared(link, rounds[1], values, columns, first=first, peer=last)


def _at_last(
    link: Link, sources: dict[int, _Order], columns: Sequence[Share], roles: Roles
) -> dict[int, Arrays]:
    """Party `last`: makes Y of B, reshares it with `middle`."""
    first, middle = roles.first, roles.middle
    rounds = shuffle_rounds(columns, roles)
    received = link.exchange(rounds[0], {}).get(middle)
    values = payload_arrays(received, packed_pieces(columns))
    values = [array.take(sources[first], axis=0) for array in values]
    subtract_mask(link, first, Purpose.SHUFFLE, values)
    values = unpacked(columns, [array.take(sources[middle], axis=0) for array in values])
    return reshared(link, rounds[1], values, columns, first=first, peer=middle)


def _inverse(source: _Order) -> _Order:
    inverse = np.empty_like(source)
    inverse[source] = np.arange(len(source), dtype=source.dtype)
    return inverse
