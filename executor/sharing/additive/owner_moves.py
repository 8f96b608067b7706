"""Permutations and lookups that one party alone knows, under N-of-N secret splitting.

The owner P is the mover of moves.py, every other party Q a holder towards it; pairs without the
owner do nothing. For a lookup of q rows among t, the correlation is offset + leaving =
looked up(entering): P and Q pass Q's random rows through (Mohassel and Sadeghian, EUROCRYPT 2013)
  1. a network on max(t, q) rows. Equal requests then stand together: the first of them is the entry
     that they ask for, the others are rows that nobody has asked for.
  2. Repetition: each of the first q rows becomes the one before it where P says so. Q's new row
     l[j] is its own less the message m0 of a transfer, and it sends l[j-1] - l[j] - m1. Where P
     chose m0, its piece is m0 more; where it chose m1, the difference l[j-1] - l[j] makes its piece
     of that row out of the one before. Q's side depends on no choice, so that all rows go at once.
  3. A network on q rows: the requests' own order.
Of each transfer P learns one message, and the other masks what Q sends; Q learns no choice. P's
pieces, which it works out of them, are uniform as `leaving` is.
Cost: online 1 round, and the rows before the move; ahead the networks, and q transfers of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Kind
from ..lookups import repetitions, running
from ..messages import relation_rows
from ..ot.extension import extension_bytes
from ..ot.transfers import Transfers
from ..owner_messages import moves_bytes, resized
from ..randomness import Stream
from ..rounds import Round, Rounds, make_round
from ..shares import Share
from .messages import move_round
from .moves import Moves, make_moves, moved, moves_of
from .networks import Flags, Order
from .passing import (
    NOTHING,
    Passing,
    choice_plane,
    enter,
    layers,
    network_rounds,
    pairs_that_move,
    pass_network,
    transfer_words,
)
from .row_shapes import (
    Arrays,
    RowShape,
    columns_of,
    cut,
    difference,
    joined,
    rows_of,
    rows_without_bytes,
    separated,
)


class OwnerMoves:
    """This party's side of the moves of one session."""

    def __init__(self, link: Rounds, transfers: Transfers, own: Stream) -> None:
        self._link = link
        self._transfers = transfers
        self._own = own

    def permute(self, owner: int, source: Order | None, columns: Sequence[Share]) -> list[Share]:
        """Row r of every result is row source[r]."""
        if not moves_bytes(columns, relation_rows(columns)):
            return list(columns)
        shape = RowShape.of(columns)
        made = make_moves(self._link, self._transfers, self._own, shape, source, owner=owner)
        return columns_of(columns, self._moved(owner, made, columns))

    def gather(
        self, owner: int, source: Order | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        """Row r of every result, `rows` in all, is row source[r]."""
        if rows and not relation_rows(columns):
            raise ValueError("there is no row to look up")
        results = resized(columns, rows)
        if not moves_bytes(columns, rows):
            return columns_of(results, rows_without_bytes(results))
        made = self._lookup(owner, source, RowShape.of(columns), rows)
        return columns_of(results, self._moved(owner, made, columns))

    def _moved(self, owner: int, made: Moves, columns: Sequence[Share]) -> Arrays:
        """The online round."""
        round_ = move_round(self._link.parties, columns, owner)
        return moved(self._link, round_, owner, rows_of(columns), made)

    def _lookup(self, owner: int, source: Order | None, shape: RowShape, rows: int) -> Moves:
        """The correlations of a lookup of `rows` rows from those of `shape`."""
        spread = repeats = back = None
        if source is not None:
            spread, repeats, back = repetitions(source, shape.rows)
        link, transfers = self._link, self._transfers
        wide, result = lookup_shapes(shape, rows)
        entering = enter(link, self._own, shape, owner)
        passed = pass_network(link, transfers, wide, spread, entering, owner=owner)
        passed = _repeated(link, transfers, result, repeats, passed.resized(rows))
        passed = pass_network(link, transfers, result, back, passed, owner=owner)
        return moves_of(source, entering, passed)


def lookup_rounds(parties: int, shape: RowShape, rows: int, owner: int) -> list[Round]:
    """What is made ahead of a lookup."""
    wide, result = lookup_shapes(shape, rows)
    return [
        *permute_rounds(parties, wide, owner),
        *_repeat_rounds(parties, result, owner),
        *permute_rounds(parties, result, owner),
    ]


def lookup_shapes(shape: RowShape, rows: int) -> tuple[RowShape, RowShape]:
    """The rows of the two networks."""
    return shape.with_rows(max(shape.rows, rows)), shape.with_rows(rows)


def permute_rounds(parties: int, shape: RowShape, owner: int | None) -> list[Round]:
    """What is made ahead of a permutation by its owner, or of one by each party."""
    return [
        round_
        for batch in layers(shape)
        for round_ in network_rounds(parties, shape, len(batch), owner)
    ]


def _repeat_rounds(parties: int, shape: RowShape, owner: int) -> tuple[Round, Round]:
    pairs = pairs_that_move(parties, owner)
    size = extension_bytes(64 * transfer_words(shape.rows))
    row = shape.rows * shape.row_bytes
    return (
        make_round(Kind.OT_EXTEND, [(mover, holder, size) for mover, holder in pairs]),
        make_round(Kind.OT_CORRECT, [(holder, mover, row) for mover, holder in pairs]),
    )


def _repeated(
    link: Rounds,
    transfers: Transfers,
    shape: RowShape,
    repeats: Flags | None,
    passing: Passing,
) -> Passing:
    """Row j becomes what row j - 1 has become where repeats[j]; step 2."""
    choices = NOTHING.view(np.uint64) if repeats is None else choice_plane(repeats)
    count = transfer_words(shape.rows)
    made = transfers.extend(
        dict.fromkeys(passing.moved, choices), dict.fromkeys(passing.held, count)
    )
    held: dict[int, Arrays] = {}
    corrections = {}
    for mover, rows in passing.held.items():
        zero, one = made.sent[mover].both(shape.row_bytes)
        held[mover], correction = _held(shape, rows, zero[: shape.rows], one[: shape.rows])
        corrections[mover] = [correction]
    owner = next(iter(passing.held), link.party)
    round_ = _repeat_rounds(link.parties, shape, owner)[1]
    received = link.exchange(round_, corrections)
    moved = {}
    for peer, rows in passing.moved.items():
        assert repeats is not None
        chosen = made.received[peer].chosen(shape.row_bytes)[: shape.rows]
        given = separated(received.get(peer, NOTHING), shape)
        moved[peer] = [
            _steered(array, message, extra, repeats)
            for array, message, extra in zip(rows, cut(chosen, shape), given, strict=True)
        ]
    return Passing(moved, held)


def _held(
    shape: RowShape, rows: Arrays, zero: NDArray[np.uint8], one: NDArray[np.uint8]
) -> tuple[Arrays, NDArray[np.uint8]]:
    """Q's new rows, and what it sends."""
    result, pieces = [], []
    for array, m_0, m_1 in zip(rows, cut(zero, shape), cut(one, shape), strict=True):
        bits = array.ndim == 2
        left = array ^ m_0 if bits else array - m_0
        before = np.zeros_like(left)
        before[1:] = left[:-1]
        pieces.append(before ^ left ^ m_1 if bits else before - left - m_1)
        result.append(left)
    return result, joined(pieces)


def _steered(
    array: NDArray[Any], message: NDArray[Any], correction: NDArray[Any], repeats: Flags
) -> NDArray[Any]:
    """P's new rows: from each group's first on, the sum of what P got."""
    numbers = np.arange(len(repeats))
    first = np.maximum.accumulate(np.where(repeats, 0, numbers))
    kept = np.where(repeats if array.ndim == 1 else repeats[:, None], correction, array)
    gained = message + kept if array.ndim == 1 else message ^ kept
    total = running(gained)
    before = difference([total[first]], [gained[first]])
    return difference([total], before)[0]
