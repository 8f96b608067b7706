"""Columns that nothing above reads are dropped as early as possible.

    Project(a, Filter(b > 1, Scan(a, b, c)))   =>   Project(a, Filter(b > 1, Scan(a, b)))

What is dropped is never shared. DISTINCT keeps its columns: they decide what is distinct.
"""

from __future__ import annotations

import dataclasses

from ..expressions import columns_of, reference
from ..logical import (
    Aggregate,
    Check,
    Filter,
    Join,
    Node,
    Once,
    Project,
    Scan,
    Sort,
    Union,
    Window,
    join,
    keep,
    once,
    project,
    window,
)
from .context import Context


def prune_columns(plan: Node, context: Context) -> Node:
    return prune(plan, frozenset(plan.ids))


def prune(node: Node, needed: frozenset[int]) -> Node:
    """The node with at least the needed columns; a few more where dropping them has no use."""
    match node:
        case Scan():
            both = zip(node.columns, node.names, strict=True)
            pairs = [(c, n) for c, n in both if c.id in needed]
            return dataclasses.replace(
                node, columns=tuple(c for c, _ in pairs), names=tuple(n for _, n in pairs)
            )
        case Filter():
            below = prune(node.input, needed | columns_of(node.predicate))
            return keep(below, node.predicate)
        case Check():
            below = prune(node.input, needed | columns_of(node.condition))
            return dataclasses.replace(node, input=below, columns=below.columns)
        case Project():
            items = tuple(
                (c, e)
                for c, e in zip(node.columns, node.expressions, strict=True)
                if c.id in needed
            )
            below = prune(node.input, columns_of(*(e for _, e in items)))
            return dataclasses.replace(project(below, items), span=node.span)
        case Join():
            return _join(node, needed)
        case Aggregate():
            return _aggregate(node, needed)
        case Sort():
            below = prune(node.input, needed | frozenset(k.column for k in node.keys))
            return dataclasses.replace(node, input=below, columns=below.columns)
        case Window():
            return _window(node, needed)
        case Union():
            return _union(node, needed)
        case Once():
            return once(prune(node.input, frozenset(node.ids)))
        case _:
            return node


def _join(node: Join, needed: frozenset[int]) -> Node:
    wanted = needed | columns_of(*node.condition)
    left = prune(node.left, wanted & frozenset(node.left.ids))
    right_wanted = columns_of(*node.condition) if node.kind in ("semi", "anti") else wanted
    right = prune(node.right, right_wanted & frozenset(node.right.ids))
    return join(node.kind, left, right, node.condition, node.span)


def _aggregate(node: Aggregate, needed: frozenset[int]) -> Node:
    aggregates = tuple(a for a in node.aggregates if a.column.id in needed)
    arguments = frozenset(i for a in aggregates for i in a.reads)
    below = prune(node.input, arguments | frozenset(node.keys))
    kept = frozenset(node.keys) | frozenset(a.column.id for a in aggregates)
    columns = tuple(c for c in node.columns if c.id in kept)
    return dataclasses.replace(node, input=below, columns=columns, aggregates=aggregates)


def _window(node: Window, needed: frozenset[int]) -> Node:
    """Functions that nobody reads go; without any, the rows are all that is left."""
    calls = tuple(c for c in node.calls if c.column.id in needed)
    if not calls:
        return prune(node.input, needed & frozenset(node.input.ids))
    read = frozenset(c.argument for c in calls if c.argument is not None)
    keys = frozenset(node.partition) | frozenset(k.column for k in node.order)
    below = prune(node.input, (needed & frozenset(node.input.ids)) | read | keys)
    return window(below, node.partition, node.order, calls, node.span)


def _union(node: Union, needed: frozenset[int]) -> Node:
    """Drops positions; inputs are brought to exactly the kept columns, in order."""
    kept = [p for p, column in enumerate(node.columns) if column.id in needed]
    inputs = []
    for inner in node.inputs:
        columns = tuple(inner.columns[p] for p in kept)
        below = prune(inner, frozenset(c.id for c in columns))
        if below.columns != columns:
            below = project(below, tuple((c, reference(c)) for c in columns))
        inputs.append(below)
    columns = tuple(node.columns[p] for p in kept)
    ids = frozenset(c.id for c in columns)
    unique = tuple(key for key in node.unique if set(key) <= ids)
    return dataclasses.replace(node, inputs=tuple(inputs), columns=columns, unique=unique)
