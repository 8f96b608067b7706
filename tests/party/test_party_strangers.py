"""Who has no pinned certificate gets nothing; who has one gets what is meant for that party."""

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyarrow import flight
from tacit.executor.party.control import ControlLink
from tacit.executor.party.federation import load_federation
from tacit.executor.party.replies import Replies
from tacit.executor.transport.identity import Identity, create_identity, load_identity
from tacit.query.errors import PeerFailedError, PeerLostError, SessionError

SESSION = "0123456789abcdef" * 2


def link(fleet: Any, identity: Identity, to: str = "mercy") -> ControlLink:
    return ControlLink(identity, load_federation(fleet.directory).member(to))


def party_link(fleet: Any, party: str, to: str = "mercy") -> ControlLink:
    return link(fleet, load_identity(fleet.directory / party), to)


@pytest.mark.parametrize("name", ["mercy", "clara"])
def test_an_unknown_certificate_is_turned_away(fleet: Any, tmp_path: Path, name: str) -> None:
    stranger = link(fleet, create_identity(tmp_path / name, name))
    for action in ("hello", "catalog", "query"):
        with pytest.raises(PeerLostError, match="certificates do not match"):
            stranger.call(action, {}, timeout_seconds=5)
    assert fleet.count() == 4000


def test_a_certificate_that_a_party_signed_is_turned_away(fleet: Any, tmp_path: Path) -> None:
    """grace's key signs a certificate that says it is mercy's: grace is no authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = load_identity(fleet.directory / "grace")
    issuer = x509.load_pem_x509_certificate(signer.certificate_pem)
    own = x509.load_pem_x509_certificate(load_identity(fleet.directory / "mercy").certificate_pem)
    signing_key = serialization.load_pem_private_key(signer.key_pem(), None)
    assert isinstance(signing_key, ec.EllipticCurvePrivateKey)
    forged = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mercy")]), critical=False)
        .sign(signing_key, hashes.SHA256())
    )
    pem = forged.public_bytes(serialization.Encoding.PEM) + signer.certificate_pem
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    forger = link(fleet, Identity(party="mercy", directory=tmp_path, certificate_pem=pem))
    with pytest.raises(PeerLostError):
        forger.call("catalog", {}, timeout_seconds=5)


def test_a_client_without_a_certificate_is_turned_away(fleet: Any) -> None:
    member = load_federation(fleet.directory).member("mercy")
    client = flight.connect(
        f"grpc+tls://{member.control}",
        tls_root_certs=member.certificate_pem,
        override_hostname="mercy",
    )
    with pytest.raises(flight.FlightUnavailableError):
        list(client.do_action("hello", flight.FlightCallOptions(timeout=5)))
    client.close()


@pytest.mark.parametrize("address", ["control", "data"])
def test_only_tls_1_3_is_spoken(fleet: Any, address: str) -> None:
    identity = load_identity(fleet.directory / "grace")
    where = getattr(load_federation(fleet.directory).member("mercy"), address)
    for version, spoken in ((ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(identity.certificate_path, identity.key_path)
        with socket.create_connection((where.host, where.port), 5) as connection:
            try:
                with context.wrap_socket(connection) as secured:
                    assert secured.version() == "TLSv1.3"
                    assert spoken
            except (ssl.SSLError, ConnectionError):
                assert not spoken


@pytest.mark.parametrize("action", ["query", "catalog", "status", "results", "nonsense"])
def test_what_is_the_owners_is_not_for_peers(fleet: Any, action: str) -> None:
    with pytest.raises(PeerFailedError, match="not available to you"):
        party_link(fleet, "grace").call(action, {}, timeout_seconds=5)


@pytest.mark.parametrize("action", ["propose", "start"])
def test_what_is_for_peers_is_not_the_owners(fleet: Any, action: str) -> None:
    with pytest.raises(PeerFailedError, match="not available to you"):
        party_link(fleet, "mercy").call(action, {}, timeout_seconds=5)


def test_a_peer_cannot_fetch_results(fleet: Any) -> None:
    with pytest.raises(PeerFailedError, match="not available to you"):
        party_link(fleet, "grace").fetch({"session": SESSION}, timeout_seconds=5)


def test_other_calls_of_the_flight_protocol_are_refused_without_a_trace(fleet: Any) -> None:
    channel = party_link(fleet, "grace")._connected()
    for call in (
        lambda: list(channel.list_flights()),
        lambda: channel.get_flight_info(flight.FlightDescriptor.for_command(b"x")),
        lambda: list(channel.list_actions()),
    ):
        with pytest.raises(flight.FlightUnauthorizedError) as caught:
            call()
        assert "Traceback" not in str(caught.value)


def proposal(fleet: Any, **changes: object) -> dict[str, object]:
    hello = party_link(fleet, "grace").call("hello", {}, timeout_seconds=5)
    return {
        "session": SESSION,
        "statement": "SELECT COUNT(*) FROM visits",
        "catalog": hello["catalog"],
        "tables": "{}",
        "protocol": "replicated",
        "version": hello["version"],
        "seconds": 5.0,
    } | changes


def test_a_session_id_is_used_once(fleet: Any) -> None:
    grace = party_link(fleet, "grace")
    body = proposal(fleet)
    assert len(grace.call("propose", body, timeout_seconds=5)["plan"]) == 64
    grace.call("cancel", {"session": SESSION, "reason": "test"}, timeout_seconds=5)
    with pytest.raises(SessionError, match="used before"):
        grace.call("propose", body, timeout_seconds=5)
    assert fleet.count() == 4000


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"session": "11" * 16, "version": "0.0.0"}, r"mercy runs tacit .*, grace runs 0.0.0"),
        ({"session": "12" * 16, "protocol": "additive"}, "mercy runs replicated only"),
        ({"session": "13" * 16, "catalog": "0" * 64}, "hold different catalogs"),
        ({"session": "14" * 15}, "a Proposal message whose session"),
        ({"session": "15" * 16, "more": 1}, "other fields"),
    ],
)
def test_a_wrong_proposal_is_refused(
    fleet: Any, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SessionError, match=complaint):
        party_link(fleet, "grace").call("propose", proposal(fleet, **changes), timeout_seconds=5)
    assert fleet.count() == 4000


def test_only_the_asker_starts_and_cancels_its_session(fleet: Any) -> None:
    grace, registry = party_link(fleet, "grace"), party_link(fleet, "registry")
    body = proposal(fleet, session="16" * 16)
    plan = grace.call("propose", body, timeout_seconds=5)["plan"]
    start = {"session": "16" * 16, "plan": plan, "recipients": "grace"}
    registry.call("cancel", {"session": "16" * 16, "reason": "mischief"}, timeout_seconds=5)
    with pytest.raises(SessionError, match="mercy knows no such session of registry"):
        registry.call("start", start, timeout_seconds=5)
    with pytest.raises(SessionError, match="mercy planned"):
        grace.call("start", start | {"plan": "0" * 64}, timeout_seconds=5)
    assert fleet.count() == 4000


def test_a_proposal_that_is_withdrawn_leaves_the_node_free(fleet: Any) -> None:
    grace = party_link(fleet, "grace")
    late, early = proposal(fleet, session="17" * 16), proposal(fleet, session="18" * 16)
    grace.call("cancel", {"session": "17" * 16, "reason": "test"}, timeout_seconds=5)
    with pytest.raises(SessionError, match="used before"):
        grace.call("propose", late, timeout_seconds=5)
    replies = Replies({"mercy": grace}, "propose", early, timeout_seconds=5)
    while replies.wait(0):
        grace.call("cancel", {"session": "18" * 16, "reason": "test"}, timeout_seconds=5)
    began = time.monotonic()
    assert fleet.count() == 4000
    assert time.monotonic() - began < 5
