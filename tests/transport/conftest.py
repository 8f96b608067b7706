"""Parties with real certificates, connected over real TLS on the loopback interface."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.transport import (
    DataListener,
    Identity,
    PeerAddress,
    TlsChannel,
    connect_mesh,
    create_identity,
)

NAMES = ("mercy", "grace", "registry")


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    """The three parties, one that all trust but that computes nothing, and a stranger."""
    base = tmp_path_factory.mktemp("identities")
    return {name: create_identity(base / name, name) for name in (*NAMES, "analyst", "stranger")}


class Federation:
    """Three listeners, and sessions between them."""

    def __init__(self, identities: dict[str, Identity], **listening: float) -> None:
        self.identities = [identities[name] for name in NAMES]
        trusted = {name: identities[name].certificate_pem for name in (*NAMES, "analyst")}
        self.listeners = [
            DataListener(identity, trusted, host="127.0.0.1", port=0, **listening)
            for identity in self.identities
        ]
        self.peers = [
            PeerAddress(
                name=identity.party,
                host="127.0.0.1",
                port=listener.address[1],
                certificate_pem=identity.certificate_pem,
            )
            for identity, listener in zip(self.identities, self.listeners, strict=True)
        ]
        self.channels: list[TlsChannel] = []

    def connect(self, index: int, session_id: bytes, **options: Any) -> TlsChannel:
        """One party's side of a session."""
        arguments: dict[str, Any] = {
            "listener": self.listeners[index],
            "identity": self.identities[index],
            "peers": self.peers,
        }
        channel = connect_mesh(**(arguments | options), index=index, session_id=session_id)
        self.channels.append(channel)
        return channel

    def session(self, **options: Any) -> list[TlsChannel]:
        """A fresh session of all three."""
        session_id = os.urandom(16)
        outcomes = at_once(*(lambda p=p: self.connect(p, session_id, **options) for p in range(3)))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return outcomes

    def dial(self, index: int, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A bare TLS connection to a party's listener."""
        plain = socket.create_connection(self.listeners[index].address, timeout=5)
        try:
            return context.wrap_socket(plain)
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        at_once(*(channel.close for channel in self.channels))
        for listener in self.listeners:
            listener.close()


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Runs functions in threads of their own; their results or exceptions, in order."""
    outcomes: list[Any] = [None] * len(functions)

    def run(position: int) -> None:
        try:
            outcomes[position] = functions[position]()
        except BaseException as error:
            outcomes[position] = error

    threads = [threading.Thread(target=run, args=(p,)) for p in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.fixture
def federation(identities: dict[str, Identity]) -> Iterator[Federation]:
    federation = Federation(identities, patience_seconds=2)
    with contextlib.closing(federation):
        yield federation


@pytest.fixture
def parallel() -> Callable[..., list[Any]]:
    """Runs functions in threads of their own; returns their results or exceptions, in order."""
    return at_once


@pytest.fixture
def until_gone() -> Callable[[Sequence[str]], None]:
    """Waits until no thread of these names is left."""

    def wait(names: Sequence[str]) -> None:
        limit = time.monotonic() + 5
        while any(thread.name in names for thread in threading.enumerate()):
            assert time.monotonic() < limit
            time.sleep(0.01)

    return wait


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "party"
