"""Which federation a command speaks to: one started for it, or one that runs already."""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

from ...query.errors import ConfigurationError
from .embedded import Federation, connect, open_local
from .exits import UsageError

EXAMPLE = "hospitals"
_FEDERATION = (
    "use a running federation: a directory with federation.toml, catalog.sql and the asking "
    "party's own folder"
)


def add_federation_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --local, --federation, and --party (also called --as)."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--local",
        metavar="DIR",
        type=Path,
        help="start all parties of this directory (catalog.sql, PARTY/sources.sql) as processes "
        "of this machine, and stop them afterwards",
    )
    place.add_argument("--federation", metavar="DIR", type=Path, help=_FEDERATION)
    parser.add_argument(
        "--party",
        "--as",
        metavar="PARTY",
        dest="party",
        help="the party that asks (with --local: the first one unless given)",
    )
    add_network_argument(parser)


def add_network_argument(parser: argparse.ArgumentParser) -> None:
    """Adds --network."""
    parser.add_argument(
        "--network",
        metavar="NAME|FILE",
        help="with --local: plan for this network (loopback, lan, wan, or a file of figures)",
    )


def add_running_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --federation and --party, both of which must be given."""
    parser.add_argument("--federation", metavar="DIR", type=Path, required=True, help=_FEDERATION)
    parser.add_argument("--party", "--as", metavar="PARTY", dest="party", required=True)
    parser.set_defaults(network=None)


def open_federation(arguments: argparse.Namespace) -> Federation:
    """The federation that the arguments name; without any, the hospitals of the example.

    Errors: UsageError for arguments that do not go together, ConfigurationError, PeerError.
    """
    if arguments.federation is not None:
        if arguments.party is None:
            raise UsageError("--federation needs --party: whose key asks?")
        if arguments.network is not None:
            raise UsageError(
                "--network goes with --local; running nodes plan with the network in their "
                "federation.toml, and EXPLAIN (NETWORK wan) prices a query for another one"
            )
        return connect(arguments.federation, arguments.party)
    directory = example_directory() if arguments.local is None else arguments.local
    return open_local(directory, arguments.network)


def example_directory() -> Path:
    """The directory of the example federation, installed with the package."""
    directory = Path(str(resources.files("tacit"))) / "examples" / EXAMPLE
    if not (directory / "catalog.sql").is_file():
        raise ConfigurationError(f"the example is not installed: {directory} has no catalog.sql")
    return directory
