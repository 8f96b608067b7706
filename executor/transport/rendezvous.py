"""Brings together the connections that arrive and the sessions that await them.

Parties start a session at slightly different moments, so a connection may be early: it waits a
bounded time for its session, and only so many connections of one party wait at once.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping

from ...query.errors import (
    ConfigurationError,
    PeerError,
    PeerTimeoutError,
    PeerViolationError,
    SessionError,
)
from .hello import SESSION_ID_BYTES, WELCOME, Hello
from .sockets import discard

_MAX_EARLY_PER_PARTY = 16
_REMEMBERED_SESSIONS = 4096
_STEP = "connecting"


class Refused(Exception):
    """A connection that no session of this party wants; the text says why."""


class Rendezvous:
    """The sessions that await connections, and the connections that await sessions.

    `names` maps the fingerprints of all trusted certificates to party names.
    """

    def __init__(self, names: Mapping[str, str], patience_seconds: float) -> None:
        self.names = names
        self.condition = threading.Condition()
        self._patience_seconds = patience_seconds
        self._expected: dict[bytes, Expectation] = {}
        self._used: OrderedDict[bytes, None] = OrderedDict()
        self._early: Counter[str] = Counter()
        self._closed = False

    def expect(
        self, session_id: bytes, *, index: int, parties: int, fingerprints: Mapping[int, str]
    ) -> Expectation:
        """Registers a session. Errors: ConfigurationError, SessionError (see DataListener)."""
        if len(session_id) != SESSION_ID_BYTES:
            raise SessionError(f"a session id has {SESSION_ID_BYTES} bytes")
        for identity in fingerprints.values():
            if identity not in self.names:
                raise ConfigurationError(f"no trusted certificate has fingerprint {identity}")
        expectation = Expectation(self, session_id, index, parties, fingerprints)
        with self.condition:
            if self._closed:
                raise SessionError("this party takes no more sessions")
            if session_id in self._used:
                raise SessionError("this session id was used before: a retry is a new session")
            self._used[session_id] = None
            while len(self._used) > _REMEMBERED_SESSIONS:
                self._used.popitem(last=False)
            self._expected[session_id] = expectation
            self.condition.notify_all()
        return expectation

    def meet(self, connection: ssl.SSLSocket, identity: str, hello: Hello) -> None:
        """Hands an authenticated connection to its session, waiting for it if it is early.

        Errors: Refused; OSError if the other side is gone.
        """
        with self.condition:
            expectation = self._find(identity, hello.session_id)
            expectation.claim(identity, hello)
        try:
            connection.sendall(WELCOME)
        except OSError:
            with self.condition:
                expectation.claimed.discard(hello.sender)
            raise
        with self.condition:
            if self._expected.get(hello.session_id) is not expectation:
                raise Refused("its session has ended")
            expectation.connections[hello.sender] = connection
            self.condition.notify_all()

    def forget(self, session_id: bytes) -> None:
        """A session awaits nobody any more. Call with the condition held."""
        self._expected.pop(session_id, None)

    def close(self) -> None:
        """Refuses everybody from now on."""
        with self.condition:
            self._closed = True
            for expectation in self._expected.values():
                expectation.error = SessionError("this party is shutting down")
            self.condition.notify_all()

    def _find(self, identity: str, session_id: bytes) -> Expectation:
        until = time.monotonic() + self._patience_seconds
        if self._early[identity] >= _MAX_EARLY_PER_PARTY:
            raise Refused("too many of its connections wait for a session already")
        self._early[identity] += 1
        try:
            while (expectation := self._expected.get(session_id)) is None:
                left = until - time.monotonic()
                if left <= 0 or self._closed or session_id in self._used:
                    raise Refused("no session of this id is expected")
                self.condition.wait(left)
        finally:
            self._early[identity] -= 1
        return expectation


class Expectation:
    """One session's wait for its incoming connections; a context manager.

    Leaving it closes the connections that `wait` has not handed out, and refuses further ones.
    """

    def __init__(
        self,
        rendezvous: Rendezvous,
        session_id: bytes,
        index: int,
        parties: int,
        fingerprints: Mapping[int, str],
    ) -> None:
        self.connections: dict[int, ssl.SSLSocket] = {}
        self.claimed: set[int] = set()
        self.error: Exception | None = None
        self._rendezvous = rendezvous
        self._session_id = session_id
        self._index = index
        self._parties = parties
        self._fingerprints = dict(fingerprints)

    def wait(self, until: float) -> dict[int, ssl.SSLSocket]:
        """A connection from every linked party, by position; the caller owns them from now on.

        Errors: PeerTimeoutError at time.monotonic() == `until`; PeerViolationError for a member
        of the session that claims another's position; whatever `fail` was called with.
        """
        with self._rendezvous.condition:
            while self.error is None and len(self.connections) < len(self._fingerprints):
                left = until - time.monotonic()
                if left <= 0:
                    raise self._missing()
                self._rendezvous.condition.wait(left)
            if self.error is not None:
                raise self.error
            handed_out, self.connections = self.connections, {}
            return handed_out

    def fail(self, error: Exception) -> None:
        """Makes `wait` raise `error`. From any thread."""
        with self._rendezvous.condition:
            self.error = self.error or error
            self._rendezvous.condition.notify_all()

    def claim(self, identity: str, hello: Hello) -> None:
        """Takes the position that a hello asks for. Call with the condition held.

        Errors: Refused for a party outside the session, a position taken already, and, failing the
        whole session, for a member that says it is somebody or somewhere else.
        """
        if identity not in self._fingerprints.values():
            raise Refused("it does not take part in this session")
        stated = (hello.parties, hello.receiver, self._fingerprints.get(hello.sender))
        if stated != (self._parties, self._index, identity):
            name = self._rendezvous.names[identity]
            self.error = self.error or PeerViolationError(
                f"{name} introduced itself as party {hello.sender} of {hello.parties} to "
                f"party {hello.receiver}: do all parties hold the same federation file?",
                party=name,
                step=_STEP,
            )
            self._rendezvous.condition.notify_all()
            raise Refused("it claims another party's position")
        if hello.sender in self.claimed:
            raise Refused("its position is taken")
        self.claimed.add(hello.sender)

    def __enter__(self) -> Expectation:
        return self

    def __exit__(self, *_: object) -> None:
        with self._rendezvous.condition:
            self._rendezvous.forget(self._session_id)
            connections, self.connections = self.connections, {}
        for connection in connections.values():
            discard(connection)

    def _missing(self) -> PeerError:
        absent = sorted(self._fingerprints.keys() - self.connections.keys())
        names = [self._rendezvous.names[self._fingerprints[position]] for position in absent]
        return PeerTimeoutError(
            f"{' and '.join(names)} did not open a data connection in time",
            party=names[0],
            step=_STEP,
        )
