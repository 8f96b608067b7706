"""What a plan costs, and the seam through which the planner asks.

The planner does not know circuits. It is handed a `Pricer`, which dry-runs an operator over shares
without values (executor/operators/pricing.py): the same code that runs also counts, so prediction
and measurement cannot drift apart, and code that branched on a secret could not be priced.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from .secure import Operator, SecurePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """rounds: the longest chain of dependent messages. sent_bytes: payload by party.

    messages: frames sent by each party. Outsiders stand behind the compute parties. Framing
    overhead is not included.
    """

    rounds: int
    sent_bytes: tuple[int, ...]
    messages: tuple[int, ...]
    expected: bool = False  # True where a quicksort makes the figures expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network between the parties. `seconds()` is what algorithms are compared by."""

    name: str
    round_seconds: float
    bytes_per_second: float
    compute_seconds_per_byte: float

    def seconds(self, cost: Cost) -> float:
        sent = max(cost.sent_bytes, default=0)
        transfer = sent / self.bytes_per_second + sent * self.compute_seconds_per_byte
        return cost.rounds * self.round_seconds + transfer

    def running(self, protocol: str) -> Link:
        """The same network, where every byte takes as much computing as the protocol needs."""
        return dataclasses.replace(
            self, compute_seconds_per_byte=COMPUTE_SECONDS_PER_BYTE[protocol]
        )


COMPUTE_SECONDS_PER_BYTE = {"replicated": 6e-9, "additive": 4e-8}
"""Processor time of one party for each byte that it sends, by protocol: as measured, for
`additive` over triples (48 ns), ring products (28 to 31 ns) and permutations (54 ns)."""


LINKS = {
    "loopback": Link(
        name="loopback", round_seconds=4e-4, bytes_per_second=5e8, compute_seconds_per_byte=6e-9
    ),
    "lan": Link(
        name="lan", round_seconds=9e-4, bytes_per_second=1.25e8, compute_seconds_per_byte=6e-9
    ),
    "wan": Link(
        name="wan", round_seconds=4e-2, bytes_per_second=1.25e7, compute_seconds_per_byte=6e-9
    ),
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
    def operator_cost(self, operator: Operator) -> Cost:
        """The cost of one operator alone, its inputs given as shares."""

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        """The cost of a whole plan, exactly as the executor will count it."""


def replace_sort(operator: Operator, algorithm: str) -> Operator:
    """The same operator with another sort algorithm."""
    return dataclasses.replace(operator, sort=algorithm)  # type: ignore[call-arg]
