"""Decimal scales: exact numbers are integers times a power of ten."""

from __future__ import annotations

import dataclasses
from decimal import Context, Decimal

from ..query.bound import Call, Expression, Literal
from ..query.datatypes import HUGEINT, DecimalType, DoubleType, IntegerType, SqlType
from .expressions import call

EXACT = Context(prec=200)


def scale_of(type: SqlType) -> int | None:
    """The number of decimals of an exact numeric type; None for everything else."""
    match type:
        case IntegerType():
            return 0
        case DecimalType(scale=scale):
            return scale
        case DoubleType(scale=scale):
            return scale
        case _:
            return None


def sum_type(type: SqlType) -> SqlType:
    """The type that DuckDB gives SUM; a DOUBLE of declared scale keeps it, its sum is exact."""
    match type:
        case DecimalType():
            return DecimalType(38, type.scale)
        case IntegerType():
            return HUGEINT
        case _:
            return type


def at_scale(type: SqlType, scale: int) -> SqlType:
    """The numeric type at another scale; an integer becomes a decimal once it has decimals."""
    match type:
        case DoubleType():
            return DoubleType(scale)
        case DecimalType():
            return DecimalType(38, scale)
        case IntegerType() if scale:
            return DecimalType(38, scale)
        case _:
            return type


def rescaled(expression: Expression, scale: int) -> Expression:
    """The expression at `scale` decimals, of which it has no more; a literal is rewritten."""
    if scale_of(expression.type) == scale:
        return expression
    if isinstance(expression, Literal) and isinstance(expression.value, int | Decimal):
        value = Decimal(expression.value).quantize(Decimal(1).scaleb(-scale), context=EXACT)
        return dataclasses.replace(expression, type=at_scale(expression.type, scale), value=value)
    return call(
        "cast", [expression], type=at_scale(expression.type, scale), nullable=expression.nullable
    )


def without_casts(expression: Expression) -> Expression:
    """The expression below casts from exact numbers to DOUBLE, which change no value here."""
    while (
        isinstance(expression, Call)
        and expression.function == "cast"
        and isinstance(expression.type, DoubleType)
        and not isinstance(expression.arguments[0], Literal)
        and scale_of(expression.arguments[0].type) is not None
    ):
        expression = expression.arguments[0]
    return expression


def exact_literal(literal: Literal) -> Literal:
    """A DOUBLE literal as the decimal number that it is written as; NULL without decimals."""
    if literal.value is None and literal.type == DoubleType(None):
        return dataclasses.replace(literal, type=DoubleType(0))
    if not isinstance(literal.value, float):
        if isinstance(literal.type, DoubleType) and isinstance(literal.value, int | Decimal):
            return _double(literal, Decimal(literal.value))
        return literal
    return _double(literal, Decimal(repr(literal.value)))


def _double(literal: Literal, value: Decimal) -> Literal:
    exponent = value.as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    exact = value.quantize(Decimal(1).scaleb(-scale), context=EXACT)
    return dataclasses.replace(literal, type=DoubleType(scale), value=exact)
