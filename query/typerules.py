"""Which type an operation has: DuckDB's rules, as functions of types.

DECIMAL(p, s) arithmetic: + and - keep the larger scale and add a digit; * adds digits and scales,
but stays within 18 digits where both sides do; 38 digits are the limit. Integers take part as
decimals of as many digits as the integer type can have. An integer literal takes the type of the
integer beside it if it fits. A DOUBLE keeps a declared scale through + - *, since its values then
still have that many decimals.
"""

from __future__ import annotations

from .datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    TIMESTAMP,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    IntervalType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)

MAX_PRECISION = 38

_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19, 128: 38}


def is_numeric(sql_type: SqlType) -> bool:
    """Integers, DECIMAL and DOUBLE."""
    return isinstance(sql_type, IntegerType | DecimalType | DoubleType)


def integer_fits(value: int, sql_type: IntegerType) -> bool:
    """Whether an integer lies in the range of an integer type."""
    limit = 1 << (sql_type.bits - 1)
    return -limit <= value < limit


def integer_literal_type(value: int) -> SqlType:
    """INTEGER, BIGINT or HUGEINT, the first that holds the value; DOUBLE beyond."""
    for bits in (32, 64, 128):
        if integer_fits(value, IntegerType(bits)):
            return IntegerType(bits)
    return DOUBLE


def as_decimal(sql_type: IntegerType | DecimalType) -> DecimalType:
    """The decimal type that an exact number takes part in arithmetic as."""
    if isinstance(sql_type, DecimalType):
        return sql_type
    return DecimalType(_DIGITS[sql_type.bits], 0)


def decimals(sql_type: SqlType) -> int | None:
    """How many decimals the values of a numeric type have; None for a DOUBLE without scale."""
    match sql_type:
        case DecimalType(scale=scale):
            return scale
        case DoubleType(scale=scale):
            return scale
        case _:
            return 0


def sum_type(left: SqlType, right: SqlType) -> SqlType:
    """The type of + and - of two numbers."""
    if isinstance(left, DoubleType) or isinstance(right, DoubleType):
        scales = (decimals(left), decimals(right))
        return DoubleType(None if None in scales else max(s for s in scales if s is not None))
    if isinstance(left, IntegerType) and isinstance(right, IntegerType):
        return IntegerType(max(left.bits, right.bits))
    a, b = _exact(left, right)
    scale = max(a.scale, b.scale)
    digits = max(a.precision - a.scale, b.precision - b.scale) + scale + 1
    return DecimalType(min(digits, MAX_PRECISION), scale)


def product_type(left: SqlType, right: SqlType) -> SqlType | None:
    """The type of a product of two numbers; None if it has more than 38 decimals."""
    if isinstance(left, DoubleType) or isinstance(right, DoubleType):
        scales = (decimals(left), decimals(right))
        return DoubleType(None if None in scales else sum(s for s in scales if s is not None))
    if isinstance(left, IntegerType) and isinstance(right, IntegerType):
        return IntegerType(max(left.bits, right.bits))
    a, b = _exact(left, right)
    scale = a.scale + b.scale
    digits = a.precision + b.precision
    if scale > MAX_PRECISION:
        return None
    if digits > 18 and max(a.precision, b.precision) <= 18 and scale < 18:
        digits = 18
    return DecimalType(min(digits, MAX_PRECISION), scale)


def _exact(left: SqlType, right: SqlType) -> tuple[DecimalType, DecimalType]:
    assert isinstance(left, IntegerType | DecimalType)
    assert isinstance(right, IntegerType | DecimalType)
    return as_decimal(left), as_decimal(right)


def common_type(left: SqlType, right: SqlType) -> SqlType | None:
    """The type that holds both, for CASE, COALESCE, IN and UNION ALL; None if there is none.

    BOOLEAN meets integers as an integer. Strings meet strings only: that a string literal takes
    the other side's type is the caller's affair.
    """
    if left == right or isinstance(right, NullType):
        return left
    if isinstance(left, NullType):
        return right
    if is_numeric(left) and is_numeric(right):
        return _common_number(left, right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, BooleanType) and is_numeric(other):
            return other
        if isinstance(one, DateType) and isinstance(other, TimestampType):
            return TIMESTAMP
    if isinstance(left, VarcharType) and isinstance(right, VarcharType):
        if left.length is None or right.length is None:
            return VarcharType()
        return VarcharType(max(left.length, right.length))
    return None


def _common_number(left: SqlType, right: SqlType) -> SqlType:
    if isinstance(left, DoubleType) or isinstance(right, DoubleType):
        return sum_type(left, right)
    if isinstance(left, IntegerType) and isinstance(right, IntegerType):
        return IntegerType(max(left.bits, right.bits))
    a, b = _exact(left, right)
    scale = max(a.scale, b.scale)
    digits = max(a.precision - a.scale, b.precision - b.scale) + scale
    return DecimalType(min(digits, MAX_PRECISION), scale)


def comparable_as_is(left: SqlType, right: SqlType) -> bool:
    """Whether values of two types compare by their encodings alone, without a cast."""
    match left, right:
        case (IntegerType(), IntegerType()) | (VarcharType(), VarcharType()):
            return True
        case (DecimalType() | IntegerType(), DecimalType() | IntegerType()):
            return decimals(left) == decimals(right)
        case _:
            return left == right


def temporal_type(operator: str, left: SqlType, right: SqlType) -> SqlType | None:
    """The type of + and - with dates, timestamps and intervals; None if there is none."""
    match operator, left, right:
        case (_, IntervalType(), IntervalType()):
            return left
        case (_, DateType() | TimestampType(), IntervalType()):
            return TIMESTAMP
        case ("+", IntervalType(), DateType() | TimestampType()):
            return TIMESTAMP
        case ("-", DateType(), DateType()):
            return BIGINT
        case ("-", DateType() | TimestampType(), DateType() | TimestampType()):
            return INTERVAL
        case (_, DateType(), other) if _is_small(other) or isinstance(other, NullType):
            return DATE
        case ("+", other, DateType()) if _is_small(other) or isinstance(other, NullType):
            return DATE
        case _:
            return None


def _is_small(sql_type: SqlType) -> bool:
    return isinstance(sql_type, IntegerType) and sql_type.bits <= INTEGER.bits


def is_castable(source: SqlType, target: SqlType) -> bool:
    """Whether CAST can turn one type into the other."""
    if isinstance(source, NullType) or source == target:
        return True
    numbers = IntegerType | DecimalType | DoubleType | BooleanType
    if isinstance(source, numbers) and isinstance(target, numbers):
        return True
    if isinstance(source, VarcharType) or isinstance(target, VarcharType):
        return not isinstance(target, IntervalType | NullType)
    moments = DateType | TimestampType
    return isinstance(source, moments) and isinstance(target, moments)


def unparameterised(sql_type: SqlType) -> str:
    """The type's name as DuckDB's typeof() shows it: VARCHAR and DOUBLE have no parameters."""
    match sql_type:
        case VarcharType():
            return "VARCHAR"
        case DoubleType():
            return "DOUBLE"
        case NullType():
            return '"NULL"'
        case _:
            return str(sql_type)


def is_condition(sql_type: SqlType) -> bool:
    """Whether a value of the type can stand where a truth value is wanted, perhaps cast."""
    return sql_type == BOOLEAN or is_numeric(sql_type) or isinstance(sql_type, NullType)
