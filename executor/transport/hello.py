"""The first bytes on a connection: which session, from whom, to whom; and the answer.

The sender of a direction opens its connection, proves who it is by its certificate, and sends
HELLO. The receiver answers WELCOME once its own session of that id waits for it, and from then on
only reads.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass

HELLO = struct.Struct("<8sBBBB16s")
WELCOME = b"TACITOK\x01"
SESSION_ID_BYTES = 16
_MAGIC = b"TACITDAT"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """`sender` and `receiver` are positions among the session's `parties`."""

    session_id: bytes
    sender: int
    receiver: int
    parties: int

    def encode(self) -> bytes:
        return HELLO.pack(
            _MAGIC, _VERSION, self.sender, self.receiver, self.parties, self.session_id
        )


def decode_hello(data: bytes) -> Hello | None:
    """The hello in exactly HELLO.size bytes; None if it is none of this version."""
    magic, version, sender, receiver, parties, session_id = HELLO.unpack(data)
    if magic != _MAGIC or version != _VERSION:
        return None
    if sender == receiver or max(sender, receiver) >= parties:
        return None
    return Hello(session_id=session_id, sender=sender, receiver=receiver, parties=parties)


def read_exactly(connection: socket.socket, size: int, until: float) -> bytes:
    """`size` bytes from a connection, by time.monotonic() == `until`.

    Errors: EOFError if it ends before; TimeoutError; OSError.
    """
    data = b""
    while len(data) < size:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError("the connection ended")
        data += piece
    return data
