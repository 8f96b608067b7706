"""Permutations and lookups that one party alone knows, under N-of-N secret splitting.

The owner is the mover of moves.py, every other party a holder towards it; pairs without the owner
do nothing. A lookup is three such moves with running sums of differences in between (lookups.py).
Cost: as one of a shuffle's moves, (2 log n - 1) n/2 transfers with a row as message from each other
party, and then the rows in 1 round; three times for a lookup, over n, n + q and q rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..lookups import differences, lookup_choices, running, with_zeros
from ..messages import relation_rows
from ..ot.transfers import Transfers
from ..owner_messages import moves_bytes, resized
from ..randomness import Stream
from ..rounds import Rounds
from ..shares import Share
from . import moves
from .messages import move_round

_Order = NDArray[np.intp]


class OwnerMoves:
    """This party's side of the moves of one session."""

    def __init__(self, link: Rounds, transfers: Transfers, own: Stream) -> None:
        self._link = link
        self._transfers = transfers
        self._own = own

    def permute(self, owner: int, source: _Order | None, columns: Sequence[Share]) -> list[Share]:
        """Row r of every result is row source[r]."""
        if not moves_bytes(columns, relation_rows(columns)):
            return list(columns)
        rows = self._moved(owner, source, moves.rows_of(columns), columns)
        return moves.columns_of(columns, rows)

    def gather(
        self, owner: int, source: _Order | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        """Row r of every result, `rows` in all, is row source[r]."""
        entries = relation_rows(columns)
        if rows and not entries:
            raise ValueError("there is no row to look up")
        shapes = resized(columns, rows)
        if not moves_bytes(columns, rows):
            return moves.columns_of(shapes, moves.rows_without_bytes(shapes))
        order, starts, requests = lookup_choices(source, entries)
        piece = moves.rows_of(columns)
        piece = self._moved(owner, order, piece, columns)
        piece = [with_zeros(differences(array), rows) for array in piece]
        every = None if starts is None else _completed(starts, entries + rows)
        piece = self._moved(owner, every, piece, resized(columns, entries + rows))
        piece = [running(array[:rows]) for array in piece]
        piece = self._moved(owner, requests, piece, shapes)
        return moves.columns_of(shapes, piece)

    def _moved(
        self, owner: int, source: _Order | None, rows: moves.Arrays, columns: Sequence[Share]
    ) -> moves.Arrays:
        """One move of all rows, columns telling the shape of a row and how many there are."""
        link, shape = self._link, moves.RowShape.of(columns)
        mover, holder = moves.make_owner_moves(
            link, self._transfers, self._own, shape, owner=owner, source=source
        )
        round_ = move_round(link.parties, columns, owner)
        if mover is None:
            assert holder is not None
            link.exchange(round_, {owner: moves.difference(rows, holder.entering)})
            return holder.leaving
        received = link.exchange(round_, {})
        rows = [array[mover.source] for array in rows]
        for peer, offset in mover.offsets.items():
            theirs = moves.separated(received[peer], shape)
            rows = moves.combine(rows, [array[mover.source] for array in theirs])
            rows = moves.combine(rows, offset)
        return rows


def _completed(chosen: _Order, rows: int) -> _Order:
    """A permutation that begins with the chosen rows; the others follow."""
    left = np.ones(rows, dtype=np.bool_)
    left[chosen] = False
    return np.concatenate([chosen, np.flatnonzero(left)])
