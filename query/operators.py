"""Typed calls of operators: casts where types differ, result types, nullability, constants folded.

The binder builds every operator through these functions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from . import moments
from .bound import Call, Case, Expression, Literal
from .casting import cast_expression
from .datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTERVAL,
    NULL,
    TIMESTAMP,
    BooleanType,
    DateType,
    DecimalType,
    IntegerType,
    IntervalType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)
from .errors import BindError, Span, UnsupportedError
from .fold import fold_call
from .typerules import (
    common_type,
    comparable_as_is,
    integer_fits,
    is_condition,
    is_numeric,
    product_type,
    sum_type,
    temporal_type,
    unparameterised,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """An expression with what the text tells about it: whether it is a bare literal.

    A bare integer takes the type of the integer beside it, a bare string any type at all.
    """

    expression: Expression
    bare: bool = False

    @property
    def type(self) -> SqlType:
        return self.expression.type

    @property
    def is_text_literal(self) -> bool:
        """A bare string, whose type follows from what it meets."""
        return self.bare and isinstance(self.type, VarcharType)


def make_call(
    function: str,
    arguments: Sequence[Expression],
    result: SqlType,
    span: Span | None,
    *,
    nullable: bool | None = None,
) -> Expression:
    """A call, folded if constant; NULL if any argument may be NULL, unless stated otherwise."""
    if nullable is None:
        nullable = any(argument.nullable for argument in arguments)
    call = Call(
        function=function, arguments=tuple(arguments), type=result, nullable=nullable, span=span
    )
    return fold_call(call)


def null_literal(sql_type: SqlType = NULL, span: Span | None = None) -> Literal:
    """NULL of a type."""
    return Literal(value=None, type=sql_type, nullable=True, span=span)


def truth(value: bool, span: Span | None = None) -> Literal:
    """TRUE or FALSE."""
    return Literal(value=value, type=BOOLEAN, nullable=False, span=span)


# Logic


def condition(expression: Expression, what: str) -> Expression:
    """An expression as a truth value; numbers count as not-zero. BindError for other types."""
    if isinstance(expression.type, BooleanType):
        return expression
    if not is_condition(expression.type):
        raise BindError(
            f"{what} must be a condition, not a {unparameterised(expression.type)}",
            span=expression.span,
        )
    return cast_expression(expression, BOOLEAN, expression.span)


def junction(function: str, operands: Sequence[Expression], span: Span | None) -> Expression:
    """AND or OR of any number of conditions, flat."""
    flat: list[Expression] = []
    for operand in operands:
        if isinstance(operand, Call) and operand.function == function:
            flat.extend(operand.arguments)
        else:
            flat.append(condition(operand, f"an operand of {function.upper()}"))
    return make_call(function, flat, BOOLEAN, span)


def negation(operand: Expression, span: Span | None) -> Expression:
    """NOT."""
    return make_call("not", [condition(operand, "the operand of NOT")], BOOLEAN, span)


# Comparison


def comparison(operator: str, left: Operand, right: Operand, span: Span | None) -> Expression:
    """= <> < <= > >= is_distinct is_not_distinct. BindError if the types cannot be compared."""
    a, b = aligned(left, right, span)
    nullable = False if operator.startswith("is_") else None
    return make_call(operator, [a, b], BOOLEAN, span, nullable=nullable)


def aligned(left: Operand, right: Operand, span: Span | None) -> tuple[Expression, Expression]:
    """Two operands as values that compare by their encodings."""
    shared = meeting_type(left, right)
    if isinstance(shared, IntervalType):
        raise UnsupportedError(
            "comparing intervals is not supported",
            span=span,
            hint="compare dates: a < b + INTERVAL 3 DAY",
        )
    if shared is None:
        names = f"{unparameterised(left.type)} and {unparameterised(right.type)}"
        raise BindError(
            f"cannot compare {names}", span=span, hint="write CAST(... AS ...) around one of them"
        )
    if shared == TIMESTAMP:
        left, right = _as_dates(left, right)
    if comparable_as_is(left.type, right.type):
        return left.expression, right.expression
    shared = meeting_type(left, right) or shared
    return _comparable(left, shared), _comparable(right, shared)


def _comparable(operand: Operand, shared: SqlType) -> Expression:
    """The operand, cast unless its encoding is that of the shared type already."""
    if comparable_as_is(operand.type, shared):
        return operand.expression
    return _to(operand, shared)


def _to(operand: Operand, target: SqlType) -> Expression:
    return cast_expression(operand.expression, target, operand.expression.span)


def _as_dates(left: Operand, right: Operand) -> tuple[Operand, Operand]:
    """A constant midnight beside a DATE becomes that DATE."""

    def date_of(operand: Operand, other: Operand) -> Operand:
        literal = operand.expression
        if operand.type != TIMESTAMP or other.type != DATE or not isinstance(literal, Literal):
            return operand
        value = literal.value
        if not isinstance(value, int) or value % moments.DAY_MICROSECONDS:
            return operand
        return Operand(expression=cast_expression(literal, DATE, literal.span))

    return date_of(left, right), date_of(right, left)


def meeting_type(left: Operand, right: Operand) -> SqlType | None:
    """The type in which two operands meet; None if there is none."""
    if left.is_text_literal and not isinstance(right.type, VarcharType | NullType):
        return right.type
    if right.is_text_literal and not isinstance(left.type, VarcharType | NullType):
        return left.type
    a, b = literal_types(left, right)
    return common_type(a, b)


def literal_types(left: Operand, right: Operand) -> tuple[SqlType, SqlType]:
    """The operands' types, a bare integer having its neighbour's integer type if it fits."""
    return _beside(left, right), _beside(right, left)


def _beside(operand: Operand, other: Operand) -> SqlType:
    if operand.bare and not other.bare and _fits_integer(operand.expression, other.type):
        return other.type
    return operand.type


def _fits_integer(expression: Expression, target: SqlType) -> bool:
    """Whether an integer constant lies in the range of an integer type."""
    return (
        isinstance(expression, Literal)
        and isinstance(expression.type, IntegerType)
        and isinstance(expression.value, int)
        and isinstance(target, IntegerType)
        and integer_fits(expression.value, target)
    )


def unify(operands: Sequence[Operand], span: Span | None, what: str) -> list[Expression]:
    """Alternatives (CASE, COALESCE, ...) cast to their common type. BindError if they have none."""
    shared: SqlType = NULL
    for operand in sorted(operands, key=lambda o: (o.bare, o.is_text_literal)):
        if operand.is_text_literal and not isinstance(shared, VarcharType | NullType):
            continue
        if operand.bare and _fits_integer(operand.expression, shared):
            continue
        met = common_type(shared, operand.type)
        if met is None:
            names = f"{unparameterised(shared)} and {unparameterised(operand.type)}"
            raise BindError(
                f"{what} cannot mix {names}",
                span=operand.expression.span or span,
                hint="write CAST(... AS ...) around one of them",
            )
        shared = met
    return [_to(operand, shared) for operand in operands]


def choose(
    test: Expression, then: Expression, otherwise: Expression, span: Span | None
) -> Expression:
    """CASE WHEN test THEN then ELSE otherwise END, of one type."""
    return Case(
        branches=((test, then),),
        otherwise=otherwise,
        type=otherwise.type,
        nullable=then.nullable or otherwise.nullable,
        span=span,
    )


# Arithmetic


def arithmetic(operator: str, left: Operand, right: Operand, span: Span | None) -> Expression:
    """+ - * / // % of numbers, + and - of dates and intervals. BindError for other types."""
    if isinstance(left.type, NullType) and isinstance(right.type, NullType):
        return null_literal(DOUBLE if operator == "/" else BIGINT, span)
    if operator in "+-*%" and _is_null_beside_decimal(left, right):
        return null_literal(span=span)
    left, right = _typed_nulls(left, right)
    if is_numeric(left.type) and is_numeric(right.type):
        return _numeric(operator, left, right, span)
    result = temporal_type(operator, left.type, right.type) if operator in "+-" else None
    if operator == "*" and {type(left.type), type(right.type)} == {IntervalType, IntegerType}:
        result = INTERVAL
    if result is None:
        raise _mismatch(operator, left.type, right.type, span)
    if operator == "-" and isinstance(right.type, DateType | TimestampType) and result == INTERVAL:
        raise UnsupportedError(
            "the difference of timestamps is not supported",
            span=span,
            hint="subtract dates: CAST(a AS DATE) - CAST(b AS DATE) is a number of days",
        )
    for operand in (left, right):
        if isinstance(operand.type, IntervalType) and not isinstance(operand.expression, Literal):
            raise varying_interval(operand.expression.span or span)
    return make_call(operator, [left.expression, right.expression], result, span)


def varying_interval(span: Span | None) -> UnsupportedError:
    """The error for an interval that is no constant."""
    return UnsupportedError(
        "an interval of varying length is not supported",
        span=span,
        hint="intervals are constants, such as INTERVAL 3 DAY",
    )


def _is_null_beside_decimal(left: Operand, right: Operand) -> bool:
    """DuckDB leaves this combination without a type."""
    kinds = {type(left.type), type(right.type)}
    return kinds == {NullType, DecimalType}


def _typed_nulls(left: Operand, right: Operand) -> tuple[Operand, Operand]:
    """A NULL beside a number is a number of that type."""
    if isinstance(left.type, NullType) and is_numeric(right.type):
        return Operand(expression=_to(left, right.type)), right
    if isinstance(right.type, NullType) and is_numeric(left.type):
        return left, Operand(expression=_to(right, left.type))
    return left, right


def _mismatch(operator: str, left: SqlType, right: SqlType, span: Span | None) -> BindError:
    names = f"{unparameterised(left)} and {unparameterised(right)}"
    hint = None
    if isinstance(left, VarcharType) or isinstance(right, VarcharType):
        hint = "strings are joined with ||; CAST(... AS ...) makes numbers and dates of them"
    return BindError(f"{operator} does not take {names}", span=span, hint=hint)


def _numeric(operator: str, left: Operand, right: Operand, span: Span | None) -> Expression:
    arguments = [left.expression, right.expression]
    a, b = literal_types(left, right)
    match operator:
        case "+" | "-":
            return make_call(operator, arguments, sum_type(a, b), span)
        case "*":
            result = product_type(a, b)
            if result is None:
                raise BindError(
                    f"the product of {a} and {b} has more than 38 decimals",
                    span=span,
                    hint="cast one factor to fewer decimals",
                )
            return make_call("*", arguments, result, span)
        case "%":
            shared = common_type(a, b)
            assert shared is not None
            return make_call("%", arguments, shared, span, nullable=_may_vanish(arguments))
    if operator == "//" and isinstance(a, IntegerType) and isinstance(b, IntegerType):
        result = IntegerType(max(a.bits, b.bits))
        return make_call("//", arguments, result, span, nullable=_may_vanish(arguments))
    return make_call("/", arguments, DOUBLE, span, nullable=_may_vanish(arguments))


def _may_vanish(arguments: Sequence[Expression]) -> bool:
    """A quotient is NULL where the divisor is 0."""
    divisor = arguments[1]
    safe = (
        isinstance(divisor, Literal)
        and isinstance(divisor.value, int | float | Decimal)
        and divisor.value != 0
    )
    return not safe or any(argument.nullable for argument in arguments)


def minus(operand: Expression, span: Span | None) -> Expression:
    """Unary minus of a number or an interval."""
    if isinstance(operand.type, NullType):
        return null_literal(BIGINT, span)
    if not is_numeric(operand.type) and not isinstance(operand.type, IntervalType):
        raise BindError(f"- does not take {unparameterised(operand.type)}", span=span)
    return make_call("negate", [operand], operand.type, span)


# Strings


def concatenation(left: Expression, right: Expression, span: Span | None) -> Expression:
    """a || b: NULL where either is, unlike CONCAT, which skips NULLs."""
    if isinstance(left.type, NullType) or isinstance(right.type, NullType):
        return null_literal(span=span)
    joined = make_call("concat", [left, right], VarcharType(), span, nullable=False)
    missing = [
        make_call("is_null", [e], BOOLEAN, span, nullable=False)
        for e in (left, right)
        if e.nullable
    ]
    if not missing:
        return joined
    absent = missing[0] if len(missing) == 1 else junction("or", missing, span)
    branches = ((absent, null_literal(VarcharType(), span)),)
    return Case(branches=branches, otherwise=joined, type=VarcharType(), nullable=True, span=span)
