"""Grouping sets over shares are made of the groups of all keys, if these are far fewer than rows.

    UNION ALL of Aggregate(sum(x) by a, b, Once(t)), Aggregate(sum(x) by a, Once(t))
    =>  UNION ALL of g, Aggregate(sum(s) by a, g)
        where g = Once(Aggregate(s = sum(x) by a, b, Once(t)))

The rows are sorted once, and every further set sorts groups. Only for aggregates that can be made
of partial ones. Sizes are public bounds, so that the choice discloses nothing.
"""

from __future__ import annotations

import dataclasses

from ...query.bound import Expression
from ..expressions import reference, substitute
from ..logical import Aggregate, Aggregated, Node, Once, Project, Union, once, project
from .aggregate_parts import MERGED, never_null
from .context import Context
from .rewriting import map_nodes

FEWER = 2
"""How many times fewer the groups of all keys have to be than the rows."""


def group_finer_first(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Union) or len(node.inputs) < 2:
            return node
        branches = [_branch(inner) for inner in node.inputs]
        known = [branch for branch in branches if branch is not None]
        if len(known) < len(branches) or len({_rows(a).ids for _, a in known}) > 1:
            return node
        return _rewritten(node, known, context) or node

    return map_nodes(plan, visit)


def _branch(node: Node) -> tuple[Project, Aggregate] | None:
    if not isinstance(node, Project) or not isinstance(node.input, Aggregate):
        return None
    grouped = node.input
    mergeable = all(a.function in MERGED for a in grouped.aggregates)
    return (node, grouped) if mergeable and isinstance(grouped.input, Once) else None


def _rows(grouped: Aggregate) -> Once:
    assert isinstance(grouped.input, Once)
    return grouped.input


def _rewritten(
    node: Union, branches: list[tuple[Project, Aggregate]], context: Context
) -> Node | None:
    rows = _rows(branches[0][1])
    keys = tuple(dict.fromkeys(key for _, grouped in branches for key in grouped.keys))
    like = branches[0][1].aggregates
    if not keys or any(_calls(grouped) != _calls(branches[0][1]) for _, grouped in branches):
        return None
    partial = tuple(dataclasses.replace(a, column=context.ids.copy(a.column)) for a in like)
    by_id = {column.id: column for column in rows.columns}
    finest = Aggregate(
        columns=tuple(by_id[key] for key in keys) + tuple(a.column for a in partial),
        input=rows,
        keys=keys,
        aggregates=partial,
        span=node.span,
    )
    if context.facts(finest).rows * FEWER > context.facts(rows).rows:
        return None
    base = once(finest)
    inputs = tuple(_over(base, finest, one, grouped, context) for one, grouped in branches)
    return dataclasses.replace(node, inputs=inputs)


def _calls(grouped: Aggregate) -> list[tuple[str, tuple[int, ...]]]:
    return [(a.function, a.reads) for a in grouped.aggregates]


def _over(
    base: Once, finest: Aggregate, shown: Project, grouped: Aggregate, context: Context
) -> Node:
    """One set's groups, made of the finest ones."""
    pairs = list(zip(grouped.aggregates, finest.aggregates, strict=True))
    if set(grouped.keys) == set(finest.keys):
        known: dict[int, Expression] = {a.column.id: reference(f.column) for a, f in pairs}
        return _project(shown, base, known)
    merges: list[Aggregated] = []
    values: dict[int, Expression] = {}
    for aggregated, part in pairs:
        nullable = part.column.nullable or not grouped.keys
        column = dataclasses.replace(context.ids.copy(part.column), nullable=nullable)
        function = MERGED[aggregated.function]
        merges.append(Aggregated(column=column, function=function, argument=part.column.id))
        counted = aggregated.function in ("count_star", "count")
        values[aggregated.column.id] = never_null(column) if counted else reference(column)
    keys = tuple(column for column in grouped.columns if column.id in grouped.keys)
    merged = Aggregate(
        columns=keys + tuple(m.column for m in merges),
        input=base,
        keys=grouped.keys,
        aggregates=tuple(merges),
        span=grouped.span,
    )
    return _project(shown, merged, values)


def _project(shown: Project, node: Node, values: dict[int, Expression]) -> Node:
    expressions = (substitute(e, values) for e in shown.expressions)
    return project(node, tuple(zip(shown.columns, expressions, strict=True)))
