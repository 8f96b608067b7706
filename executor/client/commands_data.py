"""`tacit describe` and `tacit audit`: what a file holds, and what a node has recorded."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TypeAlias

from ...connectors import describe_file
from ...query.errors import ConfigurationError, UserError
from ..party.audit import AUDIT_FILE, verify_log

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_describe(commands: Commands) -> None:
    """Adds the command `describe`."""
    parser = commands.add_parser(
        "describe",
        help="propose a CREATE TABLE statement for a file",
        description="Proposes a CREATE TABLE statement for the catalog. Its bounds come from the "
        "data, and the catalog is public: widen them to what may be known.",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--table", metavar="NAME", help="the table's name, if not the file's")
    parser.add_argument("--owner", metavar="PARTY", help="the party that owns it")
    parser.set_defaults(run=_describe)


def add_audit(commands: Commands) -> None:
    """Adds the commands `audit verify` and `audit show`."""
    parser = commands.add_parser("audit", help="check or read a node's own log")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, help_text, action in (
        ("verify", "check that no line was changed or removed", _verify),
        ("show", "print the events", _show),
    ):
        below = actions.add_parser(name, help=help_text)
        below.add_argument("log", type=Path, help=f"{AUDIT_FILE}, or the party's folder with it")
        below.set_defaults(run=action)


def _describe(arguments: argparse.Namespace) -> int:
    print(describe_file(arguments.file, table=arguments.table, owner=arguments.owner).rstrip())
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    found = verify_log(_log(arguments.log))
    if found.fault is not None:
        raise UserError(f"the log is broken: {found.fault}")
    print(f"{found.lines} lines, unbroken; the last one's hash is {found.last}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    try:
        with _log(arguments.log).open(encoding="ascii", errors="backslashreplace") as log:
            for line in log:
                print(_event(line))
    except OSError as error:
        raise ConfigurationError(f"cannot read {arguments.log}: {error.strerror}") from error
    print(f"(tacit audit verify {arguments.log} checks the chain)", file=sys.stderr)
    return 0


def _log(path: Path) -> Path:
    return path / AUDIT_FILE if path.is_dir() else path


def _event(line: str) -> str:
    """One line for people: time, event, then what belongs to it."""
    try:
        record = json.loads(line)
        time, event = record.pop("time"), record.pop("event")
        record.pop("previous", None)
    except (ValueError, AttributeError, KeyError):
        return f"(not a record) {line.rstrip()!r}"
    facts = "  ".join(f"{key}={json.dumps(value)}" for key, value in record.items())
    return f"{time}  {event:<12}  {facts}".rstrip()
