"""What a plan costs, and the seam through which the planner asks.

The planner does not know circuits. It is handed a `Pricer`, which dry-runs an operator over shares
without values (executor/operators/pricing.py): the same code that runs also counts, so prediction
and measurement cannot drift apart, and code that branched on a secret could not be priced.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Protocol

from .secure import Operator, SecurePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """rounds: the longest chain of dependent messages. sent_bytes: payload by party.

    messages: frames sent by each party. Outsiders stand behind the compute parties. Framing
    overhead is not included. Some figures are predicted only, and equal costs may differ in them:
    gates, the operands and columns that a compute party handles one by one, which is what few rows
    cost; moved_bytes, the rows that it packs, moves and unpacks in shuffles, and a third of what it
    copies otherwise; work_seconds, its processor time for what is no gate (points of a group); and
    of a whole plan what the owner with most to do does alone: scanned_cells that its database
    reads, entered_cells that it encodes.
    """

    rounds: int
    sent_bytes: tuple[int, ...]
    messages: tuple[int, ...]
    gates: int = field(default=0, compare=False)
    moved_bytes: int = field(default=0, compare=False)
    work_seconds: float = field(default=0.0, compare=False)
    scanned_cells: int = field(default=0, compare=False)
    entered_cells: int = field(default=0, compare=False)
    expected: bool = False  # True where a quicksort makes the figures expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run took; `busy_seconds`: processor time by party, without its own fragments."""

    cost: Cost
    busy_seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Processor time of one party, in seconds: for each message that it sends and takes, for each
    operand or column that a gate handles, for each byte that it sends, and for each byte of rows
    that shuffles move.

    What no party's processor time shows: how long a process takes to wake up in each round; and
    outside of the protocol: to open and close a session, and as an owner alone for each cell that
    its database reads and each that enters.
    """

    message_seconds: float
    gate_seconds: float
    byte_seconds: float
    moved_byte_seconds: float
    waking_seconds: float
    session_seconds: float
    scanned_cell_seconds: float
    entered_cell_seconds: float


SESSION_TRIPS = 8
"""Round trips of a session before and after its plan runs: to propose it and to agree on it, to
connect and to agree on keys, and to gather what it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network between the parties, and how fast they compute. `seconds()` is what algorithms
    are compared by.

    round_trip_seconds: there and back; a round is one way. crowding: how many parties share a
    processor. `rates` are those of the protocol that runs, once `running` has been asked.
    """

    name: str
    round_trip_seconds: float
    bytes_per_second: float
    crowding: float = 1.0
    rates: Rates | None = None

    def seconds(self, cost: Cost) -> float:
        """How long a cost takes: the link and a party's processor, one after the other."""
        sent = max(cost.sent_bytes, default=0)
        waiting = cost.rounds * self.round_trip_seconds / 2 + sent / self.bytes_per_second
        waking = cost.rounds * self._rates.waking_seconds
        return waiting + self.crowding * (waking + self.busy_seconds(cost))

    def query_seconds(self, cost: Cost) -> float:
        """How long a whole query takes that costs so much, with its session and with what owners do
        alone. Planning is not in it, as nodes remember plans."""
        rates = self._rates
        alone = (
            rates.session_seconds
            + cost.scanned_cells * rates.scanned_cell_seconds
            + cost.entered_cells * rates.entered_cell_seconds
        )
        trips = SESSION_TRIPS * self.round_trip_seconds
        return trips + self.crowding * alone + self.seconds(cost)

    def busy_seconds(self, cost: Cost) -> float:
        """Processor time of the party that has most to do."""
        rates = self._rates
        return (
            max(cost.messages, default=0) * rates.message_seconds
            + cost.gates * rates.gate_seconds
            + max(cost.sent_bytes, default=0) * rates.byte_seconds
            + cost.moved_bytes * rates.moved_byte_seconds
            + cost.work_seconds
        )

    def running(self, protocol: str) -> Link:
        """The same network, with the processor's usual rates for a protocol unless it has its
        own."""
        return self if self.rates else dataclasses.replace(self, rates=RATES[protocol])

    def round_worth(self, and_bytes: int) -> int:
        """How many bytes of AND gates' planes take as long as a round: a power of two.

        `and_bytes`: what a party sends for each of them.
        """
        rates = self._rates
        handling = rates.waking_seconds + rates.message_seconds
        waiting = self.round_trip_seconds / 2 + self.crowding * handling
        byte = 1 / self.bytes_per_second + self.crowding * rates.byte_seconds
        return 1 << max(int(1.4142 * waiting / (and_bytes * byte)), 1).bit_length() - 1

    @property
    def _rates(self) -> Rates:
        return self.rates or RATES["replicated"]


_OUTSIDE = {
    "waking_seconds": 1.8e-4,
    "session_seconds": 3.5e-2,
    "scanned_cell_seconds": 1e-8,
    "entered_cell_seconds": 3e-8,
}

RATES = {
    "replicated": Rates(
        message_seconds=4.5e-4,
        gate_seconds=4e-5,
        byte_seconds=6e-9,
        moved_byte_seconds=2.2e-8,
        **_OUTSIDE,
    ),
    "additive": Rates(
        message_seconds=4.5e-4,
        gate_seconds=4e-5,
        byte_seconds=1.9e-8,
        moved_byte_seconds=0,
        **_OUTSIDE,
    ),
}
"""As measured on the machine that docs/performance.md names. In `additive` most of it goes into
correlations, whose bytes count all of it."""

LINKS = {
    "loopback": Link(name="loopback", round_trip_seconds=2e-4, bytes_per_second=1e9, crowding=1.5),
    "lan": Link(name="lan", round_trip_seconds=5e-4, bytes_per_second=1.25e8),
    "wan": Link(name="wan", round_trip_seconds=4e-2, bytes_per_second=1.25e7),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCost:
    """The total, and what each operator adds to it, by position in depth-first post-order.

    `preparation`: the correlations (kind, size, count) that a run makes ahead of its data, and
    `ahead` what that and the set-up cost, which `total` includes; operators show its bytes.
    """

    total: Cost
    operators: tuple[Cost, ...]
    preparation: tuple[tuple[str, int, int], ...] = ()
    ahead: Cost | None = None


class Pricer(Protocol):
    def operator_cost(self, operator: Operator, round_worth: int | None = None) -> Cost:
        """The cost of one operator alone, its inputs given as shares.

        `round_worth`: by circuits that take a round to be worth so much, instead of the network's.
        """

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        """The cost of a whole plan, exactly as the executor will count it."""


def replace_sort(operator: Operator, algorithm: str) -> Operator:
    """The same operator with another sort algorithm."""
    return dataclasses.replace(operator, sort=algorithm)  # type: ignore[call-arg]
