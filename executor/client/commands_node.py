"""`tacit init`, `tacit node` and `tacit up`: making a party, and running nodes."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from ...query.errors import ConfigurationError
from ..party.federation import CATALOG_FILE, DEFAULT_PROTOCOL, FEDERATION_FILE
from ..party.settings import read_toml
from ..sharing.protocols import PROTOCOLS
from .exits import UsageError, ending_signals
from .local import LocalFederation, create_local
from .opening import add_network_argument
from .skeleton import write_local, write_party

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_init(commands: Commands) -> None:
    """Adds the command `init`."""
    parser = commands.add_parser(
        "init",
        help="make a party's key and files, or a directory for local trials",
        description="With --party: makes the party's key pair and certificate in DIR/NAME, writes "
        "files to fill in, and prints the section of federation.toml that the others need. With "
        "--local: writes a directory for `tacit run --local DIR`, whose parties need no keys.",
    )
    parser.add_argument("directory", metavar="DIR", type=Path)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--party", metavar="NAME")
    kind.add_argument(
        "--local",
        metavar="NAME,NAME,...",
        help="the parties; helpers fill up to as many as the protocol needs",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where the others reach this party")
    parser.add_argument("--port", type=int, default=7001, help="control port; data: the next one")
    parser.add_argument(
        "--protocol",
        choices=sorted(PROTOCOLS),
        default=DEFAULT_PROTOCOL,
        help="replicated (three parties; the default) or additive (two to five, no one to trust)",
    )
    parser.add_argument(
        "--compute",
        metavar="NAME,NAME,...",
        help="the parties that compute, if not all do; the others own data, ask and receive",
    )
    parser.set_defaults(run=_init)


def add_node(commands: Commands) -> None:
    """Adds the command `node`."""
    parser = commands.add_parser("node", help="run one party's node until Ctrl-C")
    parser.add_argument("directory", metavar="DIR", type=Path, help="the federation directory")
    parser.add_argument("party", metavar="PARTY")
    parser.set_defaults(run=_node)


def add_up(commands: Commands) -> None:
    """Adds the command `up`."""
    parser = commands.add_parser("up", help="run all parties' nodes on this machine until Ctrl-C")
    parser.add_argument(
        "directory",
        metavar="DIR",
        type=Path,
        help="a federation directory; or one without addresses in a federation.toml, whose parties "
        "then get keys and addresses in a temporary directory",
    )
    add_network_argument(parser)
    parser.set_defaults(run=_up)


def _init(arguments: argparse.Namespace) -> int:
    compute = None if arguments.compute is None else _names(arguments.compute)
    if arguments.party is not None:
        made = write_party(
            arguments.directory,
            arguments.party,
            arguments.host,
            arguments.port,
            arguments.protocol,
            compute=compute,
        )
    else:
        names = _names(arguments.local)
        made = write_local(arguments.directory, names, arguments.protocol, compute)
    print(made)
    return 0


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _node(arguments: argparse.Namespace) -> int:
    from ..party.__main__ import main

    return main([str(arguments.directory / arguments.party)])


def _up(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="tacit-") as scratch:
        directory = _runnable(arguments.directory, Path(scratch), arguments.network)
        with LocalFederation.start(directory) as nodes, _told_to_end() as ended:
            print(f"running: {', '.join(nodes.parties)}", flush=True)
            example = f"--federation {directory} --party {nodes.parties[0]}"
            print(f'ask with: tacit run {example} -c "SELECT ..."', flush=True)
            ended.wait()
    return 0


def _runnable(directory: Path, scratch: Path, network: str | None) -> Path:
    if (directory / FEDERATION_FILE).is_file() and _has_addresses(directory / FEDERATION_FILE):
        if network is not None:
            raise UsageError(
                f"--network is for directories without addresses; write it into "
                f"{directory / FEDERATION_FILE}"
            )
        return directory
    if not (directory / CATALOG_FILE).is_file():
        raise ConfigurationError(f"{directory} holds neither {FEDERATION_FILE} nor {CATALOG_FILE}")
    return create_local(directory, target=scratch / "federation", network=network)


def _has_addresses(path: Path) -> bool:
    """Whether a federation.toml says where parties listen; an example's names them at most."""
    entries = read_toml(path).get("parties", [])
    if not isinstance(entries, list):
        return True
    return any(isinstance(entry, dict) and "control" in entry for entry in entries)


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Set by Ctrl-C, the request to terminate, or the terminal's end; all are proper ends."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    ends = (signal.SIGINT, *ending_signals())
    before = {number: signal.signal(number, end) for number in ends}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
