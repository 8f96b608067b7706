"""Permutations that one party knows, applied to rows that nobody knows.

Setting: the mover P knows a permutation; every other party Q holds a piece v of the rows. Ahead of
time, P and Q make a correlation: Q random rows `entering` and `leaving`, P rows `offset` with
offset + leaving = permuted(entering) (+ is XOR for bits). Then
  1. Q sends v - entering to P, which is uniform; Q's new piece is `leaving`.
  2. P adds permuted(v - entering) + offset to its own permuted piece.
The correlation comes from a Benes network whose switches P sets (Mohassel and Sadeghian, EUROCRYPT
2013): Q's rows go through it as shares (passing.py).
Cost: online 1 round and the rows; ahead (2 log n - 1) n/2 transfers with messages of a row, in
batches of layers of 2 rounds each.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..ot.transfers import Transfers
from ..randomness import Stream
from ..rounds import Round, Rounds
from .networks import Order
from .passing import NOTHING, Passing, enter, pass_network
from .row_shapes import Arrays, RowShape, combine, difference, separated_like


@dataclass(slots=True)
class Moves:
    """This party's ends of correlations: offsets by peer as the mover, rows by mover as a holder.

    `source`: at the mover, which row each row of the result is.
    """

    source: Order | None
    offsets: dict[int, Arrays]
    entering: dict[int, Arrays]
    leaving: dict[int, Arrays]


def make_moves(
    link: Rounds,
    transfers: Transfers,
    own: Stream,
    shape: RowShape,
    source: Order | None,
    *,
    owner: int | None = None,
) -> Moves:
    """Correlations of permutations; `source` is this party's.

    For every ordered pair of parties, or for one owner as the only mover.
    """
    entering = enter(link, own, shape, owner)
    passed = pass_network(link, transfers, shape, source, entering, owner=owner)
    return moves_of(source, entering, passed)


def moves_of(source: Order | None, entering: Passing, passed: Passing) -> Moves:
    """What passing rows have made."""
    return Moves(source, passed.moved, entering.held, passed.held)


def moved(link: Rounds, round_: Round, mover: int, rows: Arrays, moves: Moves) -> Arrays:
    """This party's piece of the moved rows: the online round. A correlation serves once."""
    if link.party != mover:
        link.exchange(round_, {mover: difference(rows, moves.entering.pop(mover))})
        return moves.leaving.pop(mover)
    assert moves.source is not None
    received = link.exchange(round_, {})
    total = rows
    for peer in link.peers:
        total = combine(total, separated_like(received.get(peer, NOTHING), rows))
    total = [array.take(moves.source, axis=0) for array in total]
    for peer in link.peers:
        total = combine(total, moves.offsets.pop(peer))
    return total
