"""MODE: the rows are counted by value first, then each group takes the value counted most.

    SELECT k, mode(x), sum(y) GROUP BY k
    =>  Aggregate(arg_max(x, n), sum(s) by k,
            Project(n = CASE WHEN x IS NOT NULL THEN n END,
                Aggregate(n = count(*), s = sum(y) by k, x)))

Among values counted equally often, any one is taken.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import Case, Expression, Literal
from ..query.datatypes import BIGINT, Column
from ..query.errors import Span, UnsupportedError
from .expressions import call, reference
from .logical import Aggregate, Aggregated, Ids, Node, project
from .rules.aggregate_parts import MERGED


def with_mode(node: Aggregate, wanted: dict[int, tuple[Column, Span | None]], ids: Ids) -> Node:
    """`node` with a column that holds the most frequent value of an input column.

    `wanted`: the output column by the input column. UnsupportedError if there are several, or
    beside an aggregate that cannot be made of the groups of a finer grouping.
    """
    ((value_id, (column, span)),) = wanted.items()
    if value_id in node.keys:
        known = Aggregated(column=column, function="constant", argument=value_id, span=span)
        return dataclasses.replace(
            node, columns=(*node.columns, column), aggregates=(*node.aggregates, known)
        )
    for aggregated in node.aggregates:
        if aggregated.function not in MERGED:
            raise UnsupportedError(
                f"MODE beside {aggregated.function.replace('_', ' ')} is not supported",
                span=span,
                hint="compute it in a derived table of its own, and join the two",
            )
    by_id = {c.id: c for c in node.input.columns}
    count = Column(id=ids.fresh(), name="count", type=BIGINT, encoding=None, nullable=False)
    partial = tuple(dataclasses.replace(a, column=ids.copy(a.column)) for a in node.aggregates)
    keys = tuple(by_id[key] for key in node.keys)
    value = by_id[value_id]
    counted = Aggregated(column=count, function="count_star", argument=None, span=span)
    finer = Aggregate(
        columns=(*keys, value, *(a.column for a in partial), count),
        input=node.input,
        keys=(*node.keys, value_id),
        aggregates=(*partial, counted),
        span=node.span,
    )
    return _coarser(node, finer, column, value, ids)


def _coarser(node: Aggregate, finer: Aggregate, column: Column, value: Column, ids: Ids) -> Node:
    """The groups that were asked for, from those by value."""
    *partial, count = (a.column for a in finer.aggregates)
    known = call("is_not_null", [reference(value)], nullable=False)
    order = dataclasses.replace(ids.copy(count), nullable=value.nullable)
    often: Expression = reference(count)
    if value.nullable:
        often = Case(type=BIGINT, nullable=True, branches=((known, often),), otherwise=None)
    kept = tuple((c, reference(c)) for c in finer.columns if c.id != count.id)
    below = project(finer, (*kept, (order, often)))
    merged: list[Aggregated] = []
    outputs: list[tuple[Column, Expression]] = []
    outputs += [(c, reference(c)) for c in finer.columns if c.id in node.keys]
    for aggregated, part in zip(node.aggregates, partial, strict=True):
        function = MERGED[aggregated.function]
        is_count = aggregated.function in ("count_star", "count")
        total = dataclasses.replace(ids.copy(aggregated.column), nullable=True)
        merged.append(
            Aggregated(column=total, function=function, argument=part.id, span=aggregated.span)
        )
        zero = Literal(type=BIGINT, nullable=False, value=0)
        result: Expression = reference(total)
        if is_count:
            result = call("coalesce", [result, zero], type=total.type, nullable=False)
        outputs.append((aggregated.column, result))
    most = Aggregated(column=column, function="arg_max", argument=value.id, order=order.id)
    keys = tuple(c for c in finer.columns if c.id in node.keys)
    coarser = Aggregate(
        columns=(*keys, *(m.column for m in merged), column),
        input=below,
        keys=node.keys,
        aggregates=(*merged, most),
        span=node.span,
    )
    return project(coarser, (*outputs, (column, reference(column))))
