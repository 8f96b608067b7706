"""The joins that put what a subquery computes beside the rows of the query around it."""

from __future__ import annotations

import dataclasses

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.datatypes import BIGINT, BOOLEAN, Column
from ..query.errors import SECOND_ROW, Span
from .expressions import (
    TRUE,
    call,
    columns_of,
    conjunction,
    disjunction,
    parts,
    rebuild,
    reference,
    substitute,
)
from .extending import computed_column
from .facts import Analysis
from .logical import Aggregate, Aggregated, Ids, Node, Values, check, join, project
from .lower_attach import has_one_row
from .ratios import has_quotient
from .secure import AggregateFunction
from .subquery_plans import Inner, Link, linked_alone

Items = tuple[tuple[Column, Expression], ...]


def kept(columns: tuple[Column, ...]) -> Items:
    """Items of a projection that pass columns through."""
    return tuple((column, reference(column)) for column in columns)


def marker(ids: Ids) -> Column:
    """A column that is TRUE in every row, and NULL where an outer join finds none."""
    return Column(id=ids.fresh(), name="", type=BOOLEAN, encoding=None, nullable=False)


def aggregate(
    node: Node,
    keys: tuple[Column, ...],
    functions: tuple[tuple[AggregateFunction, Column | None], ...],
    ids: Ids,
) -> tuple[Aggregate, tuple[Column, ...]]:
    """Aggregates of `node` by key columns, and the columns that hold them."""
    made = []
    for function, argument in functions:
        counts = argument is None or function == "count"
        type = BIGINT if counts or argument is None else argument.type
        column = Column(
            id=ids.fresh(), name=function, type=type, encoding=None, nullable=not counts
        )
        identity = None if argument is None else argument.id
        made.append(Aggregated(column=column, function=function, argument=identity))
    columns = tuple(a.column for a in made)
    grouped = Aggregate(
        columns=keys + columns,
        input=node,
        keys=tuple(key.id for key in keys),
        aggregates=tuple(made),
    )
    return grouped, columns


def beside(
    node: Node,
    right: Node,
    links: tuple[Link, ...],
    switches: tuple[Expression, ...],
    span: Span | None,
) -> Node:
    """`node` with the columns of `right`, at most one row of which fits: a left join, or a cross
    join with what is one row for sure."""
    condition = equalities(links) + switches
    kind = "inner" if not condition and has_one_row(right) else "left"
    return join(kind, node, right, condition, span)


def equalities(links: tuple[Link, ...]) -> tuple[Expression, ...]:
    return tuple(call("=", [outer, reference(column)], like=outer) for column, outer in links)


def with_values(
    node: Node, inner: Inner, ids: Ids, span: Span | None
) -> tuple[Node, tuple[Expression, ...], Expression | None]:
    """`node` joined with the only row that the subquery gives for each of its rows.

    Then the subquery's values, and the condition under which it gives the row (None: always, or
    the values are NULL without it). A second row fails the query.
    """
    if isinstance(inner.node, Values):
        row = conjunction(inner.switches) if inner.switches else None
        return node, inner.values, row
    if inner.single:
        return _with_summary(node, inner, span)
    return _with_row(node, inner, ids, span)


def _with_summary(
    node: Node, inner: Inner, span: Span | None
) -> tuple[Node, tuple[Expression, ...], Expression | None]:
    """Where no group is found, the aggregates are those of nothing: 0 for counts, NULL else."""
    parts = inner.values if inner.having is None else (*inner.values, inner.having)
    needed = columns_of(*parts)
    read = tuple(c for c in inner.node.columns if c.id in needed and c not in inner.key)
    right = project(inner.node, kept((*inner.key, *read)))
    joined = beside(node, right, inner.links, inner.switches, span)
    if not inner.is_correlated:
        return joined, inner.values, inner.having
    counts = frozenset(c.id for c in read if not c.nullable)
    known: dict[int, Expression] = {c.id: reference(c) for c in joined.columns}
    values = tuple(substitute(_of_nothing(v, counts), known) for v in parts)
    count = len(inner.values)
    return joined, values[:count], None if inner.having is None else values[-1]


def _of_nothing(expression: Expression, counts: frozenset[int]) -> Expression:
    """The expression with missing counts read as 0; a sum over its count is NULL anyway."""
    if isinstance(expression, ColumnRef) and expression.id in counts:
        missing = dataclasses.replace(expression, nullable=True)
        zero = Literal(type=BIGINT, nullable=False, value=0)
        return call("coalesce", [missing, zero], type=expression.type, nullable=False)
    match expression:
        case Call(function="/", arguments=(ColumnRef() as top, ColumnRef() as bottom)) if (
            top.id not in counts and bottom.id in counts
        ):
            return expression
        case _:
            inner = parts(expression)
            return rebuild(expression, [_of_nothing(part, counts) for part in inner])


def _with_row(
    node: Node, inner: Inner, ids: Ids, span: Span | None
) -> tuple[Node, tuple[Expression, ...], Expression | None]:
    inner = linked_alone(inner, node, ids)
    own = frozenset(inner.node.ids)
    inside: list[tuple[Column, Expression]] = []
    values: list[Expression] = []
    for value in inner.values:
        if columns_of(value) <= own and not has_quotient(value):
            column = computed_column(value, ids)
            inside.append((column, value))
            values.append(reference(dataclasses.replace(column, nullable=True)))
        else:
            values.append(value)
    outside = columns_of(*values) & own
    there = marker(ids)
    items = (*kept(inner.key), *inside, (there, TRUE))
    items += kept(tuple(c for c in inner.node.columns if c.id in outside and c not in inner.key))
    right: Node = project(inner.node, items)
    facts = Analysis().facts(right)
    unique = facts.unique_on(frozenset(c.id for c in inner.key)) is not None
    if not unique and facts.rows > 1:
        return _checked(node, right, inner, tuple(values), ids=ids, span=span)
    joined = beside(node, right, inner.links, inner.switches, span)
    found = call("is_not_null", [reference(dataclasses.replace(there, nullable=True))])
    known: dict[int, Expression] = {c.id: reference(c) for c in joined.columns}
    row = found if outside or any(columns_of(v) - own for v in inner.values) else None
    return joined, tuple(substitute(v, known) for v in values), row


def _checked(
    node: Node,
    right: Node,
    inner: Inner,
    values: tuple[Expression, ...],
    *,
    ids: Ids,
    span: Span | None,
) -> tuple[Node, tuple[Expression, ...], Expression | None]:
    """One row per group by MIN, and a check that no group that is used has a second row."""
    by_id = {c.id: c for c in right.columns}
    arguments = tuple(
        by_id[i]
        for i in dict.fromkeys(i for v in values for i in sorted(columns_of(v)) if i in by_id)
    )
    functions: tuple[tuple[AggregateFunction, Column | None], ...] = (("count_star", None),)
    functions += tuple(("min", argument) for argument in arguments)
    grouped, (rows, *least) = aggregate(right, inner.key, functions, ids)
    one = Literal(type=BIGINT, nullable=False, value=1)
    few = call("<=", [reference(rows), one])
    joined: Node
    if not inner.is_correlated:
        small = check(grouped, dataclasses.replace(few, span=span), SECOND_ROW)
        joined = join("inner", node, small, (), span)
    else:
        joined = beside(node, grouped, inner.links, inner.switches, span)
        count = reference(dataclasses.replace(rows, nullable=True))
        fits = disjunction([call("is_null", [count], nullable=False), call("<=", [count, one])])
        joined = check(joined, dataclasses.replace(fits, span=span), SECOND_ROW)
    known = {c.id: c for c in joined.columns}
    by: dict[int, Expression] = {
        old.id: reference(known[new.id]) for old, new in zip(arguments, least, strict=True)
    }
    there: Expression | None = None
    if any(isinstance(v, Case | Call | Literal) for v in values):
        count = reference(known[rows.id])
        there = call(">", [count, Literal(type=BIGINT, nullable=False, value=0)])
    return joined, tuple(substitute(v, by) for v in values), there
