"""Parties as processes on this machine, linked by real TLS over loopback, and what a call costs."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from shaped import Route, relayed
from tacit.executor.transport import (
    DataListener,
    Kind,
    PeerAddress,
    TlsChannel,
    connect_mesh,
    create_identity,
    load_identity,
)
from tacit.planner.cost import Link

NAMES = ("left", "middle", "right", "fourth", "fifth")

Work = Callable[[TlsChannel, bytes, Connection], None]
"""What one party does with its channel, the session's identity, and its line to the leader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call took at one party."""

    seconds: float
    cpu_seconds: float
    sent_bytes: int
    depth: int
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seat:
    """Which of the parties a process is; the identities of all are in `directory`."""

    index: int
    names: Sequence[str]
    directory: Path
    session_id: bytes


def run_parties(
    parties: int,
    work: Work,
    lead: Callable[[Sequence[Connection]], None],
    network: Link | None = None,
) -> None:
    """Runs `work` as so many processes, and `lead` here, with a line to each of them.

    With a network the parties are as far from each other as it says (shaped.py).
    """
    spawn = multiprocessing.get_context("spawn")
    names, session_id = NAMES[:parties], os.urandom(16)
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            create_identity(Path(directory) / name, name)
        seats = [
            _Seat(index=index, names=names, directory=Path(directory), session_id=session_id)
            for index in range(parties)
        ]
        ends = [spawn.Pipe() for _ in names]
        processes = [
            spawn.Process(target=_run, args=(seat, work, end))
            for seat, (_, end) in zip(seats, ends, strict=True)
        ]
        for process, (_, end) in zip(processes, ends, strict=True):
            process.start()
            end.close()
        lines = [line for line, _ in ends]
        ports = [line.recv() for line in lines]
        with contextlib.ExitStack() as stack:
            if network is not None:
                home = "127.0.0.1"
                routes = [Route(listen=(home, 0), target=(home, port)) for port in ports]
                ports = [port for _, port in stack.enter_context(relayed(routes, network))]
            for line in lines:
                line.send(ports)
            lead(lines)
            for process in processes:
                process.join()


def measured(channel: TlsChannel, call: Callable[[], object]) -> Usage:
    """Waits for the other parties, then runs the call."""
    start_depth = meet(channel)
    counters = channel.counters
    sent = counters.sent_bytes
    Path("/proc/self/clear_refs").write_text("5")  # the peak of resident memory starts anew
    start, busy = time.perf_counter(), time.process_time()
    call()
    return Usage(
        seconds=time.perf_counter() - start,
        cpu_seconds=time.process_time() - busy,
        sent_bytes=counters.sent_bytes - sent,
        depth=counters.depth - start_depth,
        peak_bytes=_peak_bytes(),
    )


def meet(channel: TlsChannel) -> int:
    """Waits for the other parties; all go on from the depth returned, which is the same for all."""
    counters = channel.counters
    own = np.array([counters.depth], np.uint64)
    peers = [peer for peer in range(channel.parties) if peer != channel.party]
    for peer in peers:
        channel.send(peer, Kind.CONTROL, [own])
    depths = [int(channel.receive(peer, Kind.CONTROL, 8).view(np.uint64)[0]) for peer in peers]
    counters.depth = 1 + max(int(own[0]), *depths)
    return counters.depth


def _run(seat: _Seat, work: Work, leader: Connection) -> None:
    """One process: connects, then works."""
    identities = [load_identity(seat.directory / name) for name in seat.names]
    own = identities[seat.index]
    trusted = {identity.party: identity.certificate_pem for identity in identities}
    with DataListener(own, trusted, host="127.0.0.1", port=0) as listener:
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
            identity=own,
            peers=peers,
            index=seat.index,
            session_id=seat.session_id,
        )
        work(channel, seat.session_id, leader)
        channel.close()


def _peak_bytes() -> int:
    """The most memory that was resident at once."""
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024
