"""N-of-N secret splitting: x = x_0 + ... + x_(N-1) (XOR for bits); party i holds x_i.

Setting: N >= 2 parties, N-1 of which may pool their views; semi-honest; oblivious transfer and the
random-oracle model. Linear gates are local. Every other gate uses up a correlation
(correlations.py, moves.py), made ahead or when it is needed (Beaver, CRYPTO 1991).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Buffer, Channel, Kind
from ..lanes import Work
from ..messages import (
    check_constant,
    check_differences,
    check_owner,
    check_rows,
    relation_rows,
)
from ..opening import clear_padding, visible
from ..ot.transfers import Transfers
from ..outside import send_reveal, with_outsiders
from ..protocol import Input, ShuffleHandle
from ..randomness import Purpose, SessionKeys, Stream
from ..replicated import ring_vector
from ..rounds import Received, Round, Rounds, split
from ..shares import Bits, Ring, Share, words
from ..spilling import Spill
from . import gates
from .addends import add_planes, two_addends
from .correlations import Maker
from .messages import (
    FLAG_ELEMENTS,
    MASK_ELEMENTS,
    ROUND_WORTH,
    difference_round,
    held_components,
    move_round,
    open_round,
    reveal_round,
)
from .moves import make_moves, moved
from .networks import Order
from .owner_moves import OwnerMoves
from .pool import Demand, Stock
from .row_shapes import RowShape, columns_of, rows_of


@dataclass(slots=True, repr=False)
class OwnOrder:
    """A shuffle's handle: this party's one of the N permutations, and its inverse."""

    rows: int
    source: Order
    inverse: Order = field(init=False)

    def __post_init__(self) -> None:
        self.inverse = np.empty_like(self.source)
        self.inverse[self.source] = np.arange(self.rows, dtype=self.source.dtype)


class AdditiveProtocol:
    """One party's side of the protocol; implements `SharingProtocol`.

    `context` binds the transfers to the session. After an error in a round the keys are burned.
    """

    counts_only = False

    def __init__(self, channel: Channel, keys: SessionKeys, context: bytes) -> None:
        self.party = channel.party
        self.parties = channel.parties
        self.flag_elements = FLAG_ELEMENTS * (channel.parties - 1)
        self.mask_elements = MASK_ELEMENTS * (channel.parties - 1)
        self.round_worth = ROUND_WORTH // (channel.parties - 1)
        self.spill: Spill | None = None
        self._link = Rounds(channel, keys)
        self._own = Stream(os.urandom(32), Purpose.RANDOM)
        self._transfers = Transfers(self._link, context)
        self._maker = Maker(self._link, self._transfers, self._own)
        self._stock = Stock(self._maker)

    def set_up(self) -> None:
        """The base transfers. 2 rounds."""
        self._transfers.set_up()

    def prepare(self, demand: Demand) -> None:
        """Makes the correlations that a run will use up, ahead of it."""
        self._stock.prepare(demand)

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        """The owner's piece is the value less the streams shared with the others. No messages,
        but for those of outside owners."""
        return with_outsiders(
            self._link,
            held_components(self.parties),
            inputs,
            lambda inside: [_shared(self._link, item) for item in inside],
        )

    def open(self, shares: Sequence[Share]) -> list[NDArray[Any]] | None:
        pieces = self._fresh(shares)
        round_ = open_round(self.parties, shares)
        received = self._link.exchange(round_, dict.fromkeys(self._link.peers, pieces))
        return _summed(shares, pieces, [received.get(peer) for peer in self._link.peers])

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        outside = recipient >= self.parties
        pieces = self._fresh(shares, outside=outside)
        if outside:
            send_reveal(self._link, shares, pieces, recipient)
            return None
        round_ = reveal_round(self.parties, shares, recipient)
        received = self._link.exchange(round_, {recipient: pieces})
        if self.party != recipient:
            return None
        return _summed(shares, pieces, [received.get(peer) for peer in self._link.peers])

    def exchange(
        self,
        round_: Round,
        outgoing: Mapping[int, Sequence[Buffer]],
        work_seconds: float = 0.0,
    ) -> Received:
        return self._link.exchange(round_, outgoing)

    def public_bits(self, planes: NDArray[np.uint64], rows: int) -> Bits:
        if planes.shape != (len(planes), words(rows)):
            raise ValueError(f"planes of shape {planes.shape} do not hold {rows} rows")
        return Bits(rows, len(planes), (self._first(planes),))

    def constant_bits(self, value: int, width: int, rows: int) -> Bits:
        check_constant(value, width)
        planes = np.zeros((width, words(rows)), np.uint64)
        for plane in range(width):
            if value >> plane & 1:
                planes[plane] = np.uint64(0xFFFFFFFFFFFFFFFF)
        return Bits(rows, width, (self._first(planes),))

    def constant_ring(self, value: int | NDArray[Any], rows: int, bits: int = 64) -> Ring:
        return Ring(rows, bits, (self._first(ring_vector(value, rows, bits)),))

    def invert(self, x: Bits) -> Bits:
        """Party 0 inverts its piece."""
        return x if self.party else x.map(np.invert, rows=x.rows, width=x.width)

    def add_public(self, x: Ring, value: int) -> Ring:
        """Party 0 adds to its piece."""
        constant = x.parts[0].dtype.type(value % (1 << x.bits))
        return x if self.party else x.map(lambda part: part + constant, rows=x.rows)

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
        return gates.and_planes(self._link, self._stock, pairs)

    def multiply(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        return gates.sums_of_products(
            self._link, self._stock, Kind.MULTIPLY, [[pair] for pair in pairs]
        )

    def dot(self, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        return gates.sums_of_products(self._link, self._stock, Kind.DOT, sums)

    def total_product(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        products = gates.sums_of_products(
            self._link, self._stock, Kind.DOT, [[pair] for pair in pairs]
        )
        return [
            product.map(lambda part: part.sum(dtype=part.dtype, keepdims=True), rows=1)
            for product in products
        ]

    def flags_to_ring(self, flags: Sequence[Bits], bits: int) -> list[Ring]:
        return gates.flags_to_ring(self._link, self._stock, flags, bits)

    def ring_addends(self, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
        """Every party's piece is known to it: N addends, which full adders bring down to two."""
        return two_addends(self, xs, width)

    def ring_masks(
        self, rows: int, bits: int, count: int
    ) -> tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]:
        """s = the sum of random s_i of all parties but the last, to whom alone d = x - s is opened.

        x = s + d is then a sharing. s hides x from the last party as long as one other is honest,
        and the others never see d. A mask serves once.
        """
        dtype = np.dtype(f"uint{bits}")
        last = self.parties - 1
        known = [self._own.draw(rows, dtype) for _ in range(count)]
        pieces = [vector if self.party != last else np.zeros_like(vector) for vector in known]
        masks = add_planes(self, [Ring(rows, bits, (piece,)) for piece in pieces], last)

        def finish(differences: Sequence[Bits]) -> list[Ring]:
            check_differences(differences, rows, bits, count)
            if len(known) != count:
                raise ValueError("a mask serves once")
            opened = self._open_to_last(differences, rows, bits)
            known.clear()
            return [Ring(rows, bits, (vector,)) for vector in (opened or pieces)]

        return masks, finish

    def random_bits(self, rows: int, width: int) -> Bits:
        return Bits(rows, width, (self._own.draw((width, words(rows)), np.uint64),))

    def shuffle(self, columns: Sequence[Share]) -> tuple[list[Share], ShuffleHandle]:
        """One permutation by each party in turn."""
        rows = relation_rows(columns)
        handle = OwnOrder(rows, self._own.permutation(rows))
        return self._moved(columns, handle.source, range(self.parties)), handle

    def shuffle_again(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        own = _own(handle, columns)
        return self._moved(columns, own.source, range(self.parties))

    def unshuffle(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        own = _own(handle, columns)
        return self._moved(columns, own.inverse, range(self.parties - 1, -1, -1))

    def permute_by_owner(
        self, owner: int, source: Order | None, columns: Sequence[Share]
    ) -> list[Share]:
        check_owner(owner, self.parties)
        return OwnerMoves(self._link, self._transfers, self._own).permute(owner, source, columns)

    def gather_by_owner(
        self, owner: int, source: Order | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        check_owner(owner, self.parties)
        moving = OwnerMoves(self._link, self._transfers, self._own)
        return moving.gather(owner, source, rows, columns)

    def side_by_side(self, ready: Callable[[], Iterable[tuple[int, Work]]]) -> None:
        self._link.lanes.run(ready)

    def count_random(self) -> None:
        """Nothing: what is sent is counted."""

    def count_copied(self, size: int) -> None:
        """Nothing: real copies take their time."""

    def _moved(self, columns: Sequence[Share], source: Order, movers: Sequence[int]) -> list[Share]:
        """The columns under every party's permutation, in the order of `movers`."""
        link, shape = self._link, RowShape.of(columns)
        made = make_moves(link, self._transfers, self._own, shape, source)
        rows = rows_of(columns)
        for party in movers:
            rows = moved(link, move_round(self.parties, columns, party), party, rows, made)
        return columns_of(columns, rows)

    def _open_to_last(
        self, differences: Sequence[Bits], rows: int, bits: int
    ) -> list[NDArray[Any]] | None:
        last = self.parties - 1
        pieces = self._fresh(differences)
        round_ = difference_round(self.parties, rows, bits, len(differences))
        received = self._link.exchange(round_, {last: pieces})
        if self.party != last:
            return None
        planes = _summed(differences, pieces, [received.get(peer) for peer in self._link.peers])
        return [gates.vector_of(opened, rows, bits) for opened in planes]

    def _fresh(self, shares: Sequence[Share], *, outside: bool = False) -> list[NDArray[Any]]:
        """This party's pieces as they may be sent: under a fresh sharing of zero, padding cleared.

        Pieces may depend on what their holders know; only their sum may be seen. Of two parties the
        one that is opened to knows the other's piece by the sum; an outsider does not.
        """
        pieces = []
        for share in shares:
            piece = visible(share, share.parts[0])
            if self.parties > 2 or outside:
                piece = piece.copy()
                self._add_zero(piece, isinstance(share, Ring))
                if isinstance(share, Bits):
                    clear_padding(piece, share.rows)
            pieces.append(piece)
        return pieces

    def _add_zero(self, piece: NDArray[Any], ring: bool) -> None:
        for peer in self._link.peers:
            stream = self._link.stream(peer, Purpose.ZERO)
            if not ring:
                stream.xor_into(piece)
            elif peer > self.party:
                stream.add_into(piece)
            else:
                stream.subtract_from(piece)

    def _first(self, value: NDArray[Any]) -> NDArray[Any]:
        """The piece of a public value: party 0 holds it."""
        return np.zeros_like(value) if self.party else value


_NOTHING = np.empty(0, np.uint8)


def _shared(link: Rounds, item: Input) -> Share:
    shape = (item.rows,) if item.bits else (item.width, words(item.rows))
    dtype = np.dtype(f"uint{item.bits or 64}")
    if item.owner != link.party:
        part = link.stream(item.owner, Purpose.INPUT).draw(shape, dtype)
    else:
        if item.values is None or item.values.shape != shape:
            raise ValueError("the owner of an input has its values, in the stated shape")
        part = np.array(item.values, dtype=dtype, order="C")
        for peer in link.peers:
            stream = link.stream(peer, Purpose.INPUT)
            (stream.subtract_from if item.bits else stream.xor_into)(part)
    if item.bits:
        return Ring(item.rows, item.bits, (part,))
    return Bits(item.rows, item.width, (part,))


def _summed(
    shares: Sequence[Share],
    own: Sequence[NDArray[Any]],
    payloads: Sequence[NDArray[np.uint8] | None],
) -> list[NDArray[Any]]:
    """The values: this party's pieces and everybody else's."""
    totals = [piece.copy() for piece in own]
    for payload in payloads:
        pieces = split(
            _NOTHING if payload is None else payload, [(t.shape, t.dtype) for t in totals]
        )
        for share, total, piece in zip(shares, totals, pieces, strict=True):
            function = np.add if isinstance(share, Ring) else np.bitwise_xor
            function(total, piece, out=total)
    for share, total in zip(shares, totals, strict=True):
        if isinstance(share, Bits):
            clear_padding(total, share.rows)
    return totals


def _own(handle: ShuffleHandle, columns: Sequence[Share]) -> OwnOrder:
    if not isinstance(handle, OwnOrder):
        raise TypeError("the handle is not of a shuffle by this protocol")
    check_rows(columns, handle.rows)
    return handle
