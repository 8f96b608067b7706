"""Where the other parties' data connections arrive.

Nothing is believed before the handshake has proved which pinned certificate is at the other end.
Each connection has a thread, a deadline and a place in a bounded table while it introduces itself,
so that slow or silent ones hold up nobody; strangers get nothing but a closed connection.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

from .contexts import peer_fingerprint, server_context
from .hello import HELLO, Hello, decode_hello, read_exactly
from .identity import Identity, check_certificate, fingerprint
from .rendezvous import Expectation, Refused, Rendezvous
from .sockets import discard, listen, tune, wake

HANDSHAKE_SECONDS = 5.0
PATIENCE_SECONDS = 10.0
_MAX_STRANGERS = 64
_BACKLOG = 128
_ACCEPT_SECONDS = 0.5
_ERROR_PAUSE_SECONDS = 0.01

_log = logging.getLogger(__name__)


class DataListener:
    """Accepts data connections for all sessions of one party; a context manager.

    `trusted` maps party names to their pinned certificates (PEM). Port 0 takes a free one, see
    `address`. patience_seconds: how long a party that is early may wait for its session to be
    expected here. Errors: ConfigurationError for a certificate that is not fit to be pinned, or an
    address that cannot be listened on.
    """

    def __init__(
        self,
        identity: Identity,
        trusted: Mapping[str, bytes],
        *,
        host: str,
        port: int,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        for party, certificate in trusted.items():
            check_certificate(certificate, party, source=f"the certificate of {party}")
        self._names = {fingerprint(pem): party for party, pem in trusted.items()}
        self._context = server_context(identity, trusted.values())
        self._handshake_seconds = handshake_seconds
        self._rendezvous = Rendezvous(self._names, patience_seconds)
        self._strangers: OrderedDict[ssl.SSLSocket, None] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._socket = listen(host, port, "data connections", backlog=_BACKLOG)
        self._socket.settimeout(_ACCEPT_SECONDS)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._thread = threading.Thread(target=self._accept, name="tacit-listener", daemon=True)
        self._thread.start()

    def expect(
        self, session_id: bytes, *, index: int, parties: int, fingerprints: Mapping[int, str]
    ) -> Expectation:
        """Awaits one connection from every party that is linked in a session; a context manager.

        `fingerprints` tells by position, of the session's `parties`, who they are. Errors:
        ConfigurationError for a party that is not trusted here; SessionError for a session id
        that was used here before.
        """
        return self._rendezvous.expect(
            session_id, index=index, parties=parties, fingerprints=fingerprints
        )

    def close(self) -> None:
        """Stops accepting and drops everybody who waits for a session. Idempotent."""
        with self._lock:
            self._closed = True
            strangers = list(self._strangers)
        wake(self._socket)
        for connection in strangers:
            wake(connection)
        self._rendezvous.close()
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> DataListener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, address = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:  # gone already, no file descriptor left, or woken by close
                time.sleep(_ERROR_PAUSE_SECONDS)
                continue
            try:
                tune(connection)
                secured = self._context.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            except (OSError, ValueError):
                connection.close()
                continue
            self._admit(secured)
            threading.Thread(
                target=self._introduce,
                args=(secured, address[0]),
                name="tacit-introduction",
                daemon=True,
            ).start()

    def _admit(self, connection: ssl.SSLSocket) -> None:
        """Enters a connection into the table of strangers; the oldest leaves a full table."""
        with self._lock:
            while len(self._strangers) >= _MAX_STRANGERS:
                wake(self._strangers.popitem(last=False)[0])
            self._strangers[connection] = None

    def _introduce(self, connection: ssl.SSLSocket, address: str) -> None:
        """Finds out who it is and what for; the rendezvous takes the connection, or nobody."""
        party = "a stranger"
        try:
            try:
                hello = self._hear(connection)
            finally:
                with self._lock:
                    self._strangers.pop(connection, None)
            identity = peer_fingerprint(connection)
            party = self._names[identity]
            self._rendezvous.meet(connection, identity, hello)
        except (OSError, EOFError, ValueError, KeyError, Refused) as error:
            discard(connection)
            told = str(error) if isinstance(error, Refused) else type(error).__name__
            _log.info("refused a data connection of %s from %s: %s", party, address, told)

    def _hear(self, connection: ssl.SSLSocket) -> Hello:
        """Handshake and hello, within handshake_seconds in all."""
        until = time.monotonic() + self._handshake_seconds
        connection.settimeout(self._handshake_seconds)
        connection.do_handshake()
        hello = decode_hello(read_exactly(connection, HELLO.size, until))
        if hello is None:
            raise Refused("no hello of this version")
        return hello
