"""Certificates: made right, and refused when they are not fit to be pinned."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tacit.executor.transport import (
    DataListener,
    Identity,
    check_certificate,
    create_identity,
    fingerprint,
    load_identity,
)
from tacit.query.errors import ConfigurationError


def certificate(
    *,
    ca: bool | None = False,
    names: tuple[str, ...] = ("mercy",),
    start: datetime | None = None,
    days: float = 10,
    signer: ec.EllipticCurvePrivateKey | None = None,
    key_cert_sign: bool = False,
) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mercy")])
    start = start or datetime.now(UTC) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )
    extensions: list[Any] = []
    if ca is not None:
        extensions.append(x509.BasicConstraints(ca=ca, path_length=None))
    if names:
        extensions.append(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]))
    if key_cert_sign:
        flags = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        extensions.append(x509.KeyUsage(key_cert_sign=True, **flags))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(signer or key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def test_an_identity_is_read_back_as_it_was_made(directory: Path) -> None:
    made = create_identity(directory, "mercy")
    assert load_identity(directory) == made
    assert made.party == "mercy"
    assert stat.S_IMODE(made.key_path.stat().st_mode) == 0o600
    assert len(made.fingerprint) == 64
    assert made.fingerprint == fingerprint(made.certificate_pem)
    assert b"PRIVATE KEY" in made.key_pem()
    assert "PRIVATE" not in repr(made)


def test_a_fresh_certificate_is_for_one_party_and_signs_nobody(directory: Path) -> None:
    made = create_identity(directory, "mercy")
    parsed = check_certificate(made.certificate_pem, "mercy")
    constraints = parsed.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca
    with pytest.raises(ConfigurationError, match="of 'mercy', not of 'grace'"):
        check_certificate(made.certificate_pem, "grace")


def test_an_identity_is_never_overwritten(directory: Path) -> None:
    made = create_identity(directory, "mercy")
    with pytest.raises(ConfigurationError, match="never overwritten"):
        create_identity(directory, "mercy")
    assert load_identity(directory) == made


@pytest.mark.parametrize("name", ["", "a b", "-a", "1a", "a" * 64, "a.b", "é", "a\n"])
def test_names_that_no_party_can_have(directory: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a party"):
        create_identity(directory, name)


def test_a_key_that_others_can_read_is_refused(directory: Path) -> None:
    create_identity(directory, "mercy").key_path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_identity(directory)


def test_a_key_of_another_certificate_is_refused(directory: Path, tmp_path: Path) -> None:
    made = create_identity(directory, "mercy")
    other = create_identity(tmp_path / "other", "mercy")
    made.key_path.write_bytes(other.key_pem())
    with pytest.raises(ConfigurationError, match="is not the key of"):
        load_identity(directory)
    made.key_path.write_bytes(b"no key")
    with pytest.raises(ConfigurationError, match="does not hold an unencrypted private key"):
        load_identity(directory)


def test_a_missing_identity_says_how_to_make_one(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match="tacit init"):
        load_identity(directory)


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (lambda: certificate(ca=True), "CA:FALSE"),
        (lambda: certificate(ca=None), "CA:FALSE"),
        (lambda: certificate(key_cert_sign=True), "CA:FALSE"),
        (lambda: certificate(names=()), "exactly one party"),
        (lambda: certificate(names=("mercy", "grace")), "exactly one party"),
        (lambda: certificate(days=0.01), "expired on"),
        (lambda: certificate(start=datetime.now(UTC) + timedelta(days=1)), "clock"),
        (lambda: certificate(signer=ec.generate_private_key(ec.SECP256R1())), "not self-signed"),
        (lambda: certificate() + certificate(), "holds 2 certificates"),
        (lambda: b"nothing", "does not hold a PEM certificate"),
        (lambda: b"", "does not hold a PEM certificate"),
    ],
)
def test_certificates_that_are_not_fit_to_be_pinned(pem: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_certificate(pem(), "mercy")


def test_a_listener_refuses_to_trust_an_authority(identities: dict[str, Identity]) -> None:
    with pytest.raises(ConfigurationError, match="the certificate of mercy may sign"):
        DataListener(identities["grace"], {"mercy": certificate(ca=True)}, host="127.0.0.1", port=0)
