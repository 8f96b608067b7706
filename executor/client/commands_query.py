"""`tacit run`: asks the statements of a file or of the command line, one after the other."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ...query import parse
from ...query.errors import Span, SqlError, UserError
from .exits import UsageError
from .opening import add_federation_arguments, open_federation
from .output import check_output, form_of, write_output
from .render import FORMATS, render
from .watching import Asker, ProgressLine, ask, delivery_text, statistics_text

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
    elif form == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal; give --output FILE")
    return form


def run(arguments: argparse.Namespace) -> int:
    """Answers every statement; stops at the first error, which says where it stands."""
    if arguments.local is None and arguments.federation is None:
        raise UsageError("say which federation: --local DIR, or --federation DIR --party PARTY")
    form = form_wanted(arguments)
    text = arguments.sql if arguments.sql is not None else _read(arguments.file)
    statements = [statement.text for statement in parse(text)]
    if not statements:
        raise UserError("there is no statement to run")
    if form == "parquet" and len(statements) > 1:
        raise UserError(f"a Parquet file holds one answer, but there are {len(statements)} queries")
    with open_federation(arguments) as federation:
        client = federation.client(arguments.party)
        _answer_all(client, statements, text, form, arguments)
    return 0


def _answer_all(
    client: Asker, statements: list[str], text: str, form: str, arguments: argparse.Namespace
) -> None:
    """Text goes out answer by answer; the other forms when all statements have succeeded."""
    streaming = form == "table" and arguments.output is None
    tables: list[pa.Table] = []
    searched = 0
    for number, statement in enumerate(statements):
        offset = text.find(statement, searched)
        result = _answer(client, statement, offset, text)
        searched = offset + len(statement)
        if result.table is None:
            print(delivery_text(result), file=sys.stderr)
        elif streaming:
            write_output((b"\n" if number else b"") + render([result.table], "table"), None)
        else:
            tables.append(result.table)
        if arguments.timing:
            print(f"({statistics_text(result)})", file=sys.stderr)
    if tables:
        write_output(render(tables, form), arguments.output)


def _answer(client: Asker, statement: str, offset: int, text: str) -> Result:
    progress = ProgressLine()
    try:
        return ask(client, statement, progress=progress)
    except SqlError as error:
        raise relocated(error, statement, offset, text) from None
    finally:
        progress.clear()


def relocated(error: SqlError, statement: str, offset: int, text: str) -> SqlError:
    """The error with its place in the whole text instead of in the one statement."""
    if error.span is not None and error.text == statement and offset >= 0:
        error.span = Span(error.span.start + offset, error.span.stop + offset)
        error.text = text
    return error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
