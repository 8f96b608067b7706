"""Quotients rounded to decimals, exactly: round(a / b, 2) is one integer division.

    round(a / b, d)  =>  (2 * 10^d * a + b) // (2 * b), an integer with d decimals     (a, b >= 0)

Half is rounded away from zero, as DuckDB does. CAST of a quotient to DECIMAL(p, d) rounds likewise.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import Column, DecimalType, DoubleType, Encoding, SqlType
from ..query.errors import UnsupportedError
from .expressions import call, reference
from .known import Facts
from .quotients import quotient_encoding
from .ranging import expression_range
from .ratios import ZERO, as_ratio, has_quotient, product
from .scales import at_scale, rescaled, scale_of
from .secure import Operator
from .secure import Project as SecureProject

if TYPE_CHECKING:
    from .lower import Lowering

Items = list[tuple[Column, Expression]]


def is_rounded(expression: Expression) -> bool:
    """True for round(quotient, digits) and for a quotient cast to DECIMAL."""
    return _digits(expression) is not None


def lower_rounded(lowering: Lowering, below: Operator, items: Items, facts: Facts) -> SecureProject:
    """Two projections: the integer quotients, then the same integers as numbers with decimals."""
    divided: Items = []
    columns: list[Column] = []
    for column, expression in items:
        digits = _digits(expression)
        if digits is None:
            divided.append((column, expression))
            continue
        divided.append((column, _half_up(expression, digits, below)))
    first = lowering.project(below, divided, facts)
    whole = tuple(
        _whole(lowering, made, quotient, below) if is_rounded(expression) else made
        for made, quotient, (_, expression) in zip(
            first.columns, first.expressions, items, strict=True
        )
    )
    first = dataclasses.replace(first, columns=whole)
    for made, (column, expression) in zip(first.columns, items, strict=True):
        digits = _digits(expression)
        stated = made if digits is None else _stated(made, expression.type, digits)
        columns.append(dataclasses.replace(stated, id=column.id))
    references = tuple(reference(column) for column in first.columns)
    return SecureProject(
        columns=tuple(columns), rows=first.rows, input=first, expressions=references
    )


def _digits(expression: Expression) -> int | None:
    match expression:
        case Call(function="round", arguments=(inner, Literal(value=int() as digits))) if (
            digits >= 0 and has_quotient(inner)
        ):
            return digits
        case Call(function="round", arguments=(inner,)) if has_quotient(inner):
            return 0
        case Call(function="cast", arguments=(inner,)) if isinstance(
            expression.type, DecimalType
        ) and has_quotient(inner):
            return expression.type.scale
        case _:
            return None


def _half_up(expression: Expression, digits: int, below: Operator) -> Expression:
    """The quotient whose integer part is the rounded value, times 10^digits."""
    assert isinstance(expression, Call)
    top, bottom = as_ratio(expression.arguments[0])
    assert bottom is not None
    scales = scale_of(top.type), scale_of(bottom.type)
    if scales[0] is None or scales[1] is None:
        raise UnsupportedError("this quotient cannot be rounded", span=expression.span)
    common = max(scales[0], scales[1])
    top, bottom = rescaled(top, common), rescaled(bottom, common)
    doubled = _times(top, 2 * 10**digits)
    plus = call("+", [doubled, bottom], type=at_scale(doubled.type, common))
    minus = call("-", [doubled, bottom], type=at_scale(doubled.type, common))
    negative = call("<", [top, ZERO])
    numerator = Case(
        type=plus.type,
        nullable=plus.nullable or negative.nullable,
        branches=((negative, minus),),
        otherwise=plus,
    )

    ranges = {column.id: column.encoding for column in below.columns}
    low = expression_range(top, ranges)
    positive = low is not None and low.lo >= 0
    divisor = expression_range(bottom, ranges)
    if divisor is None or divisor.lo < 0:
        raise UnsupportedError(
            "rounding a quotient whose denominator may be negative is not supported",
            span=expression.span,
            hint="declare CHECK bounds that keep the denominator above zero",
        )
    return Call(
        type=DoubleType(None),
        nullable=True,
        function="/",
        arguments=(plus if positive else numerator, _times(bottom, 2)),
        span=expression.span,
    )


def _times(expression: Expression, factor: int) -> Expression:
    literal = Literal(type=DecimalType(38, 0), nullable=False, value=Decimal(factor))
    made = product(expression, literal)
    assert made is not None
    return made


def _whole(lowering: Lowering, made: Column, quotient: Expression, below: Operator) -> Column:
    """The integer quotient: no fraction bits, under an id of its own."""
    assert isinstance(quotient, Call)
    ranges = {c.id: c.encoding for c in below.columns}
    fixed = quotient_encoding(quotient, ranges, 1, 1, {})
    assert fixed is not None
    assert fixed.fraction_bits is not None
    encoding = Encoding(
        lo=-((-fixed.lo) >> fixed.fraction_bits) - (fixed.lo < 0),
        hi=(fixed.hi >> fixed.fraction_bits) + 1,
        fraction_bits=0,
    )
    column_id = lowering.ids.fresh()
    return dataclasses.replace(made, id=column_id, encoding=encoding, type=DoubleType(None))


def _stated(made: Column, type: SqlType, digits: int) -> Column:
    """The same integers with their decimals."""
    assert made.encoding is not None
    encoding = Encoding(lo=made.encoding.lo, hi=made.encoding.hi)
    stated = type if isinstance(type, DecimalType) else DoubleType(digits)
    return dataclasses.replace(made, encoding=encoding, type=stated)
