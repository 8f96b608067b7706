"""The integers behind fixed-point values, and shifts of them.

What the planner makes of computed DOUBLE values (planner/fixed_point.py): `units` are a column's
encoded integers as a number, `shift_right` is floor(x / 2^k), and `fixed` gives a whole number over
a power of two as the fixed-point value that the plan states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...query.bound import Call, Expression, Literal
from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..sharing.shares import Bits
from .table import SecretColumn
from .wide import linear

if TYPE_CHECKING:
    from .expression import Evaluator


def units(evaluator: Evaluator, call: Call) -> SecretColumn:
    """The encoded integers, without fraction bits. Local."""
    value = evaluator.evaluate(call.arguments[0])
    encoding = Encoding(lo=value.encoding.lo, hi=value.encoding.hi)
    return SecretColumn(
        encoding=encoding,
        rows=value.rows,
        bits=value.bits,
        ring=value.ring,
        null=value.null,
        clean_bits=value.clean_bits,
        clean_ring=value.clean_ring,
    )


def shift_right(evaluator: Evaluator, call: Call) -> SecretColumn:
    """floor(x / 2^k). At most one adder."""
    value = evaluator.evaluate(call.arguments[0])
    target = evaluator.encoding(call)
    planes = _shifted(evaluator, value, _number(call.arguments[1]), target)
    return SecretColumn(encoding=target, rows=evaluator.rows, bits=planes, null=value.null)


def fixed(evaluator: Evaluator, call: Call, target: Encoding | None) -> SecretColumn:
    """A whole number over 2^bits, to the fraction bits of the target. At most one adder.

    More fraction bits than the number has are zeros.
    """
    if target is None or target.fraction_bits is None:
        raise InternalError("the plan states no fraction bits for a fixed-point value")
    value = evaluator.evaluate(call.arguments[0])
    dropped = _number(call.arguments[1]) - target.fraction_bits
    if dropped < 0:
        planes = linear(evaluator.protocol, [(value, 1 << -dropped)], target)
    else:
        planes = _shifted(evaluator, value, dropped, target)
    return SecretColumn(encoding=target, rows=evaluator.rows, bits=planes, null=value.null)


def _shifted(evaluator: Evaluator, value: SecretColumn, places: int, target: Encoding) -> Bits:
    """Planes of floor(value / 2^places) above the target's lower end."""
    above = Encoding(lo=target.lo << places, hi=(target.hi + 1 << places) - 1)
    planes = linear(evaluator.protocol, [(value, 1)], above)
    return planes.planes(places, places + target.width)


def _number(expression: Expression) -> int:
    value = expression.value if isinstance(expression, Literal) else None
    if not isinstance(value, int):
        raise InternalError("a varying number of planes was not planned away")
    return value
