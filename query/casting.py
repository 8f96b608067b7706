"""CAST: of constants, exactly as DuckDB rounds them, and of expressions.

Rounding: DECIMAL to fewer decimals and DECIMAL to integers go half away from zero; DOUBLE to
integers goes half to even.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext

from .bound import Call, Expression, Literal, type_of_value
from .datatypes import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)
from .errors import BindError, Span
from .moments import (
    DAY_MICROSECONDS,
    format_date,
    format_timestamp,
    parse_date,
    parse_timestamp,
)
from .typerules import integer_fits, is_castable, unparameterised

EXACT = Context(prec=200, rounding=ROUND_HALF_UP)
"""Decimal arithmetic wide enough that nothing of 38 digits is ever rounded unasked."""

_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


_SPELLING: dict[type[SqlType], str] = {
    DateType: "write it as '2025-01-31'",
    TimestampType: "write it as '2025-01-31 08:00:00'",
}


def cast_expression(expression: Expression, target: SqlType, span: Span | None) -> Expression:
    """The expression as a value of the target type; constants are converted at once.

    Casts between strings change nothing but the declared length. Errors: BindError where SQL has
    no such cast, or where a constant does not fit.
    """
    source = expression.type
    if source == target:
        return expression
    if isinstance(source, VarcharType) and isinstance(target, VarcharType):
        return expression
    if not is_castable(source, target):
        raise BindError(f"{source} cannot be cast to {target}", span=span)
    if isinstance(expression, Literal):
        try:
            value = cast_value(expression.value, source, target)
        except (ValueError, ArithmeticError):
            raise BindError(
                f"{shown(expression)} is not a value of type {unparameterised(target)}",
                span=span,
                hint=_SPELLING.get(type(target)),
            ) from None
        return Literal(value=value, type=target, nullable=value is None, span=expression.span)
    return Call(
        function="cast",
        arguments=(expression,),
        type=target,
        nullable=expression.nullable,
        span=span,
    )


def cast_value(value: type_of_value, source: SqlType, target: SqlType) -> type_of_value:
    """A constant's value in another type. ValueError or ArithmeticError if it does not fit."""
    if value is None or isinstance(target, NullType):
        return None
    match target:
        case BooleanType():
            return _to_boolean(value)
        case IntegerType():
            number = _to_integer(value)
            if not integer_fits(number, target):
                raise ValueError(value)
            return number
        case DecimalType():
            return to_decimal(value, target)
        case DoubleType():
            number_text = value.strip() if isinstance(value, str) else value
            assert isinstance(number_text, str | int | float | Decimal)
            return float(number_text)
        case DateType():
            return _to_date(value, source)
        case TimestampType():
            return _to_timestamp(value, source)
        case VarcharType():
            return to_text(value, source)
        case _:
            raise ValueError(value)


def to_decimal(value: type_of_value, target: DecimalType) -> Decimal:
    """A number with exactly the target's scale. ValueError if it has too many digits."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    assert isinstance(value, int | Decimal | str)
    with localcontext(EXACT):
        try:
            number = Decimal(value).quantize(Decimal(1).scaleb(-target.scale))
        except InvalidOperation:
            raise ValueError(value) from None
        if abs(number) >= Decimal(10) ** (target.precision - target.scale):
            raise ValueError(value)
    return number


def to_text(value: type_of_value, source: SqlType) -> str:
    """A constant as DuckDB's CAST to VARCHAR writes it."""
    match source:
        case DateType():
            assert isinstance(value, int)
            return format_date(value)
        case TimestampType():
            assert isinstance(value, int)
            return format_timestamp(value)
        case BooleanType():
            return "true" if value else "false"
        case DecimalType():
            return f"{value:f}"
        case _:
            return str(value)


def shown(literal: Literal) -> str:
    """A constant for an error message."""
    if literal.value is None:
        return "NULL"
    text = to_text(literal.value, literal.type)
    return f"'{text}'" if isinstance(literal.value, str) else text


def _to_boolean(value: type_of_value) -> bool:
    if isinstance(value, str):
        if value.strip().lower() not in _TRUTH:
            raise ValueError(value)
        return _TRUTH[value.strip().lower()]
    return bool(value)


def _to_integer(value: type_of_value) -> int:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(value)
        return round(value)
    assert isinstance(value, int | Decimal | str)
    with localcontext(EXACT):
        try:
            return int(Decimal(value).to_integral_value(ROUND_HALF_UP))
        except (InvalidOperation, OverflowError):
            raise ValueError(value) from None


def _to_date(value: type_of_value, source: SqlType) -> int:
    if isinstance(value, str):
        return parse_date(value)
    assert isinstance(value, int)
    return value // DAY_MICROSECONDS if isinstance(source, TimestampType) else value


def _to_timestamp(value: type_of_value, source: SqlType) -> int:
    if isinstance(value, str):
        return parse_timestamp(value)
    assert isinstance(value, int)
    return value * DAY_MICROSECONDS if isinstance(source, DateType) else value
