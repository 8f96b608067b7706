"""The federation directory: who the parties are, where they listen, and how they are recognised.

federation.toml     protocol, network, who computes; for each party its addresses and certificate
catalog.sql         the public contract
PARTY/              one directory per party; in production each party has only its own
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...planner.cost import LINKS, Link
from ...query.errors import ConfigurationError
from ..sharing.protocols import PROTOCOLS, ProtocolFacts
from ..transport.identity import PARTY_NAME, check_certificate, fingerprint
from .networks import DEFAULT_NETWORK, network_lines, network_of
from .settings import Section, read_toml

FEDERATION_FILE = "federation.toml"
CATALOG_FILE = "catalog.sql"
DEFAULT_PROTOCOL = "replicated"
MAX_PARTIES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One party as all others see it. `certificate_pem` is what its fingerprint pins."""

    name: str
    control: Address
    data: Address
    certificate_pem: bytes
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The parties by position, and what they agreed on.

    The first ones are the compute parties, in the order of their index; the others stand behind
    them in the order of the file.
    """

    directory: Path
    protocol: str
    link: Link
    members: tuple[Member, ...]
    computing: int

    @property
    def compute(self) -> tuple[str, ...]:
        """The compute parties, by index."""
        return self.parties[: self.computing]

    @property
    def outsiders(self) -> tuple[str, ...]:
        """Those who own data, ask and receive beside them."""
        return self.parties[self.computing :]

    @property
    def parties(self) -> tuple[str, ...]:
        return tuple(member.name for member in self.members)

    def index(self, party: str) -> int:
        """A party's position. Errors: ConfigurationError if there is no such party."""
        if party not in self.parties:
            known = ", ".join(self.parties)
            raise ConfigurationError(
                f"{self.directory / FEDERATION_FILE} has no party {party!r}; it has {known}"
            )
        return self.parties.index(party)

    def member(self, party: str) -> Member:
        return self.members[self.index(party)]

    def party_directory(self, party: str) -> Path:
        return self.directory / self.member(party).name


def load_federation(directory: Path) -> Federation:
    """Reads federation.toml and the certificates that it pins.

    Errors: ConfigurationError naming file and key, for anything missing, unknown, malformed or
    doubled, a certificate that does not have its fingerprint, and a number of parties that the
    protocol does not run with.
    """
    path = directory / FEDERATION_FILE
    values = read_toml(path)
    section = Section(path, values)
    section.check_keys(frozenset({"protocol", "network", "compute", "parties"}))
    entries = values.get("parties", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise section.wrong("parties", "must be written as [[parties]] sections")
    members = tuple(
        _member(Section(path, entry, f"parties[{number}]."))
        for number, entry in enumerate(entries, start=1)
    )
    protocol = protocol_of(section)
    link = network_of(section, protocol.name)
    compute = compute_of(section, [member.name for member in members], protocol)
    _check_distinct(section, members)
    ranks = {name: rank for rank, name in enumerate(compute)}
    return Federation(
        directory=directory,
        protocol=protocol.name,
        link=link,
        members=tuple(sorted(members, key=lambda m: ranks.get(m.name, len(compute)))),
        computing=len(compute),
    )


def read_catalog(directory: Path) -> str:
    """The text of catalog.sql. Errors: ConfigurationError."""
    path = directory / CATALOG_FILE
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text") from error


def write_federation(
    directory: Path,
    members: Sequence[Member],
    *,
    network: Link | None = None,
    protocol: str = DEFAULT_PROTOCOL,
    compute: Sequence[str] = (),
) -> Path:
    """Writes federation.toml and certificates/NAME.pem; the directory must exist.

    `compute` names the compute parties, if not all of them are.
    """
    certificates = directory / "certificates"
    certificates.mkdir(exist_ok=True)
    named = network_lines(network or LINKS[DEFAULT_NETWORK])
    lines = [f"protocol = {json.dumps(protocol)}"]
    lines += [compute_line(compute)] if compute else []
    lines += named if len(named) == 1 else ["", *named]
    for member in members:
        (certificates / f"{member.name}.pem").write_bytes(member.certificate_pem)
        lines += [
            "",
            "[[parties]]",
            f"name = {json.dumps(member.name)}",
            f"control = {json.dumps(str(member.control))}",
            f"data = {json.dumps(str(member.data))}",
            f"certificate = {json.dumps(f'certificates/{member.name}.pem')}",
            f"fingerprint = {json.dumps(member.fingerprint)}",
        ]
    path = directory / FEDERATION_FILE
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def protocol_of(section: Section) -> ProtocolFacts:
    """The protocol that a federation.toml names. Errors: ConfigurationError."""
    name = section.optional_text("protocol", DEFAULT_PROTOCOL)
    if name not in PROTOCOLS:
        raise section.wrong("protocol", f"is {name!r}; known are {', '.join(sorted(PROTOCOLS))}")
    return PROTOCOLS[name]


def compute_of(
    section: Section, parties: Sequence[str], protocol: ProtocolFacts
) -> tuple[str, ...]:
    """The compute parties by index: all of them, unless `compute` names some.

    Errors: ConfigurationError for more parties than a federation has, and for as many compute
    parties as the protocol does not run with.
    """
    if len(parties) > MAX_PARTIES:
        raise section.wrong(
            "parties", f"lists {len(parties)}; a federation has at most {MAX_PARTIES}"
        )
    if "compute" not in section.values:
        _check_number(section, len(parties), protocol)
        return tuple(parties)
    names = section.values["compute"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise section.wrong("compute", 'must be a list of names like ["mercy", "grace"]')
    for name in names:
        if name not in parties:
            raise section.wrong("compute", f"names {name!r}, which is none of the parties")
        if names.count(name) > 1:
            raise section.wrong("compute", f"names {name} twice")
    if not protocol.runs_between(len(names)):
        raise section.wrong(
            "compute",
            f"names {len(names)}, but {protocol.name} runs between {protocol.numbers}",
        )
    return tuple(names)


def compute_line(compute: Sequence[str]) -> str:
    """What federation.toml says of who computes."""
    return f"compute = {json.dumps(list(compute))}"


def _member(section: Section) -> Member:
    section.check_keys(frozenset({"name", "control", "data", "certificate", "fingerprint"}))
    name = section.text("name")
    if not PARTY_NAME.fullmatch(name):
        raise section.wrong("name", f"is {name!r}: use a letter, then letters, digits, _ or -")
    certificate_path = section.path.parent / section.text("certificate")
    try:
        pem = certificate_path.read_bytes()
    except OSError as error:
        what = f"cannot be read from {certificate_path}: {error.strerror}"
        raise section.wrong("certificate", what) from error
    check_certificate(pem, name, source=str(certificate_path))
    pinned = section.text("fingerprint").replace(":", "").lower()
    if pinned != fingerprint(pem):
        raise section.wrong("fingerprint", f"is not that of {certificate_path}")
    return Member(
        name=name,
        control=_address(section, "control"),
        data=_address(section, "data"),
        certificate_pem=pem,
        fingerprint=pinned,
    )


def _address(section: Section, key: str) -> Address:
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]/]+)):(\d{1,5})", section.text(key))
    if not match or not 0 < int(match[3]) < 65536:
        raise section.wrong(key, 'must be an address like "mercy.example:7001"')
    return Address(host=match[1] or match[2], port=int(match[3]))


def _check_number(section: Section, count: int, protocol: ProtocolFacts) -> None:
    if not protocol.runs_between(count):
        least = protocol.least_parties
        hint = "; add the sections of the other parties" if count < least else ""
        if count == least - 1 and count > 1:
            hint += ", or a helper that holds no data"
        if count > protocol.most_parties:
            hint = '; name those that compute: compute = ["mercy", ...]'
        raise section.wrong(
            "parties", f"lists {count}, but {protocol.name} runs between {protocol.numbers}{hint}"
        )


def _check_distinct(section: Section, members: Sequence[Member]) -> None:
    for what, values in (
        ("name", [member.name for member in members]),
        ("fingerprint", [member.fingerprint for member in members]),
        ("address", [str(a) for member in members for a in (member.control, member.data)]),
    ):
        doubled = [value for value in values if values.count(value) > 1]
        if doubled:
            raise section.wrong("parties", f"lists the {what} {doubled[0]} twice")
