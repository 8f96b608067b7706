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
    overhead is not included. Three figures are predicted only, and equal costs may differ in them:
    gates, the operands and columns that a compute party handles one by one, which is what few rows
    cost; moved_bytes, the rows that it packs, moves and unpacks in shuffles; and work_seconds, its
    processor time for what is no gate (points of a group).
    """

    rounds: int
    sent_bytes: tuple[int, ...]
    messages: tuple[int, ...]
    gates: int = field(default=0, compare=False)
    moved_bytes: int = field(default=0, compare=False)
    work_seconds: float = field(default=0.0, compare=False)
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
    that shuffles move."""

    message_seconds: float
    gate_seconds: float
    byte_seconds: float
    moved_byte_seconds: float


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
        return waiting + self.crowding * self.busy_seconds(cost)

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
        waiting = self.round_trip_seconds / 2 + self.crowding * rates.message_seconds
        byte = 1 / self.bytes_per_second + self.crowding * rates.byte_seconds
        return 1 << max(int(1.4142 * waiting / (and_bytes * byte)), 1).bit_length() - 1

    @property
    def _rates(self) -> Rates:
        return self.rates or RATES["replicated"]


RATES = {
    "replicated": Rates(
        message_seconds=4.5e-4, gate_seconds=4e-5, byte_seconds=7e-9, moved_byte_seconds=2.2e-8
    ),
    "additive": Rates(
        message_seconds=4.5e-4, gate_seconds=4e-5, byte_seconds=4e-8, moved_byte_seconds=0
    ),
}
"""As measured on the machine that docs/performance.md names. In `additive` most of it goes into
correlations, whose bytes count all of it: 28 to 54 ns for each, by kind."""

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
