"""Variances, covariances, correlation and regression, from exact moments.

With n rows where both are known, sums sx, sy and sums of products sxx, sxy, syy, all exact:

    Dx = n sxx - sx^2      Dy = n syy - sy^2      N = n sxy - sx sy

    var_pop = Dx / n^2     var_samp = Dx / (n (n - 1))     stddev = sqrt(var)
    covar_pop = N / n^2    covar_samp = N / (n (n - 1))    corr = N / sqrt(Dx Dy)
    regr_slope = N / Dx    regr_intercept = (sy sxx - sx sxy) / Dx
    regr_r2 = N^2 / (Dx Dy), 1 where Dy = 0     regr_sxx = Dx / n    regr_sxy = N / n

One division (and one root) of exact numbers: nothing cancels. A division by zero is NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import DOUBLE, HUGEINT, Encoding
from .expressions import call
from .ranging import expression_range
from .ratios import ONE, ZERO, product
from .scales import at_scale, rescaled, scale_of

STATISTICS = frozenset(
    str.split(
        """
        var_pop var_samp stddev_pop stddev_samp covar_pop covar_samp corr regr_slope
        regr_intercept regr_r2 regr_sxx regr_syy regr_sxy
        """
    )
)

QUOTIENTS = frozenset({"ratio", "root_ratio", "ratio_to_root"})
"""a / b, sqrt(a / b) and a / sqrt(b) of exact numbers a and b; the third argument is a whole number
that the result never exceeds in magnitude. NULL where b is 0."""

PRECISION = 33
WIDTH = 126


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sums as expressions; those of y only where there is a second argument."""

    n: Expression
    sx: Expression
    sxx: Expression
    sy: Expression | None = None
    syy: Expression | None = None
    sxy: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Bounds of an argument's values, as numbers: its spread and its magnitude, rounded up."""

    spread: int
    magnitude: int


def extent(encoding: Encoding, scale: int) -> Extent:
    """The extent of an exact argument."""
    unit = 10**scale
    largest = max(abs(encoding.lo), abs(encoding.hi))
    return Extent(spread=-((encoding.lo - encoding.hi) // unit), magnitude=-(-largest // unit))


def bound_of(function: str, x: Extent, y: Extent, rows: int, smallest: int) -> int:
    """A whole number that the statistic never exceeds. `smallest`: 1 / the least spread of x."""
    match function:
        case "var_pop" | "var_samp":
            return x.spread**2
        case "stddev_pop" | "stddev_samp":
            return x.spread + 1
        case "covar_pop" | "covar_samp":
            return x.spread * y.spread
        case "corr" | "regr_r2":
            return 1
        case "regr_sxx":
            return x.spread**2 * rows
        case "regr_syy":
            return y.spread**2 * rows
        case "regr_sxy":
            return x.spread * y.spread * rows
        case "regr_slope":
            return y.spread * rows * smallest
        case _:
            return y.magnitude + x.magnitude * y.spread * rows * smallest


def statistic(function: str, m: Moments, bound: int) -> Call:
    """The statistic as a quotient of exact numbers."""
    limit = Literal(type=HUGEINT, nullable=False, value=max(1, bound))
    name, top, bottom = _quotient(function, m)
    scales = scale_of(top.type) or 0, scale_of(bottom.type) or 0
    if name == "ratio_to_root":
        scale = max(scales[0], -(-scales[1] // 2))
        top, bottom = rescaled(top, scale), rescaled(bottom, 2 * scale)
    else:
        top, bottom = rescaled(top, max(scales)), rescaled(bottom, max(scales))
    return Call(type=DOUBLE, nullable=True, function=name, arguments=(top, bottom, limit))


def _quotient(function: str, m: Moments) -> tuple[str, Expression, Expression]:
    dx = _spread(m.n, m.sxx, m.sx, m.sx)
    fewer = _plus("-", m.n, ONE)
    match function:
        case "var_pop":
            return "ratio", dx, _times(m.n, m.n)
        case "var_samp":
            return "ratio", dx, _times(m.n, fewer)
        case "stddev_pop":
            return "root_ratio", dx, _times(m.n, m.n)
        case "stddev_samp":
            return "root_ratio", dx, _times(m.n, fewer)
        case "regr_sxx":
            return "ratio", dx, m.n
    assert m.sy is not None
    assert m.syy is not None
    assert m.sxy is not None
    both = _spread(m.n, m.sxy, m.sx, m.sy)
    dy = _spread(m.n, m.syy, m.sy, m.sy)
    match function:
        case "covar_pop":
            return "ratio", both, _times(m.n, m.n)
        case "covar_samp":
            return "ratio", both, _times(m.n, fewer)
        case "corr":
            return "ratio_to_root", both, _times(dx, dy)
        case "regr_syy":
            return "ratio", dy, m.n
        case "regr_sxy":
            return "ratio", both, m.n
        case "regr_slope":
            return "ratio", both, dx
        case "regr_intercept":
            return "ratio", _plus("-", _times(m.sy, m.sxx), _times(m.sx, m.sxy)), dx
        case _:
            top, bottom = _determination(both, dx, dy)
            return "ratio", top, bottom


def _determination(
    both: Expression, dx: Expression, dy: Expression
) -> tuple[Expression, Expression]:
    """N^2 / (Dx Dy), but 1 where only Dy is 0."""
    flat = call("=", [dy, ZERO])
    top = _case(flat, ONE, _times(both, both))
    bottom = _case(flat, _case(call("=", [dx, ZERO]), ZERO, ONE), _times(dx, dy))
    return top, bottom


def _case(condition: Expression, yes: Expression, no: Expression) -> Expression:
    nullable = condition.nullable or yes.nullable or no.nullable
    return Case(type=no.type, nullable=nullable, branches=((condition, yes),), otherwise=no)


def _spread(n: Expression, sab: Expression, sa: Expression, sb: Expression) -> Expression:
    return _plus("-", _times(n, sab), _times(sa, sb))


def _times(left: Expression, right: Expression) -> Expression:
    made = product(left, right)
    assert made is not None
    return made


def _plus(function: str, left: Expression, right: Expression) -> Expression:
    scale = max(scale_of(left.type) or 0, scale_of(right.type) or 0)
    return call(function, [left, right], type=at_scale(left.type, scale))


def statistic_encoding(quotient: Call, ranges: Mapping[int, Encoding | None]) -> Encoding | None:
    """The fixed-point encoding of a quotient whose operands have been brought to their scales.

    Fraction bits for a relative error of 2^-33 of the least result, as far as the width goes; None
    if that is not far enough.
    """
    top, bottom, limit = quotient.arguments
    found = expression_range(bottom, ranges)
    signed = expression_range(top, ranges)
    if found is None or signed is None or not isinstance(limit, Literal):
        return None
    bound = int(limit.value)  # type: ignore[arg-type]
    least = max(abs(found.lo), abs(found.hi))
    if quotient.function != "ratio":
        least = isqrt(least) + 1
    room = WIDTH - bound.bit_length()
    fraction_bits = min(PRECISION + 1 + least.bit_length(), room)
    if fraction_bits < PRECISION:
        return None
    high = (bound + 1) << fraction_bits
    low = 0 if quotient.function == "root_ratio" else -high
    return Encoding(lo=low, hi=high, fraction_bits=fraction_bits)


def native_encoding(bound: int) -> Encoding | None:
    """The encoding of a statistic that its owner computes as a DOUBLE."""
    room = WIDTH - 4 - bound.bit_length()
    if room < PRECISION:
        return None
    high = (bound + 2) << min(64, room)
    return Encoding(lo=-high, hi=high, fraction_bits=min(64, room))
