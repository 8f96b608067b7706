"""One direction of a link, inwards: the next frame, checked before it is accepted."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time

import numpy as np
from numpy.typing import NDArray

from ...query.errors import (
    PeerError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
)
from .channel import Kind
from .frames import (
    ABORT,
    HEADER_BYTES,
    MAX_ABORT_BYTES,
    Header,
    decode_abort,
    decode_header,
    find_violation,
)
from .sockets import wake

_ONE_READ_BYTES = 16 * 1024
"""Up to this size header and payload are read together: they arrive as one TLS record."""
_EXPLANATION_SECONDS = 0.5


class FrameReader:
    """Reads the frames of one peer, in order. One thread at a time."""

    def __init__(self, connection: ssl.SSLSocket, peer: str, deadline_seconds: float) -> None:
        connection.settimeout(deadline_seconds)
        self.peer = peer
        self._connection = connection
        self._deadline_seconds = deadline_seconds
        self._sequence = 0
        self._depth = 0
        self._lock = threading.Lock()

    def read(self, kind: Kind, size: int, step: str) -> tuple[NDArray[np.uint8], int]:
        """The payload of the next frame, a fresh array of `size` bytes, and the frame's depth.

        `step` says what was going on, for messages. Errors: PeerLostError, PeerTimeoutError,
        PeerViolationError, PeerFailedError; after any of them the connection is of no use.
        """
        during = f"{kind.name} in {step}" if step else kind.name
        with self._lock:
            try:
                payload, header = self._next(kind, size)
            except TimeoutError:
                raise PeerTimeoutError(
                    f"{self.peer} sent nothing for {self._deadline_seconds:g} s ({during})",
                    party=self.peer,
                    step=step or kind.name,
                ) from None
            except (EOFError, OSError, ValueError):
                raise self._lost(during, step or kind.name) from None
            except PeerError as error:
                error.step = step or kind.name
                raise
        self._sequence += 1
        self._depth = header.depth
        return payload, header.depth

    def explain_loss(self, step: str) -> PeerError:
        """Why the peer no longer takes frames: what it said before it left, if it said anything.

        For use after sending failed. Drops frames that are still under way.
        """
        if self._lock.acquire(timeout=_EXPLANATION_SECONDS):
            with contextlib.suppress(OSError, EOFError, ValueError):
                try:
                    self._search_abort()
                except PeerFailedError as error:
                    error.step = step
                    return error
                finally:
                    self._lock.release()
        return self._lost(step, step)

    def wake(self) -> None:
        """Makes a blocked read return; the next ones fail. From any thread."""
        wake(self._connection)

    def close(self) -> None:
        """Ends the connection, waiting for a woken reader to let go of it. From any thread."""
        wake(self._connection)
        with self._lock:
            self._connection.close()

    def _next(self, kind: Kind, size: int) -> tuple[NDArray[np.uint8], Header]:
        whole = HEADER_BYTES + size
        together = whole if whole <= _ONE_READ_BYTES else HEADER_BYTES
        buffer = np.empty(together, dtype=np.uint8)
        view = buffer.data
        filled = self._fill(view, 0, HEADER_BYTES)
        header = decode_header(view)
        if header.kind == ABORT:
            raise self._failed(header, view[HEADER_BYTES:filled])
        violation = find_violation(
            header, kind=kind, sequence=self._sequence, least_depth=self._depth, size=size
        )
        if violation is not None:
            raise PeerViolationError(f"{self.peer} sent {violation}", party=self.peer)
        if together == whole:
            self._fill(view, filled, whole)
            return buffer[HEADER_BYTES:], header
        payload = np.empty(size, dtype=np.uint8)
        self._fill(payload.data, 0, size)
        return payload, header

    def _fill(self, view: memoryview, filled: int, wanted: int) -> int:
        """Reads until at least `wanted` bytes of `view` are filled; returns how many are."""
        receive = self._connection.recv_into
        while filled < wanted:
            count = receive(view[filled:])
            if count == 0:
                raise EOFError
            filled += count
        return filled

    def _failed(self, header: Header, begun: memoryview) -> PeerError:
        length = header.length
        if length > MAX_ABORT_BYTES:
            return PeerViolationError(
                f"{self.peer} sent a reason of {length} bytes", party=self.peer
            )
        text = bytearray(length)
        filled = min(len(begun), length)
        text[:filled] = begun[:filled]
        self._fill(memoryview(text), filled, length)
        return PeerFailedError(f"{self.peer} failed: {decode_abort(text)}", party=self.peer)

    def _lost(self, during: str, step: str) -> PeerLostError:
        return PeerLostError(
            f"the connection to {self.peer} ended ({during})", party=self.peer, step=step
        )

    def _search_abort(self) -> None:
        """Reads frame after frame, whatever they are, until the reason or the end."""
        until = time.monotonic() + _EXPLANATION_SECONDS
        scratch = memoryview(bytearray(_ONE_READ_BYTES))
        while (left := until - time.monotonic()) > 0:
            self._connection.settimeout(left)
            self._fill(scratch[:HEADER_BYTES], 0, HEADER_BYTES)
            header = decode_header(scratch)
            if header.kind == ABORT:
                raise self._failed(header, scratch[:0])
            remaining = header.length
            while remaining and time.monotonic() < until:
                piece = scratch[: min(remaining, _ONE_READ_BYTES)]
                remaining -= self._fill(piece, 0, len(piece))
