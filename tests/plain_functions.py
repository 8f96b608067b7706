"""Functions of constants as DuckDB computes them, for the plaintext interpreter of plans."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import duckdb
from tacit.planner.sql import expression_sql, type_sql
from tacit.query.bound import Call, Literal
from tacit.query.datatypes import BooleanType, DecimalType, DoubleType, SqlType

EPOCH = datetime.date(1970, 1, 1)
DUCKDB = duckdb.connect()


def scale(type: Any) -> int:
    return (type.scale or 0) if isinstance(type, DecimalType | DoubleType) else 0


def by_duckdb(e: Call, values: list[Any]) -> Any:
    """A function of constants as DuckDB computes it, encoded."""
    arguments = [
        a if isinstance(a, Literal) else replace(literal_of(v, a.type), span=None)
        for v, a in zip(values, e.arguments, strict=True)
    ]
    name = e.function.removesuffix("_ascii")
    sql = expression_sql(replace(e, function=name, arguments=tuple(arguments)), {})
    return encoded_value(computed_by_duckdb(f"SELECT CAST({sql} AS {type_sql(e.type)})"), e.type)


@lru_cache(maxsize=100_000)
def computed_by_duckdb(sql: str) -> Any:
    (row,) = DUCKDB.execute(sql).fetchall()
    return row[0]


def literal_of(value: Any, type: SqlType) -> Literal:
    if isinstance(type, DecimalType | DoubleType):
        value = Decimal(value).scaleb(-scale(type))
    if isinstance(type, BooleanType):
        value = bool(value)
    return Literal(type=type, nullable=False, value=value)


def encoded_value(value: Any, type: SqlType) -> Any:
    """DuckDB's value as the integer (or the string) that expressions are computed over."""
    match value:
        case None | str():
            return value
        case bool():
            return int(value)
        case datetime.datetime():
            return (value - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
        case datetime.date():
            return (value - EPOCH).days
        case float():
            return round(Decimal(repr(value)).scaleb(scale(type)))
        case _:
            return int(Fraction(value) * 10 ** scale(type))
