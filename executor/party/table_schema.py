"""The schema of a shared table as text, for its file and for the party's own client."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from ...query.bounds import text_encoding
from ...query.catalog import ColumnDefinition, SharedKey, Sharing, Table
from ...query.datatypes import (
    BOOLEAN,
    DATE,
    DOUBLE,
    TIMESTAMP,
    DecimalType,
    DoubleType,
    Encoding,
    IntegerType,
    SqlType,
    VarcharType,
)

_SIMPLE: dict[str, SqlType] = {
    str(kind): kind
    for kind in (
        BOOLEAN,
        DATE,
        DOUBLE,
        TIMESTAMP,
        VarcharType(),
        *map(IntegerType, (8, 16, 32, 64, 128)),
    )
}
_PARAMETERS = re.compile(r"(DECIMAL|DOUBLE|VARCHAR)\((\d+)(?:,(\d+))?\)")


def schema_text(table: Table) -> str:
    """A shared table's schema as JSON."""
    assert table.sharing is not None
    columns = [
        {
            "name": column.name,
            "type": str(column.type),
            "nullable": column.nullable,
            "encoding": _encoding_body(column.encoding),
            "checked": column.checked,
        }
        for column in table.columns
    ]
    body = {"name": table.name, "rows": table.rows, "columns": columns}
    return json.dumps(body | {"sharing": asdict(table.sharing)}, separators=(",", ":"))


def restore_schema(text: str) -> Table:
    """The table that `schema_text` described. Errors: ValueError, KeyError or TypeError if none."""
    body = json.loads(text)
    sharing = body["sharing"]
    return Table(
        name=str(body["name"]),
        columns=tuple(_column(column) for column in body["columns"]),
        owners=(),
        rows=int(body["rows"]),
        sharing=Sharing(
            version=str(sharing["version"]),
            holders=tuple(sharing["holders"]),
            creator=str(sharing["creator"]),
            statement=str(sharing["statement"]),
            sources=tuple((str(owner), str(table)) for owner, table in sharing["sources"]),
            keys=tuple(
                SharedKey(columns=tuple(key["columns"]), by_contract=bool(key["by_contract"]))
                for key in sharing["keys"]
            ),
            smallest=tuple(int(bound) for bound in sharing["smallest"]),
            averages=tuple((int(a), int(b), int(c)) for a, b, c in sharing["averages"]),
        ),
    )


def _column(body: dict[str, Any]) -> ColumnDefinition:
    return ColumnDefinition(
        name=str(body["name"]),
        type=_type(str(body["type"])),
        nullable=bool(body["nullable"]),
        encoding=_encoding(body["encoding"]),
        checked=bool(body["checked"]),
    )


def _type(text: str) -> SqlType:
    if text in _SIMPLE:
        return _SIMPLE[text]
    found = _PARAMETERS.fullmatch(text)
    if found is None:
        raise ValueError(f"there is no type {text}")
    first, second = int(found[2]), int(found[3] or 0)
    match found[1]:
        case "DECIMAL":
            return DecimalType(first, second)
        case "DOUBLE":
            return DoubleType(first)
        case _:
            return VarcharType(first)


def _encoding_body(encoding: Encoding | None) -> dict[str, Any] | None:
    """Its fields; the range of padded text, a very long number, follows from the text's length."""
    if encoding is None:
        return None
    body = {name: value for name, value in asdict(encoding).items() if value is not None}
    if encoding.text_bytes is not None and encoding == text_encoding(encoding.text_bytes):
        return {"text_bytes": encoding.text_bytes}
    return body


def _encoding(body: dict[str, Any] | None) -> Encoding | None:
    if body is None:
        return None
    if set(body) == {"text_bytes"}:
        return text_encoding(int(body["text_bytes"]))
    fields = dict(body)
    if "domain" in fields:
        fields["domain"] = tuple(str(value) for value in fields["domain"])
    return Encoding(**fields)
