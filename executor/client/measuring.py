"""What the network between running nodes is like, measured from one party's machine.

Round trip: how long a TCP connection to another node takes, the least of several. Bandwidth: how
much longer a node takes to hear a long greeting than a short one. Processor: how long a small
computation takes here against what the usual rates say of it; all rates are scaled by that.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ...planner.cost import LINKS, RATES, Link, Rates
from ...query.errors import PeerLostError
from ..circuits.sort import sort
from ..party.control import ControlLink
from ..party.federation import Address, Member, load_federation
from ..party.networks import MEASURED
from ..sharing.protocol import SharingProtocol
from ..sharing.protocols import counting_protocol, open_protocol
from ..sharing.randomness import agree_keys
from ..transport.channel import Channel
from ..transport.identity import load_identity
from ..transport.memory import memory_channels

_CONNECTIONS, _GREETINGS, _COMPUTATIONS = 9, 4, 4
_PADDING_BYTES = 3 * 2**20
_ROWS = 1 << 13
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def measure_network(directory: Path, party: str, tell: Callable[[str], None]) -> Link:
    """The network as the worst of this party's links is; `tell` hears of each.

    Errors: ConfigurationError; PeerError if a node does not run.
    """
    federation = load_federation(directory)
    identity = load_identity(federation.party_directory(party))
    trips, speeds = [], []
    for member in federation.members:
        if member.name == party:
            continue
        trips.append(_round_trip(member))
        link = ControlLink(identity, member)
        try:
            speeds.append(_bytes_per_second(link))
        finally:
            link.close()
        tell(f"{member.name}: {trips[-1] * 1e3:.3g} ms, {speeds[-1] * 8e-6:.3g} Mbit/s")
    slowness = _slowness()
    tell(f"processor: {1 / slowness:.2g} times as fast as usual")
    hosts = {member.control.host for member in federation.members}
    here = len(federation.compute) if hosts <= _OWN_HOSTS else 1
    return Link(
        name=MEASURED,
        round_trip_seconds=max(trips),
        bytes_per_second=min(speeds),
        crowding=max(1.0, here / (os.cpu_count() or 1)),
        rates=_scaled(RATES[federation.protocol], slowness),
    )


def _scaled(rates: Rates, factor: float) -> Rates:
    fields = dataclasses.fields(rates)
    return Rates(**{field.name: getattr(rates, field.name) * factor for field in fields})


def _round_trip(member: Member) -> float:
    return min(_connected(member, member.control) for _ in range(_CONNECTIONS))


def _connected(member: Member, address: Address) -> float:
    start = time.perf_counter()
    try:
        socket.create_connection((address.host, address.port), timeout=10).close()
    except OSError as error:
        raise PeerLostError(
            f"{member.name} cannot be reached at {address}: {error.strerror or error}",
            party=member.name,
            step="measure",
        ) from None
    return time.perf_counter() - start


def _bytes_per_second(link: ControlLink) -> float:
    short, long = _greeting(link, 0), _greeting(link, _PADDING_BYTES)
    return _PADDING_BYTES / max(long - short, 1e-4)


def _greeting(link: ControlLink, size: int) -> float:
    """The least time of several greetings of so many bytes."""
    body = {"padding": "-" * size}
    seconds = []
    for _ in range(_GREETINGS):
        start = time.perf_counter()
        link.call("hello", body, timeout_seconds=60)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _slowness() -> float:
    """How much longer this machine computes than the usual rates say, by the best of a few."""
    counting = counting_protocol("replicated", 3)
    _sort(counting)
    usual = 3 * LINKS["loopback"].running("replicated").busy_seconds(counting.cost())
    return min(_computation() for _ in range(_COMPUTATIONS)) / usual


def _computation() -> float:
    """Processor seconds of a sort by three parties in this process."""
    channels = memory_channels(3, deadline_seconds=60)
    threads = [threading.Thread(target=_compute, args=(channel,)) for channel in channels]
    start = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - start


def _compute(channel: Channel) -> None:
    keys = agree_keys(channel, b"measure")
    _sort(open_protocol("replicated", channel, keys, context=b"measure", preparation=()))


def _sort(protocol: SharingProtocol) -> None:
    sort(protocol, protocol.random_bits(_ROWS, 32), [], algorithm="quick")
