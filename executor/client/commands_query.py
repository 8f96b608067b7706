"""`tacit run`: asks the statements of a file or of the command line, one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ...query.errors import UserError
from .exits import UsageError
from .opening import add_federation_arguments, open_federation
from .output import check_output, form_of, write_output
from .render import FORMATS, render
from .scripts import Step, read_script, read_text, run_script
from .watching import Asker, ProgressLine, delivery_text, statistics_text

if TYPE_CHECKING:
    from .client import Result


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command `run`."""
    parser = commands.add_parser("run", help="run SQL and print the answers")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", type=Path, help="a file of SQL statements")
    source.add_argument("-c", dest="sql", metavar="SQL", help="the statements themselves")
    add_federation_arguments(parser)
    add_output_arguments(parser)
    parser.add_argument(
        "--timing", action="store_true", help="rounds, bytes and seconds, on standard error"
    )
    parser.set_defaults(run=run)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --format and --output."""
    parser.add_argument(
        "--format",
        choices=sorted(FORMATS),
        help="what the suffix of --output says, or else table, unless given",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of standard output")


def form_wanted(arguments: argparse.Namespace) -> str:
    """The form of the answer, once it is sure that it can go where it shall.

    Errors: UsageError for Parquet on a terminal; UserError if the file cannot be there.
    """
    path: Path | None = arguments.output
    form = str(arguments.format or ("table" if path is None else form_of(path)))
    if path is not None:
        check_output(path)
    elif form in ("parquet", "arrow") and sys.stdout.isatty():
        raise UsageError(f"{form.capitalize()} is no text for a terminal; give --output FILE")
    return form


def run(arguments: argparse.Namespace) -> int:
    """Runs every statement; stops at the first error, which says where it stands."""
    if arguments.local is None and arguments.federation is None:
        raise UsageError("say which federation: --local DIR, or --federation DIR --party PARTY")
    form = form_wanted(arguments)
    text = arguments.sql if arguments.sql is not None else read_text(arguments.file)
    steps = read_script(text)
    if not steps:
        raise UserError("there is no statement to run")
    answers = sum(step.gives_rows for step in steps)
    if form in ("parquet", "arrow") and answers > 1:
        name = form.capitalize()
        raise UserError(f"a file of {name} holds one answer, but there are {answers} queries")
    with open_federation(arguments) as federation:
        client = federation.client(arguments.party)
        _answer_all(client, text, steps, form, arguments)
    return 0


def _answer_all(
    client: Asker, text: str, steps: Sequence[Step], form: str, arguments: argparse.Namespace
) -> None:
    """Text goes out answer by answer; the other forms when all statements have succeeded."""
    streaming = form == "table" and arguments.output is None
    progress = ProgressLine()
    tables: list[pa.Table] = []
    shown = 0

    def answered(step: Step, result: Result) -> None:
        nonlocal shown
        progress.clear()
        if result.table is None:
            print(delivery_text(result), file=sys.stderr)
        elif streaming:
            write_output((b"\n" if shown else b"") + render([result.table], "table"), None)
            shown += 1
        else:
            tables.append(result.table)
        if arguments.timing:
            print(f"({statistics_text(result)})", file=sys.stderr)

    try:
        run_script(client, text, steps, answered=answered, progress=progress)
    finally:
        progress.clear()
    if tables:
        write_output(render(tables, form), arguments.output)
