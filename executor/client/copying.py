"""COPY: the answer of a query, or a table, as a file of the party that asks.

COPY (SELECT ...) TO 'file.parquet', COPY table TO 'file.csv' (FORMAT csv, HEADER, DELIMITER '|').
The client writes it; the nodes see the query alone. The file is whole or not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ...query import parse, syntax
from ...query.errors import Span, SqlError, UserError
from ...query.lexer import scan
from ...query.print_expressions import identifier
from .output import check_output, form_of, write_output
from .render import CsvStyle, render

if TYPE_CHECKING:
    from .client import Result

Ask = Callable[[str], "Result"]

_FORMS = ("csv", "json", "parquet", "arrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """One COPY, read: `query` answers it; it stands at `offset` in `text`, or nowhere (-1)."""

    text: str
    query: str
    offset: int
    path: Path
    form: str
    style: CsvStyle

    def run(self, ask: Ask) -> Result:
        """Asks the query and writes the file; the result has one row, `Count`.

        Errors: UserError if the file cannot be written; whatever the query's are.
        """
        check_output(self.path)
        result = self.relocated(ask)
        if result.table is None:
            raise UserError("the answer of this COPY did not come here, so nothing was written")
        write_output(render([result.table], self.form, style=self.style), self.path)
        count = pa.table({"Count": pa.array([result.table.num_rows], pa.int64())})
        return replace(result, table=count)

    def relocated(self, ask: Ask) -> Result:
        """Asks; an error shows its place in the whole statement."""
        try:
            return ask(self.query)
        except SqlError as error:
            raise relocated(error, self.query, self.offset, self.text) from None


def read_copy(text: str, party: str) -> Copying | None:
    """The COPY that a text is, asked by `party`; None if it is something else.

    Errors: SqlError for an option that COPY does not know; UserError if the party is not among the
    recipients.
    """
    tokens = scan(text)
    if not tokens or tokens[0].kind != "COPY":
        return None
    statements = parse(text)
    if len(statements) != 1 or not isinstance(statements[0], syntax.Copy):
        return None
    copy = statements[0]
    try:
        return _copying(copy, text, party)
    except SqlError as error:
        raise error.located(text) from None


def relocated(error: SqlError, statement: str, offset: int, text: str) -> SqlError:
    """The error with its place in the whole text instead of in the one statement."""
    if error.span is not None and error.text == statement and offset >= 0:
        error.span = Span(error.span.start + offset, error.span.stop + offset)
        error.text = text
    return error


def _copying(copy: syntax.Copy, text: str, party: str) -> Copying:
    path = Path(copy.file).expanduser()
    form, style = _options(copy, path)
    query, offset = f"SELECT * FROM {_named(copy)}", -1
    if isinstance(copy.source, syntax.Query):
        span = copy.source.span
        query, offset = text[span.start : span.stop], span.start
    if copy.recipients is not None:
        named = {name.lower() for name in copy.recipients}
        if named and party.lower() not in named:
            raise UserError(
                f"COPY writes the file of the party that asks, and {party} is not among the "
                "recipients: let REVEAL TO name it too"
            )
        query += f" REVEAL TO {', '.join(map(identifier, copy.recipients)) or 'ALL'}"
    return Copying(text=text, query=query, offset=offset, path=path, form=form, style=style)


def _named(copy: syntax.Copy) -> str:
    return identifier(copy.source) if isinstance(copy.source, str) else ""


def _options(copy: syntax.Copy, path: Path) -> tuple[str, CsvStyle]:
    """The form and, of CSV, its style. SqlError for what COPY does not know."""
    form, style = None, CsvStyle()
    for option in copy.options:
        match option.name.lower(), option.value:
            case "format", syntax.Text(value=value) if value.lower() in _FORMS:
                form = value.lower()
            case "header", syntax.Boolean(value=value):
                style = replace(style, header=value)
            case (("delimiter" | "delim" | "sep"), syntax.Text(value=value)) if len(value) == 1:
                style = replace(style, delimiter=value)
            case name, _:
                raise _unknown(name, option.span)
    if form is None:
        form = form_of(path)
        form = "csv" if form == "table" else form
    for option in copy.options if form != "csv" else ():
        if option.name.lower() != "format":
            raise SqlError(f"{option.name.upper()} is an option of CSV", span=option.span)
    return form, style


def _unknown(name: str, span: Span) -> SqlError:
    known = {
        "format": f"FORMAT is one of {', '.join(_FORMS)}",
        "header": "HEADER is true or false",
        **dict.fromkeys(("delimiter", "delim", "sep"), "DELIMITER is one character: '|'"),
    }
    hint = known.get(name, "the options are FORMAT, HEADER and DELIMITER")
    return SqlError(f"COPY does not know this {name.upper()}", span=span, hint=hint)
