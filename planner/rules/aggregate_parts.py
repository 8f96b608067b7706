"""Owners of a partitioned relation aggregate their parts before the groups are merged.

    Aggregate(sum(x), count(*) by k, UNION ALL of parts)
    =>  Aggregate(sum, sum by k, UNION ALL of Aggregate(sum(x), count(*) by k, part))

Sums and counts over group keys of a small public domain stay as they are: they need no merging by
sort at all (lowered to AlignedSum). DISTINCT aggregates cannot be merged and stay as well; a plain
DISTINCT is an Aggregate without aggregates and is merged.
"""

from __future__ import annotations

import dataclasses

from ...query.bound import Expression, Literal
from ...query.datatypes import BIGINT, Column
from ..expressions import call, reference
from ..known import Facts, domain_size
from ..logical import Aggregate, Aggregated, Node, Union, project
from ..ownership import is_local, is_partitioned
from ..secure import AggregateFunction
from .context import Context
from .rewriting import map_nodes

DENSE_GROUPS = 4096
MERGED: dict[AggregateFunction, AggregateFunction] = {
    "count_star": "sum",
    "count": "sum",
    "sum": "sum",
    "min": "min",
    "max": "max",
    "any_value": "any_value",
    "constant": "constant",
}


def aggregate_parts(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Aggregate) or is_local(node):
            return node
        union = node.input
        if not isinstance(union, Union) or not is_partitioned(union):
            return node
        if is_dense(node, context.facts(union)) or _done(union):
            return node
        if any(a.function not in MERGED for a in node.aggregates):
            return node
        return _merged(node, union, context)

    return map_nodes(plan, visit)


def is_dense(node: Aggregate, below: Facts) -> bool:
    """Only sums and counts, by keys of few possible values: one row for each combination."""
    if any(a.function not in ("count_star", "count", "sum") for a in node.aggregates):
        return False
    return dense_groups(node, below) is not None


def dense_groups(node: Aggregate, below: Facts) -> int | None:
    """How many combinations of key values there are; None if too many."""
    groups = 1
    nullable = {column.id: column.nullable for column in node.input.columns}
    for key in node.keys:
        encoding = below.ranges[key]
        if encoding is None or encoding.text_bytes is not None:
            return None
        groups *= domain_size(encoding, nullable=nullable[key]) or DENSE_GROUPS + 1
    return groups if groups <= DENSE_GROUPS else None


def _done(union: Union) -> bool:
    return all(isinstance(part, Aggregate) for part in union.inputs)


def _merged(node: Aggregate, union: Union, context: Context) -> Node:
    """Partial aggregates below the union, their merge above, and counts that are never NULL."""
    partial = tuple(_part(node, union, part, context) for part in union.inputs)
    keys = tuple(c for c in node.columns if c.id in node.keys)
    carried = tuple(context.ids.copy(a.column) for a in node.aggregates)
    middle = Union(
        columns=keys + carried,
        inputs=partial,
        unique=(),
        span=union.span,
    )
    merges, outputs = [], [(key, _ref(key)) for key in keys]
    for aggregated, source in zip(node.aggregates, carried, strict=True):
        counted = aggregated.function in ("count_star", "count")
        column = dataclasses.replace(
            aggregated.column, id=context.ids.fresh(), nullable=source.nullable or not keys
        )
        merges.append(
            Aggregated(
                column=column,
                function=MERGED[aggregated.function],
                argument=source.id,
                span=aggregated.span,
            )
        )
        outputs.append((aggregated.column, never_null(column) if counted else _ref(column)))
    merged = Aggregate(
        columns=keys + tuple(m.column for m in merges),
        input=middle,
        keys=tuple(key.id for key in keys),
        aggregates=tuple(merges),
        span=node.span,
    )
    return project(merged, tuple(outputs))


def _ref(column: Column) -> Expression:
    return reference(column)


def never_null(column: Column) -> Expression:
    """A merged count: 0 where there is nothing to merge."""
    if not column.nullable:
        return reference(column)
    zero = Literal(type=BIGINT, nullable=False, value=0)
    return call("coalesce", [reference(column), zero], type=column.type, nullable=False)


def _part(node: Aggregate, union: Union, part: Node, context: Context) -> Aggregate:
    """The same aggregate over one part, under ids of its own."""
    own = dict(zip(union.ids, part.columns, strict=True))
    ids = {outer: column.id for outer, column in own.items()}
    keys = tuple(own[c.id] for c in node.columns if c.id in node.keys)
    aggregates = tuple(a.renamed(context.ids.copy(a.column), ids) for a in node.aggregates)
    return Aggregate(
        columns=keys + tuple(a.column for a in aggregates),
        input=part,
        keys=tuple(key.id for key in keys),
        aggregates=aggregates,
        span=node.span,
    )
