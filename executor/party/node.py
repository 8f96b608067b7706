"""A party's node: everything that it consists of, from its start to its end."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType

from ...connectors import check_source, open_source
from ...connectors.source import TableSource
from ...query.catalog import Catalog
from ...query.errors import ConfigurationError, SessionError
from ..operators.run import run_plan
from ..transport.identity import Identity, load_identity
from ..transport.listener import DataListener
from .audit import AUDIT_FILE, AuditLog
from .compiling import Compiler, SqlCompiler
from .control import ControlLink
from .federation import Address, Federation, load_federation, read_catalog
from .messages import Body, Cancel, Proposal, Question, Start
from .participating import Participant
from .policy import load_policy
from .resources import Resources, RunPlan, complain
from .results import ResultStore
from .server import Action, ControlServer
from .serving import OwnerService
from .settings import PartySettings, load_settings
from .slot import Slot
from .source_gate import SourceGate

_SHUTDOWN_SECONDS = 5.0


class Node:
    """A running node; a context manager. `close` ends its sessions with an error at all parties.

    Errors: ConfigurationError for anything wrong in the directory, an address that is taken, or a
    second node of the same party; CatalogError. Data that do not keep the catalog's promises are
    no such error: the node runs, and refuses every session.
    """

    def __init__(
        self,
        directory: Path,
        party: str,
        *,
        run: RunPlan | None = None,
        compiler: Compiler | None = None,
    ) -> None:
        federation = load_federation(directory)
        own = federation.party_directory(party)
        settings = load_settings(own)
        identity = _identity(federation, party)
        control = _listening(federation.member(party).control, settings)
        data = _listening(federation.member(party).data, settings)
        catalog_text = read_catalog(directory)
        public = settings.public_directory or directory
        compiler = compiler or SqlCompiler(
            catalog_text, parties=federation.parties, link=federation.link, public_directory=public
        )
        policy = load_policy(own, party, local=settings.local)
        self._audit = AuditLog(own / AUDIT_FILE, party)
        try:
            _check_free(control)
            self._listener = DataListener(
                identity,
                {m.name: m.certificate_pem for m in federation.members if m.name != party},
                host=data.host,
                port=data.port,
            )
        except BaseException:
            self._audit.close()
            raise
        self._gate = SourceGate(
            party,
            partial(_open_checked, settings.data_directory or own, compiler.catalog, party, public),
            complain,
        )
        self._links = {
            m.name: ControlLink(identity, m) for m in federation.members if m.name != party
        }
        resources = Resources(
            federation=federation,
            party=party,
            identity=identity,
            settings=settings,
            policy=policy,
            catalog_text=catalog_text,
            compiler=compiler,
            gate=self._gate,
            audit=self._audit,
            results=ResultStore(own, party),
            slot=Slot(),
            links=self._links,
            listener=self._listener,
            run=run or run_plan,
            version=importlib.metadata.version("tacit"),
        )
        self.party, self.control, self.data = party, control, data
        self._participant = Participant(resources)
        self._owner = OwnerService(resources, self._participant)
        self._server = ControlServer(
            control,
            identity,
            federation,
            _actions(self._participant, self._owner),
            self._owner.fetch,
        )
        self._audit.record("node started", version=resources.version)

    def close(self) -> None:
        """Ends every session, stops listening and closes the source."""
        reason = SessionError(f"the node of {self.party} is stopping")
        self._owner.cancel_all(reason)
        self._participant.abort_all(reason)
        stopping = threading.Thread(target=self._server.shutdown, daemon=True)
        stopping.start()
        stopping.join(_SHUTDOWN_SECONDS)
        self._listener.close()
        for link in self._links.values():
            link.close()
        self._gate.close()
        self._audit.record("node stopped")
        self._audit.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def run_node(
    directory: Path,
    party: str,
    *,
    ready: Callable[[str], None],
    stop: threading.Event | None = None,
    run: RunPlan | None = None,
) -> None:
    """Runs a node until SIGTERM, SIGINT or `stop`, and ends it cleanly.

    `ready` is called once, when it listens, with a line of JSON: party, control, data, pid.
    Errors: as Node.
    """
    stop = stop or threading.Event()
    before = _on_signals(stop)
    try:
        with Node(directory, party, run=run) as node:
            ready(
                json.dumps(
                    {
                        "ready": party,
                        "control": str(node.control),
                        "data": str(node.data),
                        "pid": os.getpid(),
                    }
                )
            )
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signals(stop: threading.Event) -> dict[int, Callable[[int, FrameType | None], object]]:
    """Makes SIGTERM and SIGINT set `stop`; the handlers before. Only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    return {n: signal.signal(n, end) for n in (signal.SIGTERM, signal.SIGINT)}  # type: ignore[misc]


def _actions(participant: Participant, owner: OwnerService) -> dict[str, Action]:
    """Everything that can be asked of a node over the control plane, and by whom."""

    def cancel(caller: str, body: Body, cancelled: object) -> Body:
        message = Cancel.from_body(body)
        if caller == participant.party:
            owner.cancel(message)
        else:
            participant.cancel(caller, message)
        return {}

    return {
        "hello": Action(audience="both", perform=lambda who, body, gone: participant.hello()),
        "propose": Action(
            audience="peer",
            perform=lambda who, body, gone: participant.propose(who, Proposal.from_body(body)),
        ),
        "start": Action(
            audience="peer",
            perform=lambda who, body, gone: participant.start(who, Start.from_body(body)),
        ),
        "cancel": Action(audience="both", perform=cancel),
        "query": Action(
            audience="owner",
            perform=lambda who, body, gone: owner.query(Question.from_body(body), gone),
        ),
        "status": Action(audience="owner", perform=lambda who, body, gone: owner.status()),
        "catalog": Action(audience="owner", perform=lambda who, body, gone: owner.catalog()),
        "results": Action(audience="owner", perform=lambda who, body, gone: owner.results()),
    }


def _identity(federation: Federation, party: str) -> Identity:
    """The party's own identity, if it is the one that the federation pins."""
    identity = load_identity(federation.party_directory(party))
    if identity.fingerprint != federation.member(party).fingerprint:
        raise ConfigurationError(
            f"{identity.certificate_path} is not the certificate that federation.toml pins for "
            f"{party}"
        )
    return identity


def _listening(address: Address, settings: PartySettings) -> Address:
    return Address(host=settings.listen_host or address.host, port=address.port)


def _check_free(address: Address) -> None:
    """Errors: ConfigurationError if somebody listens there: gRPC would share the port silently."""
    try:
        socket.create_server((address.host, address.port)).close()
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {address} for control connections: {error.strerror or error}"
        ) from error


def _open_checked(directory: Path, catalog: Catalog, party: str, public: Path) -> TableSource:
    source = open_source(directory, catalog, party, public_directory=public)
    check_source(source, catalog, party)
    return source
