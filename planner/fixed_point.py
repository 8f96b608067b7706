"""Computed DOUBLE values in expressions, as exact integers over powers of two.

What has no rational form left (a standard deviation, a mean read from a shared table) is a column
of integers M with the value M / 2^f. An expression over such values is again a whole number over a
power of two, and only whole numbers are computed with:

    m * 1.5        =>  fixed(units(m) * 3, f + 1)
    m + n          =>  fixed(units(m) * 2^(g - f) + units(n), g)                    (f <= g)
    m < 0.1        =>  units(m) <= floor(0.1 * 2^f - 1)
    round(m, 2)    =>  shift_right(units(m) * 100 + 2^(f - 1) + 100, f), two decimals  (m >= 0)

M is the true value with the rest cut off, so it is off by less than a unit. A number's slack bounds
that in units of its whole number. What lies within the slack of a bound counts as equal to it: a
mean of exactly 0.1 is not less than 0.1. Comparisons and roundings are right for all values that
are farther apart. A product of two secret factors has the slack of the worse one. Whole numbers
beyond 126 bits lose bits at their end, down to 33 behind the point.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.datatypes import DOUBLE, Column, Encoding
from .expressions import call, disjunction
from .fixed_bounds import against, between, named
from .ranging import expression_range
from .scales import rescaled, scale_of
from .whole_numbers import (
    exact_value,
    integer_of,
    is_null,
    shift_right,
    times,
    units,
    whole_literal,
    whole_type,
)

WIDTH = 126
PRECISION = 33
CONSTANT_BITS = 66
"""Significant bits of a constant that is no multiple of a power of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """whole / 2^bits, off by less than `slack` units; `whole` is exact, perhaps with decimals."""

    whole: Expression
    bits: int
    slack: int

    @property
    def scale(self) -> int:
        return scale_of(self.whole.type) or 0


class FixedPoint:
    """Operations on rewritten expressions of which at least one is a computed DOUBLE."""

    def __init__(self, columns: Mapping[int, Column]) -> None:
        self._ranges = {column.id: column.encoding for column in columns.values()}

    def is_fixed(self, expression: Expression) -> bool:
        """Whether the expression is a computed DOUBLE: a column, or what is made here."""
        if isinstance(expression, Call):
            return expression.function == "fixed"
        encoding = self._ranges.get(expression.id) if isinstance(expression, ColumnRef) else None
        return encoding is not None and encoding.fraction_bits is not None

    def concerns(self, expressions: Iterable[Expression]) -> bool:
        """Whether a computed DOUBLE is among the expressions, beside exact numbers alone."""
        known = [e for e in expressions if not is_null(e)]
        fixed = [self.is_fixed(e) for e in known]
        return any(fixed) and all(
            own or scale_of(e.type) is not None for own, e in zip(fixed, known, strict=True)
        )

    def number(self, expression: Expression) -> Number:
        """The parts of a computed DOUBLE or of an exact number."""
        match expression:
            case Call(function="fixed", arguments=(whole, bits, slack)):
                return Number(whole=whole, bits=integer_of(bits), slack=integer_of(slack))
            case ColumnRef() if self.is_fixed(expression):
                encoding = self._ranges[expression.id]
                assert encoding is not None
                behind = encoding.fraction_bits or 0
                return Number(whole=units(expression), bits=behind, slack=min(1, behind))
            case Literal():
                return constant(exact_value(expression))
            case _:
                return Number(whole=expression, bits=0, slack=0)

    def arithmetic(self, node: Call, arguments: Sequence[Expression]) -> Expression:
        """+ - * negate abs sign, and division by a constant that is not 0."""
        numbers = [self.number(argument) for argument in arguments]
        first = numbers[0]
        match node.function:
            case "sign":
                return call("sign", [first.whole], type=node.type, like=node)
            case "negate" | "abs":
                whole = call(node.function, [first.whole], type=first.whole.type)
                return self._made(dataclasses.replace(first, whole=whole), node)
            case "*" | "/":
                if node.function == "/":
                    numbers[1] = constant(1 / exact_value(arguments[1]))
                return self._made(self._product(*numbers), node)
            case _:
                (a, b), bits, slack = self.aligned(numbers)
                whole = call(node.function, [a, b], type=a.type)
                return self._made(Number(whole=whole, bits=bits, slack=sum(slack)), node)

    def computed(
        self, expression: Expression, rewrite: Callable[[Expression], Expression]
    ) -> Expression:
        """A column's expression: without decimals, or one division of whole numbers."""
        if isinstance(expression, Call) and expression.function == "/":
            operands = [rewrite(argument) for argument in expression.arguments]
            constant = isinstance(operands[1], Literal) and bool(operands[1].value)
            if self.concerns(operands) and not constant:
                return self._division(expression, operands)
        made = rewrite(expression)
        if not isinstance(made, Call) or made.function != "fixed":
            return made
        return self._made(self.binary(self.number(made)), expression)

    def _division(self, node: Call, operands: Sequence[Expression]) -> Expression:
        wholes, _, _ = self.aligned([self.number(operand) for operand in operands])
        return call("/", wholes, type=DOUBLE, nullable=True, like=node)

    def comparison(self, node: Call, left: Expression, right: Expression) -> Expression:
        """A comparison or IS [NOT] DISTINCT FROM; not of two constants, the second may be one."""
        if node.function == "is_distinct":
            same = self.comparison(named(node, "is_not_distinct"), left, right)
            return call("not", [same], nullable=False, like=node)
        if node.function == "is_not_distinct":
            return self._same(node, left, right)
        first = self.number(left)
        if isinstance(right, Literal):
            if is_null(right):
                null = dataclasses.replace(right, type=first.whole.type)
                return call(node.function, [first.whole, null], nullable=True, like=node)
            bound = exact_value(right) * (10**first.scale << first.bits)
            return against(node, first.whole, bound, first.slack)
        (a, b), _, slack = self.aligned([first, self.number(right)])
        return between(node, a, b, sum(slack))

    def _same(self, node: Call, left: Expression, right: Expression) -> Expression:
        wholes = [self.number(side).whole for side in (left, right) if not is_null(side)]
        tests: list[Expression] = [call("is_null", [whole], nullable=False) for whole in wholes]
        if len(wholes) < 2:
            return tests[0]
        equal = self.comparison(named(node, "="), left, right)
        known = [call("not", [test], nullable=False) for test in tests]
        both = call("and", [*known, equal], nullable=False)
        return call("or", [call("and", tests, nullable=False), both], nullable=False, like=node)

    def membership(self, node: Call, arguments: Sequence[Expression]) -> Expression:
        """IN, as a disjunction of equalities."""
        first, *items = arguments
        equality = named(node, "=")
        return disjunction([self.comparison(equality, first, item) for item in items])

    def choice(self, node: Call, arguments: Sequence[Expression]) -> Expression:
        """COALESCE, GREATEST, LEAST and NULLIF."""
        if node.function == "nullif":
            return self._nullif(node, *arguments)
        made, rewrap = self.alternatives(arguments)
        function = Call(type=made[0].type, nullable=True, function=node.function, arguments=())
        nullable = all(argument.nullable for argument in arguments)
        return rewrap(dataclasses.replace(function, nullable=nullable, arguments=tuple(made)))

    def alternatives(
        self, values: Sequence[Expression]
    ) -> tuple[list[Expression], Callable[[Expression], Expression]]:
        """The values as whole numbers alike, and what makes a choice of them a number again."""
        known = [self.number(value) for value in values if not is_null(value)]
        wholes, bits, slack = self.aligned(known)
        type = wholes[0].type
        left = iter(wholes)
        made = [
            Literal(type=type, nullable=True, value=None) if is_null(value) else next(left)
            for value in values
        ]

        def rewrap(chosen: Expression) -> Expression:
            return self._made(Number(whole=chosen, bits=bits, slack=max(slack)), chosen)

        return made, rewrap

    def _nullif(self, node: Call, left: Expression, right: Expression) -> Expression:
        number = self.number(left)
        if is_null(right):
            return left
        if isinstance(left, Literal):
            same = self.comparison(named(node, "="), right, left)
        else:
            same = self.comparison(named(node, "="), left, right)
        null = Literal(type=number.whole.type, nullable=True, value=None)
        whole = Case(
            type=number.whole.type, nullable=True, branches=((same, null),), otherwise=number.whole
        )
        return self._made(dataclasses.replace(number, whole=whole), node)

    def aligned(self, numbers: Sequence[Number]) -> tuple[list[Expression], int, list[int]]:
        """Whole numbers of one scale over one power of two; its exponent; each one's slack."""
        bits = max(number.bits for number in numbers)
        scale = max(number.scale for number in numbers)
        wholes = [rescaled(times(n.whole, 1 << bits - n.bits), scale) for n in numbers]
        slack = [n.slack * (10 ** (scale - n.scale) << bits - n.bits) for n in numbers]
        return wholes, bits, slack

    def binary(self, number: Number) -> Number:
        """The same without decimals: times 2^q / 10^scale, over 2^q."""
        if not number.scale:
            return number
        factor = constant(Fraction(1, 10**number.scale))
        by = integer_of(factor.whole)
        slack = number.slack * (by + 1) + self._largest(number.whole)
        whole = times(units(number.whole), by)
        return self._narrowed(Number(whole=whole, bits=number.bits + factor.bits, slack=slack))

    def _product(self, left: Number, right: Number) -> Number:
        if isinstance(left.whole, Literal):
            left, right = right, left
        bits = left.bits + right.bits
        if not isinstance(right.whole, Literal):
            slacks = (
                left.slack * 10**right.scale << right.bits,
                right.slack * 10**left.scale << left.bits,
            )
            type = whole_type(left.scale + right.scale)
            whole = call("*", [left.whole, right.whole], type=type)
            return Number(whole=whole, bits=bits, slack=max(slacks))
        by = integer_of(right.whole)
        slack = left.slack * (abs(by) + right.slack) + right.slack * self._largest(left.whole)
        return Number(whole=times(left.whole, by), bits=bits, slack=slack)

    def _made(self, number: Number, like: Expression) -> Expression:
        number = self._narrowed(number)
        parts = [number.whole, whole_literal(number.bits), whole_literal(number.slack)]
        made = call("fixed", parts, type=DOUBLE, nullable=number.whole.nullable)
        return dataclasses.replace(made, span=like.span)

    def _narrowed(self, number: Number) -> Number:
        excess = self._largest(number.whole).bit_length() - WIDTH
        drop = min(excess, number.bits - PRECISION)
        if drop <= 0:
            return number
        return _with_fewer_bits(number, drop)

    def _largest(self, whole: Expression) -> int:
        encoding = expression_range(whole, self._ranges)
        return 0 if encoding is None else max(abs(encoding.lo), abs(encoding.hi))


def _with_fewer_bits(number: Number, drop: int) -> Number:
    whole = shift_right(number.whole, drop)
    return Number(whole=whole, bits=number.bits - drop, slack=(number.slack >> drop) + 2)


def fixed_encoding(number: Call, ranges: Mapping[int, Encoding | None]) -> Encoding | None:
    """The encoding of a `fixed` call without decimals: as many bits as there are and go in."""
    whole, bits = number.arguments[0], integer_of(number.arguments[1])
    found = expression_range(whole, ranges)
    if found is None:
        return None
    size = max(abs(found.lo), abs(found.hi)) >> bits
    kept = min(bits, WIDTH - 1 - size.bit_length())
    if kept < min(bits, PRECISION):
        return None
    drop = bits - kept
    return Encoding(lo=found.lo >> drop, hi=found.hi >> drop, fraction_bits=kept)


def constant(value: Fraction) -> Number:
    """A constant: exact over a power of two, else with 66 significant bits."""
    bits = value.denominator.bit_length() - 1
    if value.denominator == 1 << bits:
        return Number(whole=whole_literal(value.numerator), bits=bits, slack=0)
    size = value.denominator.bit_length() - abs(value.numerator).bit_length()
    bits = max(0, CONSTANT_BITS + size)
    return Number(whole=whole_literal(int(value * 2**bits)), bits=bits, slack=1)
