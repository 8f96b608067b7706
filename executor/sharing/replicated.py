"""Replicated secret sharing between three parties, one of which may be curious.

x = x_0 + x_1 + x_2 (XOR for bits); party i holds (x_i, x_{i+1}). Semi-honest, honest majority;
information-theoretic apart from the pairwise streams and the links (Araki et al., CCS 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..transport.channel import Buffer, Channel
from . import convert, owner_moves, products, shuffles
from .inputs import share_inputs
from .lanes import Work
from .link import Link
from .messages import (
    FLAG_ELEMENTS,
    HELD,
    MASK_ELEMENTS,
    PARTIES,
    ROUND_WORTH,
    check_constant,
    check_owner,
    input_round,
)
from .opening import freshly_masked, open_to_all, reveal_to
from .outside import send_reveal, with_outsiders
from .protocol import Input, ShuffleHandle
from .randomness import Purpose, SessionKeys
from .rounds import Received, Round
from .shares import Bits, Ring, Share, words
from .spilling import Spill


class ReplicatedProtocol:
    """One party's side of the protocol; implements `SharingProtocol`.

    After an error in a round the keys are burned: a retry is a new session.
    """

    counts_only = False
    parties = PARTIES
    flag_elements = FLAG_ELEMENTS
    mask_elements = MASK_ELEMENTS

    def __init__(self, channel: Channel, keys: SessionKeys) -> None:
        self.party = channel.party
        self.round_worth = ROUND_WORTH
        self.spill: Spill | None = None
        self._link = Link(channel, keys)

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        return with_outsiders(
            self._link,
            HELD,
            inputs,
            lambda inside: share_inputs(self._link, input_round(inside), inside),
        )

    def open(self, shares: Sequence[Share]) -> list[NDArray[Any]] | None:
        return open_to_all(self._link, shares)

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        if recipient < self.parties:
            return reveal_to(self._link, shares, recipient)
        pieces = [freshly_masked(self._link, share) for share in shares]
        send_reveal(self._link, shares, pieces, recipient)
        return None

    def exchange(
        self,
        round_: Round,
        outgoing: Mapping[int, Sequence[Buffer]],
        work_seconds: float = 0.0,
    ) -> Received:
        return self._link.exchange(round_, outgoing)

    def public_bits(self, planes: NDArray[np.uint64], rows: int) -> Bits:
        """x_0 is the value, the other components are zero."""
        if planes.shape != (len(planes), words(rows)):
            raise ValueError(f"planes of shape {planes.shape} do not hold {rows} rows")
        return Bits(rows, len(planes), self._first(planes))

    def constant_bits(self, value: int, width: int, rows: int) -> Bits:
        check_constant(value, width)
        planes = np.zeros((width, words(rows)), dtype=np.uint64)
        for plane in range(width):
            if value >> plane & 1:
                planes[plane] = np.uint64(0xFFFFFFFFFFFFFFFF)
        return Bits(rows, width, self._first(planes))

    def constant_ring(self, value: int | NDArray[Any], rows: int, bits: int = 64) -> Ring:
        return Ring(rows, bits, self._first(ring_vector(value, rows, bits)))

    def invert(self, x: Bits) -> Bits:
        """Inverts x_0, at the two parties that hold it."""
        index = self._index_of_first()
        parts = (~part if c == index else part for c, part in enumerate(x.parts))
        return Bits(x.rows, x.width, tuple(parts))

    def add_public(self, x: Ring, value: int) -> Ring:
        """Adds to x_0, at the two parties that hold it."""
        index = self._index_of_first()
        constant = x.parts[0].dtype.type(value % (1 << x.bits))
        parts = (part + constant if c == index else part for c, part in enumerate(x.parts))
        return Ring(x.rows, x.bits, tuple(parts))

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
        return products.and_planes(self._link, pairs)

    def multiply(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        return products.multiply(self._link, pairs)

    def dot(self, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        return products.dot(self._link, sums)

    def total_product(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        return products.total_product(self._link, pairs)

    def flags_to_ring(self, flags: Sequence[Bits], bits: int) -> list[Ring]:
        return convert.flags_to_ring(self._link, flags, bits)

    def ring_addends(self, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
        return convert.ring_addends(self._link, xs, width)

    def ring_masks(
        self, rows: int, bits: int, count: int
    ) -> tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]:
        return convert.ring_masks(self._link, rows, bits, count)

    def random_bits(self, rows: int, width: int) -> Bits:
        """x_i from the stream of parties i-1 and i."""
        link = self._link
        shape = (width, words(rows))
        first = link.stream(link.previous, Purpose.RANDOM).draw(shape, np.uint64)
        second = link.stream(link.next, Purpose.RANDOM).draw(shape, np.uint64)
        return Bits(rows, width, (first, second))

    def shuffle(self, columns: Sequence[Share]) -> tuple[list[Share], ShuffleHandle]:
        handle = shuffles.draw_order(self._link, columns)
        if self.spill is not None:
            handle = handle.on_disk(self.spill)
        return shuffles.apply(self._link, handle, columns), handle

    def shuffle_again(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        return shuffles.apply(self._link, _own(handle), columns)

    def unshuffle(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        return shuffles.undo(self._link, _own(handle), columns)

    def permute_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, columns: Sequence[Share]
    ) -> list[Share]:
        check_owner(owner, self.parties)
        return owner_moves.permute(self._link, owner, source, columns)

    def gather_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        check_owner(owner, self.parties)
        return owner_moves.gather(self._link, owner, source, rows, columns)

    def side_by_side(self, ready: Callable[[], Iterable[tuple[int, Work]]]) -> None:
        self._link.lanes.run(ready)

    def count_random(self) -> None:
        """Nothing: what is sent is counted."""

    def count_copied(self, size: int) -> None:
        """Nothing: real copies take their time."""

    def _index_of_first(self) -> int | None:
        """Where this party keeps the component x_0."""
        return {0: 0, 1: None, 2: 1}[self.party]

    def _first(self, value: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The components of a public value, which is x_0."""
        index = self._index_of_first()
        first, second = (
            value if index == position else np.zeros_like(value) for position in range(2)
        )
        return first, second


def ring_vector(value: int | NDArray[Any], rows: int, bits: int) -> NDArray[Any]:
    """A public constant or vector in two's complement."""
    dtype = np.dtype(f"uint{bits}")
    if isinstance(value, int):
        return np.full(rows, value % (1 << bits), dtype=dtype)
    if value.shape != (rows,):
        raise ValueError(f"a vector of shape {value.shape} does not hold {rows} rows")
    return value.astype(dtype)


def _own(handle: ShuffleHandle) -> shuffles.SecretOrder:
    if not isinstance(handle, shuffles.SecretOrder):
        raise TypeError("the handle is not of a shuffle by this protocol")
    return handle
