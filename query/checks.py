"""CHECK constraints as public bounds: which values of one column they allow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from . import syntax
from .bind_expression import ExpressionBinder
from .bound import Call, ColumnRef, Expression, Literal, Query
from .bounds import domain_encoding, natural_encoding
from .casting import cast_value
from .datatypes import Column, DateType, Encoding, SqlType, TimestampType, VarcharType
from .errors import BindError, Span
from .ranges import encoding_of
from .scope import Scope, Source
from .typerules import decimals

HINT = "a CHECK bounds one column: x BETWEEN 1 AND 9, x IN ('a', 'b'), x >= 0, or these with AND"

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "in": "in"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a CHECK says about a column: a range of encoded values, or a domain of strings."""

    lo: int | None = None
    hi: int | None = None
    domain: frozenset[str] | None = None


class _NoQueries:
    """A CHECK has no subqueries."""

    def __init__(self, text: str) -> None:
        self.text = text

    def subquery(self, query: syntax.Query, outer: Scope) -> Query:
        raise BindError("a CHECK cannot hold a query", span=query.span, hint=HINT)


def check_bounds(
    check: syntax.Expression, columns: dict[str, SqlType], text: str
) -> dict[str, Bound]:
    """The bounds that a CHECK puts on columns.

    columns: the table's columns by lower-case name. Errors: BindError where the CHECK is something
    else than bounds of single columns.
    """
    made = tuple(
        Column(id=i, name=name, type=kind, encoding=natural_encoding(kind), nullable=True)
        for i, (name, kind) in enumerate(columns.items())
    )
    scope = Scope(sources=[Source(name="", columns=made)])
    binder = ExpressionBinder(queries=_NoQueries(text), scope=scope, clause="CHECK")
    bounds: dict[str, Bound] = {}
    for part in _conjuncts(binder.bind(check)):
        name, bound = _bound(part, check.span)
        bounds[name] = intersect(bounds.get(name, Bound()), bound)
    return bounds


def intersect(left: Bound, right: Bound) -> Bound:
    """Both bounds at once."""
    domains = [b.domain for b in (left, right) if b.domain is not None]
    return Bound(
        lo=max((b.lo for b in (left, right) if b.lo is not None), default=None),
        hi=min((b.hi for b in (left, right) if b.hi is not None), default=None),
        domain=frozenset.intersection(*domains) if domains else None,
    )


def bounded_encoding(sql_type: SqlType, bound: Bound, span: Span) -> Encoding | None:
    """A column's encoding under a bound. BindError if no value is left."""
    if bound.domain is not None:
        if not bound.domain:
            raise BindError("the CHECKs of this column allow no value", span=span)
        too_long = isinstance(sql_type, VarcharType) and sql_type.length is not None
        for value in sorted(bound.domain):
            if too_long and len(value.encode()) > (sql_type.length or 0):  # type: ignore[attr-defined]
                raise BindError(f"'{value}' is longer than {sql_type}", span=span)
        return domain_encoding(bound.domain)
    natural = natural_encoding(sql_type)
    if bound == Bound():
        return natural
    low, high = bound.lo, bound.hi
    if natural is not None:
        low = natural.lo if low is None else max(low, natural.lo)
        high = natural.hi if high is None else min(high, natural.hi)
    if low is None or high is None:
        raise BindError("a DOUBLE needs a lower and an upper bound", span=span)
    if low > high:
        raise BindError("the CHECKs of this column allow no value", span=span)
    return Encoding(lo=low, hi=high)


def _conjuncts(expression: Expression) -> list[Expression]:
    if isinstance(expression, Call) and expression.function == "and":
        return [part for argument in expression.arguments for part in _conjuncts(argument)]
    return [expression]


def _bound(part: Expression, span: Span) -> tuple[str, Bound]:
    """The bound that one comparison, IN or truth value states."""
    if isinstance(part, Call) and part.function in _MIRRORED:
        first, *others = part.arguments
        function = part.function
        if isinstance(first, Literal) and len(others) == 1:
            first, others, function = others[0], [first], _MIRRORED[function]
        inner = _column(first)
        if inner is not None and all(isinstance(other, Literal) for other in others):
            literals = [other for other in others if isinstance(other, Literal)]
            return inner.name, _compared(function, inner.type, literals, part.span or span)
    raise BindError("this CHECK is not a bound of one column", span=part.span or span, hint=HINT)


def _column(expression: Expression) -> ColumnRef | None:
    """The column itself, perhaps under a widening cast."""
    while isinstance(expression, Call) and expression.function == "cast":
        (expression,) = expression.arguments
    return expression if isinstance(expression, ColumnRef) else None


def _compared(function: str, kind: SqlType, literals: list[Literal], span: Span) -> Bound:
    if any(literal.value is None for literal in literals):
        raise BindError("a CHECK against NULL allows everything", span=span, hint=HINT)
    if isinstance(kind, VarcharType):
        values = frozenset(str(literal.value) for literal in literals)
        if function not in ("=", "in"):
            raise BindError("strings are bounded by IN, not by order", span=span, hint=HINT)
        return Bound(domain=values)
    lows, highs = zip(*(_encoded(literal, kind, span) for literal in literals), strict=True)
    match function:
        case ">=":
            return Bound(lo=highs[0])
        case ">":
            return Bound(lo=lows[0] + 1)
        case "<=":
            return Bound(hi=lows[0])
        case "<":
            return Bound(hi=highs[0] - 1)
        case _:
            return Bound(lo=min(highs), hi=max(lows))


def _encoded(literal: Literal, kind: SqlType, span: Span) -> tuple[int, int]:
    """A constant in the column's encoding, rounded down and up."""
    if isinstance(kind, DateType) and not isinstance(literal.type, DateType):
        if not isinstance(literal.type, TimestampType):
            raise BindError("a DATE is bounded by dates", span=span)
        literal = dataclasses.replace(literal, type=kind, value=_day(literal))
    encoding = encoding_of(literal, {})
    if encoding is None or encoding.domain is not None:
        raise BindError("this constant does not bound the column", span=span, hint=HINT)
    own, wanted = decimals(literal.type) or 0, decimals(kind) or 0
    if wanted >= own:
        value = encoding.lo * 10 ** (wanted - own)
        return value, value
    divisor = 10 ** (own - wanted)
    return encoding.lo // divisor, -(-encoding.lo // divisor)


def _day(literal: Literal) -> int:
    value = cast_value(literal.value, literal.type, DateType())
    assert isinstance(value, int)
    return value
