"""The logical plan: what a query computes, before anybody decides who computes it.

Nodes are immutable. A node's `columns` are its output schema; ids are unique within one query, and
a node passes its input's ids through unchanged unless it computes something new.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..query.bound import Expression, Frame, Query
from ..query.catalog import Table
from ..query.datatypes import Column
from ..query.errors import Span
from .expressions import reference, substitute
from .secure import AggregateFunction, WindowFunction


@dataclass(frozen=True, kw_only=True)
class Node:
    """Base of logical nodes; without slots, as what rules ask of a node again and again is kept."""

    columns: tuple[Column, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    @cached_property
    def ids(self) -> tuple[int, ...]:
        return tuple([column.id for column in self.columns])

    @cached_property
    def owners(self) -> frozenset[str]:
        """Who owns the tables below; public tables have no owner.

        A shared table is its holders' together: no one of them can compute on it alone.
        """
        return frozenset[str]().union(*[child.owners for child in children(self)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Node):
    """One owner's part of a table (`owner` None: public or shared); `names`: source columns."""

    table: Table
    owner: str | None
    names: tuple[str, ...]

    @cached_property
    def owners(self) -> frozenset[str]:
        if self.table.sharing is not None:
            return frozenset(self.table.sharing.holders)
        return frozenset() if self.owner is None else frozenset([self.owner])


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(Node):
    """One row without columns: SELECT without FROM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Node):
    input: Node
    predicate: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Node):
    """The same rows, if `condition` is TRUE for all of them; else the query fails: `message`."""

    input: Node
    condition: Expression
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Node):
    """`expressions[i]` computes `columns[i]`; a plain ColumnRef keeps its id."""

    input: Node
    expressions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Node):
    """kind: inner, left, semi, anti, and where one owner runs it alone right and full.

    An inner join without conditions is a cross join. semi and anti expose the left columns only.
    """

    kind: str
    left: Node
    right: Node
    condition: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregated:
    """One aggregate: `column` = function(argument column of the input).

    `order`: the column whose least or largest value picks the row of arg_min and arg_max.
    """

    column: Column
    function: AggregateFunction
    argument: int | None
    order: int | None = None
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def reads(self) -> tuple[int, ...]:
        """The input columns that it reads."""
        return tuple(i for i in (self.argument, self.order) if i is not None)

    def renamed(self, column: Column, ids: Mapping[int, int]) -> Aggregated:
        """The same aggregate over other input columns, yielding another column."""
        return dataclasses.replace(
            self,
            column=column,
            argument=None if self.argument is None else ids[self.argument],
            order=None if self.order is None else ids[self.order],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Node):
    """GROUP BY `keys` (input column ids); `columns` are the keys, then the aggregates.

    DISTINCT is an Aggregate without aggregates.
    """

    input: Node
    keys: tuple[int, ...]
    aggregates: tuple[Aggregated, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBy:
    column: int
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """One window function: `column` = function(argument column, number) over the frame."""

    column: Column
    function: WindowFunction
    argument: int | None
    number: int
    frame: Frame
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Node):
    """Window functions over one PARTITION BY and ORDER BY; `columns` are the input's, then theirs.

    Which of the rows that tie comes first is open, and the same for all of the functions.
    """

    input: Node
    partition: tuple[int, ...]
    order: tuple[OrderBy, ...]
    calls: tuple[Windowed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Node):
    """ORDER BY, LIMIT and OFFSET together; `keys` may be empty."""

    input: Node
    keys: tuple[OrderBy, ...]
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Union(Node):
    """UNION ALL; inputs align with `columns` by position.

    `unique`: sets of column ids that are unique across all inputs by the catalog's contract (the
    primary key of a partitioned table).
    """

    inputs: tuple[Node, ...]
    unique: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Once(Node):
    """Its input, computed once for all places in the plan where its column ids stand.

    Rules work below it and above it, and move nothing through it.
    """

    input: Node


def once(node: Node) -> Once:
    return Once(columns=node.columns, input=node, span=node.span)


def shared_below(node: Node) -> Node:
    """What is projected at the top of the node, over the rest once for all its places."""
    if isinstance(node, Project):
        return dataclasses.replace(node, input=shared_below(node.input))
    return once(node)


class Ids:
    """Hands out column ids that the query does not use yet.

    common: the plans of the queries that stand in several places, by the identity of the query.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self.common: dict[int, tuple[Query, Node]] = {}

    def fresh(self) -> int:
        self._next += 1
        return self._next - 1

    def copy(self, column: Column) -> Column:
        """The same column under a fresh id."""
        return dataclasses.replace(column, id=self.fresh())


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Union():
            return node.inputs
        case Join():
            return (node.left, node.right)
        case Filter() | Check() | Project() | Aggregate() | Sort() | Window() | Once():
            return (node.input,)
        case _:
            return ()


def with_children(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same node over other inputs (with the same column ids)."""
    if inputs == children(node):
        return node
    match node:
        case Union():
            return dataclasses.replace(node, inputs=inputs)
        case Join():
            return join(node.kind, inputs[0], inputs[1], node.condition, node.span)
        case Filter():
            return keep(inputs[0], node.predicate)
        case Once():
            return once(inputs[0])
        case Sort() | Check():
            return dataclasses.replace(node, input=inputs[0], columns=inputs[0].columns)
        case Window():
            return window(inputs[0], node.partition, node.order, node.calls, node.span)
        case Project() | Aggregate():
            return dataclasses.replace(node, input=inputs[0])
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """Every node, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def keep(node: Node, predicate: Expression) -> Filter:
    """A filter with its schema."""
    return Filter(columns=node.columns, input=node, predicate=predicate, span=predicate.span)


def join(
    kind: str, left: Node, right: Node, condition: tuple[Expression, ...], span: Span | None = None
) -> Join:
    """A join with its schema; the null-extended side's columns become nullable."""
    left_columns, right_columns = left.columns, right.columns
    if kind in ("right", "full"):
        left_columns = tuple(dataclasses.replace(c, nullable=True) for c in left_columns)
    if kind in ("left", "full"):
        right_columns = tuple(dataclasses.replace(c, nullable=True) for c in right_columns)
    columns = left_columns if kind in ("semi", "anti") else left_columns + right_columns
    return Join(columns=columns, kind=kind, left=left, right=right, condition=condition, span=span)


def check(node: Node, condition: Expression, message: str) -> Check:
    """A check with its schema."""
    return Check(
        columns=node.columns, input=node, condition=condition, message=message, span=condition.span
    )


def window(
    node: Node,
    partition: tuple[int, ...],
    order: tuple[OrderBy, ...],
    calls: tuple[Windowed, ...],
    span: Span | None = None,
) -> Window:
    """Window functions over a node, with their schema."""
    columns = node.columns + tuple(call.column for call in calls)
    return Window(
        columns=columns, input=node, partition=partition, order=order, calls=calls, span=span
    )


def project(node: Node, items: tuple[tuple[Column, Expression], ...]) -> Project:
    return Project(
        columns=tuple(column for column, _ in items),
        input=node,
        expressions=tuple(expression for _, expression in items),
        span=node.span,
    )


def with_fresh_ids(node: Node, ids: Ids) -> Node:
    """A copy of a subtree under fresh column ids, so that it may stand in the plan once more.

    Output columns keep their positions.
    """
    new: dict[int, Column] = {}
    for inner in walk(node):
        for column in inner.columns:
            if column.id not in new:
                new[column.id] = ids.copy(column)
    by: dict[int, Expression] = {old: reference(column) for old, column in new.items()}
    return _renamed(node, {old: column.id for old, column in new.items()}, by)


def _renamed(node: Node, new: dict[int, int], by: dict[int, Expression]) -> Node:
    inputs = tuple(_renamed(child, new, by) for child in children(node))
    columns = tuple(dataclasses.replace(c, id=new[c.id]) for c in node.columns)
    match node:
        case Filter():
            return keep(inputs[0], substitute(node.predicate, by))
        case Check():
            condition = substitute(node.condition, by)
            return dataclasses.replace(node, input=inputs[0], columns=columns, condition=condition)
        case Join():
            conditions = tuple(substitute(e, by) for e in node.condition)
            return join(node.kind, inputs[0], inputs[1], conditions, node.span)
        case Project():
            expressions = tuple(substitute(e, by) for e in node.expressions)
            return dataclasses.replace(
                node, input=inputs[0], columns=columns, expressions=expressions
            )
        case Aggregate():
            aggregates = tuple(
                a.renamed(dataclasses.replace(a.column, id=new[a.column.id]), new)
                for a in node.aggregates
            )
            keys = tuple(new[key] for key in node.keys)
            return dataclasses.replace(
                node, input=inputs[0], columns=columns, keys=keys, aggregates=aggregates
            )
        case Sort():
            order = tuple(dataclasses.replace(k, column=new[k.column]) for k in node.keys)
            return dataclasses.replace(node, input=inputs[0], columns=columns, keys=order)
        case Window():
            made = tuple(
                dataclasses.replace(
                    c,
                    column=dataclasses.replace(c.column, id=new[c.column.id]),
                    argument=None if c.argument is None else new[c.argument],
                )
                for c in node.calls
            )
            order = tuple(dataclasses.replace(k, column=new[k.column]) for k in node.order)
            partition = tuple(new[key] for key in node.partition)
            return window(inputs[0], partition, order, made, node.span)
        case Union():
            unique = tuple(tuple(new[i] for i in key) for key in node.unique)
            return dataclasses.replace(node, inputs=inputs, columns=columns, unique=unique)
        case Once():
            return once(inputs[0])
        case _:
            return dataclasses.replace(node, columns=columns)
