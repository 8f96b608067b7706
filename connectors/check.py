"""The owner's check of its data against what the catalog promises about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..query.catalog import Catalog, ColumnDefinition, ForeignKey, Table
from ..query.datatypes import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    Encoding,
    TimestampType,
    VarcharType,
)
from ..query.errors import DataError
from .spelling import encoded_constant, quote_name, quote_text

if TYPE_CHECKING:
    from .casts import Conversion
    from .duckdb_source import BoundTable, DuckDbSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Something that holds for every row; `broken` is a DuckDB predicate over a file's columns."""

    column: str
    broken: str
    complaint: str


def check_source(source: DuckDbSource, catalog: Catalog, party: str) -> None:
    """Checks every table that the party owns, and the public ones, in about one scan per table.

    Rows, types, NOT NULL, CHECK bounds and domains, lengths, keys, and references to tables that
    are whole at this party. DataError names the table, the column and the first offending row (its
    number in file order, from 1), and is for the owner alone; it shows no value.
    """
    for table in catalog.tables.values():
        if not table.is_public and party not in table.owners:
            continue
        bound = source.bound.get(table.name)
        if bound is None:
            raise DataError(f"table {table.name}: {party} owns a part, but attaches no file to it")
        _check_rows(source, bound)
        for key in dict.fromkeys((table.primary_key, *table.unique)):
            if key:
                _check_key(source, bound, key)
    for table in catalog.tables.values():
        if table.name in source.bound:
            for reference in table.foreign_keys:
                _check_reference(source, table, reference, catalog, party)


def _check_rows(source: DuckDbSource, bound: BoundTable) -> None:
    """Everything that can be seen row by row, and the number of rows."""
    table = bound.table
    promises = [p for c in bound.conversions for p in _promises(c, table)]
    flags = [f"bool_or({promise.broken})" for promise in promises]
    row = _first_row(source, f"SELECT {', '.join(['count(*)', *flags])} FROM {bound.relation.sql}")
    rows, broken = row[0], row[1:]
    if not isinstance(rows, int) or rows > table.rows:
        raise DataError(f"table {table.name}: {rows} rows, but the catalog declares {table.rows}")
    offences = [p for p, flag in zip(promises, broken, strict=True) if flag]
    if offences:
        raise _offence(source, bound, offences)


def _offence(source: DuckDbSource, bound: BoundTable, offences: list[Promise]) -> DataError:
    """The error for the earliest row that breaks one of the promises."""
    firsts = [f"min(CASE WHEN {promise.broken} THEN tacit_row END)" for promise in offences]
    row = _first_row(source, f"SELECT {', '.join(firsts)} FROM {_numbered(bound.relation.sql)}")
    numbers = [number for number in row if isinstance(number, int)]
    number = min(numbers)
    promise = offences[row.index(number)]
    return DataError(
        f"table {bound.table.name}, column {promise.column}, row {number}: {promise.complaint}"
    )


def _promises(conversion: Conversion, table: Table) -> list[Promise]:
    """The promises about one column, in the order in which they are to be told."""
    column, value = conversion.column, conversion.value
    found = []
    if conversion.wrong is not None:
        found.append((conversion.wrong, conversion.complaint))
    if not column.nullable or column.name in table.primary_key:
        found.append((f"{conversion.raw} IS NULL", "NULL in a column that is NOT NULL"))
    if isinstance(column.type, VarcharType):
        found += _text_promises(column, value)
    elif column.encoding is not None:
        found += _range_promises(column, value, column.encoding)
    return [Promise(column=column.name, broken=b, complaint=c) for b, c in found]


def _text_promises(column: ColumnDefinition, value: str) -> list[tuple[str, str]]:
    found = [(f"contains({value}, chr(0))", "value has a NUL byte")]
    if column.encoding is not None and column.encoding.domain is not None:
        domain = ", ".join(quote_text(item) for item in column.encoding.domain)
        found.append((f"{value} NOT IN ({domain})", "value is not in the declared domain"))
    length = column.type.length if isinstance(column.type, VarcharType) else None
    if length is not None:
        found.append((f"strlen({value}) > {length}", f"value has more than {length} bytes"))
    return found


def _range_promises(
    column: ColumnDefinition, value: str, encoding: Encoding
) -> list[tuple[str, str]]:
    kind = column.type
    found = []
    if isinstance(kind, DoubleType | DateType | TimestampType):
        found.append((f"NOT isfinite({value})", "value is not finite"))
    if isinstance(kind, BooleanType):
        return found
    encoded, low, high = value, *(encoded_constant(kind, b) for b in (encoding.lo, encoding.hi))
    if isinstance(kind, DoubleType):
        encoded = f"round({value} * 1e{kind.scale or 0})"
    message = f"value is outside {_spelt(column, encoding)}"
    found.append((f"{encoded} < {low} OR {encoded} > {high}", message))
    return found


def _spelt(column: ColumnDefinition, encoding: Encoding) -> str:
    """The range as the catalog writes it."""
    if not column.checked:
        return f"the range of {column.type}"
    low, high = (_spelt_bound(column, bound) for bound in (encoding.lo, encoding.hi))
    return f"CHECK {low}..{high}"


def _spelt_bound(column: ColumnDefinition, bound: int) -> str:
    import datetime
    from decimal import Decimal

    match column.type:
        case DecimalType(scale=int(scale)) | DoubleType(scale=int(scale)):
            return format(Decimal(bound).scaleb(-scale).normalize(), "f")
        case DateType():
            return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=bound))
        case TimestampType():
            return str(datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=bound))
        case _:
            return str(bound)


def _check_key(source: DuckDbSource, bound: BoundTable, key: tuple[str, ...]) -> None:
    """No two rows of this part have the same key; keys with a NULL are equal to none."""
    values = {c.column.name: c.value for c in bound.conversions}
    items = ", ".join(f"{values[name]} AS {quote_name(name)}" for name in key)
    names = ", ".join(quote_name(name) for name in key)
    whole = " AND ".join(f"{quote_name(name)} IS NOT NULL" for name in key)
    keys = f"(SELECT {items} FROM {bound.relation.sql}) WHERE {whole}"
    repeated = _first_row(
        source,
        f"SELECT (SELECT count(*) FROM {keys})"
        f" > (SELECT count(*) FROM (SELECT DISTINCT {names} FROM {keys}))",
    )
    if repeated[0]:
        numbered = f"(SELECT tacit_row, {items} FROM {_numbered(bound.relation.sql)})"
        row = _first_row(
            source,
            f"SELECT min(tacit_row) FROM (SELECT tacit_row, row_number() OVER (PARTITION BY"
            f" {names} ORDER BY tacit_row) AS occurrence FROM {numbered} WHERE {whole})"
            " WHERE occurrence > 1",
        )
        what = f"column {key[0]}" if len(key) == 1 else f"columns {', '.join(key)}"
        raise DataError(f"table {bound.table.name}, {what}, row {row[0]}: the key is not unique")


def _check_reference(
    source: DuckDbSource, table: Table, reference: ForeignKey, catalog: Catalog, party: str
) -> None:
    """Every reference has its row, where this party holds the whole referenced table."""
    target = catalog.tables.get(reference.table)
    if target is None or not (target.is_public or target.owners == (party,)):
        return
    bound = source.bound[table.name]
    values = {c.column.name: c.value for c in bound.conversions}
    columns, referenced = reference.columns, reference.referenced or target.primary_key
    items = ", ".join(f"{values[name]} AS {quote_name(name)}" for name in columns)
    pairs = zip(columns, referenced, strict=True)
    match = " AND ".join(f"own.{quote_name(a)} = target.{quote_name(b)}" for a, b in pairs)
    whole = " AND ".join(f"own.{quote_name(name)} IS NOT NULL" for name in columns)
    row = _first_row(
        source,
        f"SELECT min(tacit_row) FROM (SELECT tacit_row, {items} FROM"
        f" {_numbered(bound.relation.sql)}) AS own WHERE {whole} AND NOT EXISTS"
        f" (SELECT 1 FROM {quote_name(target.name)} AS target WHERE {match})",
    )
    if row[0] is not None:
        names = ", ".join(columns)
        raise DataError(
            f"table {table.name}, column {names}, row {row[0]}: no such row in {target.name}"
        )


def _numbered(sql: str) -> str:
    """The relation with each row's number in file order, from 1, as `tacit_row`."""
    return f"(SELECT row_number() OVER () AS tacit_row, * FROM {sql})"


def _first_row(source: DuckDbSource, sql: str) -> list[object]:
    """The only row of a query's result."""
    table = source.execute(sql)
    return [column[0].as_py() for column in table.columns]
