"""Opening everything that a node works with, from the files of its directory."""

from __future__ import annotations

import importlib.metadata
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ...connectors import check_source, open_source
from ...connectors.source import TableSource
from ...query.catalog import Catalog
from ...query.errors import ConfigurationError
from ..operators.run import run_plan
from ..sharing.protocols import PROTOCOLS
from ..sharing.spilling import prepare_directory
from ..transport.identity import Identity, load_identity
from ..transport.listener import DataListener
from .audit import AUDIT_FILE, AuditLog
from .compiling import Compiler, SqlCompiler
from .control import ControlLink
from .federation import Address, Federation, load_federation, read_catalog
from .limits import check_memory, check_rows
from .policy import POLICY_FILE, load_policy
from .resources import Resources, RunPlan, complain
from .results import ResultStore
from .settings import PARTY_FILE, PartySettings, load_settings
from .shared_tables import SharedTables
from .slot import Slot
from .source_gate import SourceGate
from .table_files import Safe, storage_key

SPILL_DIRECTORY = "spill"
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def open_resources(
    directory: Path,
    party: str,
    stack: ExitStack,
    *,
    run: RunPlan | None = None,
    compiler: Compiler | None = None,
) -> Resources:
    """Reads a party's files, takes its audit log and its data address, and starts its data check.

    What is opened is closed with `stack`. Errors: ConfigurationError, CatalogError.
    """
    federation = load_federation(directory)
    own = federation.party_directory(party)
    settings = load_settings(own)
    _check_local(federation, own, settings)
    identity = _identity(federation, party)
    catalog_text = read_catalog(directory)
    public = settings.public_directory or directory
    shared = SharedTables(own, _safe(federation, party, identity), settings)
    compiler = compiler or _compiler(
        catalog_text, federation, party, settings, shared=shared, public=public
    )
    policy = load_policy(own, party, local=settings.local)
    audit = AuditLog(own / AUDIT_FILE, party)
    stack.callback(audit.close)
    data = settings.data_directory or own
    gate = SourceGate(
        party, partial(_open_checked, data, compiler.catalog, party, public, settings), complain
    )
    stack.callback(gate.close)
    return Resources(
        federation=federation,
        party=party,
        identity=identity,
        settings=settings,
        policy=policy,
        catalog_text=catalog_text,
        compiler=compiler,
        gate=gate,
        audit=audit,
        shared=shared,
        spill_directory=_spill_directory(own, settings),
        results=ResultStore(own, party, limit=settings.max_results),
        slot=Slot(),
        links=_links(federation, identity, stack),
        listener=_listener(federation, identity, settings, stack),
        run=run or run_plan,
        version=importlib.metadata.version("tacit"),
    )


def _safe(federation: Federation, party: str, identity: Identity) -> Safe:
    """What seals the party's shares of shared tables."""
    computes = party in federation.compute
    return Safe(
        key=storage_key(identity.key_pem()),
        party=party,
        index=federation.index(party),
        components=PROTOCOLS[federation.protocol].components if computes else 0,
    )


def _compiler(
    catalog_text: str,
    federation: Federation,
    party: str,
    settings: PartySettings,
    *,
    shared: SharedTables,
    public: Path,
) -> Compiler:
    """What makes plans of SQL here, within the party's limits. Errors: CatalogError."""
    return SqlCompiler(
        catalog_text,
        parties=federation.compute,
        outsiders=federation.outsiders,
        link=federation.link,
        protocol=federation.protocol,
        public_directory=public,
        admit=partial(check_rows, party=party, settings=settings),
        afford=partial(check_memory, party=party, settings=settings, protocol=federation.protocol),
        shared=shared,
    )


def listening(address: Address, settings: PartySettings) -> Address:
    """Where to listen for what the others send to `address`."""
    return Address(host=settings.listen_host or address.host, port=address.port)


def _check_local(federation: Federation, own: Path, settings: PartySettings) -> None:
    """`local` lets every query through: only where nobody else's machine takes part."""
    hosts = {address.host for m in federation.members for address in (m.control, m.data)}
    if settings.local and not hosts <= _OWN_HOSTS:
        raise ConfigurationError(
            f"{own / PARTY_FILE}: local is for federations on one machine, but federation.toml "
            f"names {', '.join(sorted(hosts - _OWN_HOSTS))}; say in {POLICY_FILE} what is allowed"
        )


def _spill_directory(own: Path, settings: PartySettings) -> Path:
    """Where relations wait, empty. Errors: ConfigurationError if it cannot be written to."""
    directory = settings.spill_directory or own / SPILL_DIRECTORY
    try:
        prepare_directory(directory)
    except OSError as error:
        raise ConfigurationError(f"cannot use {directory}: {error.strerror}") from error
    return directory


def _identity(federation: Federation, party: str) -> Identity:
    """The party's own identity, if it is the one that the federation pins."""
    identity = load_identity(federation.party_directory(party))
    if identity.fingerprint != federation.member(party).fingerprint:
        raise ConfigurationError(
            f"{identity.certificate_path} is not the certificate that federation.toml pins for "
            f"{party}"
        )
    return identity


def _links(federation: Federation, identity: Identity, stack: ExitStack) -> dict[str, ControlLink]:
    """A line to every other party."""
    links = {
        member.name: ControlLink(identity, member)
        for member in federation.members
        if member.name != identity.party
    }
    for link in links.values():
        stack.callback(link.close)
    return links


def _listener(
    federation: Federation, identity: Identity, settings: PartySettings, stack: ExitStack
) -> DataListener:
    """The place where the other parties' data connections arrive."""
    address = listening(federation.member(identity.party).data, settings)
    others = {m.name: m.certificate_pem for m in federation.members if m.name != identity.party}
    return stack.enter_context(DataListener(identity, others, host=address.host, port=address.port))


def _open_checked(
    directory: Path, catalog: Catalog, party: str, public: Path, settings: PartySettings
) -> TableSource:
    source = open_source(
        directory,
        catalog,
        party,
        public_directory=public,
        memory_bytes=settings.fragment_memory_bytes,
    )
    check_source(source, catalog, party)
    return source
