"""What a share can hold: 63 bits and a sign in the ring, 128 planes. The rest is refused."""

from __future__ import annotations

from ..query.bound import Expression
from ..query.datatypes import Column
from ..query.errors import UnsupportedError, UserError

RING_BITS = 63
PLANE_BITS = 128


def check_width(column: Column) -> None:
    """UserError if the column's values are not bounded, or beyond what a share holds."""
    encoding = column.encoding
    name = repr(column.name) if column.name else "an intermediate value"
    if encoding is None:
        raise UserError(
            f"{name} of type {column.type} has no public bound, so it cannot leave its owner\n"
            "hint: declare a length VARCHAR(n), a CHECK (... IN (...)) domain or CHECK bounds, or "
            "CAST to a type with bounds"
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


def refused(error: UserError, expression: Expression) -> UserError:
    """The same refusal with the place in the text."""
    message, _, hint = str(error).partition("\nhint: ")
    return UnsupportedError(message, span=expression.span, hint=hint or None)
