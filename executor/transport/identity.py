"""Who a party is: a key pair and a self-signed certificate that the others pin.

No authority vouches for anybody. A certificate that could sign others (CA:TRUE) is refused, so
that pinning one party never means trusting what that party signs.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ...query.errors import ConfigurationError

KEY_FILE = "key.pem"
CERTIFICATE_FILE = "certificate.pem"
LIFETIME = timedelta(days=3652)
PARTY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A party's own certificate and where its private key lies; the key itself is not held."""

    party: str
    directory: Path
    certificate_pem: bytes

    @property
    def key_path(self) -> Path:
        return self.directory / KEY_FILE

    @property
    def certificate_path(self) -> Path:
        return self.directory / CERTIFICATE_FILE

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate_pem)

    def key_pem(self) -> bytes:
        """The private key, for a library that wants bytes. Never log or store it."""
        return self.key_path.read_bytes()


def create_identity(directory: Path, party: str) -> Identity:
    """Makes a key pair and a self-signed certificate for `party` in `directory`.

    key.pem (mode 0600) and certificate.pem: ECDSA P-256, CA:FALSE, subject alternative name =
    party name, valid for ten years. Errors: ConfigurationError if the name is not usable or one of
    the files exists already.
    """
    if not PARTY_NAME.fullmatch(party):
        raise ConfigurationError(
            f"{party!r} cannot name a party: use a letter, then up to 62 letters, digits, _ or -"
        )
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, party)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write_new(directory / KEY_FILE, secret, 0o600)
    _write_new(directory / CERTIFICATE_FILE, pem, 0o644)
    return Identity(party=party, directory=directory, certificate_pem=pem)


def load_identity(directory: Path) -> Identity:
    """Reads the identity that create_identity wrote.

    Errors: ConfigurationError if a file is missing or unreadable, the key is open to other users
    or belongs to another certificate, or the certificate fails check_certificate.
    """
    pem = _read(directory / CERTIFICATE_FILE)
    certificate = check_certificate(pem, source=str(directory / CERTIFICATE_FILE))
    key_path = directory / KEY_FILE
    secret = _read(key_path)
    if stat.S_IMODE(key_path.stat().st_mode) & 0o077:
        raise ConfigurationError(
            f"{key_path} can be read by other users of this machine: run chmod 600 on it"
        )
    try:
        public = serialization.load_pem_private_key(secret, password=None).public_key()
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{key_path} does not hold an unencrypted private key") from error
    if public != certificate.public_key():
        raise ConfigurationError(f"{key_path} is not the key of {directory / CERTIFICATE_FILE}")
    return Identity(party=_party_of(certificate), directory=directory, certificate_pem=pem)


@lru_cache(maxsize=64)
def fingerprint(certificate_pem: bytes) -> str:
    """The hex SHA-256 of the certificate's DER form. Errors: ConfigurationError."""
    return _parse(certificate_pem, "the certificate").fingerprint(hashes.SHA256()).hex()


def check_certificate(
    certificate_pem: bytes,
    party: str | None = None,
    *,
    source: str = "the certificate",
    now: datetime | None = None,
) -> x509.Certificate:
    """The parsed certificate, if it is fit to be pinned for `party` (None: for whom it names).

    Errors: ConfigurationError unless it is one self-signed X.509 v3 certificate that says CA:FALSE,
    may not sign certificates, names exactly one party (the right one) and is valid `now`.
    """
    certificate = _parse(certificate_pem, source)
    _check_no_authority(certificate, source)
    _check_self_signed(certificate, source)
    name = _party_of(certificate)
    if not PARTY_NAME.fullmatch(name):
        raise ConfigurationError(f"{source} does not name exactly one party")
    if party is not None and name != party:
        raise ConfigurationError(f"{source} is the certificate of {name!r}, not of {party!r}")
    now = now or datetime.now(UTC)
    if now < certificate.not_valid_before_utc:
        raise ConfigurationError(
            f"{source} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only: "
            "is the clock of this machine right?"
        )
    if now > certificate.not_valid_after_utc:
        raise ConfigurationError(
            f"{source} expired on {certificate.not_valid_after_utc:%Y-%m-%d}: "
            "make a new identity and exchange certificates again"
        )
    return certificate


def _self_signed(key: ec.EllipticCurvePrivateKey, party: str) -> x509.Certificate:
    # No KeyUsage extension: without keyCertSign in it, OpenSSL would not follow a self-signed
    # certificate to itself, and libraries that cannot be told to trust a leaf would refuse it.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party)])
    now = datetime.now(UTC)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(party)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .sign(key, hashes.SHA256())
    )


def _check_no_authority(certificate: x509.Certificate, source: str) -> None:
    extensions = certificate.extensions
    try:
        authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = True  # old software takes a certificate without the extension for an authority
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        authority = authority or usage.key_cert_sign
    except x509.ExtensionNotFound:
        pass
    if authority or certificate.version is not x509.Version.v3:
        raise ConfigurationError(
            f"{source} may sign other certificates: a party's certificate must say CA:FALSE"
        )


def _check_self_signed(certificate: x509.Certificate, source: str) -> None:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise ConfigurationError(f"{source} is not self-signed") from error


def _party_of(certificate: x509.Certificate) -> str:
    """The one name that the certificate is for; empty if there is not exactly one."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ""
    names = extension.value.get_values_for_type(x509.DNSName)
    return names[0] if len(names) == 1 and len(list(extension.value)) == 1 else ""


def _parse(certificate_pem: bytes, source: str) -> x509.Certificate:
    try:
        certificates = x509.load_pem_x509_certificates(certificate_pem)
        certificates[0].extensions  # noqa: B018  (parsed lazily: a malformed one must fail here)
    except ValueError as error:
        raise ConfigurationError(f"{source} does not hold a PEM certificate") from error
    if len(certificates) != 1:
        raise ConfigurationError(f"{source} holds {len(certificates)} certificates instead of one")
    return certificates[0]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path} ({error.strerror}): tacit init makes a party's identity"
        ) from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{path} exists already: an identity is never overwritten"
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
