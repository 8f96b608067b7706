"""What a share can hold: numbers of 126 bits and a sign, quotients of 128 planes.

Numbers beyond the ring's 63 bits are planes only (Encoding.fits_ring). On the way to a value,
numbers may be wider. The rest is refused.
"""

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
NUMBER_BITS = 126
PLANE_BITS = 128
PART_BITS = 320
"""Numbers within an expression, such as the product that a quotient divides."""


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
    if max(abs(encoding.lo), abs(encoding.hi)) >= 1 << NUMBER_BITS:
        raise UserError(
            f"{name} may reach {max(abs(encoding.lo), abs(encoding.hi))}, beyond {NUMBER_BITS} "
            "bits\n"
            "hint: declare CHECK (column BETWEEN ... AND ...) bounds for the columns it is made "
            "of, or a smaller ROWS"
        )


def check_ring(column: Column) -> None:
    """UserError if the column's values are beyond the ring, for what computes there alone."""
    encoding = column.encoding
    if encoding is not None and not encoding.fits_ring:
        name = repr(column.name) if column.name else "an intermediate value"
        raise UserError(
            f"{name} may reach {max(-encoding.lo, encoding.hi)}, beyond 63 bits\n"
            "hint: declare tighter CHECK bounds for the columns it is made of, or a smaller ROWS"
        )


def _bounding(type: SqlType) -> str:
    """How values of a type get a public bound."""
    if isinstance(type, VarcharType):
        return "declare a length VARCHAR(n) or a CHECK (... IN (...)) domain, or CAST to VARCHAR(n)"
    if isinstance(type, DoubleType):
        return "CAST it to DECIMAL(p,s); under an aggregate, CAST its argument"
    return "declare CHECK bounds for the columns it is made of, or CAST to a type with bounds"


def total_encoding(known: Encoding | None, summed: Encoding | None, rows: int) -> Encoding | None:
    """The encoding of a sum: what is known of it, if its values are in the encoding they have."""
    bits = None if summed is None else summed.fraction_bits
    if summed is None or bits == (None if known is None else known.fraction_bits):
        return known
    low, high = min(0, summed.lo * rows), max(0, summed.hi * rows)
    return Encoding(lo=low, hi=high, fraction_bits=summed.fraction_bits)


def holding(type: SqlType, encoding: Encoding | None) -> SqlType:
    """The type, or the smallest wider integer type that holds the range."""
    if not isinstance(type, IntegerType) or encoding is None:
        return type
    needed = max(encoding.hi, -encoding.lo - 1).bit_length() + 1
    return IntegerType(next((b for b in (8, 16, 32, 64) if b >= max(type.bits, needed)), 128))


def check_parts(expression: Expression, ranges: Mapping[int, Encoding | None]) -> None:
    """UnsupportedError if a number on the way to the value has no bound or is too wide."""
    for part in walk(expression):
        if isinstance(part, Call | Case) and scale_of(part.type) is not None:
            _check_part(part, expression_range(part, ranges), PART_BITS)
        if isinstance(part, Call) and not _takes_wide(part):
            for argument in part.arguments:
                if not isinstance(argument, Literal) and scale_of(argument.type) is not None:
                    _check_part(argument, expression_range(argument, ranges), RING_BITS)


WIDE = frozenset(
    {"+", "-", "*", "/", "negate", "abs", "sign", "cast", "coalesce", "greatest", "least"}
    | {"nullif", "in", "=", "<>", "<", "<=", ">", ">=", "is_distinct", "is_not_distinct"}
    | {"is_null", "is_not_null", "and", "or", "not", "ratio", "root_ratio", "ratio_to_root"}
    | {"fixed", "units", "shift_right"}
)
"""Functions that take numbers beyond the ring."""


def _takes_wide(part: Call) -> bool:
    if part.function == "cast":
        before, after = scale_of(part.arguments[0].type), scale_of(part.type)
        return before is None or after is None or after >= before
    return part.function in WIDE


def _check_part(part: Expression, encoding: Encoding | None, bits: int) -> None:
    if encoding is not None and encoding.fraction_bits is not None:
        return
    if encoding is None or max(abs(encoding.lo), abs(encoding.hi)) >= 1 << bits:
        reach = "has no public bound"
        if encoding is not None:
            reach = f"may reach {max(abs(encoding.lo), abs(encoding.hi))}, beyond {bits} bits"
        raise UnsupportedError(
            f"an intermediate value {reach}",
            span=part.span,
            hint="declare tighter CHECK bounds for the columns it is made of, or a smaller ROWS",
        )


def refused(error: UserError, expression: Expression) -> UserError:
    """The same refusal with the place in the text."""
    message, _, hint = str(error).partition("\nhint: ")
    return UnsupportedError(message, span=expression.span, hint=hint or None)
