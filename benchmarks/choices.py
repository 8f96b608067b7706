"""Whether the cost model chooses what is fastest: every algorithm of a case, measured.

Usage: python benchmarks/choices.py [CASE ...] [--network lan wan] [--repeat 3]

Three parties as processes on this machine, linked by an emulated network (shaped.py). For each case
and network every algorithm that comes into question runs; the one that the cost model takes is
right if it is the fastest, or within a tenth of the fastest.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

from processes import Usage, measured, run_parties
from tacit.executor.circuits import divide as division
from tacit.executor.circuits.add import add
from tacit.executor.circuits.compare import less_than
from tacit.executor.circuits.sort import sort
from tacit.executor.sharing.protocol import SharingProtocol
from tacit.executor.sharing.protocols import counting_protocol, open_protocol
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.transport import TlsChannel
from tacit.planner.cost import LINKS, Link
from workloads import Call, planes

AS_NEAR = 1.1
"""How much slower than the fastest still counts as right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`build` makes the call of an algorithm, or with None of the one that circuits take alone.

    With `planned` the planner takes the cheapest by price; otherwise the circuit decides.
    """

    rows: int
    algorithms: tuple[str, ...]
    build: Callable[[SharingProtocol, int, str | None], Call]
    planned: bool = False


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

CASES = {
    "sort 2^10 x 8": Case(
        rows=1 << 10, algorithms=SORTS, build=partial(sorting, width=8), planned=True
    ),
    "sort 2^10 x 24": Case(
        rows=1 << 10, algorithms=SORTS, build=partial(sorting, width=24), planned=True
    ),
    "sort 2^14 x 8": Case(
        rows=1 << 14, algorithms=SORTS, build=partial(sorting, width=8), planned=True
    ),
    "sort 2^14 x 32": Case(
        rows=1 << 14, algorithms=SORTS, build=partial(sorting, width=32), planned=True
    ),
    "sort 2^17 x 2": Case(
        rows=1 << 17, algorithms=SORTS, build=partial(sorting, width=2), planned=True
    ),
    "sort 2^17 x 16": Case(
        rows=1 << 17, algorithms=SORTS, build=partial(sorting, width=16), planned=True
    ),
    "add 2^10": Case(rows=1 << 10, algorithms=ADDERS, build=adding),
    "add 2^18": Case(rows=1 << 18, algorithms=ADDERS, build=adding),
    "add 2^22": Case(rows=1 << 22, algorithms=ADDERS, build=adding),
    "less-than 2^12": Case(rows=1 << 12, algorithms=("tree", "serial"), build=comparing),
    "less-than 2^22": Case(rows=1 << 22, algorithms=("tree", "serial"), build=comparing),
    "divide 1": Case(rows=1, algorithms=RADIXES, build=dividing),
    "divide 2^10": Case(rows=1 << 10, algorithms=RADIXES, build=dividing),
    "divide 2^15": Case(rows=1 << 15, algorithms=RADIXES, build=dividing),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--network", nargs="+", choices=("lan", "wan"), default=["lan", "wan"])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, after one to warm up")
    options = parser.parse_args()
    names = options.cases or list(CASES)
    print("| case | network | algorithms: seconds measured (predicted) | chosen | right |")
    print("|---|---|---|---|---|")
    right: list[bool] = []
    for network in options.network:
        link = LINKS[network].running("replicated")
        work = partial(run_party, names=names, repeat=options.repeat, link=link)
        lead = partial(report, names, link, right)
        run_parties(3, work, lead, link)
    print(f"\n{sum(right)} of {len(right)} choices are the fastest, or within a tenth of it.")


def run_party(
    channel: TlsChannel,
    session_id: bytes,
    leader: Connection,
    *,
    names: Sequence[str],
    repeat: int,
    link: Link,
) -> None:
    """Runs every algorithm of every case, and reports its runs but for the first."""
    keys = agree_keys(channel, session_id)
    protocol = open_protocol("replicated", channel, keys, context=session_id, preparation=())
    protocol.round_worth = link.round_worth(1)
    for name in names:
        case = CASES[name]
        for algorithm in case.algorithms:
            call = case.build(protocol, case.rows, algorithm)
            runs = [measured(channel, call) for _ in range(repeat + 1)]
            leader.send(runs[1:])


def report(
    names: Sequence[str], link: Link, right: list[bool], parties: Sequence[Connection]
) -> None:
    """Prints a line for each case."""
    for name in names:
        case = CASES[name]
        seconds = {a: _median([party.recv() for party in parties]) for a in case.algorithms}
        foreseen = {a: predicted(case, link, a) for a in case.algorithms}
        chosen = _chosen(case, link, foreseen)
        right.append(seconds[chosen] <= AS_NEAR * min(seconds.values()))
        told = ", ".join(f"{a} {seconds[a]:.3f} ({foreseen[a]:.3f})" for a in case.algorithms)
        verdict = "yes" if right[-1] else f"no: {min(seconds, key=lambda a: seconds[a])}"
        print(f"| {name} | {link.name} | {told} | {chosen} | {verdict} |", flush=True)


def predicted(case: Case, link: Link, algorithm: str | None) -> float:
    """Seconds by the cost model."""
    counting = counting_protocol("replicated", 3)
    counting.round_worth = link.round_worth(1)
    call = case.build(counting, case.rows, algorithm)
    mark = counting.level()
    call()
    return link.seconds(counting.cost(mark))


def _chosen(case: Case, link: Link, foreseen: dict[str, float]) -> str:
    """What the planner takes; or the algorithm nearest to what the circuit takes by itself."""
    if case.planned:
        return min(foreseen, key=lambda a: foreseen[a])
    taken = predicted(case, link, None)
    return min(foreseen, key=lambda a: abs(foreseen[a] - taken))


def _median(runs: Sequence[Sequence[Usage]]) -> float:
    return statistics.median(
        max(one.seconds for one in together) for together in zip(*runs, strict=True)
    )


if __name__ == "__main__":
    main()
