"""What oblivious transfer costs: two parties as processes on this machine, real TLS over loopback.

Usage: python benchmarks/ot.py [NAME ...] [--repeat 3]
One line per item: how many, median wall-clock and processor seconds (of the party that has more),
items per wall-clock second and processor second, bytes that both parties together send per item,
rounds, peak memory. Both directions run at once: of n transfers each party chooses in one half and
sends in the other. One run before the first is not counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
from processes import Usage, measured, run_parties
from tacit.executor.sharing.additive.correlations import Maker
from tacit.executor.sharing.additive.moves import RowShape, make_moves
from tacit.executor.sharing.ot.extension import SECURITY
from tacit.executor.sharing.ot.transfers import Transfers
from tacit.executor.sharing.randomness import Purpose, SessionKeys, Stream, agree_keys
from tacit.executor.sharing.rounds import Rounds
from tacit.executor.transport import TlsChannel

BATCH = 1 << 20
"""Transfers in one direction, as preparation makes them."""

HEADER = (
    f"{'item':<22} {'count':>8} {'seconds':>8} {'cpu s':>8} {'per second':>11} "
    f"{'per cpu s':>11} {'bytes each':>10} {'rounds':>6} {'peak MiB':>8}"
)


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a pair whose transfers are set up."""

    link: Rounds
    transfers: Transfers
    own: Stream

    @property
    def maker(self) -> Maker:
        return Maker(self.link, self.transfers, self.own)


@dataclass(frozen=True, slots=True)
class Item:
    """How many one run makes, with transfers of which fold, and how."""

    count: int
    fold: int
    make: Callable[[Party], object]


def transfers(party: Party) -> None:
    """Random transfers of 16 bytes, both ways."""
    (peer,) = party.link.peers
    choices = party.own.draw(BATCH // 64, np.uint64)
    batch = party.transfers.extend({peer: choices}, {peer: len(choices)})
    batch.received[peer].chosen(16)
    batch.sent[peer].both(16)


def permutation(power: int, party: Party) -> None:
    """One correlation for each party's permutation of rows of 64 bits."""
    source = party.own.permutation(1 << power)
    shape = RowShape(1 << power, 64, ())
    make_moves(party.link, party.transfers, party.own, shape, source)


ITEMS = {
    "base transfers": Item(2 * SECURITY, 4, lambda party: party.transfers.set_up()),
    "IKNP": Item(2 * BATCH, 1, transfers),
    "SoftSpoken k=2": Item(2 * BATCH, 2, transfers),
    "SoftSpoken k=4": Item(2 * BATCH, 4, transfers),
    "SoftSpoken k=8": Item(2 * BATCH, 8, transfers),
    "bit triples": Item(BATCH, 4, lambda party: party.maker.bit_triples(BATCH // 64)),
    "wide triples of 32": Item(BATCH, 4, lambda party: party.maker.wide_triples(BATCH // 64, 32)),
    "ring triples, 32 bits": Item(
        BATCH // 32, 4, lambda party: party.maker.ring_triples(BATCH // 32, 32)
    ),
    "ring triples, 64 bits": Item(
        BATCH // 64, 4, lambda party: party.maker.ring_triples(BATCH // 64, 64)
    ),
    "double bits, 32 bits": Item(BATCH, 4, lambda party: party.maker.double_bits(BATCH // 64, 32)),
    "permuted rows, 2^14": Item(2 << 14, 4, partial(permutation, 14)),
    "permuted rows, 2^16": Item(2 << 16, 4, partial(permutation, 16)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ITEMS))
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, after one to warm up")
    options = parser.parse_args()
    for name in options.names:
        if name not in ITEMS:
            parser.error(f"there is no item {name}; choose from {', '.join(ITEMS)}")
    names = options.names or list(ITEMS)
    print(HEADER)
    run_parties(2, partial(run_party, names=names, repeat=options.repeat), partial(lead, names))


def run_party(
    channel: TlsChannel,
    session_id: bytes,
    leader: Connection,
    *,
    names: Sequence[str],
    repeat: int,
) -> None:
    """Makes every item and reports each run but the first."""
    keys = agree_keys(channel, session_id)
    for name in names:
        item = ITEMS[name]
        runs = [
            measure(channel, keys, b"%s %s %d" % (session_id, name.encode(), run), item)
            for run in range(repeat + 1)
        ]
        leader.send(runs[1:])


def measure(channel: TlsChannel, keys: SessionKeys, context: bytes, item: Item) -> Usage:
    link = Rounds(channel, keys)
    party = Party(
        link,
        Transfers(link, context, fold=item.fold),
        Stream(os.urandom(32), Purpose.RANDOM),
    )
    if item is not ITEMS["base transfers"]:
        party.transfers.set_up()
    return measured(channel, partial(item.make, party))


def lead(names: Sequence[str], parties: Sequence[Connection]) -> None:
    for name in names:
        runs = list(zip(*(party.recv() for party in parties), strict=True))
        print(line(name, ITEMS[name].count, runs), flush=True)


def line(name: str, count: int, runs: Sequence[Sequence[Usage]]) -> str:
    seconds = statistics.median(max(one.seconds for one in run) for run in runs)
    cpu = statistics.median(max(one.cpu_seconds for one in run) for run in runs)
    sent = statistics.median(sum(one.sent_bytes for one in run) for run in runs)
    rounds = max(one.depth for run in runs for one in run)
    peak = max(one.peak_bytes for run in runs for one in run)
    return (
        f"{name:<22} {count:>8} {seconds:>8.3f} {cpu:>8.3f} {count / seconds:>11.0f} "
        f"{count / cpu:>11.0f} {sent / count:>10.2f} {rounds:>6} {peak / 2**20:>8.0f}"
    )


if __name__ == "__main__":
    main()
