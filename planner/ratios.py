"""Quotients as numerator and denominator, both exact, so that no precision is lost on the way.

    (a / b) / (c / d)    =>  (a * nullif(d, 0)) / (b * c)
    (a / b) * c          =>  (a * c) / b
    a / b + c            =>  (a + c * b) / b
    coalesce(a / b, z)   =>  CASE known THEN a ELSE z END / CASE known THEN b ELSE 1 END
    a / b < c            =>  a < c * nullif(b, 0)          (b never negative)

A quotient is NULL where its denominator is 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import BOOLEAN, INTEGER, Column, DoubleType
from ..query.errors import UnsupportedError
from .expressions import call, conjunction, disjunction
from .ranging import expression_range
from .scalars import unsupported
from .scales import at_scale, exact_literal, scale_of, without_casts

ONE = Literal(type=INTEGER, nullable=False, value=1)
ZERO = Literal(type=INTEGER, nullable=False, value=0)
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

Ratio = tuple[Expression, Expression | None]


def has_quotient(expression: Expression) -> bool:
    """True if the value itself is made of a division (not one inside a condition)."""
    match expression:
        case Call(function="/"):
            return True
        case Call(function="+" | "-" | "*" | "negate" | "cast" | "coalesce" | "nullif"):
            return any(map(has_quotient, expression.arguments))
        case Case():
            values = [value for _, value in expression.branches]
            values += [] if expression.otherwise is None else [expression.otherwise]
            return any(map(has_quotient, values))
        case _:
            return False


def compared_exactly(expression: Expression) -> bool:
    """True for quotients, and for exact numbers that became DOUBLE to meet one."""
    if has_quotient(expression):
        return True
    inner = without_casts(expression)
    return scale_of(expression.type) is None and scale_of(inner.type) is not None


def as_ratio(expression: Expression) -> Ratio:
    """Numerator and denominator (None: no division). UnsupportedError if there is no such form."""
    expression = without_casts(expression)
    if not has_quotient(expression):
        exact = exact_literal(expression) if isinstance(expression, Literal) else expression
        return exact, None
    match expression:
        case Call(function="/", arguments=(left, right)):
            top, bottom = as_ratio(left)
            under, inner = as_ratio(right)
            if inner is not None:
                guarded = call("nullif", [inner, ZERO], type=inner.type, nullable=True)
                return product(top, guarded) or top, product(bottom, under)
            return top, product(bottom, under)
        case Call(function="*", arguments=(left, right)):
            (a, b), (c, d) = as_ratio(left), as_ratio(right)
            return product(a, c) or a, product(b, d)
        case Call(function="negate" | "cast", arguments=(only,)) if isinstance(
            expression.type, DoubleType
        ):
            top, bottom = as_ratio(only)
            if expression.function == "cast":
                return top, bottom
            return call("negate", [top], type=top.type), bottom
        case Call(function="+" | "-", arguments=(left, right)):
            return _sum(expression, as_ratio(left), as_ratio(right))
        case Call(function="coalesce", arguments=arguments):
            return _choice([(_known(a), a) for a in arguments[:-1]], arguments[-1])
        case Case():
            return _choice(list(expression.branches), expression.otherwise)
        case _:
            raise unsupported(expression, "this use of a division")


def compare_ratios(node: Call, columns: Mapping[int, Column]) -> Expression:
    """A comparison with quotients as one of exact products. The denominators' signs are minded."""
    (a, b), (c, d) = (as_ratio(argument) for argument in node.arguments)
    if node.function in ("is_distinct", "is_not_distinct"):
        raise unsupported(node, "IS DISTINCT FROM on a quotient")
    left, right = (product(a, d) or a), (product(c, b) or c)
    ranges = {column.id: column.encoding for column in columns.values()}
    denominators = [e for e in (b, d) if e is not None]
    for denominator in denominators:
        encoding = expression_range(denominator, ranges)
        if node.function in FLIPPED and (encoding is None or encoding.lo < 0):
            return _by_sign(node, left, right, denominators)
    guarded = [call("nullif", [e, ZERO], type=e.type, nullable=True) for e in denominators]
    if b is not None:
        right = product(c, guarded[0]) or c
    if d is not None:
        left = product(a, guarded[-1]) or a
    return call(node.function, [left, right], nullable=True, like=node)


def ratio_is_null(expression: Expression) -> Expression:
    """TRUE where the quotient is NULL."""
    top, bottom = as_ratio(expression)
    tests: list[Expression] = [call("is_null", [top], nullable=False)]
    if bottom is not None:
        tests.append(call("is_null", [bottom], nullable=False))
        tests.append(call("is_not_distinct", [bottom, ZERO], nullable=False))
    return disjunction(tests)


def product(left: Expression | None, right: Expression | None) -> Expression | None:
    """left * right at the sum of their scales; None stands for 1."""
    if left is None or right is None:
        return right if left is None else left
    if ONE in (left, right):
        return left if right == ONE else right
    scales = scale_of(left.type), scale_of(right.type)
    if scales[0] is None or scales[1] is None:
        raise unsupported(left, "a product of quotients")
    return call("*", [left, right], type=at_scale(left.type, scales[0] + scales[1]))


def _sum(node: Call, left: Ratio, right: Ratio) -> Ratio:
    (a, b), (c, d) = left, right
    if b == d:
        return _plus(node, a, c), b
    return _plus(node, product(a, d) or a, product(c, b) or c), product(b, d)


def _plus(node: Call, left: Expression, right: Expression) -> Expression:
    scales = scale_of(left.type), scale_of(right.type)
    if scales[0] is None or scales[1] is None:
        raise unsupported(node)
    return call(node.function, [left, right], type=at_scale(left.type, max(scales[0], scales[1])))


def _known(expression: Expression) -> Expression:
    """TRUE where the value is not NULL."""
    top, bottom = as_ratio(expression)
    tests: list[Expression] = [
        call("not", [call("is_null", [part], nullable=False)], nullable=False)
        for part in (top, bottom)
        if part is not None and part.nullable
    ]
    if bottom is not None:
        tests.append(call("<>", [bottom, ZERO]))
    return conjunction(tests)


def _choice(branches: list[tuple[Expression, Expression]], otherwise: Expression | None) -> Ratio:
    """CASE over quotients: the same CASE over numerators and over denominators."""
    pairs = [(condition, as_ratio(value)) for condition, value in branches]
    last = None if otherwise is None else as_ratio(otherwise)
    tops = [(condition, top) for condition, (top, _) in pairs]
    bottoms = [(condition, bottom or ONE) for condition, (_, bottom) in pairs]
    return (
        _case(tops, None if last is None else last[0]),
        _case(bottoms, None if last is None else last[1] or ONE),
    )


def _case(
    branches: list[tuple[Expression, Expression]], otherwise: Expression | None
) -> Expression:
    values = [value for _, value in branches] + ([] if otherwise is None else [otherwise])
    scales = [scale_of(v.type) or 0 for v in values]
    widest = values[scales.index(max(scales))]
    return Case(
        type=widest.type,
        nullable=otherwise is None or any(value.nullable for value in values),
        branches=tuple(branches),
        otherwise=otherwise,
    )


def _by_sign(
    node: Call, left: Expression, right: Expression, denominators: list[Expression]
) -> Expression:
    if len(denominators) > 1:
        raise UnsupportedError(
            "a comparison of two quotients whose denominators may be negative is not supported",
            span=node.span,
            hint="declare CHECK bounds that keep the denominators above zero",
        )
    (denominator,) = denominators
    flipped = dataclasses.replace(node, function=FLIPPED[node.function])
    positive = call(">", [denominator, ZERO])
    negative = call("<", [denominator, ZERO])
    return Case(
        type=BOOLEAN,
        nullable=True,
        branches=(
            (positive, dataclasses.replace(node, arguments=(left, right))),
            (negative, dataclasses.replace(flipped, arguments=(left, right))),
        ),
        otherwise=None,
    )
