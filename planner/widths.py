"""What a share can hold: 63 bits and a sign in the ring, 128 planes. The rest is refused."""

from __future__ import annotations

from collections.abc import Mapping

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import (
    Column,
    DoubleType,
    Encoding,
    IntegerType,
    SqlType,
    VarcharType,
)
from ..query.errors import UnsupportedError, UserError
from .expressions import walk
from .ranging import expression_range
from .scales import scale_of

RING_BITS = 63
PLANE_BITS = 128


def check_width(column: Column) -> None:
    """UserError if the column's values are not bounded, or beyond what a share holds."""
    encoding = column.encoding
    name = repr(column.name) if column.name else "an intermediate value"
    if encoding is None:
        raise UserError(
            f"{name} of type {column.type} has no public bound, so it cannot leave its owner\n"
            f"hint: {_bounding(column.type)}"
        )
    if encoding.text_bytes is not None:
        return
    if encoding.fraction_bits is not None:
        if encoding.width > PLANE_BITS:
            raise UserError(
                f"the quotient {name} needs {encoding.width} bits, more than {PLANE_BITS}\n"
                "hint: declare tighter CHECK bounds for its columns or a smaller ROWS"
            )
        return
    if max(abs(encoding.lo), abs(encoding.hi)) >= 1 << RING_BITS:
        raise UserError(
            f"{name} may reach {max(abs(encoding.lo), abs(encoding.hi))}, beyond 63 bits\n"
            "hint: declare CHECK (column BETWEEN ... AND ...) bounds for the columns it is made "
            "of, or a smaller ROWS"
        )


def _bounding(type: SqlType) -> str:
    """How values of a type get a public bound."""
    if isinstance(type, VarcharType):
        return "declare a length VARCHAR(n) or a CHECK (... IN (...)) domain, or CAST to VARCHAR(n)"
    if isinstance(type, DoubleType):
        return "CAST it to DECIMAL(p,s); under an aggregate, CAST its argument"
    return "declare CHECK bounds for the columns it is made of, or CAST to a type with bounds"


def holding(type: SqlType, encoding: Encoding | None) -> SqlType:
    """The type, or the smallest wider integer type that holds the range."""
    if not isinstance(type, IntegerType) or encoding is None:
        return type
    needed = max(encoding.hi, -encoding.lo - 1).bit_length() + 1
    return IntegerType(next((b for b in (8, 16, 32, 64) if b >= max(type.bits, needed)), 128))


def check_parts(expression: Expression, ranges: Mapping[int, Encoding | None]) -> None:
    """UnsupportedError if a number on the way to the value is beyond what the ring holds.

    Two numbers that are compared are subtracted there, so that their difference has to fit too.
    """
    for part in walk(expression):
        if not isinstance(part, Call | Case):
            continue
        if scale_of(part.type) is not None:
            _check_part(part, expression_range(part, ranges))
        elif isinstance(part, Call) and part.function in COMPARED:
            _check_difference(part, ranges)


COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">=", "is_distinct", "is_not_distinct"})


def _check_part(part: Expression, encoding: Encoding | None) -> None:
    if encoding is not None and encoding.fraction_bits is not None:
        return
    if encoding is None or max(abs(encoding.lo), abs(encoding.hi)) >= 1 << RING_BITS:
        reach = "has no public bound"
        if encoding is not None:
            reach = f"may reach {max(abs(encoding.lo), abs(encoding.hi))}, beyond {RING_BITS} bits"
        raise UnsupportedError(
            f"an intermediate value {reach}",
            span=part.span,
            hint="declare tighter CHECK bounds for the columns it is made of, or a smaller ROWS",
        )


def _check_difference(part: Call, ranges: Mapping[int, Encoding | None]) -> None:
    if any(isinstance(a, Literal) or scale_of(a.type) is None for a in part.arguments):
        return
    found = [expression_range(argument, ranges) for argument in part.arguments]
    known = [encoding for encoding in found if encoding is not None]
    if any(encoding.fraction_bits is not None for encoding in known):
        return
    low, high = min(e.lo for e in known), max(e.hi for e in known)
    _check_part(part, Encoding(lo=low - high, hi=high - low))


def refused(error: UserError, expression: Expression) -> UserError:
    """The same refusal with the place in the text."""
    message, _, hint = str(error).partition("\nhint: ")
    return UnsupportedError(message, span=expression.span, hint=hint or None)
