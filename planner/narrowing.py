"""Ranges after a filter that an owner runs: shares hold only what the condition lets through.

    l_shipmode IN ('MAIL', 'SHIP')    the domain shrinks to two values, one bit
    o_orderdate < DATE '1995-03-15'   the upper bound shrinks

Only for rows that are really removed, so never after a secret filter. Uses the query text alone.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from ..query.bound import Call, ColumnRef, Expression, Literal
from ..query.datatypes import DateType, DoubleType, Encoding, TimestampType
from ..query.ranges import domain_encoding
from .expressions import conjuncts
from .scales import scale_of

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
DAY_MICROSECONDS = 86_400_000_000


def narrowed(
    ranges: dict[int, Encoding | None], predicate: Expression
) -> dict[int, Encoding | None]:
    """The ranges of the rows that satisfy the predicate."""
    made = dict(ranges)
    for condition in conjuncts(predicate):
        column, function, literals = _simple(condition)
        encoding = None if column is None else made.get(column.id)
        if column is None or encoding is None or encoding.fraction_bits is not None:
            continue
        if encoding.domain is not None:
            made[column.id] = _domain(encoding, function, literals)
        elif encoding.text_bytes is None:
            made[column.id] = _interval(column, encoding, function, literals)
    return made


def _simple(condition: Expression) -> tuple[ColumnRef | None, str, list[Literal]]:
    """Column, comparison and literals of a condition that has this form."""
    match condition:
        case Call(function=function, arguments=(ColumnRef() as column, Literal() as literal)) if (
            function in MIRRORED
        ):
            return column, function, [literal]
        case Call(function=function, arguments=(Literal() as literal, ColumnRef() as column)) if (
            function in MIRRORED
        ):
            return column, MIRRORED[function], [literal]
        case Call(function="in", arguments=(ColumnRef() as column, *items)):
            literals = [item for item in items if isinstance(item, Literal)]
            if len(literals) == len(items):
                return column, "in", literals
    return None, "", []


def _domain(encoding: Encoding, function: str, literals: list[Literal]) -> Encoding:
    if function not in ("=", "in"):
        return encoding
    wanted = {literal.value for literal in literals}
    kept = [value for value in encoding.domain or () if value in wanted]
    return domain_encoding(kept) if kept else encoding


def _interval(
    column: ColumnRef, encoding: Encoding, function: str, literals: list[Literal]
) -> Encoding:
    values = [_encoded(column, literal) for literal in literals]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return encoding
    low, high = encoding.lo, encoding.hi
    match function:
        case "=" | "in":
            low, high = max(low, ceil(min(known))), min(high, floor(max(known)))
        case "<":
            high = min(high, ceil(known[0]) - 1)
        case "<=":
            high = min(high, floor(known[0]))
        case ">":
            low = max(low, floor(known[0]) + 1)
        case ">=":
            low = max(low, ceil(known[0]))
    return Encoding(lo=low, hi=high) if low <= high else encoding


def _encoded(column: ColumnRef, literal: Literal) -> Fraction | None:
    """The literal in the column's scale; None if the two are not compared as exact numbers."""
    value = literal.value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    match column.type, literal.type:
        case (DateType(), DateType()) | (TimestampType(), TimestampType()):
            return Fraction(value)
        case DateType(), TimestampType():
            return Fraction(value) / DAY_MICROSECONDS
    scale = scale_of(column.type)
    if scale is None or scale_of(literal.type) is None or isinstance(column.type, DoubleType):
        return None
    return Fraction(value) * Fraction(10**scale)
