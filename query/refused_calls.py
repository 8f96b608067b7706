"""Calls that are SQL but do not run: refused by name, each with what to do instead."""

from __future__ import annotations

from . import functions, syntax
from .errors import BindError, Span, UnsupportedError


def refuse_by_name(node: syntax.Call, name: str) -> None:
    """UnsupportedError if `name`, the call's in lower case, is SQL but does not run."""
    if name in functions.WINDOW_FUNCTIONS:
        raise BindError(
            f"{node.name} is a window function and needs OVER (...)",
            span=node.span,
            hint=f"write {node.name}(...) OVER (PARTITION BY ... ORDER BY ...)",
        )
    if node.within_group:
        raise UnsupportedError(
            "WITHIN GROUP is not supported",
            span=node.span,
            hint="use the aggregates COUNT, SUM, AVG, MIN and MAX",
        )
    if name in functions.STATISTICS | functions.OTHER_AGGREGATES:
        raise UnsupportedError(
            f"the aggregate {node.name} is not supported",
            span=node.span,
            hint=_AGGREGATE_HINTS.get(name, "the aggregates that run are listed in docs/sql.md"),
        )
    if name in functions.CLOCK_FUNCTIONS:
        raise no_clock(node.name, node.span)
    if name in functions.MODEL_FUNCTIONS:
        raise UnsupportedError(
            f"models are not supported: {node.name}",
            span=node.span,
            hint="query the aggregates that the model needs",
        )


def no_clock(name: str, span: Span | None) -> UnsupportedError:
    """The error for a query that asks for the time."""
    return UnsupportedError(
        f"{name} is not supported: parties have no common clock",
        span=span,
        hint="write the moment, such as DATE '2025-01-31' or TIMESTAMP '2025-01-31 08:00'",
    )


_AGGREGATE_HINTS = {
    "every": "write BOOL_AND(condition)",
}
