"""Exact division of secret columns: floor of the quotient to a public number of fraction bits.

value = (numerator / 10^a) / (denominator / 10^b) with a, b the decimals of their types; the result
is sign * floor(|value| * 2^f). NULL where the denominator is 0 or an operand is NULL. Numerator and
denominator are never opened. Cost: the division circuit, after two conversions.
Source: PROTOCOLS, section 5 (divide).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...query.bound import Call, Expression
from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..circuits.add import add_constant, negate
from ..circuits.compare import any_of
from ..circuits.convert import ring_to_word
from ..circuits.divide import divide
from ..circuits.select import select, select_ring
from ..sharing.shares import Bits, stack
from .table import SecretColumn, need_bits, need_ring, scale_ring, shift_planes_up, zero_extend
from .wide import linear, magnitude

if TYPE_CHECKING:
    from .expression import Evaluator


def quotient(evaluator: Evaluator, call: Call, target: Encoding) -> SecretColumn:
    """The quotient of a `/` call, in the encoding that the plan states."""
    from .expression import decimals

    if target.fraction_bits is None:
        raise InternalError("the plan states no fraction bits for a quotient")
    p = evaluator.protocol
    top, bottom = call.arguments
    shift = decimals(bottom.type) - decimals(top.type)
    numerator = magnitude_of(evaluator, top, 10 ** max(0, shift))
    denominator = magnitude_of(evaluator, bottom, 10 ** max(0, -shift))
    dividend = shift_planes_up(numerator.planes, target.fraction_bits)
    width = max(abs(target.lo), abs(target.hi)).bit_length()
    raw = divide(p, dividend, denominator.planes, quotient_width=width)
    signs = [m.negative for m in (numerator, denominator) if m.negative is not None]
    planes = signed_under(evaluator, raw, signs, target)
    (nonzero,) = any_of(p, [denominator.planes])
    nulls = [p.invert(nonzero)]
    nulls += [m.column.null for m in (numerator, denominator) if m.column.null is not None]
    null = nulls[0] if len(nulls) == 1 else any_of(p, [stack(nulls)])[0]
    return SecretColumn(encoding=target, rows=evaluator.rows, bits=planes, null=null)


class _Magnitude:
    """|x| as planes, and its sign (None: never negative)."""

    __slots__ = ("column", "negative", "planes")

    def __init__(self, column: SecretColumn, planes: Bits, negative: Bits | None) -> None:
        self.column = column
        self.planes = planes
        self.negative = negative


def magnitude_of(evaluator: Evaluator, expression: Expression, factor: int) -> _Magnitude:
    p = evaluator.protocol
    column = evaluator.evaluate(expression, "ring")
    encoding = column.encoding
    largest = max(abs(encoding.lo), abs(encoding.hi)) * factor
    if largest >= 1 << 63:
        return _wide_magnitude(evaluator, column, factor)
    if encoding.lo == 0 and factor == 1 and column.ring is None:
        (planes,) = need_bits(p, [column])
        return _Magnitude(column, planes, None)
    ring = scale_ring(need_ring(p, [column])[0], factor)
    if encoding.lo >= 0:
        (planes,) = ring_to_word(p, [ring], largest.bit_length())
        return _Magnitude(column, planes, None)
    (word,) = ring_to_word(p, [ring], largest.bit_length() + 1)
    negative = word.planes(word.width - 1, word.width)
    (flag,) = p.flags_to_ring([negative], 64)
    (positive,) = select_ring(p, [(flag, scale_ring(ring, -1), ring)])
    (planes,) = ring_to_word(p, [positive], largest.bit_length())
    return _Magnitude(column, planes, negative)


def _wide_magnitude(evaluator: Evaluator, column: SecretColumn, factor: int) -> _Magnitude:
    """The same of numbers beyond the ring."""
    p = evaluator.protocol
    size, negative = magnitude(p, column)
    if factor != 1:
        whole = Encoding(lo=0, hi=(1 << size.width) - 1)
        value = SecretColumn(encoding=whole, rows=size.rows, bits=size)
        size = linear(p, [(value, factor)], Encoding(lo=0, hi=whole.hi * factor))
    return _Magnitude(column, size, negative)


def signed_under(evaluator: Evaluator, raw: Bits, signs: Sequence[Bits], target: Encoding) -> Bits:
    """Applies the operands' signs and the target's lower bound."""
    p = evaluator.protocol
    width = target.width
    if not signs:
        return _offset(evaluator, zero_extend(raw, max(width, raw.width)), target)
    negative = signs[0] if len(signs) == 1 else signs[0] ^ signs[1]
    wide = zero_extend(raw, max(width, raw.width + 1))
    (chosen,) = select(p, [(negative, negate(p, wide, width=wide.width), wide)])
    return _offset(evaluator, chosen, target)


def _offset(evaluator: Evaluator, planes: Bits, target: Encoding) -> Bits:
    if target.lo == 0:
        return zero_extend(planes, target.width)
    shifted = add_constant(evaluator.protocol, planes, -target.lo, width=planes.width)
    return zero_extend(shifted, target.width)
