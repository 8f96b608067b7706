"""Constant folding: calls whose arguments are all constants become constants.

Arithmetic is exact in integers and decimals; dividing by zero gives NULL. What DuckDB alone can
compute (string functions, say) is left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

from . import moments
from .bound import Call, Expression, Interval, Literal, type_of_value
from .casting import EXACT, cast_value
from .datatypes import (
    BIGINT,
    DATE,
    TIMESTAMP,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    IntervalType,
    SqlType,
    TimestampType,
)
from .errors import BindError
from .typerules import integer_fits


def fold_call(call: Call) -> Expression:
    """The call, or the constant that it comes to.

    Errors: BindError if the constant overflows its type.
    """
    literals = [a for a in call.arguments if isinstance(a, Literal)]
    if len(literals) != len(call.arguments):
        return call
    folder = _FOLDERS.get(call.function)
    if folder is None:
        return call
    if any(a.value is None for a in literals) and call.function not in _NULL_TOLERANT:
        return _literal(call, None)
    try:
        value = folder(call.type, literals)
    except _LeftToDuckDb:
        return call
    except (ValueError, ArithmeticError):
        raise BindError(f"the constant leaves the range of {call.type}", span=call.span) from None
    return _literal(call, value)


class _LeftToDuckDb(Exception):
    """The constant is one that only DuckDB computes."""


def _literal(call: Call, value: type_of_value) -> Literal:
    return Literal(value=value, type=call.type, nullable=value is None, span=call.span)


_Folder = Callable[[SqlType, list[Literal]], type_of_value]


def _exact(sql_type: SqlType, value: Decimal | int) -> type_of_value:
    """A number in its type: DECIMAL with its scale, DOUBLE as float; refuses overflow."""
    match sql_type:
        case DecimalType(precision=precision, scale=scale):
            with localcontext(EXACT):
                number = Decimal(value).quantize(Decimal(1).scaleb(-scale))
                if abs(number) >= Decimal(10) ** (precision - scale):
                    raise ValueError(value)
                return number
        case DoubleType():
            return _finite(float(value))
        case IntegerType():
            if not integer_fits(int(value), sql_type):
                raise ValueError(value)
            return int(value)
        case _:
            return int(value)


def _number(literal: Literal) -> Decimal:
    value = literal.value
    assert isinstance(value, int | float | Decimal)
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _add(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    return _sum(sql_type, arguments, 1)


def _subtract(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    return _sum(sql_type, arguments, -1)


def _sum(sql_type: SqlType, arguments: list[Literal], sign: int) -> type_of_value:
    left, right = arguments
    if isinstance(left.value, Interval) or isinstance(right.value, Interval):
        return _moment_sum(left, right, sign)
    if sql_type in (DATE, BIGINT) and DATE in (left.type, right.type):
        assert isinstance(left.value, int)
        assert isinstance(right.value, int)
        days = left.value + sign * right.value
        if sql_type == DATE and not moments.FIRST_DATE <= days <= moments.LAST_DATE:
            raise ValueError(days)
        return days
    with localcontext(EXACT):
        return _exact(sql_type, _number(left) + sign * _number(right))


def _moment_sum(left: Literal, right: Literal, sign: int) -> type_of_value:
    if isinstance(left.value, Interval) and isinstance(right.value, Interval):
        return moments.add_intervals(left.value, moments.scale_interval(right.value, sign))
    if isinstance(left.value, Interval):
        left, right = right, left
    assert isinstance(right.value, Interval)
    start = cast_value(left.value, left.type, TIMESTAMP)
    assert isinstance(start, int)
    return moments.shift(start, moments.scale_interval(right.value, sign))


def _multiply(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    left, right = arguments
    if isinstance(sql_type, IntervalType):
        if isinstance(right.value, Interval):
            left, right = right, left
        assert isinstance(left.value, Interval)
        assert isinstance(right.value, int)
        return moments.scale_interval(left.value, right.value)
    with localcontext(EXACT):
        return _exact(sql_type, _number(left) * _number(right))


def _divide(_: SqlType, arguments: list[Literal]) -> type_of_value:
    left, right = arguments
    assert isinstance(left.value, int | float | Decimal)
    assert isinstance(right.value, int | float | Decimal)
    return None if right.value == 0 else _finite(float(left.value) / float(right.value))


def _finite(value: float) -> float:
    """Errors: ValueError for a number that a DOUBLE does not hold."""
    if not math.isfinite(value):
        raise ValueError(value)
    return value


def _integer_divide(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    left, right = (int(_number(a)) for a in arguments)
    if right == 0:
        return None
    quotient = abs(left) // abs(right)
    return _exact(sql_type, quotient if (left < 0) == (right < 0) else -quotient)


def _remainder(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    left, right = (_number(a) for a in arguments)
    with localcontext(EXACT):
        return None if right == 0 else _exact(sql_type, left % right)


def _negate(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    value = arguments[0].value
    if isinstance(value, Interval):
        return moments.scale_interval(value, -1)
    if isinstance(value, float):
        return -value
    return _exact(sql_type, -_number(arguments[0]))


def _absolute(sql_type: SqlType, arguments: list[Literal]) -> type_of_value:
    return _exact(sql_type, abs(_number(arguments[0])))


def _comparison(test: Callable[[object, object], bool]) -> _Folder:
    def fold(_: SqlType, arguments: list[Literal]) -> type_of_value:
        left, right = (_comparable(argument.value) for argument in arguments)
        return test(left, right)

    return fold


def _comparable(value: type_of_value) -> object:
    return value.encode() if isinstance(value, str) else value


def _not(_: SqlType, arguments: list[Literal]) -> type_of_value:
    return not arguments[0].value


def _is_null(_: SqlType, arguments: list[Literal]) -> type_of_value:
    return arguments[0].value is None


def _is_not_null(_: SqlType, arguments: list[Literal]) -> type_of_value:
    return arguments[0].value is not None


def _extract(_: SqlType, arguments: list[Literal]) -> type_of_value:
    part, operand = arguments
    if not isinstance(operand.type, DateType | TimestampType):
        raise _LeftToDuckDb
    moment = cast_value(operand.value, operand.type, TIMESTAMP)
    assert isinstance(moment, int)
    value = moments.extract_part(str(part.value), moment)
    if value is None:
        raise _LeftToDuckDb
    return value


_NULL_TOLERANT = frozenset({"is_null", "is_not_null"})

_FOLDERS: dict[str, _Folder] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "//": _integer_divide,
    "%": _remainder,
    "negate": _negate,
    "abs": _absolute,
    "not": _not,
    "is_null": _is_null,
    "is_not_null": _is_not_null,
    "extract": _extract,
    "=": _comparison(lambda a, b: a == b),
    "<>": _comparison(lambda a, b: a != b),
    "<": _comparison(lambda a, b: a < b),  # type: ignore[operator]
    "<=": _comparison(lambda a, b: a <= b),  # type: ignore[operator]
    ">": _comparison(lambda a, b: a > b),  # type: ignore[operator]
    ">=": _comparison(lambda a, b: a >= b),  # type: ignore[operator]
}
