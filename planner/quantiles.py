"""MEDIAN and QUANTILE_...: rows are ranked within their group, then weighed and added up.

    SELECT k, quantile_cont(x, a / b) GROUP BY k
    =>  Project(s / b, Aggregate(s = sum(w) by k,
            Project(w = x * greatest(0, b - |a n - b r + b - a|),
                Window(by k order by x: r = row_number(), n = count(x)))))

The continuous quantile stands at (n - 1) a / b rows from the first; the two rows beside it weigh as
much as they are near, b in all. The discrete one is the row r with b (r - 1) < a n <= b r. Rows
where x is NULL come last and are not counted.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..query.bound import Aggregate as BoundAggregate
from ..query.bound import Case, Expression, Frame, Literal
from ..query.datatypes import (
    BIGINT,
    DOUBLE,
    HUGEINT,
    INTEGER,
    BooleanType,
    Column,
    DecimalType,
    IntegerType,
    SqlType,
    VarcharType,
)
from ..query.errors import UnsupportedError
from .expressions import call, reference
from .logical import Ids, Node, OrderBy, Windowed, project, window
from .scales import at_scale, scale_of, sum_type
from .secure import WindowFunction

QUANTILES = frozenset({"median", "quantile_cont", "quantile_disc"})
WHOLE = Frame(unit="rows", start=None, stop=None)
MAX_DENOMINATOR = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """A column ranked within the groups: a value's rank from 1, and how many there are."""

    source: Column
    rank: Column
    count: Column


def ranks(source: Column, ids: Ids) -> Ranks:
    """Fresh columns for the ranks of a column."""
    rank = Column(id=ids.fresh(), name="rank", type=BIGINT, encoding=None, nullable=False)
    return Ranks(
        source=source, rank=rank, count=dataclasses.replace(rank, id=ids.fresh(), name="n")
    )


def ranked(
    node: Node,
    keys: tuple[int, ...],
    wanted: tuple[Ranks, ...],
    computed: tuple[tuple[Column, Expression], ...],
) -> Node:
    """`node` with the ranks within the groups of `keys`, and what is computed of them."""
    for one in wanted:
        order = OrderBy(column=one.source.id, descending=False, nulls_first=False)
        counted: WindowFunction = "count" if one.source.nullable else "count_star"
        argument = one.source.id if one.source.nullable else None
        calls = (
            Windowed(column=one.rank, function="row_number", argument=None, number=0, frame=WHOLE),
            Windowed(column=one.count, function=counted, argument=argument, number=0, frame=WHOLE),
        )
        node = window(node, keys, (order,), calls)
    kept = tuple((column, reference(column)) for column in node.columns)
    return project(node, kept + computed) if computed else node


def is_discrete(node: BoundAggregate) -> bool:
    """Whether the quantile is one of the values: also the median of what is no number."""
    if node.function != "median":
        return node.function == "quantile_disc"
    return node.argument is None or isinstance(node.argument.type, BooleanType | VarcharType)


def fraction_of(node: BoundAggregate) -> Fraction:
    """The constant fraction. UnsupportedError for what is no number within 0 and 1."""
    if node.second is None:
        return Fraction(1, 2)
    value = node.second.value if isinstance(node.second, Literal) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise UnsupportedError(
            f"{node.function.upper()} takes one constant fraction", span=node.second.span
        )
    found = Fraction(Decimal(repr(value)) if isinstance(value, float) else value)
    if not 0 <= found <= 1 or found.denominator > MAX_DENOMINATOR:
        raise UnsupportedError(
            f"{node.function.upper()} takes a fraction from 0 to 1 with at most 6 decimals",
            span=node.second.span,
        )
    _check_exact(node, found)
    return found


def _check_exact(node: BoundAggregate, fraction: Fraction) -> None:
    """DuckDB rounds between decimals by floating point: only halves, quarters, ... are exact."""
    exact = fraction.denominator & (fraction.denominator - 1) == 0
    decimal = node.argument is not None and isinstance(node.argument.type, DecimalType)
    if decimal and not exact and node.function == "quantile_cont":
        raise UnsupportedError(
            "QUANTILE_CONT of a DECIMAL at a fraction that no double holds is not supported",
            span=node.span,
            hint="CAST the argument to DOUBLE, or use QUANTILE_DISC",
        )


def chosen(one: Ranks, fraction: Fraction) -> Expression:
    """The value in the row of the discrete quantile, NULL in the others."""
    a, b = _whole(fraction.numerator), _whole(fraction.denominator)
    if fraction == 0:
        test = call("=", [reference(one.rank), _whole(1)], nullable=False)
    else:
        upto = _times(b, reference(one.rank))
        wanted = _times(a, reference(one.count))
        before = call("-", [upto, b], type=BIGINT)
        above = call("<", [before, wanted], nullable=False)
        test = call("and", [above, call("<=", [wanted, upto], nullable=False)], nullable=False)
    return Case(
        type=one.source.type,
        nullable=True,
        branches=((test, reference(one.source)),),
        otherwise=None,
    )


def weighed(one: Ranks, fraction: Fraction) -> Expression:
    """The value times its weight in the continuous quantile; the weights add up to b."""
    a, b = fraction.numerator, fraction.denominator
    wanted = _times(_whole(a), reference(one.count))
    distance = call("-", [wanted, _times(_whole(b), reference(one.rank))], type=BIGINT)
    distance = call("+", [distance, _whole(b - a)], type=BIGINT)
    size = call("abs", [distance], type=BIGINT)
    weight = call("-", [_whole(b), size], type=BIGINT)
    weight = call("greatest", [weight, _whole(0)], type=BIGINT)
    source = reference(one.source)
    value: Expression = source
    if isinstance(one.source.type, IntegerType):
        value = call("cast", [source], type=HUGEINT, nullable=source.nullable)
    else:
        weight = call("cast", [weight], type=INTEGER, nullable=False)
    type = at_scale(sum_type(one.source.type), scale_of(one.source.type) or 0)
    return call("*", [value, weight], type=type)


def between(total: Expression, fraction: Fraction, type: SqlType) -> Expression:
    """The continuous quantile from the weighed sum; a decimal is cut off, as DuckDB does."""
    b = fraction.denominator
    if not isinstance(type, DecimalType):
        return call("/", [total, _whole(b)], type=DOUBLE, nullable=True)
    step = Literal(
        type=DecimalType(38, type.scale), nullable=False, value=Decimal(b).scaleb(-type.scale)
    )
    rest = call("%", [total, step], type=total.type, nullable=True)
    cut = call("-", [total, rest], type=total.type, nullable=True)
    divided = call("/", [cut, _whole(b)], type=DOUBLE, nullable=True)
    return call("cast", [divided], type=type, nullable=True)


def _whole(value: int) -> Literal:
    return Literal(type=BIGINT, nullable=False, value=value)


def _times(factor: Literal, value: Expression) -> Expression:
    return value if factor.value == 1 else call("*", [factor, value], type=BIGINT)
