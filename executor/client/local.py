"""A whole federation on one machine: every party a process, with real certificates and TLS."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from ...planner.cost import Link
from ...query.errors import ConfigurationError, PeerTimeoutError
from ..party.federation import (
    CATALOG_FILE,
    DEFAULT_PROTOCOL,
    FEDERATION_FILE,
    Address,
    Member,
    compute_of,
    load_federation,
    protocol_of,
    read_catalog,
    write_federation,
)
from ..party.networks import find_network, network_of
from ..party.policy import POLICY_FILE
from ..party.settings import PARTY_FILE, Section, read_toml
from ..sharing.protocols import PROTOCOLS, ProtocolFacts
from ..transport.identity import create_identity
from .client import Client

LOG_FILE = "node.log"
_SOURCES_FILE = "sources.sql"
_STOP_SECONDS = 8.0
_PORTS = range(20000, 32000)
"""Below the range that the system takes ports of outgoing connections from."""

_NODE = ("-m", "tacit.executor.party")


class LocalFederation:
    """The running nodes of a federation directory; a context manager.

    They stop when this process ends, however it ends: each watches its standard input.
    """

    def __init__(self, directory: Path, parties: tuple[str, ...]) -> None:
        self.directory = directory
        self.parties = parties
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        timeout_seconds: float = 30,
        command: Callable[[str], Sequence[str]] | None = None,
    ) -> LocalFederation:
        """Starts every party's node and waits until all of them listen.

        What a node has to say goes to PARTY/node.log. `command` gives the arguments to Python that
        run a party's node, if not the usual ones. Errors: ConfigurationError with a node's
        complaint if it does not start; PeerTimeoutError.
        """
        federation = cls(directory, load_federation(directory).parties)
        try:
            for party in federation.parties:
                arguments = None if command is None else command(party)
                federation.launch(party, arguments)
            until = time.monotonic() + timeout_seconds
            for party in federation.parties:
                federation.await_ready(party, until - time.monotonic())
        except BaseException:
            federation.stop(patience_seconds=0)
            raise
        return federation

    def launch(self, party: str, arguments: Sequence[str] | None = None) -> None:
        """Starts one party's node; `await_ready` is due."""
        given = arguments or (*_NODE, str(self.directory), party)
        log = os.open(
            self.directory / party / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        try:
            self.processes[party] = subprocess.Popen(
                [sys.executable, *given, "--watch-stdin"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env=_environment(),
            )
        finally:
            os.close(log)

    def await_ready(self, party: str, timeout_seconds: float) -> None:
        """Waits until a party's node listens. Errors: ConfigurationError, PeerTimeoutError."""
        process = self.processes[party]
        line = _first_line(process, timeout_seconds)
        if line is None:
            raise PeerTimeoutError(
                f"the node of {party} was not ready in time", party=party, step="start"
            )
        try:
            ready = json.loads(line).get("ready")
        except ValueError:
            ready = None
        if ready != party:
            raise ConfigurationError(
                f"the node of {party} did not start: {self._last_words(party)}"
            )

    def client(self, party: str, *, deadline_seconds: float = 300) -> Client:
        """A client of one party's node; close it after use."""
        return Client(self.directory, party, deadline_seconds=deadline_seconds)

    def stop(self, *, patience_seconds: float = _STOP_SECONDS) -> None:
        """Stops all nodes; those that do not stop in time are killed. Idempotent."""
        for process in self.processes.values():
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
        until = time.monotonic() + patience_seconds
        for process in self.processes.values():
            try:
                process.wait(max(until - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def __enter__(self) -> LocalFederation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _last_words(self, party: str) -> str:
        path = self.directory / party / LOG_FILE
        said = path.read_text(encoding="utf-8", errors="replace").strip()
        return f"\n{said}".rpartition("\ntacit: ")[2].strip() or "it said nothing"


def create_local(directory: Path, *, target: Path, network: str | Path | None = None) -> Path:
    """Makes a runnable federation in `target` of an example directory; returns `target`.

    The example has catalog.sql and, for each party, PARTY/sources.sql. The parties stand in the
    order of its federation.toml, if it has one, or else in alphabetical order. Keys, addresses and
    settings are new; data stay where they are. `network` names the network to plan with, or a file
    with its figures; it is the example's own unless given, or else "loopback". Errors:
    ConfigurationError.
    """
    catalog = read_catalog(directory)
    protocol = _protocol_of(directory)
    parties = _parties_of(directory)
    compute = _compute_of(directory, parties, protocol)
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    (target / CATALOG_FILE).write_text(catalog, encoding="utf-8")
    ports = _free_ports(2 * len(parties))
    members = []
    for party in parties:
        identity = create_identity(target / party, party)
        control, data = (Address(host="127.0.0.1", port=ports.pop()) for _ in range(2))
        members.append(
            Member(
                name=party,
                control=control,
                data=data,
                certificate_pem=identity.certificate_pem,
                fingerprint=identity.fingerprint,
            )
        )
        _write_settings(directory, target, party)
    link = _network_of(directory, protocol) if network is None else None
    link = link or find_network(network or "loopback", protocol.name)
    write_federation(target, members, network=link, protocol=protocol.name, compute=compute)
    return target


def _protocol_of(directory: Path) -> ProtocolFacts:
    """The protocol that an example's federation.toml names, if it has one."""
    path = directory / FEDERATION_FILE
    if not path.exists():
        return PROTOCOLS[DEFAULT_PROTOCOL]
    return protocol_of(Section(path, read_toml(path)))


def _network_of(directory: Path, protocol: ProtocolFacts) -> Link | None:
    """The network that an example's federation.toml names or describes, if it does."""
    path = directory / FEDERATION_FILE
    values = read_toml(path) if path.exists() else {}
    return network_of(Section(path, values), protocol.name) if "network" in values else None


def _parties_of(directory: Path) -> tuple[str, ...]:
    federation_file = directory / FEDERATION_FILE
    entries = read_toml(federation_file).get("parties") if federation_file.exists() else None
    if entries is not None:
        try:
            return tuple(str(entry["name"]) for entry in entries)
        except (TypeError, KeyError):
            raise ConfigurationError(f"{federation_file}: parties[].name is missing") from None
    return tuple(sorted(path.parent.name for path in directory.glob(f"*/{_SOURCES_FILE}")))


def _compute_of(
    directory: Path, parties: tuple[str, ...], protocol: ProtocolFacts
) -> tuple[str, ...]:
    """The compute parties that the example names; () if all of its parties compute."""
    path = directory / FEDERATION_FILE
    values = read_toml(path) if path.exists() else {}
    if "compute" in values:
        return compute_of(Section(path, values), parties, protocol)
    if not protocol.runs_between(len(parties)):
        hint = "; add a directory with an empty sources.sql: a helper without data"
        raise ConfigurationError(
            f"{directory} has {len(parties)} parties (directories with {_SOURCES_FILE}), but "
            f"{protocol.name} runs between {protocol.numbers}"
            f"{hint if len(parties) < protocol.least_parties else ''}"
        )
    return ()


def _write_settings(directory: Path, target: Path, party: str) -> None:
    """party.toml that points to the example's data, with the example's own settings beside."""
    given = directory / party / PARTY_FILE
    settings = read_toml(given) if given.exists() else {}
    settings |= {
        "local": True,
        "data_directory": str((directory / party).resolve()),
        "public_directory": str(directory.resolve()),
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (target / party / PARTY_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    policy = directory / party / POLICY_FILE
    if policy.exists():
        shutil.copyfile(policy, target / party / POLICY_FILE)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, starting at a random one so that neighbours do not collide."""
    start = int.from_bytes(os.urandom(2)) % len(_PORTS)
    found: list[int] = []
    for offset in range(len(_PORTS)):
        if len(found) == count:
            return found
        port = _PORTS[(start + offset) % len(_PORTS)]
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        found.append(port)
    raise ConfigurationError("this machine has no free ports")


def _first_line(process: subprocess.Popen[bytes], timeout_seconds: float) -> bytes | None:
    """The first line on a process's standard output, b"" if it ends before, None if late."""
    if process.stdout is None:
        return b""
    descriptor = process.stdout.fileno()
    until, line = time.monotonic() + timeout_seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(until - time.monotonic(), 0)):
                return None
            piece = os.read(descriptor, 4096)
            if not piece:
                return b""
            line += piece
    return line


def _environment() -> dict[str, str]:
    """A node's environment: arithmetic libraries keep to one thread, as parties share the cores."""
    return {"OMP_NUM_THREADS": "1", "GRPC_VERBOSITY": "NONE", **os.environ}
