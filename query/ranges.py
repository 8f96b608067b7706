"""The public range of an expression's encoded values, by exact interval arithmetic.

Ranges contain every value that the expression can take for columns within their declared bounds.
Decimals are aligned as their types say (datatypes.py). NULLs have no part in a range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from . import moments
from .bound import (
    Aggregate,
    Call,
    Case,
    ColumnRef,
    Exists,
    Expression,
    InSubquery,
    Interval,
    Literal,
    QuantifiedSubquery,
    ScalarSubquery,
)
from .bounds import (
    NOTHING,
    TRUTH,
    domain_encoding,
    is_wide,
    natural_encoding,
    text_bytes,
    text_encoding,
    union_of,
)
from .casting import EXACT
from .datatypes import (
    BooleanType,
    Column,
    DateType,
    Encoding,
    SqlType,
    TimestampType,
    VarcharType,
)
from .date_ranges import extract_range, last_day_range, shifted_range, truncated_range
from .text_ranges import called_bytes, written_range
from .typerules import decimals

__all__ = ["AggregateRange", "domain_encoding", "encoding_of", "natural_encoding", "union_of"]

AggregateRange = Callable[[Aggregate], Encoding | None]

_BOOLEAN_CALLS = frozenset(
    str.split(
        """
        = <> < <= > >= is_distinct is_not_distinct and or not is_null is_not_null in like
        not_like
        """
    )
)


def encoding_of(
    expression: Expression,
    columns: Mapping[int, Column],
    aggregate: AggregateRange | None = None,
) -> Encoding | None:
    """The encoding of an expression over columns given by id; None where it has no public bound.

    aggregate: gives the range of an aggregate; without it, its type's natural range is taken.
    """
    return _Ranges(columns, aggregate).of(expression)


class _Ranges:
    def __init__(self, columns: Mapping[int, Column], aggregate: AggregateRange | None) -> None:
        self.columns = columns
        self.aggregate = aggregate

    def of(self, expression: Expression) -> Encoding | None:
        encoding = self._of(expression)
        return None if encoding is None or is_wide(encoding) else encoding

    def _of(self, expression: Expression) -> Encoding | None:
        match expression:
            case ColumnRef(id=identity):
                column = self.columns.get(identity)
                return None if column is None else column.encoding
            case Literal():
                return _literal(expression)
            case Case():
                return self._case(expression)
            case Aggregate():
                if self.aggregate is not None:
                    return self.aggregate(expression)
                return natural_encoding(expression.type)
            case Exists() | InSubquery() | QuantifiedSubquery():
                return TRUTH
            case ScalarSubquery(query=query):
                return query.columns[0].encoding
            case Call():
                return self._call(expression)
            case _:
                return natural_encoding(expression.type)

    def _case(self, case: Case) -> Encoding | None:
        values = [value for _, value in case.branches]
        if case.otherwise is not None:
            values.append(case.otherwise)
        return self._union(values, case.type)

    def _union(self, values: Iterable[Expression], sql_type: SqlType) -> Encoding | None:
        """The union of several alternatives; NULL constants take no part."""
        ranges = [self.of(v) for v in values if not _is_null(v)]
        if not ranges:
            return NOTHING
        total = ranges[0]
        for other in ranges[1:]:
            total = union_of(total, other)
        return total

    def _call(self, call: Call) -> Encoding | None:
        if call.function in _BOOLEAN_CALLS or isinstance(call.type, BooleanType):
            return TRUTH
        if isinstance(call.type, VarcharType):
            return self._text_call(call)
        match call.function:
            case "coalesce":
                return self._union(call.arguments, call.type)
            case "nullif":
                return self.of(call.arguments[0])
            case "cast":
                return self._cast(call)
            case "extract":
                return self._extract(call)
            case "date_trunc":
                return self._truncated(call)
            case "last_day":
                return self._last_day(call)
            case "mapped":
                return self._mapped(call)
            case "units" | "shift_right":
                return self._whole(call)
            case "length" | "strlen":
                return self._length(call)
            case "sign":
                return self._sign(call)
        return self._arithmetic(call)

    def _text_call(self, call: Call) -> Encoding | None:
        match call.function:
            case "mapped":
                return self._mapped(call)
            case "coalesce" | "greatest" | "least":
                return self._union(call.arguments, call.type)
            case "nullif" | "cast":
                inner = self.of(call.arguments[0])
                source = call.arguments[0].type
                return inner if _is_text(call.arguments[0]) else written_range(source, inner)
            case _:
                sizes = [self._bytes(argument) for argument in call.arguments]
                size = called_bytes(call, sizes)
                return natural_encoding(call.type) if size is None else text_encoding(size)

    def _bytes(self, expression: Expression) -> int | None:
        """Of a text, and of another value as it is written out."""
        if isinstance(expression, Literal) and expression.value is None:
            return 0
        inner = self.of(expression)
        written = inner if _is_text(expression) else written_range(expression.type, inner)
        return None if written is None else text_bytes(written)

    def _arithmetic(self, call: Call) -> Encoding | None:
        bounds = [self._aligned(argument, call) for argument in call.arguments]
        known = [b for b in bounds if b is not None]
        if len(known) != len(bounds) or decimals(call.type) is None:
            return self._moment(call)
        match call.function, known:
            case "+", [(a, b), (c, d)]:
                return Encoding(lo=a + c, hi=b + d)
            case "-", [(a, b), (c, d)]:
                return Encoding(lo=a - d, hi=b - c)
            case "*", [(a, b), (c, d)]:
                products = (a * c, a * d, b * c, b * d)
                return Encoding(lo=min(products), hi=max(products))
            case "negate", [(a, b)]:
                return Encoding(lo=-b, hi=-a)
            case "abs", [(a, b)]:
                low = 0 if a <= 0 <= b else min(abs(a), abs(b))
                return Encoding(lo=low, hi=max(abs(a), abs(b)))
            case "greatest", _:
                return _extreme(known, call, max)
            case "least", _:
                return _extreme(known, call, min)
            case (("//" | "%"), [top, bottom]):
                return _division(call.function, top, bottom)
            case "round" | "floor" | "ceil" | "trunc", [(a, b), *_]:
                return self._rounded(call)
            case _:
                return natural_encoding(call.type)

    def _aligned(self, argument: Expression, call: Call) -> tuple[int, int] | None:
        """An argument's bounds in the scale of the call (in its own for a product)."""
        own, wanted = decimals(argument.type), decimals(call.type)
        encoding = self.of(argument)
        if encoding is None or own is None or encoding.fraction_bits or wanted is None:
            return None
        exact = call.function in ("*", "round", "floor", "ceil", "trunc")
        factor = 1 if exact else 10 ** max(0, wanted - own)
        return encoding.lo * factor, encoding.hi * factor

    def _moment(self, call: Call) -> Encoding | None:
        """A moment plus or minus a constant interval keeps the order of days."""
        natural = natural_encoding(call.type)
        if natural is None or not isinstance(call.type, TimestampType):
            return natural
        start, interval = call.arguments
        if not isinstance(interval, Literal):
            start, interval = interval, start
        inner = self.of(start)
        if inner is None or not isinstance(interval, Literal):
            return natural
        if not isinstance(interval.value, Interval):
            return natural
        step = moments.scale_interval(interval.value, -1 if call.function == "-" else 1)
        try:
            return shifted_range(inner, step, _day_unit(start))
        except ValueError:
            return natural

    def _cast(self, call: Call) -> Encoding | None:
        (argument,) = call.arguments
        if _is_null(call):
            return NOTHING
        inner = self.of(argument)
        if inner is None or inner.domain is not None or inner.text_bytes is not None:
            return natural_encoding(call.type)
        match argument.type, call.type:
            case DateType(), TimestampType():
                day = moments.DAY_MICROSECONDS
                return Encoding(lo=inner.lo * day, hi=inner.hi * day)
            case TimestampType(), DateType():
                day = moments.DAY_MICROSECONDS
                return Encoding(lo=inner.lo // day, hi=inner.hi // day)
        own, wanted = decimals(argument.type), decimals(call.type)
        if own is None or wanted is None or inner.fraction_bits:
            return inner if call.type == argument.type else natural_encoding(call.type)
        return Encoding(lo=_rescale(inner.lo, own, wanted), hi=_rescale(inner.hi, own, wanted))

    def _rounded(self, call: Call) -> Encoding | None:
        argument = call.arguments[0]
        inner, own, wanted = self.of(argument), decimals(argument.type), decimals(call.type)
        if inner is None or own is None or wanted is None:
            return natural_encoding(call.type)
        margin = 1
        if len(call.arguments) == 2:
            digits = call.arguments[1]
            places = digits.value if isinstance(digits, Literal) else None
            if not isinstance(places, int):
                return natural_encoding(call.type)
            margin = 10 ** max(0, -places)
        low, high = _rescale(inner.lo, own, wanted), _rescale(inner.hi, own, wanted)
        return Encoding(lo=low - margin, hi=high + margin)

    def _extract(self, call: Call) -> Encoding | None:
        part, operand = call.arguments
        name = part.value if isinstance(part, Literal) else None
        found = None
        if isinstance(name, str):
            found = extract_range(name, self.of(operand), _day_unit(operand))
        return found or natural_encoding(call.type)

    def _truncated(self, call: Call) -> Encoding | None:
        part, operand = call.arguments
        inner, name = self.of(operand), part.value if isinstance(part, Literal) else None
        if inner is None or not isinstance(name, str):
            return natural_encoding(call.type)
        return truncated_range(name, inner, _day_unit(operand))

    def _last_day(self, call: Call) -> Encoding | None:
        inner = self.of(call.arguments[0])
        if inner is None:
            return natural_encoding(call.type)
        return last_day_range(inner, _day_unit(call.arguments[0]))

    def _mapped(self, call: Call) -> Encoding | None:
        """A public table: the operand, then the value for each of its codes."""
        return self._union(call.arguments[1:], call.type)

    def _whole(self, call: Call) -> Encoding | None:
        """The encoded integers of a value, perhaps divided by a power of two."""
        inner = self.of(call.arguments[0])
        if inner is None:
            return None
        places = call.arguments[1].value if len(call.arguments) > 1 else 0  # type: ignore[attr-defined]
        return Encoding(lo=inner.lo >> places, hi=inner.hi >> places)

    def _length(self, call: Call) -> Encoding | None:
        inner = self.of(call.arguments[0])
        length = None if inner is None else text_bytes(inner)
        return natural_encoding(call.type) if length is None else Encoding(lo=0, hi=length)

    def _sign(self, call: Call) -> Encoding | None:
        inner = self.of(call.arguments[0])
        if inner is None:
            return Encoding(lo=-1, hi=1)
        return Encoding(lo=(inner.lo > 0) - (inner.lo < 0), hi=(inner.hi > 0) - (inner.hi < 0))


def _literal(literal: Literal) -> Encoding | None:
    value = literal.value
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return domain_encoding([value])
    scale = decimals(literal.type)
    if isinstance(value, float):
        if scale is None or not math.isfinite(value):
            return None
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        code = int(value.scaleb(scale or 0, EXACT).to_integral_value(context=EXACT))
        return Encoding(lo=code, hi=code)
    if isinstance(value, int):
        return Encoding(lo=int(value), hi=int(value))
    return None


def _is_null(expression: Expression) -> bool:
    while isinstance(expression, Call) and expression.function == "cast":
        (expression,) = expression.arguments
    return isinstance(expression, Literal) and expression.value is None


def _day_unit(expression: Expression) -> int:
    """Encoded values per day of a date or a timestamp."""
    return 1 if isinstance(expression.type, DateType) else moments.DAY_MICROSECONDS


def _is_text(expression: Expression) -> bool:
    return isinstance(expression.type, VarcharType)


def _extreme(
    bounds: list[tuple[int, int]], call: Call, pick: Callable[[Iterable[int]], int]
) -> Encoding:
    """GREATEST and LEAST skip NULLs, so a nullable argument need not take part."""
    sure = [b for b, a in zip(bounds, call.arguments, strict=True) if not a.nullable]
    low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
    if pick is max:
        return Encoding(lo=max([b[0] for b in sure], default=low), hi=high)
    return Encoding(lo=low, hi=min([b[1] for b in sure], default=high))


def _division(function: str, top: tuple[int, int], bottom: tuple[int, int]) -> Encoding:
    """// and % truncate towards zero; by zero they give NULL."""
    largest = max(abs(top[0]), abs(top[1]))
    if function == "%":
        largest = min(largest, max(max(abs(bottom[0]), abs(bottom[1])) - 1, 0))
        return Encoding(lo=-largest if top[0] < 0 else 0, hi=largest if top[1] > 0 else 0)
    smallest = bottom[0] if bottom[0] > 0 else -bottom[1] if bottom[1] < 0 else 1
    quotient = largest // smallest
    signed = top[0] < 0 or bottom[0] < 0
    return Encoding(lo=-quotient if signed else 0, hi=quotient)


def _rescale(value: int, own: int, wanted: int) -> int:
    """An encoded number in another scale, rounded half away from zero."""
    if wanted >= own:
        return int(value * 10 ** (wanted - own))
    divisor = 10 ** (own - wanted)
    magnitude = (abs(value) * 2 + divisor) // (2 * divisor)
    return int(-magnitude if value < 0 else magnitude)
