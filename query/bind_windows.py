"""Window functions: f(...) FILTER (...) OVER (PARTITION BY ... ORDER BY ... frame)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from . import operators, syntax
from .bind_aggregates import aggregate_type, of_condition
from .bind_frames import WHOLE_PARTITION, bind_frame
from .bound import ColumnRef, Expression, Literal, OrderKey, Window
from .casting import cast_expression
from .datatypes import BIGINT, DOUBLE, NullType, SqlType
from .errors import BindError, Span, UnsupportedError
from .functions import AGGREGATES, WINDOW_AGGREGATES, WINDOW_FUNCTIONS
from .scope import Scope, suggestion
from .walking import nodes_of
from .window_clauses import specification

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder

_RANKINGS: Mapping[str, SqlType] = {
    "row_number": BIGINT,
    "rank": BIGINT,
    "dense_rank": BIGINT,
    "percent_rank": DOUBLE,
    "cume_dist": DOUBLE,
}


def check_windows(
    scope: Scope,
    where: Expression | None,
    everything: Sequence[Expression],
    qualify: Expression | None,
) -> None:
    """QUALIFY needs a window function somewhere, and windows need a query of their own.

    A condition on the query around it would take rows away from the windows of a subquery.
    """
    windows = [node for e in everything for node in nodes_of(e) if isinstance(node, Window)]
    if qualify is not None and not windows:
        raise BindError(
            "QUALIFY needs a window function, in it or in the select list",
            span=qualify.span,
            hint="write the condition in WHERE or HAVING",
        )
    if not windows or scope.outer is None:
        return
    outer = {c.id for around in scope.outer.chain() for s in around.sources for c in s.columns}
    for node in nodes_of((where, *everything)):
        if isinstance(node, ColumnRef) and node.id in outer:
            raise UnsupportedError(
                "a window function in a correlated subquery is not supported",
                span=node.span,
                hint="compute the window in a derived table, and join it",
            )


def bind_window(binder: ExpressionBinder, node: syntax.Call) -> Window:
    """A call with OVER. Errors: BindError where it may not stand or does not fit;
    UnsupportedError, by name, for what does not run."""
    name = AGGREGATES.get(node.name.lower(), node.name.lower())
    _check_place(binder, node)
    _check_call(node, name)
    assert binder.windows is not None
    window = specification(node, binder.windows)
    with binder.within_window():
        partition_by = _keys(binder, window.partition_by)
        order_by = _order(binder, window.order_by)
        frame = bind_frame(binder, window) if _is_framed(name) else WHOLE_PARTITION
        filter_ = None
        if node.filter is not None:
            filter_ = operators.condition(binder.bind(node.filter), "FILTER")
        made = _function(binder, node, name)
    certain = _is_framed(name) and name != "nth_value" and frame.has_current_row and not filter_
    return Window(
        function=made.function,
        argument=made.argument,
        number=made.number,
        default=made.default,
        filter=filter_,
        partition_by=partition_by,
        order_by=order_by,
        frame=frame,
        type=made.type,
        nullable=made.nullable and not (certain and _is_never_null(made.argument)),
        span=node.span,
    )


def _is_framed(name: str) -> bool:
    return name in WINDOW_AGGREGATES or name in ("first_value", "last_value", "nth_value")


def _is_never_null(argument: Expression | None) -> bool:
    return argument is not None and not argument.nullable


def _order(binder: ExpressionBinder, keys: Sequence[syntax.OrderKey]) -> tuple[OrderKey, ...]:
    """ORDER BY without constants, which order nothing; NULLs last unless the text says so."""
    bound = [
        OrderKey(
            expression=binder.bind(key.expression),
            descending=bool(key.descending),
            nulls_first=bool(key.nulls_first),
        )
        for key in keys
    ]
    return tuple(key for key in bound if not isinstance(key.expression, Literal))


def _keys(binder: ExpressionBinder, nodes: Sequence[syntax.Expression]) -> tuple[Expression, ...]:
    """PARTITION BY without constants, which part nothing."""
    bound = [binder.bind(node) for node in nodes]
    return tuple(dict.fromkeys(e for e in bound if not isinstance(e, Literal)))


def _check_place(binder: ExpressionBinder, node: syntax.Call) -> None:
    if binder.inside_aggregate:
        raise BindError(
            f"a window function cannot stand inside an aggregate: {node.name}",
            span=node.span,
            hint="compute the window in a derived table, and aggregate outside",
        )
    if binder.inside_window:
        raise BindError(
            f"a window function cannot stand inside another one: {node.name}",
            span=node.span,
            hint="compute the inner one in a derived table",
        )
    if binder.windows is None:
        where = binder.clause in ("WHERE", "HAVING")
        hint = "write the condition in QUALIFY" if where else "compute it in a derived table"
        raise BindError(
            f"{binder.clause} cannot hold a window function: {node.name}",
            span=node.span,
            hint=hint,
        )


def _check_call(node: syntax.Call, name: str) -> None:
    if name not in WINDOW_FUNCTIONS | WINDOW_AGGREGATES:
        known = sorted(WINDOW_FUNCTIONS | WINDOW_AGGREGATES)
        raise UnsupportedError(
            f"{node.name} is not supported as a window function",
            span=node.span,
            hint=suggestion(name, known) or f"there are {', '.join(known)}",
        )
    refused = (
        (node.distinct, "DISTINCT", "count distinct values with GROUP BY, and join the groups"),
        (node.order_by, "ORDER BY inside the call", "write it in OVER (ORDER BY ...)"),
        (node.within_group, "WITHIN GROUP", "write OVER (ORDER BY ...)"),
    )
    for present, what, hint in refused:
        if present:
            raise UnsupportedError(
                f"{what} of a window function is not supported", span=node.span, hint=hint
            )
    if node.filter is not None and name not in WINDOW_AGGREGATES:
        raise BindError(
            f"{node.name} takes no FILTER",
            span=node.span,
            hint="only the aggregates do: COUNT, SUM, AVG, MIN, MAX",
        )


class _Made:
    """The function of a window, with its constant argument taken out."""

    __slots__ = ("argument", "default", "function", "nullable", "number", "type")

    def __init__(
        self,
        function: str,
        type: SqlType,
        *,
        argument: Expression | None = None,
        number: int = 0,
        default: Expression | None = None,
        nullable: bool = False,
    ) -> None:
        self.function, self.type, self.argument = function, type, argument
        self.number, self.default, self.nullable = number, default, nullable


def _function(binder: ExpressionBinder, node: syntax.Call, name: str) -> _Made:
    if name in _RANKINGS:
        _count_arguments(node, 0, 0)
        return _Made(name, _RANKINGS[name])
    if name == "ntile":
        _count_arguments(node, 1, 1)
        return _Made(name, BIGINT, number=_constant(binder, node, 0, least=1))
    if name in ("lag", "lead"):
        return _shifted(binder, node, name)
    if name in ("first_value", "last_value", "nth_value"):
        count = 2 if name == "nth_value" else 1
        _count_arguments(node, count, count)
        argument = _argument(binder, node)
        number = _constant(binder, node, 1, least=1) if count == 2 else 1
        return _Made(name, argument.type, argument=argument, number=number, nullable=True)
    if name == "count" and (node.star or not node.arguments):
        return _Made("count_star", BIGINT)
    _count_arguments(node, 1, 1)
    argument = _argument(binder, node)
    if name in ("bool_and", "bool_or", "count_if"):
        name, argument = of_condition(name, argument, node)
    type = aggregate_type(name, argument, node.span)
    return _Made(name, type, argument=argument, nullable=name != "count")


def _shifted(binder: ExpressionBinder, node: syntax.Call, name: str) -> _Made:
    """LAG or LEAD; one over a negative number of rows is the other one."""
    _count_arguments(node, 1, 3)
    argument = _argument(binder, node)
    number = _constant(binder, node, 1) if len(node.arguments) > 1 else 1
    default = None
    if len(node.arguments) > 2:
        default = cast_expression(binder.bind(node.arguments[2]), argument.type, node.span)
        if isinstance(default, Literal) and default.value is None:
            default = None
    if number < 0:
        name, number = "lead" if name == "lag" else "lag", -number
    nullable = argument.nullable or default is None or default.nullable
    return _Made(
        name, argument.type, argument=argument, number=number, default=default, nullable=nullable
    )


def _argument(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    argument = binder.bind(node.arguments[0])
    if isinstance(argument.type, NullType):
        raise BindError(
            f"{node.name} of NULL has no type",
            span=argument.span,
            hint="write CAST(NULL AS ...)",
        )
    return argument


def _constant(
    binder: ExpressionBinder, node: syntax.Call, position: int, *, least: int | None = None
) -> int:
    """A constant whole number among the arguments."""
    bound = binder.bind(node.arguments[position])
    place: Span = node.arguments[position].span
    if (
        not isinstance(bound, Literal)
        or not isinstance(bound.value, int)
        or isinstance(bound.value, bool)
    ):
        raise UnsupportedError(
            f"{node.name} takes a constant whole number as argument {position + 1}",
            span=place,
            hint="write the number itself",
        )
    if least is not None and bound.value < least:
        raise BindError(f"{node.name} takes a number of at least {least}", span=place)
    return bound.value


def _count_arguments(node: syntax.Call, low: int, high: int) -> None:
    count = len(node.arguments)
    if node.star or not low <= count <= high:
        wanted = f"{low}" if low == high else f"{low} to {high}"
        given = "*" if node.star else f"{count}"
        raise BindError(f"{node.name} takes {wanted} arguments, not {given}", span=node.span)
