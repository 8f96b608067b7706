"""What the primitives cost: parties as processes on this machine, real TLS over loopback.

Usage: python benchmarks/primitives.py [NAME ...] [--rows 16 18 20] [--repeat 3]
           [--protocol additive --parties 2] [--network lan]
One line per workload (see workloads.py) and size: median, least and greatest wall-clock seconds;
processor seconds, bytes sent and peak memory of the party that has most of each; rounds, and the
rounds and bytes that the counting protocol predicts. One run before the first is not counted.
Where correlations are made ahead of the data, a line NAME:ahead says what set-up and preparation
took; the line NAME is then what runs with the data there.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

from processes import Usage, measured, run_parties
from tacit.executor.sharing.protocol import SharingProtocol
from tacit.executor.sharing.protocols import PROTOCOLS, counting_protocol, open_protocol
from tacit.executor.sharing.randomness import SessionKeys, agree_keys
from tacit.executor.transport import TlsChannel
from tacit.planner.cost import LINKS, Cost
from workloads import WORKLOADS

Preparation = tuple[tuple[str, int, int], ...]

HEADER = (
    f"{'workload':<18} {'rows':>9} {'seconds':>8} {'least':>8} {'most':>8} {'cpu s':>8} "
    f"{'MB':>9} {'bytes/row':>10} {'rounds':>6} {'peak MiB':>9}  predicted"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`preparation`: what the workload uses up, made ahead of it."""

    name: str
    rows: int
    repeat: int
    protocol: str
    parties: int
    preparation: Preparation


def main() -> None:
    options = arguments()
    tasks = [
        task(name, 1 << power, options)
        for name in options.names or WORKLOADS
        for power in options.rows
    ]
    print(HEADER)
    work, leading = partial(run_party, tasks=tasks), partial(lead, tasks)
    run_parties(options.parties, work, leading, LINKS.get(options.network))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--rows", nargs="+", type=int, default=[16, 18, 20], help="powers of two")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, after one to warm up")
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="replicated")
    parser.add_argument("--parties", type=int, default=None, help="the protocol's least, if unsaid")
    parser.add_argument("--network", choices=("lan", "wan"), help="an emulated one (shaped.py)")
    options = parser.parse_args()
    for name in options.names:
        if name not in WORKLOADS:
            parser.error(f"there is no workload {name}; choose from {', '.join(WORKLOADS)}")
    facts = PROTOCOLS[options.protocol]
    options.parties = options.parties or facts.least_parties
    if not facts.runs_between(options.parties):
        parser.error(f"{options.protocol} runs between {facts.numbers} parties")
    return options


def task(name: str, rows: int, options: argparse.Namespace) -> Task:
    counting = counting_protocol(options.protocol, options.parties)
    WORKLOADS[name](counting, rows)()
    return Task(
        name=name,
        rows=rows,
        repeat=options.repeat,
        protocol=options.protocol,
        parties=options.parties,
        preparation=counting.preparation(),
    )


def lead(tasks: Sequence[Task], parties: Sequence[Connection]) -> None:
    """Prints a line for each task and phase."""
    for each in tasks:
        runs = list(zip(*(party.recv() for party in parties), strict=True))
        ahead, online = predicted(each)
        if each.protocol != "replicated":
            started = [[phases[0] for phases in run] for run in runs]
            print(line(f"{each.name}:ahead", each.rows, started, ahead), flush=True)
        finished = [[phases[1] for phases in run] for run in runs]
        print(line(each.name, each.rows, finished, online), flush=True)


def line(name: str, rows: int, runs: Sequence[Sequence[Usage]], cost: Cost) -> str:
    """`runs` holds what every party used in each run."""
    seconds = [max(one.seconds for one in run) for run in runs]
    everything = [one for run in runs for one in run]
    sent = statistics.mean(max(one.sent_bytes for one in run) for run in runs)
    rounds = statistics.mean(max(one.depth for one in run) for run in runs)
    cpu = max(statistics.median(column) for column in zip(*cpu_seconds(runs), strict=True))
    peak = max(one.peak_bytes for one in everything)
    expected = "about " if cost.expected else ""
    return (
        f"{name:<18} {rows:>9} {statistics.median(seconds):>8.3f} "
        f"{min(seconds):>8.3f} {max(seconds):>8.3f} {cpu:>8.3f} "
        f"{sent / 1e6:>9.2f} {sent / rows:>10.2f} {rounds:>6.0f} {peak / 2**20:>9.0f}  "
        f"{expected}{cost.rounds} rounds, {max(cost.sent_bytes) / 1e6:.2f} MB"
    )


def cpu_seconds(runs: Sequence[Sequence[Usage]]) -> list[list[float]]:
    return [[one.cpu_seconds for one in run] for run in runs]


def predicted(each: Task) -> tuple[Cost, Cost]:
    """What set-up and preparation cost, and the call after them."""
    counting = counting_protocol(each.protocol, each.parties, each.preparation)
    ahead = counting.cost()
    call = WORKLOADS[each.name](counting, each.rows)
    mark = counting.level()
    call()
    return ahead, counting.cost(mark)


def run_party(
    channel: TlsChannel, session_id: bytes, leader: Connection, *, tasks: Sequence[Task]
) -> None:
    """Runs every task and reports each, without the first run, which warms up."""
    keys = agree_keys(channel, session_id)
    for number, each in enumerate(tasks):
        runs = [
            measure(channel, keys, b"%s %d %d" % (session_id, number, run), each)
            for run in range(each.repeat + 1)
        ]
        leader.send(runs[1:])


def measure(
    channel: TlsChannel, keys: SessionKeys, context: bytes, each: Task
) -> tuple[Usage, Usage]:
    """Set-up with preparation, then the call."""
    opened: list[SharingProtocol] = []

    def start() -> None:
        opened.append(
            open_protocol(
                each.protocol, channel, keys, context=context, preparation=each.preparation
            )
        )

    ahead = measured(channel, start)
    return ahead, measured(channel, WORKLOADS[each.name](opened[0], each.rows))


if __name__ == "__main__":
    main()
