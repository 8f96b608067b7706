"""Evaluates bound expressions over the columns of a secret table.

Values are secret columns (table.py); a constant is a column of width 0. Three-valued logic: every
Boolean result carries a plane that is 1 where the result is TRUE, and a null plane if it can be
unknown. What runs in the ring: + - * and negation (with public constants: free). What runs on
planes: comparisons, logic, selection by a condition unless the ring is wanted.

Cost: the circuits named in each function; constants cost nothing. Source: PROTOCOLS, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...query.bound import Call, Case, ColumnRef, Expression, Literal
from ...query.datatypes import (
    BooleanType,
    Column,
    DateType,
    DecimalType,
    DoubleType,
    Encoding,
    SqlType,
    TimestampType,
)
from ...query.errors import InternalError
from ...query.ranges import encoding_of
from ..circuits.compare import all_of, any_of, any_row
from ..circuits.convert import ring_to_word
from ..circuits.select import select, select_ring
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, stack
from .comparison import Comparator
from .dates import date_of, shifted, timestamp_of
from .functions import FUNCTIONS
from .literal import encode_literal
from .numbers import to_fewer_decimals
from .quotient import quotient
from .statistic import statistic
from .table import (
    FailureFlag,
    Form,
    SecretColumn,
    bits_in,
    cleaned_bits,
    need_bits,
    need_ring,
    null_or_never,
    scale_ring,
)
from .whole import fixed
from .wide import linear, magnitude, product

BIT = Encoding(lo=0, hi=1)


def boolean(plane: Bits, null: Bits | None = None) -> SecretColumn:
    """A Boolean column from its IS TRUE plane (0 under NULL) and its null plane."""
    return SecretColumn(encoding=BIT, rows=plane.rows, bits=plane, null=null, clean_bits=True)


def decimals(sql_type: SqlType) -> int:
    """How many decimals the encoded integers of a numeric type carry."""
    match sql_type:
        case DecimalType(scale=scale):
            return scale
        case DoubleType(scale=int() as scale):
            return scale
        case _:
            return 0


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions over one table's columns."""

    protocol: SharingProtocol
    rows: int
    columns: Mapping[int, SecretColumn]
    definitions: Mapping[int, Column]
    valid: Bits
    failures: list[FailureFlag]

    def evaluate(
        self, expression: Expression, form: Form = "bits", target: Encoding | None = None
    ) -> SecretColumn:
        """The value of an expression; `form` says in which form it is wanted (a hint).

        `target` is the encoding that the plan states for it: it decides the fraction bits of
        quotients.
        """
        match expression:
            case ColumnRef(id=identity):
                column = self.columns[identity]
                column.force(form)
                return column
            case Literal():
                return self.literal(expression, target)
            case Case():
                return self.case(expression, form, target)
            case Call():
                return self.call(expression, form, target)
            case _:
                raise InternalError(f"{type(expression).__name__} over shares was not planned away")

    def literal(self, expression: Literal, target: Encoding | None) -> SecretColumn:
        """A constant column; NULL is a constant with an all-ones null plane."""
        encoding = encode_literal(expression.value, expression.type, target)
        column = SecretColumn(
            encoding=encoding,
            rows=self.rows,
            bits=self.protocol.constant_bits(0, 0, self.rows),
            clean_bits=True,
        )
        if expression.value is None:
            column.null = self.protocol.constant_bits(1, 1, self.rows)
        return column

    def call(self, call: Call, form: Form, target: Encoding | None) -> SecretColumn:
        """Dispatches on the function; the planner has refused whatever is not here."""
        function = call.function
        if function in ("=", "<>", "<", "<=", ">", ">=", "is_distinct", "is_not_distinct", "in"):
            return Comparator(self).compare(call)
        logic: dict[str, Callable[[Call], SecretColumn]] = {
            "and": self.conjunction,
            "or": self.disjunction,
            "not": self.negation,
            "is_null": self.is_null,
            "is_not_null": self.is_not_null,
        }
        if function in logic:
            return logic[function](call)
        if function in ("+", "-") and isinstance(call.type, TimestampType):
            return shifted(self, call)
        if function in ("+", "-", "*", "negate"):
            return self.arithmetic(call)
        if function in ("ratio", "root_ratio", "ratio_to_root"):
            return statistic(self, call, target or self.encoding(call))
        if function == "/":
            return quotient(self, call, target or self.encoding(call))
        if function == "fixed":
            return fixed(self, call, target)
        if function == "cast":
            return self.cast(call, form, target)
        if function in ("coalesce", "greatest", "least"):
            return self.fold(call, form, target)
        if function == "nullif":
            return self.nullif(call, form, target)
        if function in ("abs", "sign"):
            return self.sign_based(call)
        if function in FUNCTIONS:
            return FUNCTIONS[function](self, call)
        raise InternalError(f"function {function} over shares was not planned away")

    def never(self, flag: Bits, null: Bits | None, message: str) -> None:
        """Fails the query if the flag is 1 in a valid row where the value is not NULL."""
        p = self.protocol
        present = self.valid
        if null is not None:
            (present,) = p.and_([(present, p.invert(null))])
        (found,) = p.and_([(flag, present)])
        self.failures.append(FailureFlag(any_row(p, found), message))

    def encoding(self, expression: Expression) -> Encoding:
        """The public range of an expression's encoded values."""
        encoding = encoding_of(expression, self.definitions)
        if encoding is None:
            raise InternalError("an expression over shares has no public bound")
        return encoding

    def truths(self, expressions: Sequence[Expression]) -> list[SecretColumn]:
        """Several Boolean expressions, as planes that are 0 under NULL."""
        values = [self.evaluate(e) for e in expressions]
        cleaned_bits(self.protocol, values)
        return [self.as_boolean(v) for v in values]

    def as_boolean(self, value: SecretColumn) -> SecretColumn:
        """A Boolean value with a plane even if it is a constant. Local."""
        if value.encoding != BIT:
            planes = bits_in(self.protocol, value, BIT)
            if value.null is not None and not (value.clean_bits and value.encoding.lo == 0):
                (planes,) = self.protocol.and_([(planes, self.protocol.invert(value.null))])
            return boolean(planes, value.null)
        return value

    def conjunction(self, call: Call) -> SecretColumn:
        """AND of n operands: two trees at once where unknowns can occur."""
        return self._tree(call, any_true=False)

    def disjunction(self, call: Call) -> SecretColumn:
        """OR of n operands."""
        return self._tree(call, any_true=True)

    def _tree(self, call: Call, *, any_true: bool) -> SecretColumn:
        """TRUE-tree and NOT-FALSE-tree; unknown is where they differ."""
        reduce = any_of if any_true else all_of
        values = self.truths(call.arguments)
        trues = [_plane(v) for v in values]
        if all(v.null is None for v in values):
            return boolean(reduce(self.protocol, [stack(trues)])[0])
        not_false = [
            t if v.null is None else t ^ v.null for t, v in zip(trues, values, strict=True)
        ]
        true, possible = reduce(self.protocol, [stack(trues), stack(not_false)])
        return boolean(true, true ^ possible)

    def negation(self, call: Call) -> SecretColumn:
        """NOT: true where neither true nor unknown. Local."""
        (value,) = self.truths(call.arguments)
        plane = _plane(value) if value.null is None else _plane(value) ^ value.null
        return boolean(self.protocol.invert(plane), value.null)

    def is_null(self, call: Call) -> SecretColumn:
        """Local."""
        value = self.evaluate(call.arguments[0])
        if value.null is None:
            return boolean(self.protocol.constant_bits(0, 1, self.rows))
        return boolean(value.null)

    def is_not_null(self, call: Call) -> SecretColumn:
        """Local."""
        return boolean(self.protocol.invert(_plane(self.is_null(call))))

    def arithmetic(self, call: Call) -> SecretColumn:
        """+ - * and negation in the ring; products of two secrets cost one multiplication."""
        p = self.protocol
        scale = decimals(call.type)
        values = [self.evaluate(a, "ring") for a in call.arguments]
        null = self.either_null(values)
        encoding = self.encoding(call)
        if not all(x.fits_ring for x in (encoding, *(v.encoding for v in values))):
            planes = self._wide(call, values, encoding)
            return SecretColumn(encoding=encoding, rows=self.rows, bits=planes, null=null)
        if call.function == "*":
            ring = self._product(values[0], values[1])
        else:
            rings = need_ring(p, values)
            lifted = [
                scale_ring(ring, 10 ** (scale - decimals(a.type)))
                for ring, a in zip(rings, call.arguments, strict=True)
            ]
            if call.function == "negate":
                ring = scale_ring(lifted[0], -1)
            else:
                ring = lifted[0] + lifted[1] if call.function == "+" else lifted[0] - lifted[1]
        return SecretColumn(encoding=encoding, rows=self.rows, ring=ring, null=null)

    def _wide(self, call: Call, values: Sequence[SecretColumn], encoding: Encoding) -> Bits:
        """+ - * and negation of numbers beyond the ring, on planes."""
        if call.function == "*":
            return product(self.protocol, values[0], values[1], encoding)
        scale = decimals(call.type)
        factors = [10 ** (scale - decimals(a.type)) for a in call.arguments]
        if call.function != "+":
            factors[-1] = -factors[-1]
        return linear(self.protocol, list(zip(values, factors, strict=True)), encoding)

    def _product(self, left: SecretColumn, right: SecretColumn) -> Ring:
        p = self.protocol
        if left.is_constant:
            left, right = right, left
        if right.is_constant:
            (ring,) = need_ring(p, [left])
            return scale_ring(ring, right.encoding.lo)
        return p.multiply([(need_ring(p, [left, right])[0], need_ring(p, [right])[0])])[0]

    def either_null(self, values: Sequence[SecretColumn]) -> Bits | None:
        """NULL where any operand is."""
        planes = [v.null for v in values if v.null is not None]
        if not planes:
            return None
        return planes[0] if len(planes) == 1 else any_of(self.protocol, [stack(planes)])[0]

    def cast(self, call: Call, form: Form, target: Encoding | None) -> SecretColumn:
        """To more decimals, to a wider type, to DOUBLE; to fewer decimals; dates and timestamps."""
        (argument,) = call.arguments
        if isinstance(argument, Literal) and argument.value is None:
            return self.literal(argument, target or self.encoding(call))
        match argument.type, call.type:
            case DateType(), TimestampType():
                return timestamp_of(self, self.evaluate(argument, "ring"))
            case TimestampType(), DateType():
                return date_of(self, self.evaluate(argument, "ring"))
        up = decimals(call.type) - decimals(argument.type)
        if isinstance(call.type, DoubleType) and call.type.scale is None:
            up = 0
        if up < 0:
            return to_fewer_decimals(self, call, -up)
        value = self.evaluate(argument, "ring" if up else form, None if up else target)
        if up == 0:
            return value
        low, high = value.encoding.lo * 10**up, value.encoding.hi * 10**up
        if not Encoding(lo=low, hi=high).fits_ring:
            target = Encoding(lo=low, hi=high)
            planes = linear(self.protocol, [(value, 10**up)], target)
            return SecretColumn(encoding=target, rows=self.rows, bits=planes, null=value.null)
        (ring,) = need_ring(self.protocol, [value])
        return SecretColumn(
            encoding=Encoding(lo=low, hi=high),
            rows=self.rows,
            ring=scale_ring(ring, 10**up),
            null=value.null,
            clean_ring=value.clean_ring,
        )

    def case(self, case: Case, form: Form, target: Encoding | None) -> SecretColumn:
        """The last matching alternative wins from the back; one selection per branch."""
        otherwise = case.otherwise or Literal(type=case.type, nullable=True, value=None)
        target = target or self.encoding(case)
        conditions = [_plane(v) for v in self.truths([c for c, _ in case.branches])]
        result = self.evaluate(otherwise, form, target)
        for condition, (_, value) in zip(
            reversed(conditions), reversed(case.branches), strict=True
        ):
            chosen = self.evaluate(value, form, target)
            result = self.choose(condition, chosen, result, form, target)
        return self.typed(result, case.type)

    def typed(self, value: SecretColumn, sql_type: SqlType) -> SecretColumn:
        """Booleans leave every operation with clean planes; other values as they are."""
        if not isinstance(sql_type, BooleanType):
            return value
        (planes,) = need_bits(self.protocol, [value])
        if value.null is not None and not value.clean_bits:
            (planes,) = self.protocol.and_([(planes, self.protocol.invert(value.null))])
        return self.as_boolean(
            SecretColumn(
                encoding=value.encoding,
                rows=self.rows,
                bits=planes,
                null=value.null,
                clean_bits=True,
            )
        )

    def choose(
        self,
        condition: Bits,
        yes: SecretColumn,
        no: SecretColumn,
        form: Form,
        target: Encoding,
    ) -> SecretColumn:
        """condition ? yes : no, in the wanted form; the null planes are chosen alike."""
        p = self.protocol
        encoding = self.union(yes.encoding, no.encoding, target)
        result = SecretColumn(encoding=encoding, rows=self.rows)
        in_ring = form == "ring" and encoding.text_bytes is None and encoding.domain is None
        in_ring = in_ring and encoding.fits_ring
        in_ring = in_ring and all(v.ring is not None or v.is_constant for v in (yes, no))
        if in_ring:
            (flag,) = p.flags_to_ring([condition], 64)
            left, right = need_ring(p, [yes, no])
            (result.ring,) = select_ring(p, [(flag, left, right)])
        else:
            choices = [(condition, bits_in(p, yes, encoding), bits_in(p, no, encoding))]
            (result.bits,) = select(p, choices)
        if yes.null is not None or no.null is not None:
            nulls = (null_or_never(p, yes), null_or_never(p, no))
            (result.null,) = select(p, [(condition, *nulls)])
        return result

    def union(self, left: Encoding, right: Encoding, target: Encoding) -> Encoding:
        """The smallest encoding that holds both, within the kind that `target` states."""
        if target.domain is not None or target.text_bytes is not None:
            return target
        return Encoding(
            lo=min(left.lo, right.lo),
            hi=max(left.hi, right.hi),
            fraction_bits=target.fraction_bits,
        )

    def fold(self, call: Call, form: Form, target: Encoding | None) -> SecretColumn:
        """coalesce, greatest and least skip NULLs; NULL only where all operands are."""
        target = target or self.encoding(call)
        values = [self.evaluate(a, form, target) for a in call.arguments]
        result = values[-1]
        for value in reversed(values[:-1]):
            take = self._takes(call.function, value, result)
            chosen = self.choose(take, value, result, form, target)
            chosen.null = self._both_null(value, result)
            result = chosen
        return self.typed(result, call.type)

    def _takes(self, function: str, value: SecretColumn, other: SecretColumn) -> Bits:
        """Where `value` is taken rather than `other`."""
        p = self.protocol
        present = p.invert(null_or_never(p, value))
        if function == "coalesce":
            return present
        first, second = (other, value) if function == "greatest" else (value, other)
        better = Comparator(self).less(first, second)
        if value.null is None and other.null is None:
            return better
        (either,) = any_of(p, [stack([better, null_or_never(p, other)])])
        return p.and_([(either, present)])[0]

    def _both_null(self, left: SecretColumn, right: SecretColumn) -> Bits | None:
        if left.null is None or right.null is None:
            return None
        return self.protocol.and_([(left.null, right.null)])[0]

    def nullif(self, call: Call, form: Form, target: Encoding | None) -> SecretColumn:
        """NULL where the operands are equal."""
        left = self.evaluate(call.arguments[0], form, target)
        right = self.evaluate(call.arguments[1])
        same = _plane(Comparator(self).equality(left, right))
        null = same if left.null is None else same ^ left.null
        result = SecretColumn(
            encoding=left.encoding, rows=self.rows, bits=left.bits, ring=left.ring, null=null
        )
        return self.typed(result, call.type)

    def sign_based(self, call: Call) -> SecretColumn:
        """abs and sign, from the sign bit and (for sign) a test for zero."""
        p = self.protocol
        value = self.evaluate(call.arguments[0], "ring")
        if not value.encoding.fits_ring:
            return self._wide_sign_based(call, value)
        (ring,) = need_ring(p, [value])
        width = max(abs(value.encoding.lo), abs(value.encoding.hi)).bit_length() + 1
        (word,) = ring_to_word(p, [ring], width)
        negative = word.planes(width - 1, width)
        encoding = self.encoding(call)
        result = SecretColumn(encoding=encoding, rows=self.rows, null=value.null)
        if call.function == "abs":
            (flag,) = p.flags_to_ring([negative], 64)
            (result.ring,) = select_ring(p, [(flag, scale_ring(ring, -1), ring)])
            return result
        (nonzero,) = any_of(p, [word])
        minus, some = p.flags_to_ring([negative, nonzero], 64)
        result.ring = some - scale_ring(minus, 2)
        return result

    def _wide_sign_based(self, call: Call, value: SecretColumn) -> SecretColumn:
        """abs and sign of numbers beyond the ring."""
        p = self.protocol
        size, negative = magnitude(p, value)
        encoding = self.encoding(call)
        result = SecretColumn(encoding=encoding, rows=self.rows, null=value.null)
        if call.function == "abs":
            positive = SecretColumn(
                encoding=Encoding(lo=0, hi=(1 << size.width) - 1), rows=self.rows, bits=size
            )
            result.bits = linear(p, [(positive, 1)], encoding)
            return result
        (nonzero,) = any_of(p, [size])
        minus = p.constant_bits(0, 1, self.rows) if negative is None else negative
        below, some = p.flags_to_ring([minus, nonzero], 64)
        result.ring = some - scale_ring(below, 2)
        return result


def _plane(value: SecretColumn) -> Bits:
    if value.bits is None or value.bits.width != 1:
        raise InternalError("a Boolean value has no plane")
    return value.bits
