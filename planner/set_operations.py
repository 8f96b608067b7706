"""UNION, INTERSECT and EXCEPT as one grouping of the UNION ALL of their inputs.

    a UNION b      =>  DISTINCT (a UNION ALL b)
    a INTERSECT b  =>  Filter(l > 0 AND r > 0, Aggregate by all columns: l = count(left), r = ...)
    a EXCEPT b     =>  Filter(r = 0, Aggregate by all columns: r = count(right))

With ALL, a row of the left side is told from its copies by how many of them stand before it. The
right side's copies come first, so that its whole number is known by then:

    a INTERSECT ALL b  =>  Filter(left AND l <= r, Window by all columns, right side first:
                               l = count(left) and r = count(right) up to the row)
    a EXCEPT ALL b     =>  Filter(left AND l > r, ...)

A row's side is a column that is NULL on the other side, so that it costs one bit. As keys of a
group, NULLs are alike, which is what a set operation asks for.
"""

from __future__ import annotations

from ..query.bound import Combination, Expression, Frame, Literal, UnionAll
from ..query.bound import SetOperation as BoundSetOperation
from ..query.datatypes import BIGINT, BOOLEAN, Column
from .expressions import TRUE, call, conjunction, reference
from .logical import (
    Aggregate,
    Aggregated,
    Ids,
    Node,
    OrderBy,
    Union,
    Windowed,
    keep,
    project,
    window,
)


def combine(query: BoundSetOperation, inputs: tuple[Node, ...], ids: Ids) -> Node:
    """The plan of a set operation over the plans of its inputs; its columns are the query's."""
    union = Union(columns=query.columns, inputs=inputs)
    match query:
        case UnionAll():
            return union
        case Combination(operator="union"):
            return Aggregate(columns=union.columns, input=union, keys=union.ids, aggregates=())
        case Combination(all=False):
            return _chosen(query, inputs, ids)
        case Combination():
            return _counted(query, inputs, ids)
        case _:
            raise AssertionError(type(query).__name__)


def _chosen(query: Combination, inputs: tuple[Node, ...], ids: Ids) -> Node:
    """Groups of the rows of both sides, kept by the number of rows that each side has."""
    columns, marks, union = _marked_union(
        query, inputs, (0, 1) if query.operator == "intersect" else (1,), ids
    )
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
    return _unmarked(query, keep(grouped, conjunction(conditions)), columns)


def _counted(query: Combination, inputs: tuple[Node, ...], ids: Ids) -> Node:
    """Rows of the left side, kept by the number of their copies so far and on the right."""
    columns, marks, union = _marked_union(query, inputs, (0, 1), ids)
    left, _ = marks
    frame = Frame(unit="rows", start=None, stop=0)
    counts = tuple(
        Windowed(
            column=Column(id=ids.fresh(), name="count", type=BIGINT, encoding=None, nullable=False),
            function="count",
            argument=mark.id,
            number=0,
            frame=frame,
        )
        for mark in marks
    )
    ordered = window(
        union,
        tuple(column.id for column in columns),
        (OrderBy(column=left.id, descending=False, nulls_first=True),),
        counts,
    )
    mine, theirs = (reference(c.column) for c in counts)
    conditions = [
        call("is_not_null", [reference(left)], nullable=False),
        call("<=" if query.operator == "intersect" else ">", [mine, theirs], nullable=False),
    ]
    return _unmarked(query, keep(ordered, conjunction(conditions)), columns)


def _unmarked(query: Combination, node: Node, columns: tuple[Column, ...]) -> Node:
    pairs = zip(query.columns, columns, strict=True)
    return project(node, tuple((outer, reference(own)) for outer, own in pairs))


def _marked_union(
    query: Combination, inputs: tuple[Node, ...], sides: tuple[int, ...], ids: Ids
) -> tuple[tuple[Column, ...], tuple[Column, ...], Union]:
    """UNION ALL of the inputs: its columns, and a mark for each of the sides that are counted."""
    marks = tuple(_mark(ids) for _ in sides)
    columns = tuple(ids.copy(column) for column in query.columns)
    marked = tuple(
        _marked(inner, tuple(side == place for side in sides), ids)
        for place, inner in enumerate(inputs)
    )
    return columns, marks, Union(columns=columns + marks, inputs=marked)


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
