"""The SQL of a dense partial aggregate: one row for every possible group, in public order.

    SELECT coalesce(g.c7, 0) FROM (domain of k1) d0 CROSS JOIN (domain of k2) d1
    LEFT JOIN (SELECT k1, k2, sum(x) AS c7 ... GROUP BY k1, k2) g ON ... ORDER BY d0.o, d1.o

A sum over a column that is never NULL is 0 where the group is empty; its count tells which is so.
"""

from __future__ import annotations

from decimal import Decimal

from ..query.bound import Literal
from ..query.datatypes import (
    BooleanType,
    Column,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
)
from .fragments import column_name, fragment_sql
from .logical import Aggregate
from .sql import literal_sql, quoted, type_sql


def dense_sql(grouped: Aggregate, keys: tuple[Column, ...], columns: tuple[Column, ...]) -> str:
    """`grouped`: one owner's aggregate; `keys`: with their public ranges; `columns`: the output."""
    if not keys:
        return fragment_sql(grouped, columns, ordered=False)
    domains = [f"{_domain(key)} AS {quoted(f'd{i}')}" for i, key in enumerate(keys)]
    inner = fragment_sql(grouped, grouped.columns, ordered=False)
    own = grouped.columns[: len(keys)]
    matches = " AND ".join(
        f'"g".{quoted(column_name(column))} IS NOT DISTINCT FROM {quoted(f"d{i}")}."v"'
        for i, column in enumerate(own)
    )
    items = ", ".join(_item(column) for column in columns)
    order = ", ".join(f'{quoted(f"d{i}")}."o"' for i in range(len(keys)))
    return (
        f"SELECT {items} FROM {' CROSS JOIN '.join(domains)} "
        f'LEFT JOIN ({inner}) AS "g" ON {matches} ORDER BY {order}'
    )


def _item(column: Column) -> str:
    name = quoted(column_name(column))
    text = f'"g".{name}'
    if not column.nullable:
        text = f"coalesce({text}, 0)"
    return f"CAST({text} AS {type_sql(column.type)}) AS {name}"


def _domain(key: Column) -> str:
    """A derived table of the key's values `v` with their place `o`, NULL last."""
    encoding = key.encoding
    assert encoding is not None
    size = encoding.hi - encoding.lo + 1
    null = f", CAST(NULL AS {type_sql(key.type)})" if key.nullable else ""
    if isinstance(key.type, IntegerType) and not null:
        return (
            f'(SELECT "i" AS "o", CAST("i" + {encoding.lo} AS {key.type}) AS "v" '
            f'FROM range({size}) AS r("i"))'
        )
    values = ", ".join(_value(key, code) for code in range(encoding.lo, encoding.hi + 1))
    total = size + bool(null)
    return f'(SELECT unnest(range({total})) AS "o", unnest([{values}{null}]) AS "v")'


def _value(key: Column, code: int) -> str:
    """The SQL literal of an encoded value."""
    encoding = key.encoding
    assert encoding is not None
    if encoding.domain is not None:
        return literal_sql(Literal(type=key.type, nullable=False, value=encoding.domain[code]))
    match key.type:
        case BooleanType():
            return "TRUE" if code else "FALSE"
        case DecimalType(scale=scale) | DoubleType(scale=int() as scale):
            value = Decimal(code).scaleb(-scale)
            return f"CAST({value:f} AS {type_sql(key.type)})"
        case DateType():
            return literal_sql(Literal(type=key.type, nullable=False, value=code))
        case _:
            return literal_sql(Literal(type=key.type, nullable=False, value=code))
