"""Encodes SQL literals as the integers that shares hold."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from ...query.bound import Expression, Interval, Literal, type_of_value
from ...query.datatypes import DecimalType, DoubleType, Encoding, SqlType
from ...query.errors import InternalError


def encode_literal(value: type_of_value, sql_type: SqlType, target: Encoding | None) -> Encoding:
    """A one-value encoding for a literal, of the kind (domain, text, fraction) that `target` has.

    Errors: InternalError for a string outside the target's domain or longer than its bytes (the
    planner gives targets that hold every literal).
    """
    if value is None:
        return _one(target.lo if target else 0, target)
    if isinstance(value, str):
        return _text(value, target)
    if target is not None and target.fraction_bits is not None:
        return _one(int(exact(value) * 2**target.fraction_bits // 1), target)
    scaled = exact(value) * 10 ** _decimals(sql_type)
    if scaled.denominator != 1:
        raise InternalError("a literal has more decimals than its type")
    return _one(int(scaled), None)


def _one(code: int, like: Encoding | None) -> Encoding:
    if like is None:
        return Encoding(lo=code, hi=code)
    return Encoding(
        lo=code,
        hi=code,
        domain=like.domain,
        text_bytes=like.text_bytes,
        fraction_bits=like.fraction_bits,
    )


def _text(value: str, target: Encoding | None) -> Encoding:
    if target is None:
        return Encoding(lo=0, hi=0, domain=(value,))
    if target.domain is not None:
        if value not in target.domain:
            raise InternalError("a string literal is outside the domain that the plan states")
        return _one(target.domain.index(value), target)
    if target.text_bytes is None:
        raise InternalError("a string literal where the plan states a number")
    code = text_code(value, target.text_bytes)
    if code is None:
        raise InternalError("a string literal is longer than the plan states")
    return _one(code, target)


def text_code(value: str, size: int) -> int | None:
    """The padded big-endian integer of a string, or None if it has more than `size` bytes."""
    data = value.encode()
    return int.from_bytes(data.ljust(size, b"\0"), "big") if len(data) <= size else None


def exact(value: type_of_value) -> Fraction:
    """The number that a numeric, date or Boolean literal denotes (floats: shortest decimal)."""
    match value:
        case bool() | int():
            return Fraction(int(value))
        case Decimal():
            return Fraction(value)
        case float():
            return Fraction(Decimal(repr(value)))
        case str() | Interval() | None:
            raise InternalError("a literal that is not a number was compared with one")


def _decimals(sql_type: SqlType) -> int:
    match sql_type:
        case DecimalType(scale=scale) | DoubleType(scale=int() as scale):
            return scale
        case _:
            return 0


def literal_of(expression: Expression) -> Literal | None:
    """The expression, if it is a literal."""
    return expression if isinstance(expression, Literal) else None
