"""ROUND, FLOOR, CEIL, TRUNC, //, % and casts to fewer decimals, over shares.

Numbers are integers with public decimals, so that all of these divide by powers of ten
(divided.py), or, where the divisor is a column, by an exact division (quotient.py).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ...query.bound import Call, Expression, Literal
from ...query.datatypes import DoubleType, Encoding, IntegerType
from ...query.errors import InternalError
from .divided import ceiling, floor_divided, rounded, rounded_to_even, truncated
from .literal import exact
from .quotient import quotient
from .table import SecretColumn, need_ring, scale_ring

if TYPE_CHECKING:
    from .expression import Evaluator

_DIVISIONS = {"round": rounded, "trunc": truncated, "floor": floor_divided, "ceil": ceiling}


def to_places(evaluator: Evaluator, call: Call) -> SecretColumn:
    """ROUND and TRUNC to a constant number of places; FLOOR and CEIL."""
    from .expression import decimals

    operand = call.arguments[0]
    places = _whole_literal(call.arguments[1]) if len(call.arguments) > 1 else 0
    value = evaluator.evaluate(operand, "ring")
    lost = decimals(operand.type) - places
    if lost <= 0:
        return value
    made = _DIVISIONS[call.function](evaluator.protocol, value, 10**lost)
    return scaled(evaluator, made, 10 ** max(0, -places))


def to_fewer_decimals(evaluator: Evaluator, call: Call, lost: int) -> SecretColumn:
    """CAST to `lost` decimals fewer: halves away from zero, of a DOUBLE to the even integer."""
    (operand,) = call.arguments
    value = evaluator.evaluate(operand, "ring")
    even = isinstance(operand.type, DoubleType) and isinstance(call.type, IntegerType)
    divide = rounded_to_even if even else rounded
    return divide(evaluator.protocol, value, 10**lost)


def integer_division(evaluator: Evaluator, call: Call) -> SecretColumn:
    """a // b towards zero; NULL where b is 0."""
    top, bottom = call.arguments
    if isinstance(bottom, Literal):
        divisor = _units(bottom)
        value = evaluator.evaluate(top, "ring")
        made = truncated(evaluator.protocol, value, abs(divisor))
        return made if divisor > 0 else scaled(evaluator, made, -1)
    return _secret_division(evaluator, top, bottom)


def modulo(evaluator: Evaluator, call: Call) -> SecretColumn:
    """a % b = a - b (a // b), with the sign of a; NULL where b is 0."""
    p = evaluator.protocol
    top, bottom = call.arguments
    value = evaluator.evaluate(top, "ring")
    if isinstance(bottom, Literal):
        divisor = abs(_units(bottom))
        whole, times = need_ring(p, [value, truncated(p, value, divisor)])
        rest, null = whole - scale_ring(times, divisor), value.null
    else:
        made = _secret_division(evaluator, top, bottom)
        divisor_column = evaluator.evaluate(bottom, "ring")
        whole, times, by = need_ring(p, [value, made, divisor_column])
        (product,) = p.multiply([(times, by)])
        rest, null = whole - product, made.null
    return SecretColumn(
        encoding=evaluator.encoding(call), rows=evaluator.rows, ring=rest, null=null
    )


def scaled(evaluator: Evaluator, value: SecretColumn, factor: int) -> SecretColumn:
    """The value times a public number."""
    if factor == 1:
        return value
    (ring,) = need_ring(evaluator.protocol, [value])
    ends = (value.encoding.lo * factor, value.encoding.hi * factor)
    return SecretColumn(
        encoding=Encoding(lo=min(ends), hi=max(ends)),
        rows=value.rows,
        ring=scale_ring(ring, factor),
        null=value.null,
    )


def _secret_division(evaluator: Evaluator, top: Expression, bottom: Expression) -> SecretColumn:
    """The quotient as a whole number; both operands have the same decimals."""
    division = Call(function="//", arguments=(top, bottom), type=IntegerType(64), nullable=True)
    encoding = evaluator.encoding(division)
    target = Encoding(lo=encoding.lo, hi=encoding.hi, fraction_bits=0)
    found = quotient(evaluator, division, target)
    return SecretColumn(encoding=encoding, rows=found.rows, bits=found.bits, null=found.null)


def _units(literal: Literal) -> int:
    """A number in units of its last decimal."""
    from .expression import decimals

    value = exact(literal.value) * 10 ** decimals(literal.type)
    if value.denominator != 1 or not value:
        raise InternalError("a divisor that is 0 or has too many decimals was not planned away")
    return int(value)


def _whole_literal(expression: Expression) -> int:
    value = expression.value if isinstance(expression, Literal) else None
    if not isinstance(value, int | Decimal):
        raise InternalError("a varying number of places was not planned away")
    return int(value)
