"""A network between processes of this machine: relays that hold bytes back as a real one would.

Every address gets a relay of its own, which takes connections in its place and passes bytes on,
both ways, one way's delay later and no faster than the bandwidth. What flows towards one address
shares its bandwidth. There is no loss, no congestion control, and no slow start: connections are
as fast as long-lived ones on a quiet network.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tacit.planner.cost import Link

_PIECE_BYTES = 1 << 18

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a relay listens (port 0: anywhere), and where it passes connections on to."""

    listen: Address
    target: Address


@contextlib.contextmanager
def relayed(routes: Sequence[Route], network: Link) -> Iterator[list[Address]]:
    """Runs a relay for each route in a process of their own; the addresses where they listen."""
    listeners = [_listener(route.listen) for route in routes]
    addresses = [listener.getsockname()[:2] for listener in listeners]
    context = multiprocessing.get_context("fork")
    targets = [route.target for route in routes]
    process = context.Process(target=_serve, args=(listeners, targets, network), daemon=True)
    process.start()
    for listener in listeners:
        listener.close()
    try:
        yield addresses
    finally:
        process.terminate()
        process.join()


@dataclass(slots=True)
class _Lane:
    """One party's incoming bandwidth."""

    bytes_per_second: float
    free_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def passed(self, size: int) -> float:
        """When so many bytes that are sent now have gone through."""
        with self.lock:
            start = max(time.monotonic(), self.free_at)
            self.free_at = start + size / self.bytes_per_second
            return self.free_at


def _listener(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.create_server(address, family=family, backlog=64)


def _serve(listeners: Sequence[socket.socket], targets: Sequence[Address], network: Link) -> None:
    threads = []
    for listener, target in zip(listeners, targets, strict=True):
        lane = _Lane(network.bytes_per_second)
        threads.append(threading.Thread(target=_accept, args=(listener, target, lane, network)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def _accept(listener: socket.socket, target: Address, lane: _Lane, network: Link) -> None:
    while True:
        incoming, _ = listener.accept()
        threading.Thread(target=_pass_on, args=(incoming, target, lane, network)).start()


def _pass_on(incoming: socket.socket, target: Address, lane: _Lane, network: Link) -> None:
    """Connects after a round trip, as a handshake would, then passes bytes on both ways."""
    time.sleep(network.round_trip_seconds)
    try:
        outgoing = socket.create_connection(target)
    except OSError:
        incoming.close()
        return
    back = _Lane(network.bytes_per_second)
    for source, sink, way in ((incoming, outgoing, lane), (outgoing, incoming, back)):
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        held: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        delay = network.round_trip_seconds / 2
        threading.Thread(target=_take, args=(source, held, way, delay)).start()
        threading.Thread(target=_give, args=(held, sink)).start()


def _take(
    source: socket.socket, held: queue.SimpleQueue[tuple[float, bytes]], way: _Lane, delay: float
) -> None:
    piece = b"-"
    while piece:
        try:
            piece = source.recv(_PIECE_BYTES)
        except OSError:
            piece = b""
        held.put((way.passed(len(piece)) + delay, piece))


def _give(held: queue.SimpleQueue[tuple[float, bytes]], sink: socket.socket) -> None:
    while True:
        due, piece = held.get()
        time.sleep(max(due - time.monotonic(), 0))
        try:
            if piece:
                sink.sendall(piece)
                continue
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return
