"""The TCP sockets below TLS: their options, and ending them from any thread."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from ...query.errors import ConfigurationError

KEEPALIVE_SECONDS = 15


def listen(host: str, port: int, purpose: str, *, backlog: int | None = None) -> socket.socket:
    """A socket that listens on an address of this machine, of either version of IP.

    Errors: ConfigurationError, which says what to do about an address of another machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        code = error.errno or 0
        reason = os.strerror(code) if code in errno.errorcode else error.strerror
        foreign = isinstance(error, socket.gaierror) or code == errno.EADDRNOTAVAIL
        hint = (
            "\nhint: if the others reach this machine under another address than its own, set "
            "listen_host in party.toml"
        )
        raise ConfigurationError(
            f"cannot listen on {shown} for {purpose}: {reason}{hint if foreign else ''}"
        ) from error


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
