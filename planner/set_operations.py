"""UNION, INTERSECT and EXCEPT as one grouping of the UNION ALL of their inputs.

    a UNION b      =>  DISTINCT (a UNION ALL b)
    a INTERSECT b  =>  Filter(l > 0 AND r > 0, Aggregate by all columns: l = count(left), r = ...)
    a EXCEPT b     =>  Filter(r = 0, Aggregate by all columns: r = count(right))

A row's side is a column that is NULL on the other side, so that it costs one bit. As keys of a
group, NULLs are alike, which is what a set operation asks for.
"""

from __future__ import annotations

from ..query.bound import Combination, Expression, Literal, UnionAll
from ..query.bound import SetOperation as BoundSetOperation
from ..query.datatypes import BIGINT, BOOLEAN, Column
from .expressions import TRUE, call, conjunction, reference
from .logical import Aggregate, Aggregated, Ids, Node, Union, keep, project


def combine(query: BoundSetOperation, inputs: tuple[Node, ...], ids: Ids) -> Node:
    """The plan of a set operation over the plans of its inputs; its columns are the query's."""
    union = Union(columns=query.columns, inputs=inputs)
    match query:
        case UnionAll():
            return union
        case Combination(operator="union"):
            return Aggregate(columns=union.columns, input=union, keys=union.ids, aggregates=())
        case Combination():
            return _chosen(query, inputs, ids)
        case _:
            raise AssertionError(type(query).__name__)


def _chosen(query: Combination, inputs: tuple[Node, ...], ids: Ids) -> Node:
    """Groups of the rows of both sides, kept by the number of rows that each side has."""
    wanted = (0, 1) if query.operator == "intersect" else (1,)
    marks = tuple(_mark(ids) for _ in wanted)
    columns = tuple(ids.copy(column) for column in query.columns)
    marked = tuple(
        _marked(inner, tuple(side == place for side in wanted), ids)
        for place, inner in enumerate(inputs)
    )
    union = Union(columns=columns + marks, inputs=marked)
    counts = tuple(_count(mark, ids) for mark in marks)
    grouped = Aggregate(
        columns=columns + tuple(c.column for c in counts),
        input=union,
        keys=tuple(column.id for column in columns),
        aggregates=counts,
    )
    function = ">" if query.operator == "intersect" else "="
    zero = Literal(type=BIGINT, nullable=False, value=0)
    conditions = [call(function, [reference(c.column), zero]) for c in counts]
    kept = keep(grouped, conjunction(conditions))
    pairs = zip(query.columns, columns, strict=True)
    return project(kept, tuple((outer, reference(own)) for outer, own in pairs))


def _mark(ids: Ids) -> Column:
    return Column(id=ids.fresh(), name="side", type=BOOLEAN, encoding=None, nullable=True)


def _marked(node: Node, present: tuple[bool, ...], ids: Ids) -> Node:
    """The node with a column for each mark: TRUE where its rows count, else NULL."""
    absent = Literal(type=BOOLEAN, nullable=True, value=None)
    items: list[tuple[Column, Expression]] = [(ids.copy(c), reference(c)) for c in node.columns]
    items += [(_mark(ids), TRUE if one else absent) for one in present]
    return project(node, tuple(items))


def _count(mark: Column, ids: Ids) -> Aggregated:
    column = Column(id=ids.fresh(), name="count", type=BIGINT, encoding=None, nullable=False)
    return Aggregated(column=column, function="count", argument=mark.id)
