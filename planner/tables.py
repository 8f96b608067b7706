"""Functions of one column with a small public range, worked out by DuckDB at planning.

    p_type LIKE 'PROMO%'        =>  p_type IN ('PROMO ANODIZED BRASS', ...)
    upper(region)               =>  mapped(region, 'EAST', 'NORTH', ...)
    strftime(day, '%Y-%m')      =>  mapped(day, '2020-01', ...)

The circuits get a public table over the column's codes. NULL is looked up as one value more.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb

from ..query.bound import Expression, Literal, type_of_value
from ..query.datatypes import (
    BooleanType,
    Column,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    SqlType,
    TimestampType,
    VarcharType,
)
from ..query.errors import UnsupportedError
from .scales import scale_of
from .sql import expression_sql, literal_sql, type_sql

MAX_ENTRIES = 4096
"""Values of a range that a table is made for."""

_EPOCH = datetime.date(1970, 1, 1)


def values_of(column: Column) -> list[Literal] | None:
    """Every value of a column's public range in the order of its codes; None if it is not small."""
    encoding = column.encoding
    if encoding is None or encoding.fraction_bits is not None or encoding.text_bytes is not None:
        return None
    if encoding.hi - encoding.lo >= MAX_ENTRIES:
        return None
    if encoding.domain is not None:
        return [_literal(column.type, value) for value in encoding.domain]
    return [
        _literal(column.type, _decoded(code, column.type))
        for code in range(encoding.lo, encoding.hi + 1)
    ]


def tabulated(
    expression: Expression, column: Column, values: Sequence[Literal]
) -> tuple[list[Literal], Literal] | None:
    """The expression for every value of the one column that it reads, and for NULL.

    None if the results are no exact values. UnsupportedError where DuckDB refuses a value.
    """
    type = expression.type
    exact = scale_of(type) is not None or isinstance(
        type, BooleanType | DateType | TimestampType | VarcharType
    )
    if not exact:
        return None
    texts = ", ".join([*map(literal_sql, values), "NULL"])
    wanted = type_sql(column.type)
    sql = (
        f"SELECT {expression_sql(expression, {column.id: 'v'})} FROM "
        f"(SELECT unnest([{texts}]::{wanted}[]) AS v, unnest(range({len(values) + 1})) AS n) "
        "ORDER BY n"
    )
    try:
        with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as database:
            found = [row[0] for row in database.execute(sql).fetchall()]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UnsupportedError(f"DuckDB refuses this: {reason}", span=expression.span) from None
    literals = [_literal(type, _value(result, type)) for result in found]
    return literals[:-1], literals[-1]


def _literal(type: SqlType, value: type_of_value) -> Literal:
    return Literal(type=type, nullable=value is None, value=value)


def _decoded(code: int, type: SqlType) -> type_of_value:
    match type:
        case BooleanType():
            return bool(code)
        case DecimalType(scale=scale) | DoubleType(scale=int() as scale):
            return Decimal(code).scaleb(-scale)
        case _:
            return code


def _value(result: Any, type: SqlType) -> type_of_value:
    """A literal's value from DuckDB's."""
    match result:
        case datetime.datetime():
            microsecond = datetime.timedelta(microseconds=1)
            return (result - datetime.datetime(1970, 1, 1)) // microsecond
        case datetime.date():
            return (result - _EPOCH).days
        case float() if isinstance(type, DoubleType):
            return Decimal(repr(result))
        case int() if isinstance(type, DecimalType):
            return Decimal(result)
        case int() if isinstance(type, IntegerType | BooleanType):
            return result
        case _:
            return None if result is None else _plain(result)


def _plain(result: Any) -> type_of_value:
    assert isinstance(result, int | str | Decimal | bool)
    return result
