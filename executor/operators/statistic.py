"""Quotients with roots of exact numbers: a / b, sqrt(a / b), a / sqrt(b), in fixed point.

The third argument of the call bounds the result and is in the encoding already. NULL where b is 0
or an operand is NULL. Cost: one division, and one square root of twice as many planes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...query.bound import Call
from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..circuits.compare import any_of
from ..circuits.divide import divide
from ..circuits.root import square_root
from ..sharing.shares import stack
from .quotient import magnitude_of, quotient, signed_under
from .table import SecretColumn, planes_of, shift_planes_up, zero_extend

if TYPE_CHECKING:
    from .expression import Evaluator

ROOT_FRACTION_BITS = 35
"""Fraction bits of a root that divides: it is off by less than 2^-35 relative."""


def statistic(evaluator: Evaluator, call: Call, target: Encoding) -> SecretColumn:
    """The result in the encoding that the plan states."""
    if target.fraction_bits is None:
        raise InternalError("the plan states no fraction bits for a quotient")
    top, bottom, _ = call.arguments
    if call.function == "ratio_to_root":
        return _over_root(evaluator, call, target)
    divided = Call(type=call.type, nullable=True, function="/", arguments=(top, bottom))
    if call.function == "ratio":
        return quotient(evaluator, divided, target)
    squared = Encoding(lo=0, hi=target.hi**2, fraction_bits=2 * target.fraction_bits)
    found = quotient(evaluator, divided, squared)
    root = square_root(evaluator.protocol, planes_of(found))
    return SecretColumn(
        encoding=target,
        rows=evaluator.rows,
        bits=zero_extend(root, target.width),
        null=found.null,
    )


def _over_root(evaluator: Evaluator, call: Call, target: Encoding) -> SecretColumn:
    p = evaluator.protocol
    top, bottom, _ = call.arguments
    numerator = magnitude_of(evaluator, top, 1)
    below = magnitude_of(evaluator, bottom, 1)
    root = square_root(p, shift_planes_up(below.planes, 2 * ROOT_FRACTION_BITS))
    dividend = shift_planes_up(numerator.planes, (target.fraction_bits or 0) + ROOT_FRACTION_BITS)
    width = max(abs(target.lo), abs(target.hi)).bit_length()
    raw = divide(p, dividend, root, quotient_width=width)
    signs = [] if numerator.negative is None else [numerator.negative]
    planes = signed_under(evaluator, raw, signs, target)
    (nonzero,) = any_of(p, [below.planes])
    nulls = [p.invert(nonzero)]
    nulls += [m.column.null for m in (numerator, below) if m.column.null is not None]
    null = nulls[0] if len(nulls) == 1 else any_of(p, [stack(nulls)])[0]
    return SecretColumn(encoding=target, rows=evaluator.rows, bits=planes, null=null)
