"""The answers to SHOW TABLES and DESCRIBE: the public contract as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from ...query.catalog import Catalog, ColumnDefinition, Table
from ...query.datatypes import DateType, DecimalType, DoubleType, SqlType, TimestampType

_SHOWN_VALUES = 6


def listed(catalog: Catalog, incomplete: Sequence[str] = ()) -> pa.Table:
    """One row for each table: name, kind, owners, and the bound on (each owner's) rows.

    `incomplete`: the names of shared tables that cannot be read any more.
    """
    rows: list[tuple[str, str, str, int | None]] = [
        (table.name, _kind(table), ", ".join(table.owners), table.rows)
        for table in catalog.tables.values()
    ]
    rows += [(name, "shared, incomplete", "", None) for name in incomplete]
    names, kinds, owners, bounds = zip(*sorted(rows), strict=True) if rows else ((), (), (), ())
    columns = {"name": list(names), "kind": list(kinds), "owners": list(owners)}
    return _strings(columns).append_column("rows", pa.array(bounds, pa.int64()))


def described(table: Table, owner: str | None = None) -> pa.Table:
    """One row for each column: type, NULL, key, values, owners, and the bound on the rows."""
    columns = table.columns
    owners = owner or ", ".join(table.owners)
    return _strings(
        {
            "column_name": [column.name for column in columns],
            "column_type": [str(column.type) for column in columns],
            "null": ["YES" if column.nullable else "NO" for column in columns],
            "key": [column_key(table, column) for column in columns],
            "values": [column_values(column) for column in columns],
            "owners": [owners] * len(columns),
        }
    ).append_column("rows", pa.array([table.rows] * len(columns), pa.int64()))


def owners_text(table: Table) -> str:
    """Who owns a table; `public` or `shared` where nobody does."""
    return ", ".join(table.owners) or _kind(table)


def column_values(column: ColumnDefinition) -> str:
    """The public domain or bounds of a column, as far as a line has room."""
    if column.encoding is None or not (column.checked or column.encoding.domain):
        return ""
    if column.encoding.fraction_bits is not None:
        scale = 2.0**-column.encoding.fraction_bits
        return f"{column.encoding.lo * scale:g} to {column.encoding.hi * scale:g}"
    if column.encoding.domain is None:
        low, high = column.encoding.lo, column.encoding.hi
        return f"{_decoded(column.type, low)} to {_decoded(column.type, high)}"
    shown = ", ".join(repr(value) for value in column.encoding.domain[:_SHOWN_VALUES])
    return shown + (", ..." if len(column.encoding.domain) > _SHOWN_VALUES else "")


def column_key(table: Table, column: ColumnDefinition) -> str:
    """The keys that a column is part of, and whether joins by it may reveal which values match."""
    return ", ".join(dict.fromkeys(_keys(table, column.name)))


def _keys(table: Table, name: str) -> Iterator[str]:
    if name in table.primary_key:
        yield "primary key"
    if any(name in key for key in table.unique):
        yield "unique"
    if table.sharing is not None and any(name in key.columns for key in table.sharing.keys):
        yield "unique"
    for key in table.foreign_keys:
        if name in key.columns:
            yield f"references {key.table}"
    if name in table.revealing:
        yield "intersection may be revealed"


def _kind(table: Table) -> str:
    if table.sharing is not None:
        return "shared"
    if table.is_public:
        return "public"
    return "owned" if len(table.owners) == 1 else "partitioned"


def _strings(columns: dict[str, list[str]]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _decoded(kind: SqlType, encoded: int) -> str:
    """A bound as it is written in SQL."""
    match kind:
        case DecimalType(scale=int(scale)) | DoubleType(scale=int(scale)):
            return f"{Decimal(encoded).scaleb(-scale):f}"
        case DateType():
            return str(date(1970, 1, 1) + timedelta(days=encoded))
        case TimestampType():
            return str(datetime(1970, 1, 1) + timedelta(microseconds=encoded))
        case _:
            return str(encoded)
