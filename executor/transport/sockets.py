"""The TCP sockets below TLS: their options, and ending them from any thread."""

from __future__ import annotations

import contextlib
import socket

KEEPALIVE_SECONDS = 15


def tune(connection: socket.socket) -> None:
    """Options for frames that must leave at once, over links that may be silent for long."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), KEEPALIVE_SECONDS)


def wake(connection: socket.socket) -> None:
    """Ends a connection so that threads blocked on it return; it must still be closed.

    Bytes written before still reach the other side.
    """
    # Not connection.shutdown(): SSLSocket's own takes the TLS state away from a blocked thread.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def discard(connection: socket.socket) -> None:
    """Ends and closes a connection that no other thread uses."""
    wake(connection)
    connection.close()
