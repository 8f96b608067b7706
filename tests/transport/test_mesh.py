"""Who gets a data connection, and who does not."""

from __future__ import annotations

import dataclasses
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.transport import (
    Identity,
    Kind,
    PeerAddress,
    client_context,
    create_identity,
    server_context,
)
from tacit.executor.transport.hello import WELCOME, Hello
from tacit.query.errors import (
    PeerError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    SessionError,
)


def is_dropped(connection: socket.socket, within: float = 5) -> bool:
    """Whether the other side ends the connection without having said anything."""
    connection.settimeout(within)
    try:
        return connection.recv(100) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


@pytest.fixture
def open_things() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_three_parties_connect_and_know_each_other(federation: Any) -> None:
    channels = federation.session()
    assert [channel.party for channel in channels] == [0, 1, 2]
    assert {channel.names for channel in channels} == {("mercy", "grace", "registry")}
    assert all(channel.parties == 3 for channel in channels)
    for connection in (s._connection for c in channels for s in c._senders.values()):
        assert connection.version() == "TLSv1.3"
        assert connection.session is None or not connection.session_reused


def test_two_sessions_at_once_do_not_mix(federation: Any) -> None:
    first, second = federation.session(), federation.session()
    first[0].send(1, Kind.AND, [])
    second[0].send(1, Kind.OPEN, [])
    assert second[1].receive(0, Kind.OPEN, 0).size == 0
    assert first[1].receive(0, Kind.AND, 0).size == 0


def test_a_party_may_be_late(federation: Any, parallel: Callable[..., list[Any]]) -> None:
    session_id = os.urandom(16)

    def late() -> Any:
        time.sleep(0.4)
        return federation.connect(2, session_id)

    outcomes = parallel(
        lambda: federation.connect(0, session_id), lambda: federation.connect(1, session_id), late
    )
    assert [channel.party for channel in outcomes] == [0, 1, 2]


def test_a_party_that_never_comes_is_named(
    federation: Any, parallel: Callable[..., list[Any]]
) -> None:
    session_id = os.urandom(16)
    federation.listeners[2].close()
    outcomes = parallel(
        *(lambda p=p: federation.connect(p, session_id, connect_seconds=0.5) for p in (0, 1))
    )
    for error in outcomes:
        assert isinstance(error, PeerLostError | PeerTimeoutError)
        assert error.party == "registry"
        assert error.step == "connecting"
        assert "registry" in str(error)


def test_a_session_id_serves_once(federation: Any, parallel: Callable[..., list[Any]]) -> None:
    session_id = os.urandom(16)
    parallel(*(lambda p=p: federation.connect(p, session_id) for p in range(3)))
    with pytest.raises(SessionError, match="a retry is a new session"):
        federation.connect(0, session_id)
    with pytest.raises(SessionError, match="16 bytes"):
        federation.connect(0, b"short")


def test_a_stranger_gets_nothing(
    federation: Any, identities: dict[str, Identity], open_things: ExitStack
) -> None:
    context = client_context(identities["stranger"], identities["mercy"].certificate_pem)
    connection = open_things.enter_context(federation.dial(0, context))
    assert is_dropped(connection)


def test_a_client_without_a_certificate_gets_nothing(
    federation: Any, open_things: ExitStack
) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert is_dropped(open_things.enter_context(federation.dial(0, context)))


def test_tls_1_2_is_refused(federation: Any, identities: dict[str, Identity]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    mercy, grace = identities["mercy"], identities["grace"]
    context.load_cert_chain(grace.certificate_path, grace.key_path)
    context.load_verify_locations(cadata=mercy.certificate_pem.decode())
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        federation.dial(0, context)


def test_plain_text_is_refused(federation: Any, open_things: ExitStack) -> None:
    connection = socket.create_connection(federation.listeners[0].address)
    open_things.enter_context(connection)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: mercy\r\n\r\n")
    connection.settimeout(5)
    answer = b""
    try:
        while piece := connection.recv(1000):
            answer += piece
    except ConnectionResetError:
        pass
    assert len(answer) < 20  # a TLS alert at most


def test_a_certificate_signed_by_a_pinned_party_is_refused(
    federation: Any, identities: dict[str, Identity], tmp_path: Path, open_things: ExitStack
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    grace = identities["grace"]
    minion = create_identity(tmp_path / "minion", "minion")
    parsed = x509.load_pem_x509_certificate(minion.certificate_pem)
    issuer = x509.load_pem_x509_certificate(grace.certificate_pem)
    key = serialization.load_pem_private_key(grace.key_pem(), None)
    forged = (
        x509.CertificateBuilder(extensions=list(parsed.extensions))
        .subject_name(parsed.subject)
        .issuer_name(issuer.subject)
        .public_key(parsed.public_key())
        .serial_number(7)
        .not_valid_before(parsed.not_valid_before_utc)
        .not_valid_after(parsed.not_valid_after_utc)
        .sign(key, hashes.SHA256())  # type: ignore[arg-type]
    )
    chain = forged.public_bytes(serialization.Encoding.PEM) + grace.certificate_pem
    minion.certificate_path.write_bytes(chain)
    context = client_context(minion, identities["mercy"].certificate_pem)
    assert is_dropped(open_things.enter_context(federation.dial(0, context)))


def test_another_certificate_than_the_pinned_one_is_a_violation(
    federation: Any, identities: dict[str, Identity], parallel: Callable[..., list[Any]]
) -> None:
    # Registry's entry leads to grace's listener: the key that answers there is not registry's.
    wrong = dataclasses.replace(federation.peers[2], port=federation.peers[1].port)
    session_id = os.urandom(16)
    outcomes = parallel(
        lambda: federation.connect(
            0, session_id, peers=[*federation.peers[:2], wrong], connect_seconds=2
        ),
        lambda: federation.connect(1, session_id, connect_seconds=2),
        lambda: federation.connect(2, session_id, connect_seconds=2),
    )
    assert isinstance(outcomes[0], PeerViolationError)
    assert "another certificate than the one pinned for registry" in str(outcomes[0])
    assert outcomes[0].party == "registry"


def test_two_certificates_of_one_name_are_two_parties(
    federation: Any, identities: dict[str, Identity], tmp_path: Path
) -> None:
    impostor = create_identity(tmp_path / "impostor", "grace")
    with pytest.raises(PeerLostError, match="has not pinned our certificate"):
        federation.connect(1, os.urandom(16), identity=impostor, connect_seconds=2)


def introduce(
    federation: Any, identity: Identity, session_id: bytes, **fields: int
) -> ssl.SSLSocket:
    context = client_context(identity, federation.identities[0].certificate_pem)
    connection: ssl.SSLSocket = federation.dial(0, context)
    hello = {"sender": 1, "receiver": 0, "parties": 3} | fields
    connection.sendall(Hello(session_id=session_id, **hello).encode())
    return connection


@pytest.mark.parametrize("fields", [{"sender": 2}, {"receiver": 2}, {"parties": 4}])
def test_a_member_in_another_place_is_a_violation_that_names_it(
    federation: Any,
    identities: dict[str, Identity],
    parallel: Callable[..., list[Any]],
    open_things: ExitStack,
    fields: dict[str, int],
) -> None:
    session_id = os.urandom(16)
    start = time.monotonic()

    def misplaced() -> bool:
        connection = introduce(federation, identities["grace"], session_id, **fields)
        return is_dropped(open_things.enter_context(connection))

    error, dropped = parallel(
        lambda: federation.connect(0, session_id, connect_seconds=5), misplaced
    )
    assert time.monotonic() - start < 3
    assert dropped is True
    assert isinstance(error, PeerViolationError)
    assert error.party == "grace"
    assert "grace introduced itself" in str(error)


def test_a_trusted_party_outside_the_session_cannot_disturb_it(
    federation: Any,
    identities: dict[str, Identity],
    parallel: Callable[..., list[Any]],
    open_things: ExitStack,
) -> None:
    session_id = os.urandom(16)
    outsider = open_things.enter_context(introduce(federation, identities["analyst"], session_id))
    outcomes = parallel(*(lambda p=p: federation.connect(p, session_id) for p in range(3)))
    assert [channel.party for channel in outcomes] == [0, 1, 2]
    assert is_dropped(outsider)


def test_a_replayed_hello_is_dropped_and_the_session_goes_on(
    federation: Any, identities: dict[str, Identity], open_things: ExitStack
) -> None:
    session_id = os.urandom(16)
    first = open_things.enter_context(introduce(federation, identities["grace"], session_id))
    errors: list[BaseException] = []

    def wait_for_registry() -> None:
        try:
            federation.connect(0, session_id, connect_seconds=1)
        except PeerError as error:
            errors.append(error)

    thread = threading.Thread(target=wait_for_registry)
    thread.start()
    first.settimeout(5)
    assert first.recv(100) == WELCOME
    again = open_things.enter_context(introduce(federation, identities["grace"], session_id))
    assert is_dropped(again)
    assert thread.is_alive()
    thread.join()
    assert len(errors) == 1
    assert "registry" in str(errors[0])
    late = open_things.enter_context(introduce(federation, identities["grace"], session_id))
    assert is_dropped(late, within=1)  # a session that is over does not keep anybody waiting


def test_an_unknown_session_waits_a_bounded_time(
    federation: Any, identities: dict[str, Identity], open_things: ExitStack
) -> None:
    start = time.monotonic()
    connection = introduce(federation, identities["grace"], os.urandom(16))
    assert is_dropped(open_things.enter_context(connection))
    assert 1.5 < time.monotonic() - start < 4


def test_only_so_many_early_connections_of_one_party_wait(
    federation: Any, identities: dict[str, Identity], open_things: ExitStack
) -> None:
    for _ in range(16):
        connection = introduce(federation, identities["grace"], os.urandom(16))
        open_things.enter_context(connection)
    time.sleep(0.2)
    connection = introduce(federation, identities["grace"], os.urandom(16))
    start = time.monotonic()
    assert is_dropped(open_things.enter_context(connection))
    assert time.monotonic() - start < 1


def test_silent_strangers_hold_up_nobody(federation: Any, open_things: ExitStack) -> None:
    for _ in range(150):
        silent = socket.create_connection(federation.listeners[0].address)
        open_things.enter_context(silent)
    assert len(federation.session()) == 3


def test_a_peer_that_accepts_and_says_nothing_is_given_up(
    federation: Any, open_things: ExitStack
) -> None:
    mute = open_things.enter_context(socket.create_server(("127.0.0.1", 0)))
    peers = [
        federation.peers[0],
        dataclasses.replace(federation.peers[1], port=mute.getsockname()[1]),
    ]
    start = time.monotonic()
    with pytest.raises(PeerTimeoutError, match="grace") as caught:
        federation.connect(0, os.urandom(16), peers=peers, connect_seconds=0.5)
    assert caught.value.party == "grace"
    assert time.monotonic() - start < 3


def test_an_answer_that_is_no_welcome_is_a_violation(
    federation: Any, identities: dict[str, Identity], open_things: ExitStack
) -> None:
    server = open_things.enter_context(socket.create_server(("127.0.0.1", 0)))
    grace, mercy = identities["grace"], identities["mercy"]
    context = server_context(grace, [mercy.certificate_pem])

    def answer() -> None:
        plain, _ = server.accept()
        with context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1")

    thread = threading.Thread(target=answer)
    thread.start()
    peers = [
        federation.peers[0],
        PeerAddress(
            name="grace",
            host="127.0.0.1",
            port=server.getsockname()[1],
            certificate_pem=grace.certificate_pem,
        ),
    ]
    with pytest.raises(PeerViolationError, match="did not answer our hello"):
        federation.connect(0, os.urandom(16), peers=peers, connect_seconds=2)
    thread.join()


def test_closing_a_listener_leaves_no_thread_behind(
    federation: Any, identities: dict[str, Identity], until_gone: Any, open_things: ExitStack
) -> None:
    open_things.enter_context(socket.create_connection(federation.listeners[0].address))
    open_things.enter_context(introduce(federation, identities["grace"], os.urandom(16)))
    for listener in federation.listeners:
        listener.close()
        listener.close()
    until_gone(["tacit-listener", "tacit-introduction"])
