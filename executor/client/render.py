"""How an answer looks: an aligned text table, CSV, JSON, Parquet or Arrow.

CSV and JSON carry every value exactly. The text table is for people: floating-point values are
shortened to twelve digits, and characters that could steer a terminal are escaped.
"""

from __future__ import annotations

import datetime
import io
import json
import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ...query.errors import UserError

Renderer = Callable[[Sequence[pa.Table]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvStyle:
    """Whether a CSV file begins with the names of its columns, and what parts its fields."""

    header: bool = True
    delimiter: str = ","


def render(tables: Sequence[pa.Table], form: str, *, style: CsvStyle | None = None) -> bytes:
    """The answers of one script, in order, as the bytes of one file.

    `form` is one of `FORMATS`. Text tables and CSV files are parted by an empty line; JSON is one
    array of objects per answer. Errors: UserError if Parquet or Arrow is asked to hold several
    answers.
    """
    if form == "csv" and style is not None:
        return _csv(tables, style)
    return FORMATS[form](tables)


def text_table(table: pa.Table) -> str:
    """One answer as aligned columns under a header line, without a line end at the end."""
    numeric = [_is_numeric(field.type) for field in table.schema]
    cells = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    names = [_printable(name) for name in table.column_names]
    widths = [
        max([display_width(name), *(display_width(cell) for cell in column)])
        for name, column in zip(names, cells, strict=True)
    ]
    lines = [_line(names, widths, [False] * len(names)), "-+-".join("-" * w for w in widths)]
    lines += [_line(row, widths, numeric) for row in zip(*cells, strict=True)]
    return "\n".join(lines)


def display_width(text: str) -> int:
    """Terminal columns that a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, flush_right in zip(cells, widths, right, strict=True):
        blank = " " * (width - display_width(cell))
        padded.append(blank + cell if flush_right else cell + blank)
    return " | ".join(padded).rstrip()


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _cell(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.12g}"
        case Decimal():
            return f"{value:f}"
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case _:
            return _printable(str(value))


def _printable(text: str) -> str:
    """The text with control and formatting characters escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _text(tables: Sequence[pa.Table]) -> bytes:
    return "\n\n".join(text_table(table) for table in tables).encode() + b"\n"


def _csv(tables: Sequence[pa.Table], style: CsvStyle | None = None) -> bytes:
    from pyarrow import csv

    style = style or CsvStyle()
    options = csv.WriteOptions(include_header=style.header, delimiter=style.delimiter)
    parts = []
    for table in tables:
        buffer = io.BytesIO()
        csv.write_csv(table, buffer, options)
        parts.append(buffer.getvalue())
    return b"\n".join(parts)


def _json(tables: Sequence[pa.Table]) -> bytes:
    return "".join(_json_array(table) + "\n" for table in tables).encode()


def _json_array(table: pa.Table) -> str:
    names = [json.dumps(name, ensure_ascii=False) for name in table.column_names]
    columns = [[_json_value(value) for value in column.to_pylist()] for column in table.columns]
    rows = zip(*columns, strict=True)
    objects = (
        "{" + ", ".join(f"{n}: {v}" for n, v in zip(names, row, strict=True)) + "}" for row in rows
    )
    return "[" + ",\n ".join(objects) + "]"


def _json_value(value: Any) -> str:
    match value:
        case Decimal():
            return f"{value:f}"  # a JSON number has no precision to lose
        case float() if not math.isfinite(value):
            return "null"
        case None | bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False)
        case datetime.date():  # a datetime is a date too
            return json.dumps(value.isoformat())
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _parquet(tables: Sequence[pa.Table]) -> bytes:
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(_only(tables, "a Parquet"), buffer)
    return buffer.getvalue()


def _arrow(tables: Sequence[pa.Table]) -> bytes:
    table = _only(tables, "an Arrow")
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def _only(tables: Sequence[pa.Table], what: str) -> pa.Table:
    if len(tables) != 1:
        raise UserError(f"{what} file holds one answer, but the statements gave {len(tables)}")
    return tables[0]


FORMATS: dict[str, Renderer] = {
    "table": _text,
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "arrow": _arrow,
}
"""Every form that an answer can take, by the name that `--format` knows it by."""
