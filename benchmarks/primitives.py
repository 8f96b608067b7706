"""What the primitives cost: three parties as processes on this machine, real TLS over loopback.

Usage: python benchmarks/primitives.py [NAME ...] [--rows 16 18 20] [--repeat 3]
One line per workload (see workloads.py) and size: median, least and greatest wall-clock seconds;
processor seconds, bytes sent and peak memory of the party that has most of each; rounds, and the
rounds and bytes that the counting protocol predicts. One run before the first is not counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from tacit.executor.sharing.counting import CountingProtocol
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.sharing.replicated import ReplicatedProtocol
from tacit.executor.transport import (
    DataListener,
    PeerAddress,
    TlsChannel,
    connect_mesh,
    create_identity,
    load_identity,
)
from tacit.planner.cost import Cost
from workloads import WORKLOADS, Call

NAMES = ("left", "middle", "right")
HEADER = (
    f"{'workload':<13} {'rows':>9} {'seconds':>8} {'least':>8} {'most':>8} {'cpu s':>8} "
    f"{'MB':>9} {'bytes/row':>10} {'rounds':>6} {'peak MiB':>9}  predicted"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    name: str
    rows: int
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run at one party."""

    seconds: float
    cpu_seconds: float
    sent_bytes: int
    depth: int
    peak_bytes: int


def main() -> None:
    options = arguments()
    names = options.names or list(WORKLOADS)
    tasks = [
        Task(name=name, rows=1 << power, repeat=options.repeat)
        for name in names
        for power in options.rows
    ]
    print(HEADER)
    spawn = multiprocessing.get_context("spawn")
    session_id = os.urandom(16)
    with tempfile.TemporaryDirectory() as directory:
        for party in NAMES:
            create_identity(Path(directory) / party, party)
        ends = [spawn.Pipe() for _ in NAMES]
        parties = [
            spawn.Process(
                target=run_party, args=(index, Path(directory), session_id, tasks, theirs)
            )
            for index, (_, theirs) in enumerate(ends)
        ]
        for process, (_, theirs) in zip(parties, ends, strict=True):
            process.start()
            theirs.close()
        lead(tasks, [ours for ours, _ in ends])
        for process in parties:
            process.join()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--rows", nargs="+", type=int, default=[16, 18, 20], help="powers of two")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, after one to warm up")
    options = parser.parse_args()
    for name in options.names:
        if name not in WORKLOADS:
            parser.error(f"there is no workload {name}; choose from {', '.join(WORKLOADS)}")
    return options


def lead(tasks: Sequence[Task], parties: Sequence[Connection]) -> None:
    """Introduces the parties to each other; prints a line for each task."""
    ports = [party.recv() for party in parties]
    for party in parties:
        party.send(ports)
    for task in tasks:
        runs = list(zip(*(party.recv() for party in parties), strict=True))
        print(line(task, runs, predicted(task)), flush=True)


def line(task: Task, runs: Sequence[Sequence[Measurement]], cost: Cost) -> str:
    """`runs` holds one measurement of every party per run."""
    seconds = [max(one.seconds for one in run) for run in runs]
    everything = [one for run in runs for one in run]
    sent = statistics.mean(max(one.sent_bytes for one in run) for run in runs)
    rounds = statistics.mean(max(one.depth for one in run) for run in runs)
    cpu = max(statistics.median(column) for column in zip(*cpu_seconds(runs), strict=True))
    peak = max(one.peak_bytes for one in everything)
    expected = "about " if cost.expected else ""
    return (
        f"{task.name:<13} {task.rows:>9} {statistics.median(seconds):>8.3f} "
        f"{min(seconds):>8.3f} {max(seconds):>8.3f} {cpu:>8.3f} "
        f"{sent / 1e6:>9.2f} {sent / task.rows:>10.2f} {rounds:>6.0f} {peak / 2**20:>9.0f}  "
        f"{expected}{cost.rounds} rounds, {max(cost.sent_bytes) / 1e6:.2f} MB"
    )


def cpu_seconds(runs: Sequence[Sequence[Measurement]]) -> list[list[float]]:
    return [[one.cpu_seconds for one in run] for run in runs]


def predicted(task: Task) -> Cost:
    protocol = CountingProtocol()
    call = WORKLOADS[task.name](protocol, task.rows)
    mark = protocol.level()
    call()
    return protocol.cost(mark)


def run_party(
    index: int, directory: Path, session_id: bytes, tasks: Sequence[Task], leader: Connection
) -> None:
    """One process: connects, then runs every task and reports each."""
    identities = [load_identity(directory / party) for party in NAMES]
    trusted = {identity.party: identity.certificate_pem for identity in identities}
    with DataListener(identities[index], trusted, host="127.0.0.1", port=0) as listener:
        leader.send(listener.address[1])
        peers = [
            PeerAddress(
                name=identity.party,
                host="127.0.0.1",
                port=port,
                certificate_pem=identity.certificate_pem,
            )
            for identity, port in zip(identities, leader.recv(), strict=True)
        ]
        channel = connect_mesh(
            listener=listener,
            identity=identities[index],
            peers=peers,
            index=index,
            session_id=session_id,
        )
        protocol = ReplicatedProtocol(channel, agree_keys(channel, session_id))
        for task in tasks:
            leader.send(measure(channel, protocol, task))
        channel.close()


def measure(channel: TlsChannel, protocol: ReplicatedProtocol, task: Task) -> list[Measurement]:
    """Every run but the first, which warms up."""
    call = WORKLOADS[task.name](protocol, task.rows)
    return [measure_once(channel, protocol, call) for _ in range(task.repeat + 1)][1:]


def measure_once(channel: TlsChannel, protocol: ReplicatedProtocol, call: Call) -> Measurement:
    """Waits for the other parties, then runs the call."""
    counters = channel.counters
    counters.depth = start_depth = level(protocol, counters.depth)
    sent = counters.sent_bytes
    Path("/proc/self/clear_refs").write_text("5")  # the peak of resident memory starts anew
    start, busy = time.perf_counter(), time.process_time()
    call()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - busy
    return Measurement(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        sent_bytes=counters.sent_bytes - sent,
        depth=counters.depth - start_depth,
        peak_bytes=peak_bytes(),
    )


def level(protocol: ReplicatedProtocol, depth: int) -> int:
    """Waits for the other parties; a depth that none of them has reached, the same for all."""
    depths = [
        Input(owner=owner, rows=1, bits=64, values=np.array([depth], dtype=np.uint64))
        for owner in range(protocol.parties)
    ]
    opened = protocol.open(protocol.input(depths))
    return 3 + max(int(values[0]) for values in opened or [])


def peak_bytes() -> int:
    """The most memory that was resident at once."""
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


if __name__ == "__main__":
    main()
