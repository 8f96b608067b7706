"""The command line: `tacit COMMAND ...`. Each command lives in executor/client/commands_*.py."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType

from tacit import __version__
from tacit.executor.client.commands_data import add_audit, add_describe
from tacit.executor.client.commands_demo import add_demo
from tacit.executor.client.commands_measure import add_measure
from tacit.executor.client.commands_node import add_init, add_node, add_up
from tacit.executor.client.commands_query import add_run
from tacit.executor.client.commands_results import add_results
from tacit.executor.client.exits import ending_signals, guarded
from tacit.executor.client.opening import add_federation_arguments

COMMANDS = (
    add_demo,
    add_run,
    add_results,
    add_describe,
    add_init,
    add_node,
    add_up,
    add_measure,
    add_audit,
)


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: see executor/client/exits.py."""
    arguments = parser().parse_args(argv)
    for number in ending_signals():
        signal.signal(number, _terminate)
    return guarded(arguments.run, arguments)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="tacit",
        description="SQL over data that nobody may pool.",
        epilog="Exit codes: 0 done; 1 the query, the data or a policy is at fault; 2 wrong usage; "
        "3 a peer or the session failed; 130 cancelled. TACIT_DEBUG=1 shows tracebacks.",
    )
    top.add_argument("--version", action="version", version=f"tacit {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    prompt = commands.add_parser("repl", help="an interactive SQL prompt")
    add_federation_arguments(prompt)
    prompt.set_defaults(run=_converse)
    return top


def _terminate(number: int, frame: FrameType | None) -> None:
    """Leaves in good order, so that nodes stop and temporary files go."""
    sys.exit(128 + number)


def _converse(arguments: argparse.Namespace) -> int:
    from tacit.repl import run  # the line editor is needed by this command alone

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
