"""The in-memory twin of the network: channels between threads of one process, for tests.

The same contract as the TLS channel: typed, length-checked frames, counted, with a deadline; a
frame that is not what the receiver expects ends the session at every party.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...query.errors import (
    CancelledError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    TacitError,
)
from .channel import Buffer, Counters, Kind


def memory_channels(
    parties: int, *, outsiders: int = 0, deadline_seconds: float = 60, record: bool = False
) -> list[MemoryChannel]:
    """One connected channel per compute party and outsider, each to be used by its own thread.

    record: keep every channel's transcript, and the payload bytes that it sends in `captured`.
    """
    members = parties + outsiders
    channels = [
        MemoryChannel(p, parties, members, deadline_seconds, record) for p in range(members)
    ]
    for channel in channels:
        channel.peers = channels
    return channels


@dataclass(frozen=True, slots=True)
class _Frame:
    kind: Kind
    depth: int
    payload: NDArray[np.uint8]


class MemoryChannel:
    """One party's end of the in-memory links; implements `Channel`."""

    def __init__(
        self, party: int, parties: int, members: int, deadline_seconds: float, record: bool
    ) -> None:
        self.party = party
        self.parties = parties
        self.counters = Counters(transcript=[] if record else None)
        self.captured: list[bytes] = []
        self.peers: list[MemoryChannel] = []
        self._deadline_seconds = deadline_seconds
        self._condition = threading.Condition()
        self._inbox: list[deque[_Frame]] = [deque() for _ in range(members)]
        self._lost: list[TacitError | None] = [None] * members
        self._reason: TacitError | None = None

    def send(self, peer: int, kind: Kind, buffers: Sequence[Buffer]) -> None:
        """Puts one frame with the buffers' bytes back to back into the peer's inbox."""
        if peer == self.party:
            raise ValueError("a party does not send to itself")
        if self._reason is not None:
            raise self._reason
        payload = _joined(buffers)
        counters = self.counters
        counters.sent_bytes += payload.nbytes
        counters.sent_messages += 1
        if counters.transcript is not None:
            counters.transcript.append((peer, int(kind), payload.nbytes))
            self.captured.append(payload.tobytes())
        self.peers[peer]._deliver(self.party, _Frame(kind, counters.depth + 1, payload))

    def receive(self, peer: int, kind: Kind, size: int) -> NDArray[np.uint8]:
        """The payload of the next frame from `peer`; anything unexpected aborts the session."""
        frame = self._next(peer)
        if frame.kind != kind or frame.payload.nbytes != size:
            error = PeerViolationError(
                f"party {peer} sent a frame of kind {int(frame.kind)} with {frame.payload.nbytes} "
                f"bytes where kind {int(kind)} with {size} bytes was due",
                party=str(peer),
            )
            self.abort(error)
            raise error
        self.counters.received_bytes += size
        self.counters.depth = max(self.counters.depth, frame.depth)
        return frame.payload

    def abort(self, reason: TacitError) -> None:
        """Ends the session everywhere: here with `reason`, at the peers with PeerFailedError.

        Wakes every receiver at once; frames still under way are dropped. The first reason stays.
        """
        with self._condition:
            if self._reason is not None:
                return
            self._reason = reason
            self._condition.notify_all()
        failed = PeerFailedError(
            f"party {self.party} ended the session: {type(reason).__name__}",
            party=str(self.party),
        )
        for peer in self.peers:
            if peer is not self:
                peer._fail(failed)

    def close(self) -> None:
        """Ends the links: frames sent before arrive, later receives raise PeerLostError."""
        with self._condition:
            if self._reason is not None:
                return
            self._reason = CancelledError("the channel is closed")
            self._condition.notify_all()
        for peer in self.peers:
            if peer is not self:
                peer._lose(self.party)

    def _next(self, peer: int) -> _Frame:
        inbox = self._inbox[peer]
        limit = time.monotonic() + self._deadline_seconds
        with self._condition:
            while True:
                if self._reason is not None:
                    raise self._reason
                if inbox:
                    return inbox.popleft()
                lost = self._lost[peer]
                if lost is not None:
                    raise lost
                if not self._condition.wait(limit - time.monotonic()):
                    break
        error = PeerTimeoutError(
            f"party {peer} sent nothing for {self._deadline_seconds:g} seconds", party=str(peer)
        )
        self.abort(error)
        raise error

    def _deliver(self, sender: int, frame: _Frame) -> None:
        with self._condition:
            self._inbox[sender].append(frame)
            self._condition.notify_all()

    def _fail(self, error: TacitError) -> None:
        with self._condition:
            if self._reason is None:
                self._reason = error
            self._condition.notify_all()

    def _lose(self, peer: int) -> None:
        with self._condition:
            self._lost[peer] = PeerLostError(
                f"the connection to party {peer} ended", party=str(peer)
            )
            self._condition.notify_all()


def _joined(buffers: Sequence[Buffer]) -> NDArray[np.uint8]:
    """A fresh array of the buffers' bytes back to back."""
    payload = np.empty(sum(buffer.nbytes for buffer in buffers), dtype=np.uint8)
    offset = 0
    for buffer in buffers:
        stop = offset + buffer.nbytes
        payload[offset:stop] = np.ascontiguousarray(buffer).reshape(-1).view(np.uint8)
        offset = stop
    return payload
