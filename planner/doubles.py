"""Fixed-point encodings for DOUBLE values that one owner computes in clear.

DuckDB computes them in floating point; they leave their owner as floor(value * 2^f). With f = 64,
every double of magnitude 2^-12 and more keeps all its bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.datatypes import Encoding
from .quotients import averaged_pair
from .ranging import expression_range
from .scales import scale_of
from .statistics import QUOTIENTS

FRACTION_BITS = 64
WIDTH = 122


def double_encoding(
    expression: Expression,
    ranges: Mapping[int, Encoding | None],
    averages: Mapping[tuple[int, int], int],
) -> Encoding | None:
    """The encoding of a DOUBLE expression over clear columns; None if it has no public bound."""
    magnitude = _average(expression, averages) or _magnitude(expression, ranges)
    if magnitude is None:
        return None
    bits = int(magnitude).bit_length() + 1
    if bits >= WIDTH:
        return None
    fraction_bits = min(FRACTION_BITS, WIDTH - bits)
    bound = (int(magnitude) + 2) << fraction_bits
    return Encoding(lo=-bound, hi=bound, fraction_bits=fraction_bits)


def _average(expression: Expression, averages: Mapping[tuple[int, int], int]) -> Fraction | None:
    """The bound of a plain average."""
    pair = averaged_pair(expression)
    bound = None if pair is None else averages.get((pair[0].id, pair[1].id))
    if pair is None or bound is None:
        return None
    return Fraction(bound + 1) / Fraction(10 ** (scale_of(pair[0].type) or 0))


def _magnitude(expression: Expression, ranges: Mapping[int, Encoding | None]) -> Fraction | None:
    """An upper bound on |value|."""
    exact = _exact(expression, ranges)
    if exact is not None:
        return exact
    match expression:
        case Call(function="/", arguments=(_, Literal(value=divisor))) if divisor == 0:
            return Fraction(0)
        case Call(function="/", arguments=(top, bottom)):
            numerator, step = _magnitude(top, ranges), _step(bottom)
            return None if numerator is None or step is None else numerator / step
        case Call(function="+" | "-" | "*" | "negate" | "abs" | "cast" | "coalesce" | "round"):
            return _combined(expression, ranges)
        case Call(function="floor" | "ceil" | "trunc"):
            inner = _magnitude(expression.arguments[0], ranges)
            return None if inner is None else inner + 1
        case Call(function=function, arguments=(_, _, limit)) if function in QUOTIENTS:
            return _exact(limit, ranges)
        case Call(function="nullif" | "greatest" | "least"):
            return _largest(expression.arguments, ranges)
        case Case():
            values = [value for _, value in expression.branches]
            values += [] if expression.otherwise is None else [expression.otherwise]
            return _largest(tuple(values), ranges)
        case _:
            return None


def _combined(call: Call, ranges: Mapping[int, Encoding | None]) -> Fraction | None:
    match call.function:
        case "coalesce":
            return _largest(call.arguments, ranges)
        case "round":
            inner = _magnitude(call.arguments[0], ranges)
            places = call.arguments[1] if len(call.arguments) > 1 else None
            if inner is None or (places is not None and not isinstance(places, Literal)):
                return None
            digits = places.value if isinstance(places, Literal) else 0
            return inner + Fraction(10) ** max(0, -digits) if isinstance(digits, int) else None
    sizes = [_magnitude(argument, ranges) for argument in call.arguments]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    match call.function, known:
        case (("+" | "-"), [left, right]):
            return left + right
        case "*", [left, right]:
            return left * right
        case _:
            return known[0]


def _largest(
    values: tuple[Expression, ...], ranges: Mapping[int, Encoding | None]
) -> Fraction | None:
    sizes = [
        _magnitude(value, ranges)
        for value in values
        if not (isinstance(value, Literal) and value.value is None)
    ]
    known = [size for size in sizes if size is not None]
    return max(known, default=Fraction(0)) if len(known) == len(sizes) else None


def _exact(expression: Expression, ranges: Mapping[int, Encoding | None]) -> Fraction | None:
    """The bound of an exact number, a literal, or a column that is fixed-point already."""
    if isinstance(expression, Literal):
        value = expression.value
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return None
        return abs(Fraction(value))
    if isinstance(expression, ColumnRef):
        encoding = ranges.get(expression.id)
    else:
        encoding = expression_range(expression, ranges)
    if encoding is None or encoding.domain is not None or encoding.text_bytes is not None:
        return None
    largest = Fraction(max(abs(encoding.lo), abs(encoding.hi)))
    if encoding.fraction_bits is not None:
        return largest / (1 << encoding.fraction_bits)
    scale = scale_of(expression.type)
    return None if scale is None else largest / Fraction(10**scale)


def _step(divisor: Expression) -> Fraction | None:
    """The smallest non-zero magnitude of a divisor: one unit of its last decimal."""
    while isinstance(divisor, Call) and divisor.function in ("cast", "nullif"):
        divisor = divisor.arguments[0]
    if isinstance(divisor, Literal):
        return _exact(divisor, {}) or None
    scale = scale_of(divisor.type)
    return None if scale is None else 1 / Fraction(10**scale)
