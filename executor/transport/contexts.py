"""TLS settings: version 1.3 only, both sides authenticated, pinned certificates only."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable
from functools import lru_cache

from .identity import Identity


def server_context(identity: Identity, trusted: Iterable[bytes]) -> ssl.SSLContext:
    """For accepting: clients must hold the key of one of the `trusted` certificates (PEM)."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity, trusted)
    # A ticket would lie unread at a client that only writes, and closing a socket with unread
    # bytes resets the connection, which throws away what the other side has not read yet.
    context.num_tickets = 0
    return context


@lru_cache(maxsize=64)
def client_context(identity: Identity, certificate_pem: bytes) -> ssl.SSLContext:
    """For connecting to the one party that holds the key of `certificate_pem`.

    Kept, as reading the own key takes longer than a handshake; no TLS session is ever resumed.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, identity, [certificate_pem])


def peer_fingerprint(connection: ssl.SSLSocket) -> str:
    """The hex SHA-256 of the certificate that the other side proved to own; after the handshake."""
    certificate = connection.getpeercert(binary_form=True)
    return hashlib.sha256(certificate).hexdigest() if certificate else ""


def _context(
    protocol: ssl._SSLMethod, identity: Identity, trusted: Iterable[bytes]
) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the pinned certificate is the name
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # each pinned certificate is an anchor
    context.options |= ssl.OP_NO_COMPRESSION
    context.load_cert_chain(identity.certificate_path, identity.key_path)
    for certificate in trusted:
        context.load_verify_locations(cadata=certificate.decode("ascii"))
    return context
