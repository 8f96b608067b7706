"""Circuits with more than one algorithm, for choices.py: sorts, adders, comparisons, divisions.

Sorts are what the planner chooses by price; the other circuits choose by what a round is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tacit.executor.circuits import divide as division
from tacit.executor.circuits.add import add
from tacit.executor.circuits.compare import less_than
from tacit.executor.circuits.sort import sort
from tacit.executor.sharing.protocol import SharingProtocol
from tacit.executor.sharing.protocols import counting_protocol
from tacit.planner.cost import Cost, Link
from workloads import Call, planes

Build = Callable[[SharingProtocol, int, str | None], Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitTrial:
    """One algorithm (None: what the circuit takes alone). `round_worth`: the network's."""

    rows: int
    build: Build
    algorithm: str | None
    round_worth: int

    def prepare(self, protocol: SharingProtocol, party: str) -> Call:
        """Shares the inputs; what is to be timed."""
        protocol.round_worth = self.round_worth
        return self.build(protocol, self.rows, self.algorithm)

    def cost(self) -> Cost:
        """By a dry run."""
        counting = counting_protocol("replicated", 3)
        call = self.prepare(counting, "")
        mark = counting.level()
        call()
        return counting.cost(mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitCase:
    """`build` makes the call of an algorithm, or with None of the one that circuits take alone."""

    rows: int
    algorithms: tuple[str, ...]
    build: Build
    planned: bool = False

    def trials(self, link: Link) -> tuple[dict[str, CircuitTrial], str]:
        """Every algorithm by name, and the one that is chosen on a network: the cheapest where the
        planner chooses, else that which costs what the circuit costs by itself."""
        found = {name: self._trial(name, link) for name in self.algorithms}
        seconds = {name: link.seconds(trial.cost()) for name, trial in found.items()}
        if self.planned:
            return found, min(seconds, key=lambda name: seconds[name])
        taken = link.seconds(self._trial(None, link).cost())
        return found, min(seconds, key=lambda name: abs(seconds[name] - taken))

    def _trial(self, algorithm: str | None, link: Link) -> CircuitTrial:
        return CircuitTrial(
            rows=self.rows,
            build=self.build,
            algorithm=algorithm,
            round_worth=link.round_worth(1),
        )


def sorting(p: SharingProtocol, rows: int, algorithm: str | None, *, width: int) -> Call:
    keys, payload = planes(p, rows, width), planes(p, rows, 64)
    name = "radix" if algorithm == "radix" else "quick"
    return lambda: sort(p, keys, [payload], algorithm=name)


def adding(p: SharingProtocol, rows: int, algorithm: str | None) -> Call:
    x, y = planes(p, rows, 48), planes(p, rows, 48)
    return lambda: add(p, x, y, width=48, adder=algorithm)  # type: ignore[arg-type]


def comparing(p: SharingProtocol, rows: int, algorithm: str | None) -> Call:
    x, y = planes(p, rows, 48), planes(p, rows, 48)
    serial = None if algorithm is None else algorithm == "serial"
    return lambda: less_than(p, [(x, y)], serial=serial)


def dividing(p: SharingProtocol, rows: int, algorithm: str | None) -> Call:
    x, y = planes(p, rows, 48), planes(p, rows, 24)

    def call() -> object:
        if algorithm is None:
            return division.divide(p, x, y, quotient_width=48)
        return division.divide(p, x, y, quotient_width=48, digit_bits=int(algorithm.split()[0]))

    return call


SORTS, ADDERS = ("quick", "radix"), ("ripple", "sparse", "full")
RADIXES = ("1 bit", "2 bits", "4 bits", "8 bits")


def _sort(exponent: int, width: int) -> CircuitCase:
    build = partial(sorting, width=width)
    return CircuitCase(rows=1 << exponent, algorithms=SORTS, build=build, planned=True)


CASES = {
    **{
        f"sort 2^{exponent} x {width}": _sort(exponent, width)
        for exponent, width in ((10, 8), (10, 24), (14, 8), (14, 32), (17, 2), (17, 16))
    },
    "add 2^10": CircuitCase(rows=1 << 10, algorithms=ADDERS, build=adding),
    "add 2^18": CircuitCase(rows=1 << 18, algorithms=ADDERS, build=adding),
    "add 2^22": CircuitCase(rows=1 << 22, algorithms=ADDERS, build=adding),
    "less-than 2^12": CircuitCase(rows=1 << 12, algorithms=("tree", "serial"), build=comparing),
    "less-than 2^22": CircuitCase(rows=1 << 22, algorithms=("tree", "serial"), build=comparing),
    "divide 1": CircuitCase(rows=1, algorithms=RADIXES, build=dividing),
    "divide 2^10": CircuitCase(rows=1 << 10, algorithms=RADIXES, build=dividing),
    "divide 2^15": CircuitCase(rows=1 << 15, algorithms=RADIXES, build=dividing),
}
