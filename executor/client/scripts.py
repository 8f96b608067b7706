"""Several statements, one after the other: all are read before the first one runs.

A mistake that shows without running anything (syntax, names, types, what does not run at all) ends
a script before its first statement, wherever it stands, unless the statement depends on a table
that the script itself makes, replaces or drops before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...query import parse, syntax
from ...query.commands import named_tables
from ...query.errors import SqlError, TacitError, UserError
from .amounts import counted
from .copying import relocated
from .watching import Asker, ask

if TYPE_CHECKING:
    from .client import Progress, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement of a script: its number from 1, its text, and where that begins."""

    number: int
    text: str
    offset: int
    line: int
    statement: syntax.Statement

    @property
    def gives_rows(self) -> bool:
        return not isinstance(self.statement, syntax.CreateSharedTable | syntax.Drop)


def read_script(text: str) -> tuple[Step, ...]:
    """The statements of a script. Errors: SqlSyntaxError, wherever in it."""
    return tuple(
        Step(
            number=number,
            text=statement.text,
            offset=statement.span.start,
            line=text.count("\n", 0, statement.span.start) + 1,
            statement=statement,
        )
        for number, statement in enumerate(parse(text), start=1)
    )


def run_script(
    client: Asker,
    text: str,
    steps: Sequence[Step],
    *,
    answered: Callable[[Step, Result], None],
    progress: Callable[[Progress], None] | None = None,
) -> None:
    """Checks all statements, then runs them in order until one fails.

    `answered` gets every result as it comes. Errors: those of the statement that failed, with its
    place in the whole text and a note (`__notes__`) that says what was done before.
    """
    if len(steps) > 1:
        for step in _independent(steps):
            with _Noting(step, steps, text, done=None):
                client.check(step.text)
    for step in steps:
        with _Noting(step, steps, text, done=step.number - 1):
            result = ask(client, step.text, progress=progress)
        answered(step, result)


def read_text(path: Path) -> str:
    """The text of a file of SQL. Errors: UserError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


class _Noting:
    """Adds to an error which statement it comes from, and what was done before."""

    def __init__(self, step: Step, steps: Sequence[Step], text: str, *, done: int | None) -> None:
        self._step, self._steps, self._text, self._done = step, steps, text, done

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        step = self._step
        if isinstance(error, SqlError):
            relocated(error, step.text, step.offset, self._text)
        if isinstance(error, TacitError) and len(self._steps) > 1:
            before = "nothing has run" if not self._done else _done(self._done)
            place = f"statement {step.number} of {len(self._steps)} (line {step.line})"
            error.add_note(f"{place}; {before}")


def _done(count: int) -> str:
    if count == 1:
        return "statement 1 is done"
    return f"{counted(count, 'statement')} before it are done"


def _independent(steps: Sequence[Step]) -> Iterator[Step]:
    """The statements that name no table which an earlier one makes, replaces or drops."""
    changed: set[str] = set()
    for step in steps:
        statement = step.statement
        if not named_tables(statement) & changed and not _changes(statement) & changed:
            yield step
        changed |= _changes(statement)


def _changes(statement: syntax.Statement) -> set[str]:
    match statement:
        case syntax.Explain(kind="analyze", statement=inner):
            return _changes(inner)
        case syntax.CreateSharedTable(name=name) | syntax.Drop(name=name):
            return {name.lower()}
        case _:
            return set()
