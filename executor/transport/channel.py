"""The seam between a party and its peers: typed, length-checked frames, counted.

Model: authenticated, confidential, ordered point-to-point links (TLS 1.3, or queues in tests).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...query.errors import TacitError

Buffer = NDArray[np.generic]
"""Any C-contiguous array; its raw bytes travel (little-endian machines only)."""


class Kind(enum.IntEnum):
    """What a frame is for. A frame of another kind than expected aborts the session."""

    HELLO = 1
    INPUT = 2
    OPEN = 3
    REVEAL = 4
    AND = 5
    MULTIPLY = 6
    DOT = 7
    FLAG_TO_RING = 8
    RING_TO_WORD = 9
    WORD_TO_RING = 10
    SHUFFLE = 11
    RESHARE = 12
    CONTROL = 13
    OT_BASE = 14
    OT_EXTEND = 15
    OT_CORRECT = 16
    INTERSECT = 17
    MOVE = 18


@dataclass(slots=True)
class Counters:
    """What this party has sent. `depth` is the longest chain of dependent messages that has
    reached or left this party so far (a Lamport clock: every frame carries its sender's depth plus
    one, a receiver takes the maximum); its maximum over the parties is the number of rounds."""

    sent_bytes: int = 0
    sent_messages: int = 0
    received_bytes: int = 0
    depth: int = 0
    transcript: list[tuple[int, int, int]] | None = field(default=None)
    """If a list: (peer, kind, payload bytes) of every frame sent, in order."""


class Channel(Protocol):
    """One party's links to the other parties of one session.

    Positions below `parties` are compute parties, which are all linked with each other. An outsider
    has a position behind them, and links to compute parties alone.
    """

    party: int
    parties: int
    counters: Counters

    def send(self, peer: int, kind: Kind, buffers: Sequence[Buffer]) -> None:
        """Queues one frame holding the buffers' bytes back to back. Never blocks on the peer.

        The buffers must not be changed afterwards. The frame's depth is counters.depth + 1 as of
        this call; the sender's own depth does not change.
        """

    def receive(self, peer: int, kind: Kind, size: int) -> NDArray[np.uint8]:
        """The payload of the next frame from `peer`, a fresh writable array of `size` bytes.

        Errors: PeerViolationError for another kind, size or sequence number; PeerLostError;
        PeerTimeoutError after the deadline; CancelledError.
        """

    def abort(self, reason: TacitError) -> None:
        """Ends the session everywhere, and wakes every receiver. From any thread; idempotent."""

    def close(self) -> None:
        """Ends the links. Idempotent."""
