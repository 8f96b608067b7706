"""`tacit run`: asks the statements of a file or of the command line, one after the other."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pyarrow as pa

from ...query import parse
from ...query.errors import Span, SqlError, UserError
from .exits import UsageError
from .opening import add_federation_arguments, open_federation
from .output import write_output
from .render import FORMATS, render
from .watching import Asker, ProgressLine, ask, statistics_text


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command `run`."""
    parser = commands.add_parser("run", help="run SQL and print the answers")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", type=Path, help="a file of SQL statements")
    source.add_argument("-c", dest="sql", metavar="SQL", help="the statements themselves")
    add_federation_arguments(parser)
    parser.add_argument("--format", choices=sorted(FORMATS), default="table")
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of standard output")
    parser.add_argument(
        "--timing", action="store_true", help="rounds, bytes and seconds, on standard error"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answers every statement; stops at the first error, which says where it stands."""
    if arguments.local is None and arguments.federation is None:
        raise UsageError("say which federation: --local DIR, or --federation DIR --party PARTY")
    if arguments.format == "parquet" and arguments.output is None and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal; give --output FILE")
    text = arguments.sql if arguments.sql is not None else _read(arguments.file)
    statements = [statement.text for statement in parse(text)]
    if not statements:
        raise UserError("there is no statement to run")
    with open_federation(arguments) as federation:
        client = federation.client(arguments.party)
        _answer_all(client, statements, text, arguments)
    return 0


def _answer_all(
    client: Asker, statements: list[str], text: str, arguments: argparse.Namespace
) -> None:
    """Text goes out answer by answer; the other forms when all statements have succeeded."""
    streaming = arguments.format == "table" and arguments.output is None
    tables: list[pa.Table] = []
    searched = 0
    for number, statement in enumerate(statements):
        offset = text.find(statement, searched)
        table = _answer(client, statement, arguments.timing, offset, text)
        searched = offset + len(statement)
        if table is not None and streaming:
            write_output((b"\n" if number else b"") + render([table], "table"), None)
        elif table is not None:
            tables.append(table)
    if tables:
        write_output(render(tables, arguments.format), arguments.output)


def _answer(client: Asker, statement: str, timing: bool, offset: int, text: str) -> pa.Table | None:
    progress = ProgressLine()
    try:
        result = ask(client, statement, progress=progress)
    except SqlError as error:
        raise relocated(error, statement, offset, text) from None
    finally:
        progress.clear()
    if timing:
        print(statistics_text(result), file=sys.stderr)
    if result.table is None:
        print(f"The answer went to {', '.join(result.recipients)}.", file=sys.stderr)
    return result.table


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
