"""Protocols over shares without values: they add up what a run would cost.

Simulate all parties at once, from the same table of messages as the protocol itself, with their
Lamport depths, so rounds, bytes and messages are exactly those that a run measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...planner.cost import Cost
from ..transport.channel import Buffer
from . import messages
from .lanes import Lanes, Work
from .messages import BACKWARD, FORWARD, HELD, PARTIES, Roles
from .outside import outside_reveal_round, outside_round
from .owner_messages import gather_rounds, permute_rounds, resized
from .protocol import Input, ShuffleHandle
from .rounds import Round
from .shares import Bits, Ring, Share
from .spilling import Spill

COPIED = 3
"""A byte that is only copied, or multiplied and added up, takes so small a part of the time of one
that a shuffle moves, which packs rows, masks them, and unpacks them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The counters at a moment; `depth` is the greatest of the parties'."""

    depth: int = 0
    sent_bytes: tuple[float, ...] = ()
    sent_messages: tuple[float, ...] = ()
    gates: int = 0
    moved_bytes: int = 0
    work_seconds: float = 0.0
    expectations: int = 0


@dataclass(slots=True)
class Tally:
    """What one lane adds up, by party where there are two lists; and the depths between which it
    runs."""

    sent_bytes: list[float]
    sent_messages: list[float]
    gates: int = 0
    moved_bytes: int = 0
    work_seconds: float = 0.0
    expectations: int = 0
    begun: int = 0
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class CountedOrder:
    """A shuffle handle that holds no permutation."""

    rows: int


class Counting:
    """What counting protocols have in common: counters, and shares without parts.

    One dry run stands for all parties: nothing may depend on `party`, which is 0. `members` counts
    the compute parties and the outsiders; the depths and sums are theirs.
    """

    counts_only = True
    party = 0

    def __init__(self, parties: int, outsiders: int = 0) -> None:
        self.parties = parties
        self.round_worth = messages.ROUND_WORTH
        self.spill: Spill | None = None
        self.members = parties + outsiders
        self.lanes: Lanes[Round, None] = Lanes(self._together, begun=self._begin, ended=self._end)
        self._depths = [0] * self.members
        self._tallies: list[Tally] = []
        self._latest: dict[int, Tally] = {}
        """Of every lane's tallies the latest, by its name."""
        self._begin(0)

    def level(self) -> Mark:
        """Brings the parties to the greatest depth; a mark to price what follows alone."""
        self._depths[: self.parties] = [max(self._depths)] * self.parties
        return self.mark()

    def mark(self) -> Mark:
        """The counters now, to tell later what was added since."""
        return self._mark(self._tallies, max(self._depths))

    def cost(self, since: Mark | None = None) -> Cost:
        """What has been counted in all, or since a mark."""
        return _between(since or self._mark([], 0), self.mark())

    def lane_cost(self, lane: int) -> Cost:
        """What a lane that has ended adds; rounds that it shares with others count for each. Lane 0
        is what ran before all others."""
        tally = self._latest.get(lane, self._new_tally(0))
        ended = tally.begun if tally.ended is None else tally.ended
        return _between(self._mark([], tally.begun), self._mark([tally], ended))

    def side_by_side(self, ready: Callable[[], Iterable[tuple[int, Work]]]) -> None:
        self.lanes.run(ready)

    def count_random(self) -> None:
        """Notes that what was counted is an expectation."""
        self._tally.expectations += 1

    def count_copied(self, size: int) -> None:
        """Notes so many bytes that are copied."""
        self._tally.moved_bytes += size // COPIED

    def exchange(
        self,
        round_: Round,
        outgoing: Mapping[int, Sequence[Buffer]],
        work_seconds: float = 0.0,
    ) -> None:
        self._count(round_)
        self._tally.work_seconds += work_seconds

    def public_bits(self, planes: NDArray[np.uint64], rows: int) -> Bits:
        return Bits(rows, len(planes), ())

    def constant_bits(self, value: int, width: int, rows: int) -> Bits:
        messages.check_constant(value, width)
        return Bits(rows, width, ())

    def constant_ring(self, value: int | NDArray[Any], rows: int, bits: int = 64) -> Ring:
        return Ring(rows, bits, ())

    def invert(self, x: Bits) -> Bits:
        return x

    def add_public(self, x: Ring, value: int) -> Ring:
        return x

    def random_bits(self, rows: int, width: int) -> Bits:
        return Bits(rows, width, ())

    def _handle(self, gates: int) -> None:
        """Notes so many operands of gates, or columns, that a call handles one by one."""
        self._tally.gates += gates

    def _move(self, columns: Sequence[Share]) -> None:
        """Notes that rows of these columns are moved by a shuffle."""
        self._handle(len(columns))
        self._tally.moved_bytes += messages.row_set_bytes(columns)

    def _copy(self, columns: Sequence[Share]) -> None:
        """Notes that rows of these columns are moved by a party that knows where to."""
        self._handle(len(columns))
        self.count_copied(messages.row_set_bytes(columns))

    def _count(self, *rounds: Round) -> None:
        """Counts rounds, one after the other."""
        for round_ in rounds:
            if round_.messages:
                self.lanes.exchange(round_)

    @property
    def _tally(self) -> Tally:
        """That of the lane that computes now."""
        return self._latest[self.lanes.current]

    def _together(self, rounds: Mapping[int, Round]) -> dict[int, None]:
        """Counts the rounds of some lanes as one: everybody sends before anybody receives, as in
        `Rounds`."""
        before = list(self._depths)
        for lane, round_ in rounds.items():
            tally = self._latest[lane]
            for message in round_.messages:
                tally.sent_bytes[message.sender] += message.size
                tally.sent_messages[message.sender] += 1
                arrival = before[message.sender] + 1
                self._depths[message.receiver] = max(self._depths[message.receiver], arrival)
        return dict.fromkeys(rounds)

    def _begin(self, lane: int) -> None:
        depth = max(self._depths)
        if lane and self._latest[0].ended is None:
            self._latest[0].ended = depth
        self._latest[lane] = self._new_tally(depth)
        self._tallies.append(self._latest[lane])

    def _end(self, lane: int) -> None:
        self._latest[lane].ended = max(self._depths)

    def _new_tally(self, depth: int) -> Tally:
        return Tally([0.0] * self.members, [0.0] * self.members, begun=depth)

    def _mark(self, tallies: Sequence[Tally], depth: int) -> Mark:
        """What some lanes have added up, at a depth."""
        nothing = [0.0] * self.members
        return Mark(
            depth=depth,
            sent_bytes=_sums([nothing, *(tally.sent_bytes for tally in tallies)]),
            sent_messages=_sums([nothing, *(tally.sent_messages for tally in tallies)]),
            gates=sum(tally.gates for tally in tallies),
            moved_bytes=sum(tally.moved_bytes for tally in tallies),
            work_seconds=sum(tally.work_seconds for tally in tallies),
            expectations=sum(tally.expectations for tally in tallies),
        )


class CountingProtocol(Counting):
    """Prices `replicated`; implements `SharingProtocol`."""

    flag_elements = messages.FLAG_ELEMENTS
    mask_elements = messages.MASK_ELEMENTS

    def __init__(self, parties: int = PARTIES, outsiders: int = 0) -> None:
        if parties != PARTIES:
            raise ValueError(f"replicated sharing runs between {PARTIES} parties")
        super().__init__(parties, outsiders)

    def preparation(self) -> tuple[tuple[str, int, int], ...]:
        """Nothing is made ahead."""
        return ()

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        inside = [item for item in inputs if item.owner < self.parties]
        self._count(messages.input_round(inside), outside_round(HELD, inputs))
        return [
            Ring(item.rows, item.bits, ()) if item.bits else Bits(item.rows, item.width, ())
            for item in inputs
        ]

    def open(self, shares: Sequence[Share]) -> None:
        self._handle(len(shares))
        self._count(messages.open_round(shares))

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        if recipient >= self.parties:
            self._count(outside_reveal_round(self.parties, shares, recipient))
        else:
            self._count(messages.reveal_round(shares, recipient))
        return None

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
        self._handle(len(pairs))
        self._count(messages.and_round(pairs))
        return [Bits(*messages.and_shape(x, y), ()) for x, y in pairs]

    def multiply(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        self._handle(len(pairs))
        self._count(messages.multiply_round(pairs))
        return [Ring(x.rows, x.bits, ()) for x, _ in pairs]

    def dot(self, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        self._handle(sum(map(len, sums)))
        self._count(messages.dot_round(sums))
        return [Ring(*messages.sum_shape(pairs), ()) for pairs in sums]

    def total_product(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        self._handle(len(pairs))
        self.count_copied(sum(x.rows * x.bits // 8 for x, _ in pairs))
        self._count(messages.total_round(pairs))
        return [Ring(1, x.bits, ()) for x, _ in pairs]

    def flags_to_ring(self, flags: Sequence[Bits], bits: int) -> list[Ring]:
        self._handle(len(flags))
        self._count(*messages.flags_rounds(flags, bits))
        return [Ring(flag.rows, bits, ()) for flag in flags]

    def ring_addends(self, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
        self._handle(len(xs))
        self._count(messages.addends_round(xs, width))
        return [(Bits(x.rows, width, ()), Bits(x.rows, width, ())) for x in xs]

    def ring_masks(
        self, rows: int, bits: int, count: int
    ) -> tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]:
        self._handle(count)
        self._count(messages.masks_round(rows, bits, count))

        def finish(differences: Sequence[Bits]) -> list[Ring]:
            messages.check_differences(differences, rows, bits, count)
            self._count(messages.finish_round(rows, bits, count))
            return [Ring(rows, bits, ())] * count

        return [Bits(rows, bits, ())] * count, finish

    def shuffle(self, columns: Sequence[Share]) -> tuple[list[Share], ShuffleHandle]:
        handle = CountedOrder(messages.relation_rows(columns))
        return self._shuffled(handle, columns, FORWARD), handle

    def shuffle_again(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        return self._shuffled(handle, columns, FORWARD)

    def unshuffle(self, handle: ShuffleHandle, columns: Sequence[Share]) -> list[Share]:
        return self._shuffled(handle, columns, BACKWARD)

    def _shuffled(
        self, handle: ShuffleHandle, columns: Sequence[Share], roles: Roles
    ) -> list[Share]:
        messages.check_rows(columns, handle.rows)
        self._move(columns)
        self._count(*messages.shuffle_rounds(columns, roles))
        return list(columns)

    def permute_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, columns: Sequence[Share]
    ) -> list[Share]:
        messages.check_owner(owner, self.parties)
        self._copy(columns)
        self._count(*permute_rounds(owner, messages.relation_rows(columns), columns))
        return list(columns)

    def gather_by_owner(
        self, owner: int, source: NDArray[np.intp] | None, rows: int, columns: Sequence[Share]
    ) -> list[Share]:
        messages.check_owner(owner, self.parties)
        entries = messages.relation_rows(columns)
        for moved in (entries, min(entries, rows) + rows, rows):
            self._copy(resized(columns, moved))
        self._count(*gather_rounds(owner, entries, rows, columns))
        return resized(columns, rows)


def _sums(lists: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """Element by element."""
    return tuple(map(sum, zip(*lists, strict=True)))


def _between(start: Mark, stop: Mark) -> Cost:
    sent = zip(stop.sent_bytes, start.sent_bytes, strict=True)
    frames = zip(stop.sent_messages, start.sent_messages, strict=True)
    return Cost(
        rounds=stop.depth - start.depth,
        sent_bytes=tuple(round(now - before) for now, before in sent),
        messages=tuple(round(now - before) for now, before in frames),
        gates=stop.gates - start.gates,
        moved_bytes=stop.moved_bytes - start.moved_bytes,
        work_seconds=stop.work_seconds - start.work_seconds,
        expected=stop.expectations > start.expectations,
    )
