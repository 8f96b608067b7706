r"""The console's own commands: each registers itself, so that `\?` lists it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ...query.catalog import Table
from ...query.errors import UserError
from ..party.describing import column_key, column_values, owners_text

if TYPE_CHECKING:
    from .console import Console

Action = Callable[["Console", str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaCommand:
    """`argument` and `help` are what the list of commands shows."""

    name: str
    argument: str
    help: str
    action: Action


COMMANDS: dict[str, MetaCommand] = {}


def execute(console: Console, line: str) -> None:
    r"""Runs a line such as `\d visits`. Errors: UserError for a command that does not exist."""
    name, _, argument = line.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise UserError(rf"there is no command {name}; \? lists them")
    command.action(console, argument.strip())


def _command(name: str, argument: str, help: str) -> Callable[[Action], Action]:
    def register(action: Action) -> Action:
        COMMANDS[name] = MetaCommand(name=name, argument=argument, help=help, action=action)
        return action

    return register


@_command(r"\d", "[TABLE]", "list the tables, or one table's columns")
def _describe(console: Console, argument: str) -> None:
    tables = console.catalog.tables
    name = argument.rstrip(";").lower()
    if not name:
        rows = [(t.name, owners_text(t), f"{t.rows:,}") for t in tables.values()]
        console.write(_aligned([("table", "owned by", "rows at most"), *rows]))
    elif name in tables:
        console.write(_aligned(_column_rows(tables[name])))
    else:
        close = get_close_matches(name, tables, n=1)
        hint = rf"; did you mean {close[0]}?" if close else r"; \d lists the tables"
        raise UserError(f"there is no table {name}{hint}")


@_command(r"\explain", "[SQL]", "how a query (or the last one) runs, and what it costs")
def _explain(console: Console, argument: str) -> None:
    console.explain("EXPLAIN", argument)


@_command(r"\privacy", "[SQL]", "what each party learns from a query (or the last one)")
def _privacy(console: Console, argument: str) -> None:
    console.explain("EXPLAIN PRIVACY", argument)


@_command(r"\results", "[SESSION]", "what others' queries delivered here, or one such answer")
def _results(console: Console, argument: str) -> None:
    console.show_results(argument)


@_command(r"\as", "PARTY", "let another party ask, where one person runs all of them")
def _as(console: Console, argument: str) -> None:
    if argument:
        console.ask_as(argument)
    console.write(f"You ask as {console.party}.")


@_command(r"\i", "FILE", "run the statements of a file")
def _include(console: Console, argument: str) -> None:
    if not argument:
        raise UserError(r"\i needs the name of a file")
    console.run_file(Path(argument).expanduser())


@_command(r"\timing", "", "turn the line with rounds, bytes and seconds on or off")
def _timing(console: Console, argument: str) -> None:
    console.timing = not console.timing
    console.write(f"Timing is {'on' if console.timing else 'off'}.")


@_command(r"\o", "[FILE]", "send the answers that follow to a file (.csv .json .parquet, or text)")
def _output(console: Console, argument: str) -> None:
    console.send_answers_to(Path(argument).expanduser() if argument else None)


@_command(r"\q", "", "leave")
def _quit(console: Console, argument: str) -> None:
    console.done = True


@_command(r"\?", "", "list these commands")
def _help(console: Console, argument: str) -> None:
    rows = [(f"{c.name} {c.argument}".rstrip(), c.help) for c in COMMANDS.values()]
    console.write(_aligned(rows))


def _column_rows(table: Table) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("column", "type", "null", "values", "key")]
    for column in table.columns:
        null = "" if column.nullable else "not null"
        values, key = column_values(column), column_key(table, column)
        rows.append((column.name, str(column.type), null, values, key))
    return rows


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
