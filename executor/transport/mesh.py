"""Connects a session's compute parties with each other, and outsiders with all of them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ...query.errors import PeerError, PeerLostError, PeerTimeoutError, PeerViolationError
from .contexts import client_context, peer_fingerprint
from .hello import WELCOME, Hello, read_exactly
from .identity import Identity, fingerprint
from .listener import DataListener
from .rendezvous import Expectation
from .sockets import discard, tune, wake
from .tls import Limits, TlsChannel

CONNECT_SECONDS = 10.0
_RETRY_SECONDS = 0.05
_STEP = "connecting"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAddress:
    """Where a party accepts data connections, and the certificate pinned for it."""

    name: str
    host: str
    port: int
    certificate_pem: bytes


def connect_mesh(
    *,
    listener: DataListener,
    identity: Identity,
    peers: Sequence[PeerAddress],
    index: int,
    session_id: bytes,
    computing: int | None = None,
    linked: Collection[int] = (),
    deadline_seconds: float = 60,
    connect_seconds: float = CONNECT_SECONDS,
    limits: Limits | None = None,
) -> TlsChannel:
    """A channel to the other parties of one session, once all of them are connected.

    `peers` are the parties in the order that all agree on, this one (at `index`) included: first
    the `computing` compute parties (all, unless given), linked with each other; then the outsiders,
    of which those at the positions `linked` are linked with every compute party.
    `session_id` is 16 random bytes, the same for all, never used before. deadline_seconds is the
    silence that a receive bears later; connect_seconds bounds this call. Errors: PeerError that
    names the party that is missing or not who it should be; SessionError.
    """
    until = time.monotonic() + connect_seconds
    computing = len(peers) if computing is None else computing
    others = [position for position in range(computing) if position != index]
    others += sorted(linked) if index < computing else []
    fingerprints = {p: fingerprint(peers[p].certificate_pem) for p in others}
    with (
        listener.expect(
            session_id, index=index, parties=len(peers), fingerprints=fingerprints
        ) as expectation,
        ThreadPoolExecutor(max(1, len(others)), "tacit-connect") as pool,
    ):
        dialler = _Dialler(identity, until)
        links = {}
        for p in others:
            hello = Hello(session_id=session_id, sender=index, receiver=p, parties=len(peers))
            links[p] = pool.submit(dialler.open, peers[p], hello)
        incoming, outgoing = _collect(links, expectation, dialler)
    return TlsChannel(
        index,
        [peer.name for peer in peers],
        outgoing,
        incoming,
        computing=computing,
        deadline_seconds=deadline_seconds,
        limits=limits,
    )


def _collect(
    links: dict[int, Future[ssl.SSLSocket]], expectation: Expectation, dialler: _Dialler
) -> tuple[dict[int, ssl.SSLSocket], dict[int, ssl.SSLSocket]]:
    """All incoming and outgoing connections, or none of them and the first error."""
    incoming: dict[int, ssl.SSLSocket] = {}

    def report(link: Future[ssl.SSLSocket]) -> None:
        error = link.exception()
        if isinstance(error, Exception):
            expectation.fail(error)

    for link in links.values():
        link.add_done_callback(report)
    try:
        incoming = expectation.wait(dialler.until)
        return incoming, {position: link.result() for position, link in links.items()}
    except BaseException:
        dialler.stop()
        for connection in incoming.values():
            discard(connection)
        for link in links.values():
            link.add_done_callback(_discard_link)
        raise


def _discard_link(link: Future[ssl.SSLSocket]) -> None:
    with contextlib.suppress(Exception):
        discard(link.result())


class _Dialler:
    """Opens outgoing connections, in several threads, until a deadline or until stopped."""

    def __init__(self, identity: Identity, until: float) -> None:
        self.until = until
        self._identity = identity
        self._stopped = threading.Event()
        self._opening: set[ssl.SSLSocket] = set()
        self._lock = threading.Lock()

    def open(self, peer: PeerAddress, hello: Hello) -> ssl.SSLSocket:
        """A connection to `peer` over which this party sends, past hello and welcome."""
        context = client_context(self._identity, peer.certificate_pem)
        plain = self._dial(peer)
        try:
            connection = context.wrap_socket(plain, do_handshake_on_connect=False)
        except OSError:
            plain.close()
            raise _turned_away(peer) from None
        with self._lock:
            self._opening.add(connection)
        try:
            if self._stopped.is_set():
                raise _turned_away(peer)
            _introduce(connection, peer, hello, self.until)
        except BaseException:
            discard(connection)
            raise
        finally:
            with self._lock:
                self._opening.discard(connection)
        return connection

    def stop(self) -> None:
        """Makes every `open` under way fail soon."""
        self._stopped.set()
        with self._lock:
            for connection in self._opening:
                wake(connection)

    def _dial(self, peer: PeerAddress) -> socket.socket:
        """A TCP connection; tries again while the peer may be starting."""
        while True:
            left = self.until - time.monotonic()
            try:
                connection = socket.create_connection((peer.host, peer.port), max(left, 0.001))
                tune(connection)
                return connection
            except OSError as error:
                if left <= _RETRY_SECONDS or self._stopped.wait(_RETRY_SECONDS):
                    raise PeerLostError(
                        f"{peer.name} cannot be reached at {peer.host}:{peer.port}: "
                        f"{error.strerror or error}",
                        party=peer.name,
                        step=_STEP,
                    ) from None


def _introduce(connection: ssl.SSLSocket, peer: PeerAddress, hello: Hello, until: float) -> None:
    """Handshake, hello and welcome; makes sure that it is the right party that answers."""
    try:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        connection.do_handshake()
        if peer_fingerprint(connection) != fingerprint(peer.certificate_pem):
            raise _wrong_certificate(peer)
        connection.sendall(hello.encode())
        answer = read_exactly(connection, len(WELCOME), until)
    except ssl.SSLCertVerificationError:
        raise _wrong_certificate(peer) from None
    except TimeoutError:
        raise PeerTimeoutError(
            f"{peer.name} did not welcome our data connection in time",
            party=peer.name,
            step=_STEP,
        ) from None
    except (OSError, EOFError):
        raise _turned_away(peer) from None
    if answer != WELCOME:
        raise PeerViolationError(
            f"{peer.name} did not answer our hello as tacit does", party=peer.name, step=_STEP
        )


def _wrong_certificate(peer: PeerAddress) -> PeerError:
    return PeerViolationError(
        f"what answers at {peer.host}:{peer.port} has another certificate than the one pinned for "
        f"{peer.name}",
        party=peer.name,
        step=_STEP,
    )


def _turned_away(peer: PeerAddress) -> PeerError:
    return PeerLostError(
        f"{peer.name} ended our data connection before the session began: either it does not "
        "know this session or it has not pinned our certificate",
        party=peer.name,
        step=_STEP,
    )
