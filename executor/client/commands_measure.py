"""`tacit measure`: the figures of the network between running nodes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..party.networks import figure_lines
from .opening import add_running_arguments


def add_measure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command `measure`."""
    parser = commands.add_parser(
        "measure",
        help="measure the network between running nodes",
        description="Measures round trip and bandwidth between this party's machine and the other "
        "nodes, and this machine's processor, and prints a [network] section for federation.toml. "
        "All parties must plan with the same one: agree on the figures, then restart the nodes.",
    )
    add_running_arguments(parser)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the figures as a file for --network"
    )
    parser.set_defaults(run=_measure)


def _measure(arguments: argparse.Namespace) -> int:
    from .measuring import measure_network

    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    lines = figure_lines(measure_network(arguments.federation, arguments.party, tell))
    if arguments.output is not None:
        arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        print("\n".join(["[network]", *lines]))
    return 0
