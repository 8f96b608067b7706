"""Links between the parties: channels over mutual TLS, and their in-memory twins for tests."""

from __future__ import annotations

from .channel import Buffer, Channel, Counters, Kind
from .contexts import client_context, peer_fingerprint, server_context
from .frames import HEADER_BYTES
from .identity import (
    Identity,
    check_certificate,
    create_identity,
    fingerprint,
    load_identity,
)
from .listener import DataListener
from .memory import MemoryChannel, memory_channels
from .mesh import PeerAddress, connect_mesh
from .tls import Limits, TlsChannel

__all__ = [
    "HEADER_BYTES",
    "Buffer",
    "Channel",
    "Counters",
    "DataListener",
    "Identity",
    "Kind",
    "Limits",
    "MemoryChannel",
    "PeerAddress",
    "TlsChannel",
    "check_certificate",
    "client_context",
    "connect_mesh",
    "create_identity",
    "fingerprint",
    "load_identity",
    "memory_channels",
    "peer_fingerprint",
    "server_context",
]
