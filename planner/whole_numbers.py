"""Whole numbers in expressions: the integers behind values, and public factors of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from ..query.bound import Call, Expression, Literal
from ..query.datatypes import HUGEINT, DecimalType, SqlType
from .expressions import call
from .scales import EXACT, scale_of


def units(value: Expression, type: SqlType = HUGEINT) -> Call:
    """The encoded integers of a number, as those of another exact type."""
    return call("units", [value], type=type, nullable=value.nullable)


def shift_right(whole: Expression, places: int, type: SqlType | None = None) -> Call:
    """floor(whole / 2^places), as the integers of a type."""
    arguments = [whole, whole_literal(places)]
    return call("shift_right", arguments, type=type or whole.type, nullable=whole.nullable)


def times(whole: Expression, factor: int) -> Expression:
    """A number times a constant."""
    if factor == 1:
        return whole
    if isinstance(whole, Literal):
        return whole_literal(integer_of(whole) * factor)
    scale = scale_of(whole.type) or 0
    return call("*", [whole, whole_literal(factor)], type=whole_type(scale))


def plus(whole: Expression, constant: int) -> Expression:
    """A number plus so many units of its last decimal."""
    if not constant:
        return whole
    scale = scale_of(whole.type) or 0
    return call("+", [whole, whole_literal(constant, scale)], type=whole_type(scale))


def whole_literal(value: int, scale: int = 0) -> Literal:
    """So many units of the last of `scale` decimals."""
    if not scale:
        return Literal(type=HUGEINT, nullable=False, value=value)
    number = Decimal(value).scaleb(-scale, EXACT)
    return Literal(type=whole_type(scale), nullable=False, value=number)


def whole_type(scale: int) -> SqlType:
    """The widest exact type of a scale."""
    return DecimalType(38, scale) if scale else HUGEINT


def integer_of(literal: Expression) -> int:
    """The value of a whole literal."""
    assert isinstance(literal, Literal)
    assert isinstance(literal.value, int)
    return literal.value


def exact_value(literal: Expression) -> Fraction:
    """The number that a literal denotes."""
    assert isinstance(literal, Literal)
    assert isinstance(literal.value, int | Decimal)
    return Fraction(literal.value)


def is_null(expression: Expression) -> bool:
    return isinstance(expression, Literal) and expression.value is None
