"""Calls of aggregates: arguments, types, and the spellings that stand for a simpler aggregate.

    count_if(c)   =>  sum(CAST(c AS INTEGER))
    bool_and(c)   =>  min(c)
    bool_or(c)    =>  max(c)

FALSE is less than TRUE. COUNT_IF of no rows, or of NULLs alone, is NULL, as in DuckDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import functions, operators, syntax
from .bound import Aggregate, Expression
from .casting import cast_expression
from .datatypes import (
    BIGINT,
    DOUBLE,
    HUGEINT,
    INTEGER,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    NullType,
    SqlType,
    TimestampType,
)
from .errors import BindError, Span, UnsupportedError
from .typerules import is_numeric, unparameterised

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder

UNCHANGED_BY_DISTINCT = frozenset(
    str.split("min max any_value bool_and bool_or arg_min arg_max mode")
)
"""Aggregates whose result is the same without the duplicates (or one of several allowed ones)."""


def bind_aggregate(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    """An aggregate call. Errors: BindError, UnsupportedError."""
    name = functions.AGGREGATES[node.name.lower()]
    _check_place(binder, node)
    with binder.within_aggregate():
        filter_ = None
        if node.filter is not None:
            filter_ = operators.condition(binder.bind(node.filter), "FILTER")
        arguments = [binder.bind(argument) for argument in node.arguments]
    if name == "count" and (node.star or not arguments):
        return _count_star(node, filter_)
    wanted = 2 if name in functions.TWO_ARGUMENTS else 1
    if node.star or len(arguments) != wanted:
        told = "two arguments" if wanted == 2 else "one argument"
        raise BindError(f"{node.name.upper()} takes {told}", span=node.span)
    if name in ("count_if", "bool_and", "bool_or"):
        return _of_condition(binder, node, name, arguments[0], filter_)
    return _plain(binder, node, name, arguments, filter_)


def _check_place(binder: ExpressionBinder, node: syntax.Call) -> None:
    if binder.inside_aggregate:
        raise BindError("an aggregate cannot stand inside another one", span=node.span)
    if not binder.aggregates:
        hint = "write the condition in HAVING" if binder.clause == "WHERE" else None
        raise BindError(
            f"{binder.clause} cannot hold an aggregate: {node.name}", span=node.span, hint=hint
        )
    if node.order_by:
        raise UnsupportedError(
            "ORDER BY inside an aggregate is not supported",
            span=node.span,
            hint="the aggregates here do not depend on the order: leave it out",
        )


def _count_star(node: syntax.Call, filter_: Expression | None) -> Aggregate:
    if node.distinct:
        raise BindError("COUNT(DISTINCT *) names no column", span=node.span)
    return Aggregate(
        function="count_star",
        argument=None,
        filter=filter_,
        type=BIGINT,
        nullable=False,
        span=node.span,
    )


def _of_condition(
    binder: ExpressionBinder,
    node: syntax.Call,
    name: str,
    argument: Expression,
    filter_: Expression | None,
) -> Aggregate:
    """Aggregates of a condition."""
    if name == "count_if" and node.distinct:
        raise UnsupportedError(
            f"{node.name.upper()} with DISTINCT is not supported",
            span=node.span,
            hint="BOOL_OR tells whether any row fulfils the condition",
        )
    function, value = of_condition(name, argument, node)
    return _plain(binder, node, function, [value], filter_)


def of_condition(name: str, argument: Expression, node: syntax.Call) -> tuple[str, Expression]:
    """The aggregate that count_if, bool_and or bool_or stands for, and its argument."""
    condition = operators.condition(argument, node.name.upper())
    if name != "count_if":
        return "min" if name == "bool_and" else "max", condition
    return "sum", cast_expression(condition, INTEGER, node.span)


def _plain(
    binder: ExpressionBinder,
    node: syntax.Call,
    name: str,
    arguments: Sequence[Expression],
    filter_: Expression | None,
) -> Aggregate:
    argument, *more = arguments
    statistics = functions.OF_ONE | functions.OF_TWO
    if name in statistics:
        _check_numbers(node, arguments)
    if name in statistics | functions.QUANTILES:
        _check_distinct(node)
    may_be_empty = (
        not binder.grouped_by_keys or filter_ is not None or any(a.nullable for a in arguments)
    )
    return Aggregate(
        function=name,
        argument=argument,
        second=more[0] if more else None,
        distinct=node.distinct and name not in UNCHANGED_BY_DISTINCT,
        filter=filter_,
        type=aggregate_type(name, argument, node.span),
        nullable=name in statistics - {"regr_count"}
        or (name not in ("count", "regr_count") and may_be_empty),
        span=node.span,
    )


def _check_numbers(node: syntax.Call, arguments: Sequence[Expression]) -> None:
    for argument in arguments:
        if not is_numeric(argument.type):
            kind = unparameterised(argument.type)
            raise BindError(
                f"{node.name.upper()} does not take {kind}",
                span=argument.span or node.span,
                hint="write CAST(... AS ...) around the argument",
            )


def _check_distinct(node: syntax.Call) -> None:
    if node.distinct:
        raise UnsupportedError(
            f"{node.name.upper()} with DISTINCT is not supported",
            span=node.span,
            hint="take the statistic of a derived table with SELECT DISTINCT",
        )


def _quantile_type(name: str, argument: Expression, span: Span | None) -> SqlType:
    """The type of the values, a DOUBLE between integers and doubles."""
    match argument.type:
        case _ if name == "quantile_disc":
            return argument.type
        case IntegerType() | DoubleType():
            return DOUBLE
        case DateType() | TimestampType():
            raise UnsupportedError(
                f"{name.upper()} of dates and timestamps is not supported",
                span=span,
                hint="use QUANTILE_DISC(x, 0.5), which is one of the values",
            )
        case DecimalType():
            return argument.type
        case _ if name == "median":
            return argument.type
    raise BindError(
        f"{name.upper()} does not take {unparameterised(argument.type)}",
        span=span,
        hint="use QUANTILE_DISC, which is one of the values",
    )


def aggregate_type(name: str, argument: Expression, span: Span | None) -> SqlType:
    """DuckDB's result types. BindError if the aggregate does not take the argument."""
    if name in ("count", "regr_count"):
        return BIGINT
    if name in functions.OF_ONE | functions.OF_TWO:
        return DOUBLE
    if name in functions.QUANTILES:
        return _quantile_type(name, argument, span)
    if name in UNCHANGED_BY_DISTINCT:
        return argument.type
    match name, argument.type:
        case "sum", IntegerType() | BooleanType() | NullType():
            return HUGEINT
        case "sum", DecimalType(scale=scale):
            return DecimalType(38, scale)
        case "sum", DoubleType(scale=scale):
            return DoubleType(scale)
        case "avg", IntegerType() | DecimalType() | DoubleType() | NullType():
            return DOUBLE
        case "avg", DateType() | TimestampType():
            raise UnsupportedError(
                "AVG of dates is not supported",
                span=span,
                hint="average the days since a date: AVG(x - DATE '2000-01-01')",
            )
    kind = unparameterised(argument.type)
    raise BindError(
        f"{name.upper()} does not take {kind}",
        span=span,
        hint="write CAST(... AS ...) around the argument",
    )
