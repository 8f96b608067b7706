"""DuckDB SQL text of bound expressions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

from ..query.bound import Call, Case, ColumnRef, Expression, Interval, Literal
from ..query.datatypes import (
    BIGINT,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    IntervalType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)
from .hashing import keyed_hash_sql

INFIX = {
    "=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "+": "+", "-": "-", "*": "*", "//": "//", "%": "%",
    "like": "LIKE", "not_like": "NOT LIKE",
    "is_distinct": "IS DISTINCT FROM", "is_not_distinct": "IS NOT DISTINCT FROM",
}  # fmt: skip


def quoted(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def type_sql(type: SqlType) -> str:
    """The type as DuckDB spells it; declared scales and lengths are the catalog's alone."""
    match type:
        case DoubleType():
            return "DOUBLE"
        case VarcharType():
            return "VARCHAR"
        case NullType():
            return "INTEGER"
        case _:
            return str(type)


def expression_sql(expression: Expression, columns: Mapping[int, str]) -> str:
    """The text of an expression; `columns` maps column ids to text."""
    match expression:
        case ColumnRef():
            return columns[expression.id]
        case Literal():
            return literal_sql(expression)
        case Call():
            return _call(expression, columns)
        case Case():
            return _case(expression, columns)
        case _:
            raise AssertionError(type(expression).__name__)


def literal_sql(literal: Literal) -> str:
    """A literal in its exact type."""
    value, type = literal.value, literal.type
    match value:
        case None:
            return f"CAST(NULL AS {type_sql(type)})"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return text_literal(value)
        case Interval():
            return (
                f"INTERVAL '{value.months} months {value.days} days "
                f"{value.microseconds} microseconds'"
            )
        case Decimal():
            return _decimal(value, type)
        case float():
            return f"CAST({value!r} AS DOUBLE)"
        case int():
            return _integer(value, type)


def _integer(value: int, type: SqlType) -> str:
    match type:
        case DateType():
            date = datetime.date(1970, 1, 1) + datetime.timedelta(days=value)
            return f"DATE '{date.isoformat()}'"
        case TimestampType():
            moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value)
            return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
        case IntegerType(bits=32):
            return str(value)
        case BooleanType():
            return "TRUE" if value else "FALSE"
        case _:
            return f"CAST({value} AS {type_sql(type)})"


def _decimal(value: Decimal, type: SqlType) -> str:
    text = format(value, "f")
    if not isinstance(type, DecimalType):
        return f"CAST({text} AS {type_sql(type)})"
    digits = len(value.as_tuple().digits)
    exponent = value.as_tuple().exponent
    natural = isinstance(exponent, int) and -exponent == type.scale and digits == type.precision
    return text if natural and type.scale else f"CAST({text} AS {type_sql(type)})"


def _case(case: Case, columns: Mapping[int, str]) -> str:
    branches = " ".join(
        f"WHEN {expression_sql(when, columns)} THEN {expression_sql(then, columns)}"
        for when, then in case.branches
    )
    if case.otherwise is None:
        return f"CASE {branches} END"
    return f"CASE {branches} ELSE {expression_sql(case.otherwise, columns)} END"


ARITHMETIC = frozenset({"+", "-", "*", "//", "%", "negate", "abs"})


def is_small_arithmetic(expression: Expression) -> bool:
    """Arithmetic of integers below 64 bits; it is printed in BIGINT, where it cannot overflow."""
    return (
        isinstance(expression, Call)
        and expression.function in ARITHMETIC
        and isinstance(expression.type, IntegerType)
        and expression.type.bits < BIGINT.bits
    )


def _operands(call: Call, columns: Mapping[int, str]) -> list[str]:
    """The arguments' texts; small integers become BIGINT in arithmetic, and themselves after it."""
    inner = [expression_sql(argument, columns) for argument in call.arguments]
    if is_small_arithmetic(call):
        if not is_small_arithmetic(call.arguments[0]):
            inner[0] = f"CAST({inner[0]} AS BIGINT)"
        return inner
    takes_any = call.function in INFIX or call.function in TAKE_ANY
    if takes_any and not isinstance(call.type, DateType | TimestampType | IntervalType):
        return inner
    return [
        f"CAST({text} AS {type_sql(argument.type)})" if is_small_arithmetic(argument) else text
        for text, argument in zip(inner, call.arguments, strict=True)
    ]


TAKE_ANY = frozenset(
    {"in", "is_null", "is_not_null", "coalesce", "nullif", "greatest", "least", "cast", "/"}
)
"""Functions that take integers of any size."""


def _call(call: Call, columns: Mapping[int, str]) -> str:
    inner = _operands(call, columns)
    match call.function, inner:
        case "and" | "or", _:
            return "(" + f" {call.function.upper()} ".join(inner) + ")"
        case "not", [only]:
            return f"(NOT {only})"
        case "is_null", [only]:
            return f"({only} IS NULL)"
        case "is_not_null", [only]:
            return f"({only} IS NOT NULL)"
        case "negate", [only]:
            return f"(-{only})"
        case "/" | "//" | "%", [left, right]:
            return f"({left} {call.function} NULLIF({right}, 0))"
        case "in", [first, *rest]:
            return f"({first} IN ({', '.join(rest)}))"
        case "keyed_hash", [only]:
            return keyed_hash_sql(only)
        case "cast", [only]:
            return f"CAST({only} AS {type_sql(call.type)})"
        case "extract", [part, value]:
            return f"date_part({part}, {value})"
        case (("like" | "not_like"), [left, right, escape]):
            return f"({left} {INFIX[call.function]} {right} ESCAPE {escape})"
        case function, [left, right] if function in INFIX:
            return f"({left} {INFIX[function]} {right})"
        case function, _:
            return f"{function}({', '.join(inner)})"
