"""Type names and constants of the text as types and typed literals."""

from __future__ import annotations

from decimal import Decimal

from . import moments, syntax
from .bound import Expression, Literal
from .datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTERVAL,
    TIMESTAMP,
    DecimalType,
    DoubleType,
    IntegerType,
    SqlType,
    VarcharType,
)
from .errors import BindError, UnsupportedError
from .operators import varying_interval
from .scope import suggestion
from .typerules import MAX_PRECISION, integer_literal_type

_SIMPLE: dict[str, SqlType] = {
    "boolean": BOOLEAN,
    "bool": BOOLEAN,
    "logical": BOOLEAN,
    "tinyint": IntegerType(8),
    "int1": IntegerType(8),
    "smallint": IntegerType(16),
    "int2": IntegerType(16),
    "short": IntegerType(16),
    "integer": IntegerType(32),
    "int": IntegerType(32),
    "int4": IntegerType(32),
    "signed": IntegerType(32),
    "bigint": IntegerType(64),
    "int8": IntegerType(64),
    "long": IntegerType(64),
    "hugeint": IntegerType(128),
    "int128": IntegerType(128),
    "date": DATE,
    "timestamp": TIMESTAMP,
    "datetime": TIMESTAMP,
    "double": DOUBLE,
    "float8": DOUBLE,
}

_DECIMALS = frozenset({"decimal", "numeric", "dec"})

_STRINGS = frozenset({"varchar", "text", "string", "char", "bpchar", "nvarchar"})

_FOREIGN = frozenset(
    str.split(
        """
        float real float4 uinteger ubigint usmallint utinyint uhugeint time timetz timestamptz
        interval blob bytea uuid json bit list map struct enum
        """
    )
)

DOUBLE_DECIMALS = 15


def sql_type(name: syntax.TypeName) -> SqlType:
    """The type that a type name means.

    Errors: UnsupportedError for types of DuckDB that tacit does not have; BindError for others and
    for wrong parameters.
    """
    if any(parameter < 0 for parameter in name.parameters):
        raise BindError("type parameters are whole numbers", span=name.span)
    if name.name in _DECIMALS:
        return _decimal(name)
    if name.name in _STRINGS:
        return _string(name)
    if name.name in ("double", "float8") and name.parameters:
        return _scaled_double(name)
    if name.name in _SIMPLE:
        if name.parameters:
            raise BindError(f"{name.name.upper()} takes no parameters", span=name.span)
        return _SIMPLE[name.name]
    if name.name in _FOREIGN:
        raise UnsupportedError(
            f"the type {name.name.upper()} is not supported", span=name.span, hint=_instead(name)
        )
    known = [*_SIMPLE, *_DECIMALS, "varchar", "text"]
    raise BindError(
        f"there is no type {name.name}", span=name.span, hint=suggestion(name.name, known)
    )


def _instead(name: syntax.TypeName) -> str:
    if name.name in ("float", "real", "float4"):
        return "use DOUBLE(s) with a number of decimals, or DECIMAL(p, s)"
    if name.name in ("time", "timetz", "timestamptz"):
        return "use TIMESTAMP"
    return "the types are BOOLEAN, TINYINT to HUGEINT, DECIMAL, DOUBLE, DATE, TIMESTAMP, VARCHAR"


def _decimal(name: syntax.TypeName) -> SqlType:
    precision, scale = {0: (18, 3), 1: (*name.parameters, 0)}.get(
        len(name.parameters), name.parameters
    )[:2]
    if len(name.parameters) > 2 or not 1 <= precision <= MAX_PRECISION or scale > precision:
        raise BindError(f"DECIMAL(p, s) needs 1 <= p <= {MAX_PRECISION} and s <= p", span=name.span)
    return DecimalType(precision, scale)


def _string(name: syntax.TypeName) -> SqlType:
    if not name.parameters:
        return VarcharType()
    if len(name.parameters) > 1 or name.parameters[0] < 1:
        raise BindError("VARCHAR(n) takes one length of at least 1", span=name.span)
    return VarcharType(name.parameters[0])


def _scaled_double(name: syntax.TypeName) -> SqlType:
    if len(name.parameters) > 1 or name.parameters[0] > DOUBLE_DECIMALS:
        raise BindError(
            f"DOUBLE(s) takes one number of decimals, at most {DOUBLE_DECIMALS}", span=name.span
        )
    return DoubleType(name.parameters[0])


def number(node: syntax.Number, negative: bool = False) -> Literal:
    """A numeric constant: integer, DECIMAL of its digits, or DOUBLE, as DuckDB types it.

    The least INTEGER is a BIGINT, being the negative of one; the least BIGINT is a BIGINT.
    """
    text = ("-" if negative else "") + node.text
    if node.text.isdigit():
        whole = BIGINT if int(text) == -(1 << 31) else integer_literal_type(int(text))
        value = float(text) if whole == DOUBLE else int(text)
        kind = DoubleType(0) if whole == DOUBLE else whole
        return Literal(value=value, type=kind, nullable=False, span=node.span)
    before, _, after = node.text.partition(".")
    digits = len(before) + len(after)
    if "e" in node.text.lower() or digits > MAX_PRECISION:
        return _double(float(text), node)
    return Literal(
        value=Decimal(text.rstrip(".")),
        type=DecimalType(digits, len(after)),
        nullable=False,
        span=node.span,
    )


def _double(value: float, node: syntax.Number) -> Literal:
    """A DOUBLE constant; its type knows its decimals if they are few."""
    if value in (float("inf"), float("-inf")):
        raise BindError("this number is too large", span=node.span)
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else None
    known = scale is not None and scale <= DOUBLE_DECIMALS
    return Literal(
        value=value, type=DoubleType(scale if known else None), nullable=False, span=node.span
    )


def text(node: syntax.Text) -> Literal:
    """A string constant; its type knows its length in bytes."""
    length = max(1, len(node.value.encode()))
    return Literal(value=node.value, type=VarcharType(length), nullable=False, span=node.span)


def moment(node: syntax.Moment) -> Literal:
    """DATE '...' or TIMESTAMP '...'. BindError if the text is none."""
    try:
        if node.type == "date":
            value, kind = moments.parse_date(node.text), DATE
            return Literal(value=value, type=kind, nullable=False, span=node.span)
        value = moments.parse_timestamp(node.text)
    except ValueError:
        form = "YYYY-MM-DD" if node.type == "date" else "YYYY-MM-DD HH:MM:SS"
        raise BindError(
            f"'{node.text}' is not a {node.type}", span=node.span, hint=f"write it as {form}"
        ) from None
    return Literal(value=value, type=TIMESTAMP, nullable=False, span=node.span)


def interval(node: syntax.Interval, amount: Expression | None) -> Literal:
    """An interval. `amount` is the bound amount where it is not a string.

    Errors: BindError if the text is no interval; UnsupportedError for a varying amount.
    """
    whole: object = None
    if amount is not None:
        if not isinstance(amount, Literal):
            raise varying_interval(node.span)
        whole = amount.value
        if not isinstance(whole, int) or isinstance(whole, bool):
            raise BindError("an interval takes a whole number", span=node.span)
    try:
        if isinstance(node.amount, syntax.Text):
            value = moments.parse_interval(node.amount.value, node.unit)
        else:
            assert isinstance(whole, int)
            assert node.unit is not None
            value = moments.unit_interval(whole, node.unit)
    except ValueError:
        raise BindError(
            "this is not an interval", span=node.span, hint="write it as INTERVAL '3' MONTH"
        ) from None
    return Literal(value=value, type=INTERVAL, nullable=False, span=node.span)
