"""How long a round takes: three parties as processes, each sends to its left, hears its right.

Usage: python benchmarks/exchange.py [rounds]. One line per frame size; loopback, real TLS.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from tacit.executor.transport import (
    DataListener,
    Kind,
    PeerAddress,
    TlsChannel,
    connect_mesh,
    create_identity,
    load_identity,
)

NAMES = ("left", "middle", "right")
SIZES = (100, 200, 16_000, 64_000, 256_000, 1_000_000, 16_000_000)
BYTES_PER_SIZE = 3 * 10**8


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    session_id = os.urandom(16)
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for party in NAMES:
            create_identity(directory / party, party)
        ends = [spawn.Pipe() for _ in NAMES]
        parties = [
            spawn.Process(target=run_party, args=(index, directory, session_id, rounds, end[1]))
            for index, end in enumerate(ends)
        ]
        for process in parties:
            process.start()
        ports = [end[0].recv() for end in ends]
        for end in ends:
            end[0].send(ports)
        for process in parties:
            process.join()


def run_party(
    index: int, directory: Path, session_id: bytes, rounds: int, lead: Connection
) -> None:
    identities = [load_identity(directory / party) for party in NAMES]
    trusted = {identity.party: identity.certificate_pem for identity in identities}
    with DataListener(identities[index], trusted, host="127.0.0.1", port=0) as listener:
        lead.send(listener.address[1])
        peers = [
            PeerAddress(
                name=identity.party,
                host="127.0.0.1",
                port=port,
                certificate_pem=identity.certificate_pem,
            )
            for identity, port in zip(identities, lead.recv(), strict=True)
        ]
        channel = connect_mesh(
            listener=listener,
            identity=identities[index],
            peers=peers,
            index=index,
            session_id=session_id,
        )
        for size in SIZES:
            exchange(channel, size, 20)
            count = max(10, min(rounds, BYTES_PER_SIZE // size))
            report(channel, size, count, *exchange(channel, size, count))
        channel.close()


def exchange(channel: TlsChannel, size: int, rounds: int) -> tuple[float, float]:
    """Wall-clock and processor seconds that `rounds` rounds take."""
    payload = np.ones(size, dtype=np.uint8)
    left, right = (channel.party - 1) % 3, (channel.party + 1) % 3
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        channel.send(left, Kind.AND, [payload])
        channel.receive(right, Kind.AND, size)
    return time.perf_counter() - start, time.process_time() - busy


def report(channel: TlsChannel, size: int, rounds: int, seconds: float, busy: float) -> None:
    if channel.party == 0:
        print(
            f"{size:>10} bytes: {seconds / rounds * 1e6:8.0f} us per round, "
            f"{busy / rounds * 1e6:8.0f} us of processor per party, "
            f"{size * rounds / seconds / 1e9:5.2f} GB/s sent and received by each"
        )


if __name__ == "__main__":
    main()
