"""Comparisons over secret columns: with constants, between columns, on planes or in the ring.

A value that stands only in the ring is compared by the sign of a difference (one conversion
instead of two and a less-than). Source: PROTOCOLS, section 5.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from ...query.bound import Call, Expression, Literal
from ...query.bounds import text_bytes, union_of
from ...query.datatypes import BooleanType, DateType, DoubleType, Encoding, TimestampType
from ...query.errors import InternalError
from ...query.moments import DAY_MICROSECONDS
from ..circuits.compare import (
    any_of,
    equal,
    equal_constant,
    less_than,
    less_than_constant,
)
from ..circuits.convert import ring_to_word
from ..sharing.shares import Bits, stack
from .literal import exact, text_code
from .table import SecretColumn, bits_in, need_bits, need_ring

if TYPE_CHECKING:
    from .expression import Evaluator

MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(slots=True)
class Comparator:
    """Compares values that an evaluator computes."""

    evaluator: Evaluator

    def compare(self, call: Call) -> SecretColumn:
        """A comparison, IS [NOT] DISTINCT FROM, or IN with literals."""
        left, *rest = call.arguments
        if call.function == "in":
            return self._membership(left, rest)
        if call.function in ("is_distinct", "is_not_distinct"):
            return self._distinctness(call)
        (right,) = rest
        if isinstance(right, Literal) and not isinstance(left, Literal):
            return self._with_literal(left, call.function, right)
        if isinstance(left, Literal) and not isinstance(right, Literal):
            return self._with_literal(right, MIRRORED[call.function], left)
        return self._columns(
            self.evaluator.evaluate(left), call.function, self.evaluator.evaluate(right)
        )

    def less(self, left: SecretColumn, right: SecretColumn) -> Bits:
        """left < right as a plane; unspecified under NULL."""
        p = self.evaluator.protocol
        if _wants_ring(left, right):
            rings = need_ring(p, [left, right])
            return self._negative(
                SecretColumn(
                    encoding=_difference(left.encoding, right.encoding),
                    rows=left.rows,
                    ring=rings[0] - rings[1],
                )
            )
        return less_than(p, [self._aligned(left, right)])[0]

    def equality(self, left: SecretColumn, right: SecretColumn) -> SecretColumn:
        """left = right as a Boolean column."""
        p = self.evaluator.protocol
        if _wants_ring(left, right):
            rings = need_ring(p, [left, right])
            encoding = _difference(left.encoding, right.encoding)
            width = max(abs(encoding.lo), abs(encoding.hi)).bit_length() + 1
            (word,) = ring_to_word(p, [rings[0] - rings[1]], width)
            plane = p.invert(any_of(p, [word])[0])
        else:
            (plane,) = equal(p, [self._aligned(left, right)])
        return self._finish(plane, [left, right])

    def _columns(self, left: SecretColumn, operator: str, right: SecretColumn) -> SecretColumn:
        p = self.evaluator.protocol
        match operator:
            case "=":
                return self.equality(left, right)
            case "<>":
                same = self.equality(left, right)
                plane = need_bits(p, [same])[0]
                flipped = plane if same.null is None else plane ^ same.null
                return self._finish(p.invert(flipped), [same], masked=True)
            case "<":
                return self._finish(self.less(left, right), [left, right])
            case ">":
                return self._finish(self.less(right, left), [left, right])
            case "<=":
                return self._finish(p.invert(self.less(right, left)), [left, right])
            case _:
                return self._finish(p.invert(self.less(left, right)), [left, right])

    def _finish(
        self, plane: Bits, operands: list[SecretColumn], *, masked: bool = False
    ) -> SecretColumn:
        """A Boolean column: unknown where an operand is NULL, its plane 0 there."""
        from .expression import boolean

        p = self.evaluator.protocol
        null = self.evaluator.either_null(operands)
        if null is not None and not masked:
            (plane,) = p.and_([(plane, p.invert(null))])
        return boolean(plane, null)

    def _aligned(self, left: SecretColumn, right: SecretColumn) -> tuple[Bits, Bits]:
        """Both operands' planes under one encoding."""
        p = self.evaluator.protocol
        target = common_encoding(left.encoding, right.encoding)
        return bits_in(p, left, target), bits_in(p, right, target)

    def _negative(self, value: SecretColumn) -> Bits:
        """The sign bit of a ring value."""
        p = self.evaluator.protocol
        encoding = value.encoding
        if encoding.lo >= 0:
            return p.constant_bits(0, 1, value.rows)
        width = max(abs(encoding.lo), abs(encoding.hi)).bit_length() + 1
        (word,) = ring_to_word(p, need_ring(p, [value]), width)
        return word.planes(width - 1, width)

    def _with_literal(self, left: Expression, operator: str, literal: Literal) -> SecretColumn:
        p = self.evaluator.protocol
        if literal.value is None:
            rows = self.evaluator.rows
            unknown = p.constant_bits(1, 1, rows)
            return self._finish(p.constant_bits(0, 1, rows), [_null_column(unknown)], masked=True)
        value, threshold = self._threshold(left, literal)
        plane = self._against(value, operator, threshold)
        return self._finish(plane, [value])

    def _threshold(self, left: Expression, literal: Literal) -> tuple[SecretColumn, Bound]:
        """The value to compare, and the literal in the value's encoded units."""
        from .expression import decimals

        if isinstance(literal.value, str):
            value = self.evaluator.evaluate(left)
            return value, string_bound(literal.value, value.encoding)
        left, factor = _without_casts(left)
        value = self.evaluator.evaluate(left)
        bits = value.encoding.fraction_bits
        factor *= 2**bits if bits is not None else 10 ** decimals(left.type)
        return value, number_bound(exact(literal.value) * factor)

    def _against(self, value: SecretColumn, operator: str, bound: Bound) -> Bits:
        """value OP constant, where `bound` gives the integer thresholds."""
        p = self.evaluator.protocol
        match operator:
            case "=":
                return self._equals(value, [] if bound.equal is None else [bound.equal])
            case "<>":
                return p.invert(self._equals(value, [] if bound.equal is None else [bound.equal]))
            case "<":
                return self._below(value, bound.less)
            case ">=":
                return p.invert(self._below(value, bound.less))
            case "<=":
                return self._below(value, bound.at_most)
            case _:
                return p.invert(self._below(value, bound.at_most))

    def _equals(self, value: SecretColumn, constants: list[int]) -> Bits:
        """Whether the value is one of the constants."""
        p = self.evaluator.protocol
        encoding = value.encoding
        inside = [c - encoding.lo for c in constants if encoding.lo <= c <= encoding.hi]
        if not inside:
            return p.constant_bits(0, 1, value.rows)
        (planes,) = need_bits(p, [value])
        flags = equal_constant(p, planes, inside)
        return flags[0] if len(flags) == 1 else any_of(p, [stack(flags)])[0]

    def _below(self, value: SecretColumn, threshold: int) -> Bits:
        """value < threshold."""
        p = self.evaluator.protocol
        encoding = value.encoding
        if threshold <= encoding.lo or threshold > encoding.hi:
            return p.constant_bits(int(threshold > encoding.hi), 1, value.rows)
        value.force("bits")
        if value.bits is None and encoding.hi - encoding.lo >= 1 << 63:
            need_bits(p, [value])
        if value.bits is None:
            ring = p.add_public(need_ring(p, [value])[0], -threshold)
            shifted = Encoding(lo=encoding.lo - threshold, hi=encoding.hi - threshold)
            return self._negative(SecretColumn(encoding=shifted, rows=value.rows, ring=ring))
        return less_than_constant(p, [(value.bits, threshold - encoding.lo)])[0]

    def _membership(self, left: Expression, items: list[Expression]) -> SecretColumn:
        """IN over literals: unknown if nothing matches and a NULL is in the list."""
        p = self.evaluator.protocol
        literals = [item for item in items if isinstance(item, Literal)]
        if len(literals) != len(items):
            raise InternalError("IN over shares with items that are not literals")
        known = [item for item in literals if item.value is not None]
        value: SecretColumn | None = None
        constants: list[int] = []
        for item in known:
            if value is None:
                value, bound = self._threshold(left, item)
            else:
                bound = self._bound(left, value, item)
            if bound.equal is not None:
                constants.append(bound.equal)
        if value is None:
            value = self.evaluator.evaluate(left)
        found = self._finish(self._equals(value, constants), [value])
        if len(known) == len(items):
            return found
        plane = need_bits(p, [found])[0]
        return self._finish(plane, [_null_column(p.invert(plane))], masked=True)

    def _bound(self, left: Expression, value: SecretColumn, item: Literal) -> Bound:
        from .expression import decimals

        if isinstance(item.value, str):
            return string_bound(item.value, value.encoding)
        left, factor = _without_casts(left)
        return number_bound(exact(item.value) * factor * 10 ** decimals(left.type))

    def _distinctness(self, call: Call) -> SecretColumn:
        """IS [NOT] DISTINCT FROM: equality that treats NULLs as equal; never unknown."""
        from .expression import boolean

        p = self.evaluator.protocol
        left, right = call.arguments
        equal_call = Call(type=call.type, nullable=True, function="=", arguments=(left, right))
        same = need_bits(p, [self.compare(equal_call)])[0]
        nulls = [self.evaluator.evaluate(side).null for side in (left, right)]
        present = [plane for plane in nulls if plane is not None]
        if len(present) == 2:
            same = same ^ p.and_([(present[0], present[1])])[0]
        return boolean(same if call.function == "is_not_distinct" else p.invert(same))


def _without_casts(value: Expression) -> tuple[Expression, Fraction]:
    """The expression below casts that lose nothing, and its units per unit of the cast's value."""
    from .expression import decimals

    factor = Fraction(1)
    while isinstance(value, Call) and value.function == "cast":
        (inner,) = value.arguments
        match inner.type, value.type:
            case DateType(), TimestampType():
                factor /= DAY_MICROSECONDS
            case (BooleanType(), _) | (_, BooleanType()) | (TimestampType(), DateType()):
                break
            case _, DoubleType(scale=None):
                pass
            case before, after if decimals(after) < decimals(before):
                break
        value = inner
    return value, factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A constant t against integers x: x < t is x < less; x <= t is x < at_most; x = t is
    x = equal (None: never)."""

    less: int
    at_most: int
    equal: int | None


def number_bound(value: Fraction) -> Bound:
    """Integer thresholds of an exact number."""
    return Bound(
        less=ceil(value),
        at_most=floor(value) + 1,
        equal=int(value) if value.denominator == 1 else None,
    )


def string_bound(value: str, encoding: Encoding) -> Bound:
    """Thresholds of a string among a domain's codes or padded texts."""
    if encoding.domain is not None:
        keys = [item.encode() for item in encoding.domain]
        low, high = bisect_left(keys, value.encode()), bisect_right(keys, value.encode())
        return Bound(less=low, at_most=high, equal=low if high > low else None)
    if encoding.text_bytes is None:
        raise InternalError("a string compared with a column that holds no strings")
    code = text_code(value, encoding.text_bytes)
    if code is not None:
        return Bound(less=code, at_most=code + 1, equal=code)
    cut = int.from_bytes(value.encode()[: encoding.text_bytes], "big") + 1
    return Bound(less=cut, at_most=cut, equal=None)


def common_encoding(left: Encoding, right: Encoding) -> Encoding:
    """The smallest encoding that holds the values of both."""
    if any(text_bytes(encoding) is not None for encoding in (left, right)):
        union = union_of(left, right)
        if union is None:
            raise InternalError("texts are compared with what is no text")
        return union
    return Encoding(
        lo=min(left.lo, right.lo),
        hi=max(left.hi, right.hi),
        fraction_bits=left.fraction_bits,
    )


def _wants_ring(left: SecretColumn, right: SecretColumn) -> bool:
    """Whether the difference in the ring is the cheaper way: one side has no planes."""
    for column in (left, right):
        column.force("bits")
    pairs = [c for c in (left, right) if not c.is_constant]
    if not _difference(left.encoding, right.encoding).fits_ring:
        return False
    return any(c.bits is None for c in pairs) and all(
        c.ring is not None or c.is_constant for c in (left, right)
    )


def _difference(left: Encoding, right: Encoding) -> Encoding:
    return Encoding(lo=left.lo - right.hi, hi=left.hi - right.lo)


def _null_column(null: Bits) -> SecretColumn:
    """A carrier for a null plane."""
    return SecretColumn(encoding=Encoding(lo=0, hi=0), rows=null.rows, null=null)
