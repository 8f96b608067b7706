"""Channel over TLS connections, two per pair of parties: one for each direction.

Two, because an OpenSSL connection must not be read and written at the same time, and sending must
never hold up receiving. Assumptions: the connections are authenticated and the session id agreed
(mesh.py). One thread sends and receives; abort and close may be called from any.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...query.errors import (
    CancelledError,
    InternalError,
    PeerError,
    SessionError,
    TacitError,
)
from .channel import Buffer, Counters, Kind
from .frames import encode_abort, encode_header
from .reader import FrameReader
from .sender import FrameSender

_ABORT_FLUSH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """frame_bytes: the largest payload that is sent or awaited.

    flush_seconds: how long close waits for queued frames to leave.
    """

    frame_bytes: int = 2**31
    flush_seconds: float = 10


class TlsChannel:
    """One party's links to the other parties of a session; implements `Channel`.

    `names` are the parties by position, the first `computing` of them the compute parties (all,
    unless given), `party` the position of this one; `outgoing` and `incoming` hold a connection for
    every position that is linked, past its handshake, and belong to the channel from now on. `step`
    may be set at any time to say what the session is doing; error messages and PeerError.step
    repeat it.
    """

    def __init__(
        self,
        party: int,
        names: Sequence[str],
        outgoing: Mapping[int, ssl.SSLSocket],
        incoming: Mapping[int, ssl.SSLSocket],
        *,
        computing: int | None = None,
        deadline_seconds: float = 60,
        limits: Limits | None = None,
    ) -> None:
        self.party = party
        self.parties = len(names) if computing is None else computing
        self.names = tuple(names)
        self.counters = Counters()
        self.deadline_seconds = deadline_seconds
        self.step = ""
        self._limits = limits or Limits()
        self._reason: TacitError | None = None
        self._lock = threading.Lock()
        self._sequence = dict.fromkeys(outgoing, 0)
        self._readers = {
            peer: FrameReader(connection, names[peer], deadline_seconds)
            for peer, connection in incoming.items()
        }
        self._senders = {
            peer: FrameSender(connection, lambda peer=peer: self._lose(peer))  # type: ignore[misc]
            for peer, connection in outgoing.items()
        }

    def send(self, peer: int, kind: Kind, buffers: Sequence[Buffer]) -> None:
        """Queues one frame holding the buffers' bytes back to back. Never blocks on the peer.

        The buffers must not be changed afterwards. Errors: SessionError for a frame over the
        limit; the reason, after abort or close or once the connection is known to be lost.
        """
        if self._reason is not None:
            raise self._reason
        self._check_peer(peer)
        size = 0
        for buffer in buffers:
            size += buffer.nbytes
        self._check_size(kind, size)
        counters = self.counters
        sequence = self._sequence[peer]
        self._sequence[peer] = sequence + 1
        counters.sent_bytes += size
        counters.sent_messages += 1
        if counters.transcript is not None:
            counters.transcript.append((peer, int(kind), size))
        header = encode_header(kind, sequence, counters.depth + 1, size)
        self._senders[peer].send(header, [np.ascontiguousarray(b) for b in buffers], size)
        if self._reason is not None:
            raise self._reason

    def receive(self, peer: int, kind: Kind, size: int) -> NDArray[np.uint8]:
        """The payload of the next frame from `peer`, a fresh writable array of `size` bytes.

        Errors: PeerViolationError for another kind, size or sequence number; PeerLostError;
        PeerTimeoutError after deadline_seconds of silence; PeerFailedError with what the peer
        said; the reason, after abort or close. Every PeerError also aborts the channel.
        """
        if self._reason is not None:
            raise self._reason
        self._check_peer(peer)
        self._check_size(kind, size)
        try:
            payload, depth = self._readers[peer].read(kind, size, self.step)
        except PeerError as error:
            self.abort(error)  # does nothing if an abort is what woke the reader
            raise self._reason or error from None
        counters = self.counters
        counters.received_bytes += size
        counters.depth = max(counters.depth, depth)
        return payload

    def abort(self, reason: TacitError) -> None:
        """Ends the session: every call from now on, and one that waits, raises `reason`.

        The peers are told as much of it as concerns them, if their links still take it. Queued
        frames are dropped. The first reason stays. Returns at once; close is still due.
        """
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
        farewell = encode_abort(reason)
        for sender in self._senders.values():
            sender.finish_with(farewell)
        for reader in self._readers.values():
            reader.wake()

    def close(self) -> None:
        """Ends the links once queued frames have left, or flush_seconds have passed. Idempotent."""
        with self._lock:
            aborted = self._reason is not None
            if not aborted:
                self._reason = CancelledError("the channel is closed")
        seconds = _ABORT_FLUSH_SECONDS if aborted else self._limits.flush_seconds
        until = time.monotonic() + seconds
        for sender in self._senders.values():
            sender.close(until)
        for reader in self._readers.values():
            reader.close()

    def _lose(self, peer: int) -> None:
        """Aborts because `peer` no longer takes what is sent to it."""
        self.abort(self._readers[peer].explain_loss(self.step or "sending"))

    def _check_peer(self, peer: int) -> None:
        if peer not in self._readers:
            raise InternalError(f"party {self.party} has no link to party {peer}")

    def _check_size(self, kind: Kind, size: int) -> None:
        limit = self._limits.frame_bytes
        if size > limit:
            raise SessionError(
                f"a message of {size} bytes ({kind.name}) is over the limit of {limit} bytes: "
                "narrow the query, or raise the limit at every party"
            )
