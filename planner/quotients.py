"""The fixed-point encoding of a quotient of two exact numbers.

A quotient a / b is computed as floor(a * 2^f / b). With the smallest non-zero |a| and the largest
|b| known, f is chosen such that even the smallest non-zero quotient has a relative error of at most
2^-33, below the 1e-9 that results are compared by.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from ..query.bound import Call, ColumnRef, Expression
from ..query.datatypes import Encoding
from .ranging import expression_range
from .scales import scale_of, without_casts

RELATIVE_BITS = 33


def averaged_pair(quotient: Expression) -> tuple[ColumnRef, ColumnRef] | None:
    """The two plain columns of a quotient, casts that add decimals set aside."""
    if not isinstance(quotient, Call) or quotient.function != "/":
        return None
    top, bottom = (_plain(argument) for argument in quotient.arguments)
    return None if top is None or bottom is None else (top, bottom)


def _plain(expression: Expression) -> ColumnRef | None:
    while isinstance(expression, Call) and expression.function == "cast":
        before, after = scale_of(expression.arguments[0].type), scale_of(expression.type)
        if before is None or (after is not None and after < before):
            return None
        expression = expression.arguments[0]
    return expression if isinstance(expression, ColumnRef) else None


def quotient_encoding(
    quotient: Call,
    ranges: Mapping[int, Encoding | None],
    smallest_numerator: int,
    smallest_divisor: int,
    averages: Mapping[tuple[int, int], int],
) -> Encoding | None:
    """The encoding of `a / b`; None if an argument is not exact.

    `averages`: bounds of sums divided by their counts. The smallest non-zero magnitudes are in
    each argument's own scale, casts to DOUBLE set aside.
    """
    numerator, divisor = (without_casts(argument) for argument in quotient.arguments)
    scales = scale_of(numerator.type), scale_of(divisor.type)
    if scales[0] is None or scales[1] is None:
        return None
    top, bottom = expression_range(numerator, ranges), expression_range(divisor, ranges)
    if top is None or bottom is None or top.fraction_bits or bottom.fraction_bits:
        return None
    common = max(scales[0], scales[1])
    top_factor, bottom_factor = 10 ** (common - scales[0]), 10 ** (common - scales[1])
    largest = max(abs(bottom.lo), abs(bottom.hi), 1) * bottom_factor
    ratio = largest // (smallest_numerator * top_factor)
    fraction_bits = max(1, RELATIVE_BITS + ratio.bit_length())
    largest_top = max(abs(top.lo), abs(top.hi)) * top_factor
    bound = ((largest_top << fraction_bits) // (smallest_divisor * bottom_factor)) + 1
    pair = averaged_pair(quotient)
    average = None if pair is None else averages.get((pair[0].id, pair[1].id))
    if pair is not None and average is not None:
        unit = 10 ** (scale_of(pair[0].type) or 0)
        bound = min(bound, (average << fraction_bits) // unit + 1)
    negative = top.lo < 0 or bottom.lo < 0
    return Encoding(lo=-bound - 1 if negative else 0, hi=bound, fraction_bits=fraction_bits)


def smallest_quotient(quotient: Call, encoding: Encoding, smallest: int, largest: int) -> int:
    """A lower bound on a non-zero result's encoded magnitude, by its operands', of one scale."""
    if quotient.function in ("root_ratio", "ratio_to_root"):
        largest = isqrt(largest) + 1
    return max(1, (smallest << (encoding.fraction_bits or 0)) // max(1, largest) - 1)
