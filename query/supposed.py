"""A catalog as if its tables had other row counts: what EXPLAIN (ROWS n) prices a query over."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod

from . import syntax
from .catalog import Catalog, ColumnDefinition, ForeignKey, Table
from .commands import named_tables
from .datatypes import IntegerType
from .errors import BindError
from .scope import suggestion

_Factors = Mapping[str, Fraction]


def suppose_rows(
    catalog: Catalog, statement: syntax.Statement, wanted: Sequence[syntax.SupposedRows]
) -> Catalog:
    """The catalog with the rows that are wanted, those of all owners of a table together.

    Without a table, `ROWS n` is for the largest that the statement reads; all others grow in
    proportion, but those named in options of their own. Public tables stay as they are. Keys grow
    with their tables: the range of a key of one integer column, and of the columns that refer to
    it, is multiplied by the factor; of a longer key that has no longer room for the rows, the
    range of its widest integer column. No other range changes.

    Errors: BindError, with its place, for a table that there is not, or that is public.
    """
    read = [catalog.tables[n] for n in sorted(named_tables(statement)) if n in catalog.tables]
    factors = _factors(catalog, [table for table in read if not table.is_public], wanted)
    keys = _grown_keys(catalog, factors)
    return dataclasses.replace(
        catalog,
        tables={
            name: _grown(table, factors, keys.get(name, {}))
            for name, table in catalog.tables.items()
        },
    )


def _factors(
    catalog: Catalog, read: Sequence[Table], wanted: Sequence[syntax.SupposedRows]
) -> dict[str, Fraction]:
    factors = {name: Fraction(1) for name in catalog.tables}
    for option in wanted:
        if option.table is None and read:
            factor = Fraction(option.rows, max(_total(table) for table in read))
            owned = (name for name, table in catalog.tables.items() if not table.is_public)
            factors.update(dict.fromkeys(owned, factor))
    for option in wanted:
        if option.table is not None:
            table = catalog.tables.get(option.table.lower())
            if table is None or table.is_public:
                raise BindError(
                    f"there is no table {option.table} with rows to suppose",
                    span=option.span,
                    hint=suggestion(option.table, (one.name for one in read)),
                )
            factors[table.name] = Fraction(option.rows, _total(table))
    return factors


def _total(table: Table) -> int:
    return table.rows * max(len(table.owners), 1)


def _scaled(rows: int, factor: Fraction) -> int:
    return max(1, -(-rows * factor.numerator // factor.denominator))


def _grown_keys(catalog: Catalog, factors: _Factors) -> dict[str, dict[str, Fraction]]:
    """By table and column the factors of the ranges of keys."""
    grown: dict[str, dict[str, Fraction]] = {}
    for name, table in catalog.tables.items():
        for key in _keys(table):
            if len(key) == 1:
                grown.setdefault(name, {})[key[0]] = factors[name]
    for name, table in catalog.tables.items():
        for foreign in table.foreign_keys:
            target = grown.get(foreign.table, {})
            for column, referenced in zip(foreign.columns, foreign.referenced, strict=True):
                if referenced in target:
                    grown.setdefault(name, {})[column] = target[referenced]
    for name, table in catalog.tables.items():
        for key in _keys(table):
            if len(key) > 1:
                _make_room(table, key, factors[name], grown.setdefault(name, {}))
    return grown


def _keys(table: Table) -> list[tuple[str, ...]]:
    shared = () if table.sharing is None else tuple(k.columns for k in table.sharing.keys)
    return [key for key in (table.primary_key, *table.unique, *shared) if key]


def _make_room(
    table: Table, key: tuple[str, ...], factor: Fraction, grown: dict[str, Fraction]
) -> None:
    """Widens the widest integer column of a key that has no room for the rows."""
    sizes = {name: _size(table.column(name)) * grown.get(name, Fraction(1)) for name in key}
    integers = [name for name in key if isinstance(table.column(name).type, IntegerType)]
    rows = _scaled(_total(table), factor)
    if integers and (room := prod(sizes.values())) < rows:
        widest = max(integers, key=lambda name: sizes[name])
        grown[widest] = grown.get(widest, Fraction(1)) * Fraction(rows) / room


def _size(column: ColumnDefinition) -> Fraction:
    encoding = column.encoding
    return Fraction(1 << 64 if encoding is None else encoding.hi - encoding.lo + 1)


def _grown(table: Table, factors: _Factors, keys: Mapping[str, Fraction]) -> Table:
    return dataclasses.replace(
        table,
        rows=_scaled(table.rows, factors[table.name]),
        columns=tuple(_widened(column, keys.get(column.name)) for column in table.columns),
        foreign_keys=tuple(_foreign(key, factors) for key in table.foreign_keys),
    )


def _foreign(key: ForeignKey, factors: _Factors) -> ForeignKey:
    if key.rows is None:
        return key
    return dataclasses.replace(key, rows=_scaled(key.rows, factors.get(key.table, Fraction(1))))


def _widened(column: ColumnDefinition, factor: Fraction | None) -> ColumnDefinition:
    encoding, kind = column.encoding, column.type
    if factor is None or factor <= 1 or encoding is None or not isinstance(kind, IntegerType):
        return column
    values = _scaled(encoding.hi - encoding.lo + 1, factor)
    highest = min(encoding.lo + values - 1, (1 << kind.bits - 1) - 1)
    hi = max(highest, encoding.hi)
    return dataclasses.replace(column, encoding=dataclasses.replace(encoding, hi=hi))
