"""The files that a new party, or a new local federation, starts from; nothing is overwritten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ...query.errors import ConfigurationError
from ..party.federation import (
    CATALOG_FILE,
    DEFAULT_PROTOCOL,
    FEDERATION_FILE,
    Address,
    compute_line,
    compute_of,
)
from ..party.settings import Section
from ..sharing.protocols import PROTOCOLS
from ..transport.identity import PARTY_NAME, Identity, create_identity
from .layout import helper_names

_SOURCES = """\
-- Which file stands behind which table of the catalog; paths are relative to this folder.
-- ATTACH 'data/visits.parquet' AS visits;
"""

_POLICY = """\
# Which of this party's tables others may query. What is not allowed here is denied.
[tables]
# visits = "allow"
"""

_PARTY = """\
# Settings of this party's node alone; everything has a default.
# session_seconds = 300
# peer_timeout_seconds = 60
"""

_CATALOG = """\
-- The public contract of the federation, the same at every party.
-- `tacit describe FILE --owner PARTY` proposes a table. For instance:
--
-- CREATE TABLE visits (
--     patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 999999),
--     admitted   DATE,
--     cost       DECIMAL(9,2) CHECK (cost BETWEEN 0 AND 999999.99)
-- ) OWNED BY {owner} ROWS 20000;
"""


def write_party(
    directory: Path,
    party: str,
    host: str,
    port: int,
    protocol: str = DEFAULT_PROTOCOL,
    *,
    compute: Sequence[str] | None = None,
) -> str:
    """Makes a party's identity and files in `directory`/`party`; returns what to do next.

    Errors: ConfigurationError if the party has an identity already, or its name or address is not
    usable.
    """
    if not 0 < port < 65535:
        raise ConfigurationError(
            f"port {port} cannot be used: a node takes it and the next one, between 1 and 65535"
        )
    folder = directory / party
    identity = create_identity(folder, party)
    folder.chmod(0o700)
    for name, text in (
        ("sources.sql", _SOURCES),
        ("policy.toml", _POLICY),
        ("party.toml", _PARTY),
    ):
        _write_new(folder / name, text)
    _write_new(directory / CATALOG_FILE, _CATALOG.format(owner=party))
    certificate = directory / "certificates" / f"{party}.pem"
    certificate.parent.mkdir(exist_ok=True)
    certificate.write_bytes(identity.certificate_pem)
    section = _section(identity, host, port)
    head = f'protocol = {json.dumps(protocol)}\nnetwork = "lan"\n'
    head += f"{compute_line(compute)}\n" if compute is not None else ""
    _write_new(directory / FEDERATION_FILE, f"{head}\n{section}\n")
    return (
        f"{folder} holds the key of {party}; keep it to yourself.\n"
        f"Give the other parties {certificate} and these lines for their {FEDERATION_FILE},\n"
        f"and compare the fingerprint over another way than you sent it:\n\n{section}"
    )


def write_local(
    directory: Path,
    parties: Sequence[str],
    protocol: str = DEFAULT_PROTOCOL,
    compute: Sequence[str] | None = None,
) -> str:
    """Writes catalog.sql and a folder with sources.sql for each party; returns what to do next.

    Helpers without data fill the places that are left. With `compute` those named there compute,
    and the others stand beside them. Errors: ConfigurationError for a name that
    is not usable or doubled, and for too many.
    """
    for party in (*parties, *(compute or ())):
        if not PARTY_NAME.fullmatch(party):
            raise ConfigurationError(f"{party!r} cannot name a party")
        if parties.count(party) > 1:
            raise ConfigurationError(f"{party} is named twice")
    facts = PROTOCOLS[protocol]
    if compute is None and len(parties) > facts.most_parties:
        raise ConfigurationError(
            f"{protocol} runs between {facts.numbers} parties, not {len(parties)}; "
            "--compute names those that compute"
        )
    owner, helpers = parties[0], helper_names(parties, protocol, compute)
    parties = (*parties, *helpers)
    head = f"protocol = {json.dumps(protocol)}\n"
    if compute is not None:
        values = {"compute": list(compute)}
        compute_of(Section(directory / FEDERATION_FILE, values), parties, facts)
        head += f"{compute_line(compute)}\n"
    directory.mkdir(parents=True, exist_ok=True)
    _write_new(directory / CATALOG_FILE, _CATALOG.format(owner=owner))
    if protocol != DEFAULT_PROTOCOL or compute is not None:
        _write_new(directory / FEDERATION_FILE, head)
    for party in parties:
        (directory / party).mkdir(exist_ok=True)
        _write_new(directory / party / "sources.sql", _SOURCES)
    joined = "".join(f"{name} joins as a helper that owns no data.\n" for name in helpers)
    return (
        f"{joined}Describe the tables in {directory / CATALOG_FILE}, name their files in each "
        f"party's sources.sql,\nand ask: tacit repl --local {directory}"
    )


def _section(identity: Identity, host: str, port: int) -> str:
    """What federation.toml says of one party."""
    lines = {
        "name": identity.party,
        "control": str(Address(host=host, port=port)),
        "data": str(Address(host=host, port=port + 1)),
        "certificate": f"certificates/{identity.party}.pem",
        "fingerprint": identity.fingerprint,
    }
    return "\n".join(["[[parties]]", *(f"{k} = {json.dumps(v)}" for k, v in lines.items())])


def _write_new(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text, encoding="utf-8")
