"""ROUND, TRUNC, FLOOR, CEIL and casts of computed DOUBLE values, to exact numbers.

Each is one shift of W, the whole number times 10^places, after an addition:

    floor  W + slack       ceil   W + 2^bits - 1 - slack
    trunc  like floor where W >= 0, like ceil below
    round  W + 2^(bits-1) + slack where W >= 0, W + 2^(bits-1) - 1 - slack below

ROUND takes halves away from zero. A cast to an integer takes them to the even one, as in DuckDB:
W + 2^(bits-1) - 1 + the last bit of W's whole part. A value that is a half of a decimal, such as
4245.95 to one place, goes outwards, where DuckDB goes by the binary digits of the double.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import DecimalType, DoubleType, IntegerType
from .expressions import call
from .fixed_point import FixedPoint, Number
from .whole_numbers import plus, shift_right, times, units, whole_literal, whole_type

ROUNDINGS = ("round", "trunc", "floor", "ceil")


def to_places(fixed: FixedPoint, node: Call, arguments: Sequence[Expression]) -> Expression | None:
    """ROUND and TRUNC to constant places, FLOOR and CEIL; None for places that vary."""
    places = 0
    if len(arguments) > 1:
        given = arguments[1].value if isinstance(arguments[1], Literal) else None
        if not isinstance(given, int):
            return None
        places = given
    return _rounded(fixed, node, fixed.number(arguments[0]), node.function, places)


def to_exact(fixed: FixedPoint, node: Call, argument: Expression) -> Expression | None:
    """CAST to an integer or a decimal; None for other types."""
    number = fixed.number(argument)
    match node.type:
        case IntegerType():
            return _to_even(fixed, node, number)
        case DecimalType(scale=scale):
            made = _rounded(fixed, node, number, "round", scale)
            return dataclasses.replace(made, type=node.type)
        case _:
            return None


def _rounded(
    fixed: FixedPoint, node: Call, number: Number, function: str, places: int
) -> Expression:
    if places < 0:
        number = _tenths(number, -places)
    number = fixed.binary(number)
    scaled = times(number.whole, 10 ** max(0, places))
    slack = number.slack * 10 ** max(0, places)
    whole = _shifted(scaled, function, number.bits, slack)
    if places < 0:
        whole = times(whole, 10**-places)
    return dataclasses.replace(whole, type=DoubleType(max(0, places)), span=node.span)


def _tenths(number: Number, places: int) -> Number:
    """The number over 10^places: the same integers with more decimals."""
    whole = units(number.whole, whole_type(number.scale + places))
    return dataclasses.replace(number, whole=whole)


def _shifted(whole: Expression, function: str, bits: int, slack: int) -> Expression:
    if not bits:
        return shift_right(whole, 0)
    unit = 1 << bits
    slack = min(slack, unit >> 2)
    down, up = slack, unit - 1 - slack
    above, below = down, up
    match function:
        case "floor":
            below = down
        case "ceil":
            above = up
        case "round":
            above, below = unit // 2 + slack, unit // 2 - 1 - slack
    if above == below:
        return shift_right(plus(whole, above), bits)
    negative = call("<", [whole, whole_literal(0)])
    added = Case(
        type=whole.type,
        nullable=whole.nullable,
        branches=((negative, plus(whole, below)),),
        otherwise=plus(whole, above),
    )
    return shift_right(added, bits)


def _to_even(fixed: FixedPoint, node: Call, number: Number) -> Expression:
    number = fixed.binary(number)
    bits, whole = number.bits, number.whole
    if not bits:
        return shift_right(whole, 0, node.type)
    floors, twos = shift_right(whole, bits), shift_right(whole, bits + 1)
    odd = call("-", [floors, times(twos, 2)], type=floors.type)
    moved = call("+", [plus(whole, (1 << bits - 1) - 1), odd], type=whole.type)
    return dataclasses.replace(shift_right(moved, bits, node.type), span=node.span)
