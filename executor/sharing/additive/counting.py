"""Prices `additive`: what a run sends online, and the preprocessing that it uses up.

The correlations that gates use are counted as demand; a price for all of a run is taken in two
passes: the first finds the demand, the second counts set-up and preparation before everything else,
as a run does them. In a single pass (the price of one operator) their bytes count where they are
used up, and their rounds not at all, as a run shares them between all operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Kind
from ..counting import CountedOrder, Counting
from ..messages import (
    and_shape,
    check_differences,
    check_owner,
    check_rows,
    relation_rows,
    sum_shape,
)
from ..ot.transfers import setup_rounds
from ..outside import outside_reveal_round, outside_round
from ..owner_messages import moves_bytes, resized
from ..protocol import Input, ShuffleHandle
from ..rounds import Round
from ..shares import Bits, Ring, Share, words
from . import messages
from .addends import add_planes, two_addends
from .correlations import double_rounds, ring_rounds, triple_rounds
from .owner_moves import lookup_rounds, lookup_shapes, permute_rounds
from .pool import Demand, Item, Ledger
from .row_shapes import RowShape

SETUP_SECONDS = 0.05
"""Processor time of the base transfers with one peer, both ways."""

SPREAD = 0.01
"""The relative standard deviation of what quicksorts use up: what their schedules allow."""


class CountingAdditive(Counting):
    """Implements `SharingProtocol` for prices; the shares that it makes have no parts."""

    def __init__(self, parties: int, prepared: Demand | None = None, *, outsiders: int = 0) -> None:
        super().__init__(parties, outsiders)
        self.flag_elements = messages.FLAG_ELEMENTS * (parties - 1)
        self.mask_elements = messages.MASK_ELEMENTS * (parties - 1)
        self.round_worth = messages.ROUND_WORTH // (parties - 1)
        self.demand = Demand()
        self._ledger = None if prepared is None else Ledger()
        if self._ledger is not None and prepared is not None:
            self._count(*setup_rounds(parties))
            self._tally.work_seconds += SETUP_SECONDS * (parties - 1)
            self._make(self._ledger.prepare(prepared))

    def preparation(self) -> tuple[Item, ...]:
        """What a run should make ahead. A quicksort's need is random: four deviations more."""
        spare = 1 + 4 * SPREAD if self.mark().expectations else 1
        return tuple((kind, size, ceil(count * spare)) for kind, size, count in self.demand.items())

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        self._count(outside_round(messages.held_components(self.parties), inputs))
        return [
            Ring(item.rows, item.bits, ()) if item.bits else Bits(item.rows, item.width, ())
            for item in inputs
        ]

    def open(self, shares: Sequence[Share]) -> None:
        self._handle(len(shares))
        self._count(messages.open_round(self.parties, shares))

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        outside = recipient >= self.parties
        round_ = outside_reveal_round if outside else messages.reveal_round
        self._count(round_(self.parties, shares, recipient))
        return None

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
        self._handle(len(pairs))
        for x, y in pairs:
            rows, width = and_shape(x, y)
            if width and x.width == y.width:
                self._use("bits", 1, width * words(rows))
            elif width:
                self._use("bits", width, words(rows))
        self._count(messages.and_round(self.parties, pairs))
        return [Bits(*and_shape(x, y), ()) for x, y in pairs]

    def multiply(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        return self._products(Kind.MULTIPLY, [[pair] for pair in pairs])

    def dot(self, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        return self._products(Kind.DOT, sums)

    def total_product(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        self._products(Kind.DOT, [[pair] for pair in pairs])
        return [Ring(1, x.bits, ()) for x, _ in pairs]

    def flags_to_ring(self, flags: Sequence[Bits], bits: int) -> list[Ring]:
        self._handle(len(flags))
        for flag in flags:
            self._use("doubles", bits, words(flag.rows))
        self._count(messages.flags_round(self.parties, flags))
        return [Ring(flag.rows, bits, ()) for flag in flags]

    def ring_addends(self, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
        return two_addends(self, xs, width)

    def ring_masks(
        self, rows: int, bits: int, count: int
    ) -> tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]:
        masks = add_planes(self, [Ring(rows, bits, ())] * count, self.parties - 1)

        def finish(differences: Sequence[Bits]) -> list[Ring]:
            check_differences(differences, rows, bits, count)
            self._count(messages.difference_round(self.parties, rows, bits, count))
            return [Ring(rows, bits, ())] * count

        return masks, finish

    def shuffle(self, columns: Sequence[Share]) -> tuple[list[Share], ShuffleHandle]:
        handle = CountedOrder(relation_rows(columns))
        return self._moved(handle, columns, range(self.parties)), handle

    def shuffle_again(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        return self._moved(handle, columns, range(self.parties))

    def unshuffle(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        return self._moved(handle, columns, range(self.parties - 1, -1, -1))

    def _moved(
        self, handle: ShuffleHandle, columns: Sequence[Share], movers: Sequence[int]
    ) -> list[Share]:
        check_rows(columns, handle.rows)
        self._move(columns)
        self._count(*permute_rounds(self.parties, RowShape.of(columns), None))
        for mover in movers:
            self._count(messages.move_round(self.parties, columns, mover))
        return list(columns)

    def permute_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, columns: Sequence[Share]
    ) -> list[Share]:
        check_owner(owner, self.parties)
        self._move(columns)
        if moves_bytes(columns, relation_rows(columns)):
            self._count(*permute_rounds(self.parties, RowShape.of(columns), owner))
            self._count(messages.move_round(self.parties, columns, owner))
        return list(columns)

    def gather_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        check_owner(owner, self.parties)
        shape = RowShape.of(columns)
        if moves_bytes(columns, rows):
            for network in lookup_shapes(shape, rows):
                self._move(resized(columns, network.rows))
            self._count(*lookup_rounds(self.parties, shape, rows, owner))
            self._count(messages.move_round(self.parties, columns, owner))
        return resized(columns, rows)

    def _products(self, kind: Kind, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        self._handle(sum(map(len, sums)))
        for pairs in sums:
            rows, bits = sum_shape(pairs)
            self._use("products", bits, rows * len(pairs))
        self._count(messages.product_round(self.parties, kind, sums))
        return [Ring(*sum_shape(pairs), ()) for pairs in sums]

    def _use(self, kind: str, size: int, count: int) -> None:
        self.demand.add(kind, size, count)
        if self._ledger is not None:
            self._make([(kind, size, batch) for batch in self._ledger.take(kind, size, count)])
        else:
            for round_ in _rounds(self.parties, kind, size, count):
                for message in round_.messages:
                    self._tally.sent_bytes[message.sender] += message.size

    def _make(self, batches: Sequence[Item]) -> None:
        """Counts the batches as `Stock` makes them."""
        for kind, size, count in batches:
            self._count(*_rounds(self.parties, kind, size, count))


def _rounds(parties: int, kind: str, size: int, count: int) -> tuple[Round, ...]:
    match kind:
        case "bits":
            return triple_rounds(parties, count, size)
        case "products":
            return ring_rounds(parties, count, size)
        case _:
            return double_rounds(parties, count, size)
