"""Rows moved as one party alone knows, on replicated shares: permutations, and lookups.

Setting: three parties, one of them may be curious. The owner of the permutation holds two of the
three components of every row; its own sum of them it moves by itself. The third component is known
to both others. So a relation is two pieces here: the owner's, and one that is held by `holder`.

One step, for a one-to-one choice s of rows that the owner knows (+ is XOR for bits):
  1. Owner and holder draw a random order r and masks Z from their stream. The holder sends the
     piece in masked form, r(v + Z), to the third party, the taker.
  2. The owner sends the taker where in these rows each result stands: the places of s in r.
  3. The taker picks s(v + Z), the owner takes s(u - Z): the new pieces. Both sends are one round.
The taker sees rows under masks and places under a random order, neither of which it knows; nobody
else receives anything. The next step goes back from the taker to the holder, under fresh r and Z.
At the end the owner and the taker reshare (packed_rows.py).

Lookup of entries that may repeat: copies are sums of differences, so they are free once equal
requests stand together.
  1. A step over the entries takes those that are asked for, in ascending order, and then others
     up to as many as there are requests: how many are asked for stays unknown.
  2. Each takes the difference from its predecessor; zero rows are appended. A step over both puts
     each difference where its first request stands and a zero row at every other request.
  3. Add up from the top: every request has its entry. A step undoes the order of the requests.
Cost: a step of n rows to q: n W bits from the holder, q log2 n from the owner; the resharing q W
from either. Permutation 2 rounds, lookup 4. Source: PROTOCOLS, section 4.2, with the pieces kept
apart between the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...query.errors import PeerViolationError
from .link import Link
from .lookups import differences, lookup_choices, running, with_zeros
from .messages import relation_rows
from .owner_messages import (
    Step,
    gather_steps,
    moves_bytes,
    owner_step,
    place_bits,
    resized,
    step_reshare_round,
    step_round,
)
from .pack import planes_to_rows, row_bytes, rows_to_planes
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
from .shares import Ring, Share, Words, words

_Order = NDArray[np.intp]


def permute(link: Link, owner: int, source: _Order | None, columns: Sequence[Share]) -> list[Share]:
    """Row r of every result is row source[r]; `source` is a permutation, None but at its owner."""
    rows = relation_rows(columns)
    if not moves_bytes(columns, rows):
        return list(columns)
    step = owner_step(owner, 0, rows, rows)
    piece = _move(link, step, _pieces(link, owner, columns), source, columns)
    return _finished(link, step, piece, columns)


def gather(
    link: Link, owner: int, source: _Order | None, rows: int, columns: Sequence[Share]
) -> list[Share]:
    """Row r of every result, `rows` in all, is row source[r]; entries may repeat or be absent."""
    entries = relation_rows(columns)
    if rows and not entries:
        raise ValueError("there is no row to look up")
    if not moves_bytes(columns, rows):
        return _without_bytes(columns, rows)
    order, starts, requests = lookup_choices(source, entries)
    first, second, third = gather_steps(owner, entries, rows)
    piece = _pieces(link, owner, columns)
    piece = _move(link, first, piece, order, columns)
    piece = _each(piece, lambda array: with_zeros(differences(array), rows))
    piece = _move(link, second, piece, starts, columns)
    piece = _each(piece, running)
    piece = _move(link, third, piece, requests, columns)
    return _finished(link, third, piece, columns)


def _without_bytes(columns: Sequence[Share], rows: int) -> list[Share]:
    """Shares of no rows, or of rows without a plane."""
    return [
        column.map(lambda part: np.zeros(rows, part.dtype), rows=rows)
        if isinstance(column, Ring)
        else column.map(
            lambda part: np.zeros((len(part), words(rows)), np.uint64),
            rows=rows,
            width=column.width,
        )
        for column in columns
    ]


def _pieces(link: Link, owner: int, columns: Sequence[Share]) -> Arrays | None:
    """The owner's sum of components; at the first holder, the component that the owner lacks."""
    if link.party == owner:
        return packed(columns, [sum_of_parts(column) for column in columns])
    if link.party == (owner + 1) % 3:
        return packed(columns, [column.parts[1].copy() for column in columns])
    return None


def _move(
    link: Link,
    step: Step,
    piece: Arrays | None,
    source: _Order | None,
    columns: Sequence[Share],
) -> Arrays | None:
    """One step: the pieces of owner and taker become those of the chosen rows."""
    if link.party == step.owner:
        assert piece is not None
        assert source is not None
        return _at_owner(link, step, piece, source, columns)
    if link.party == step.holder:
        assert piece is not None
        _at_holder(link, step, piece, columns)
        return None
    return _at_taker(link, step, columns)


def _at_owner(
    link: Link, step: Step, piece: Arrays, source: _Order, columns: Sequence[Share]
) -> Arrays:
    order = link.stream(step.holder, Purpose.PERMUTATION).permutation(step.entering)
    subtract_mask(link, step.holder, Purpose.SHUFFLE, piece)
    place_of = np.empty_like(order)
    place_of[order] = np.arange(step.entering, dtype=order.dtype)
    places = _place_planes(place_of[source], step.entering)
    link.exchange(step_round(step, columns), {step.taker: [places]})
    return [array.take(source, axis=0) for array in piece]


def _at_holder(link: Link, step: Step, piece: Arrays, columns: Sequence[Share]) -> None:
    order = link.stream(step.owner, Purpose.PERMUTATION).permutation(step.entering)
    add_mask(link, step.owner, Purpose.SHUFFLE, piece)
    rows = [array.take(order, axis=0) for array in piece]
    link.exchange(step_round(step, columns), {step.taker: rows})


def _at_taker(link: Link, step: Step, columns: Sequence[Share]) -> Arrays:
    received = link.exchange(step_round(step, columns), {})
    rows = payload_arrays(received.get(step.holder), packed_pieces(resized(columns, step.entering)))
    places = _places(received.get(step.owner), step)
    if len(places) and int(places.max()) >= step.entering:
        error = PeerViolationError(
            "a place among the rows to move is past their end", party=str(step.owner)
        )
        link.fail(error)
        raise error
    return [array.take(places, axis=0) for array in rows]


def _finished(
    link: Link, step: Step, piece: Arrays | None, columns: Sequence[Share]
) -> list[Share]:
    """The pieces of the last step as shares."""
    shapes = resized(columns, step.leaving)
    round_ = step_reshare_round(step, columns)
    if piece is None:
        link.exchange(round_, {})
        by_peer = {peer: drawn_component(link, peer, shapes) for peer in (step.owner, step.taker)}
        return columns_of(shapes, by_peer[link.previous], by_peer[link.next])
    peer = step.taker if link.party == step.owner else step.owner
    values = unpacked(shapes, piece)
    by_peer = reshared(link, round_, values, shapes, first=step.holder, peer=peer)
    return columns_of(shapes, by_peer[link.previous], by_peer[link.next])


def _each(piece: Arrays | None, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Arrays | None:
    return None if piece is None else [change(array) for array in piece]


def _place_planes(places: _Order, rows: int) -> Words:
    """Row numbers among so many rows, in as many bits as these take."""
    width = place_bits(rows)
    data = places.astype("<u8").view(np.uint8).reshape(-1, 8)
    return rows_to_planes(data[:, : row_bytes(width)], width)


def _places(received: NDArray[np.uint8] | None, step: Step) -> _Order:
    """The row numbers that the owner sent."""
    width = place_bits(step.entering)
    wide = np.zeros((step.leaving, 8), np.uint8)
    if received is not None:
        planes = received.view(np.uint64).reshape(width, -1)
        wide[:, : row_bytes(width)] = planes_to_rows(planes, step.leaving)
    return wide.view("<u8").reshape(-1).astype(np.intp)
