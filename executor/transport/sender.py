"""One direction of a link, outwards: frames leave in order, and nobody waits for the peer.

A small frame is written by the calling thread if nothing is queued before it and the socket takes
it at once, because waking another thread would cost more than the write. Everything else goes
through a thread of the link's own, which is started when it is first needed.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from .channel import Buffer
from .sockets import wake

INLINE_BYTES = 64 * 1024
_COALESCED_BYTES = 16 * 1024 - 512  # a first piece that still fits one TLS record

Piece = bytes | memoryview


class FrameSender:
    """Writes frames to one connection, which it owns.

    `on_failure` is called once, in whichever thread noticed, when the connection turns out broken.
    """

    def __init__(self, connection: ssl.SSLSocket, on_failure: Callable[[], None]) -> None:
        connection.settimeout(0)
        self._connection = connection
        self._on_failure = on_failure
        self._condition = threading.Condition()
        self._queue: deque[list[Piece]] = deque()
        self._partial = False  # the first queued item continues a write that has begun
        self._busy = False  # the thread is writing
        self._ended = False  # no further frame is accepted
        self._thread: threading.Thread | None = None

    def send(self, header: bytes, buffers: Sequence[Buffer], size: int) -> None:
        """Sends or queues one frame; after an end or a failure it is silently dropped."""
        with self._condition:
            if self._ended:
                return
            if self._queue or self._busy or size > INLINE_BYTES:
                self._enqueue(_pieces(header, buffers))
                return
            broken = not self._write_now(b"".join((header, *(buffer.data for buffer in buffers))))
            self._ended = broken
        if broken:
            self._on_failure()

    def finish_with(self, frame: bytes) -> None:
        """Drops what is queued, lets a frame that has begun end, and sends `frame` as the last."""
        with self._condition:
            if self._ended:
                return
            self._ended = True
            while len(self._queue) > self._partial:
                self._queue.pop()
            if self._queue or self._busy:
                self._enqueue([frame])
            else:
                self._write_now(frame)

    def close(self, until: float) -> None:
        """Waits for queued frames to leave, to time.monotonic() == `until`; ends the connection."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()
            while (self._queue or self._busy) and (left := until - time.monotonic()) > 0:
                self._condition.wait(left)
            self._queue.clear()
        wake(self._connection)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._connection.close()

    def _write_now(self, frame: bytes) -> bool:
        """Writes without waiting; the rest is left to the thread. False: the link is broken."""
        try:
            self._connection.send(frame)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            self._partial = True  # OpenSSL has taken some of it and wants the same bytes again
            self._enqueue([frame])
        except (OSError, ValueError):
            return False
        return True

    def _enqueue(self, pieces: list[Piece]) -> None:
        self._queue.append(pieces)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tacit-sender", daemon=True)
            self._thread.start()
        self._condition.notify_all()

    def _run(self) -> None:
        broken = False
        while not broken:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                while not self._queue and not self._ended:
                    self._condition.wait()
                if not self._queue:
                    return
                pieces = self._queue.popleft()
                self._busy, self._partial = True, False
            broken = not self._write(pieces)
        with self._condition:
            failed = not self._ended
            self._busy, self._ended = False, True
            self._queue.clear()
            self._condition.notify_all()
        if failed:
            self._on_failure()

    def _write(self, pieces: list[Piece]) -> bool:
        """Writes one frame however long it takes. False: the link is broken."""
        with contextlib.suppress(OSError, ValueError):
            self._connection.settimeout(None)
            for piece in pieces:
                self._connection.sendall(piece)
            self._connection.settimeout(0)
            return True
        return False


def _pieces(header: bytes, buffers: Sequence[Buffer]) -> list[Piece]:
    """The frame's bytes in few pieces: small buffers joined, large ones as they lie in memory."""
    pieces: list[Piece] = []
    gathered: list[bytes] = [header]
    room = _COALESCED_BYTES - len(header)
    for buffer in buffers:
        if buffer.nbytes <= room:
            gathered.append(buffer.tobytes())
            room -= buffer.nbytes
            continue
        if gathered:
            pieces.append(b"".join(gathered))
        pieces.append(buffer.reshape(-1).data.cast("B"))
        gathered, room = [], _COALESCED_BYTES
    if gathered:
        pieces.append(b"".join(gathered))
    return pieces
