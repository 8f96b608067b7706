"""Whether the cost model chooses what is fastest: every algorithm of a case, measured.

Usage: python benchmarks/choices.py [CASE ...] [--network lan wan] [--repeat 3] [--busy]

Three parties as processes on this machine, linked by an emulated network (shaped.py). For each case
and network every algorithm that comes into question runs: of a circuit (choices_circuits.py), or of
one operator of a whole plan (choices_plans.py). The one that the cost model takes is right if it is
the fastest, or within a tenth of the fastest. CASE: a name, or how it begins.

With --busy, for a machine on which others compute: seconds are those that the network takes for the
rounds and bytes that were counted, and the processor time that was measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

import choices_circuits
import choices_plans
from processes import Usage, measured, run_parties
from tacit.executor.sharing.protocols import open_protocol
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.transport import TlsChannel
from tacit.planner.cost import LINKS, Link

AS_NEAR = 1.1
"""How much slower than the fastest still counts as right."""

CASES = {**choices_circuits.CASES, **choices_plans.CASES}

Trial = choices_circuits.CircuitTrial | choices_plans.PlanTrial


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A case on a network: its algorithms, and the one that is chosen."""

    name: str
    trials: Mapping[str, Trial]
    chosen: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--network", nargs="+", choices=("lan", "wan"), default=["lan", "wan"])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, after one to warm up")
    parser.add_argument("--busy", action="store_true", help="count, and take processor time")
    options = parser.parse_args()
    asked = tuple(options.cases) or ("",)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
    print("| case | network | algorithms: seconds measured (predicted) | chosen | right |")
    print("|---|---|---|---|---|", flush=True)
    right: list[bool] = []
    for network in options.network:
        link = LINKS[network].running("replicated")
        tasks = []
        for name, case in CASES.items():
            if name.startswith(asked):
                trials, chosen = case.trials(link)
                tasks.append(Task(name=name, trials=trials, chosen=chosen))
        work = partial(run_party, tasks=tasks, repeat=options.repeat)
        run_parties(3, work, partial(report, tasks, link, right, options.busy), link)
    print(f"\n{sum(right)} of {len(right)} choices are the fastest, or within a tenth of it.")
    print(f"Load {os.getloadavg()[0]:.1f} at the end.")


def run_party(
    channel: TlsChannel,
    session_id: bytes,
    leader: Connection,
    *,
    tasks: Sequence[Task],
    repeat: int,
) -> None:
    """Runs every algorithm of every case, and reports its runs but for the first."""
    keys = agree_keys(channel, session_id)
    protocol = open_protocol("replicated", channel, keys, context=session_id, preparation=())
    party = choices_plans.PARTIES[channel.party]
    for task in tasks:
        for trial in task.trials.values():
            call = trial.prepare(protocol, party)
            runs = [measured(channel, call) for _ in range(repeat + 1)]
            leader.send(runs[1:])


def report(
    tasks: Sequence[Task],
    link: Link,
    right: list[bool],
    busy: bool,
    parties: Sequence[Connection],
) -> None:
    """Prints a line for each case."""
    for task in tasks:
        taken: dict[str, float] = {}
        for name in task.trials:
            runs = zip(*(party.recv() for party in parties), strict=True)
            taken[name] = statistics.median(_seconds(run, link, busy) for run in runs)
        fastest = min(taken, key=lambda name: taken[name])
        right.append(taken[task.chosen] <= AS_NEAR * taken[fastest])
        told = ", ".join(
            f"{name} {taken[name]:.3f} ({link.seconds(trial.cost()):.3f})"
            for name, trial in task.trials.items()
        )
        verdict = "yes" if right[-1] else f"no: {fastest}"
        print(f"| {task.name} | {link.name} | {told} | {task.chosen} | {verdict} |", flush=True)


def _seconds(run: Sequence[Usage], link: Link, busy: bool) -> float:
    """What a run took: `run` holds what each party used."""
    if not busy:
        return max(one.seconds for one in run)
    waiting = max(one.depth for one in run) * link.round_trip_seconds / 2
    sending = max(one.sent_bytes for one in run) / link.bytes_per_second
    return waiting + sending + link.crowding * max(one.cpu_seconds for one in run)


if __name__ == "__main__":
    main()
