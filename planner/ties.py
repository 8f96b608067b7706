"""Rows that tie must come in one order wherever their numbers are read.

    WITH r AS (SELECT *, row_number() OVER (ORDER BY day) AS n FROM labs)
    SELECT ... FROM r a JOIN r b ON a.n = b.n + 1

A common table that its owner computes alone is planned for every place that reads it, and each time
rows that tie may come in another order. Where the order is not known to be total the two would not
fit each other.
"""

from __future__ import annotations

from ..query.errors import Span, UnsupportedError
from .facts import Analysis
from .logical import Node, Window, walk
from .secure import tells_ties_apart


def check_ties(plan: Node, analysis: Analysis) -> None:
    """UnsupportedError, with its place, for a window function that is planned twice although rows
    may tie in its order and it tells them apart."""
    seen: dict[Span, int] = {}
    for node in walk(plan):
        if not isinstance(node, Window) or _is_total(node, analysis):
            continue
        for windowed in node.calls:
            span = windowed.span
            if span is None or not tells_ties_apart(windowed.function, windowed.frame):
                continue
            if seen.setdefault(span, node.calls[0].column.id) != node.calls[0].column.id:
                raise UnsupportedError(
                    "an order that leaves rows tied decides what is read in several places",
                    span=span,
                    hint="add columns to the ORDER BY until no two rows tie, a primary key at last",
                )


def _is_total(node: Window, analysis: Analysis) -> bool:
    """Whether the catalog promises that no two rows of a partition tie."""
    ordered = frozenset((*node.partition, *(key.column for key in node.order)))
    never_null = frozenset(column.id for column in node.input.columns if not column.nullable)
    return analysis.facts(node.input).unique_on(ordered & never_null) is not None
