"""EXISTS, NOT EXISTS, IN and NOT IN become semi- and anti-joins.

    ... WHERE EXISTS (SELECT * FROM s WHERE s.k = o.k AND s.x > 1)
    =>  semi-join of o with Filter(s, x > 1) on o.k = s.k

Only top-level WHERE conditions of the subquery may refer to the outer query. Conditions that
compare both sides other than by equality stay in the join.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..query.bound import (
    BoundDerived,
    BoundJoin,
    Call,
    Exists,
    Expression,
    InSubquery,
    Query,
    Relation,
    Select,
    SetOperation,
)
from ..query.errors import UnsupportedError
from .expressions import call, columns_of, conjunction, conjuncts, reference, walk
from .logical import Ids, Node, join


def is_subquery_predicate(predicate: Expression) -> bool:
    return isinstance(_positive(predicate)[0], Exists | InSubquery)


def add_subquery(node: Node, predicate: Expression, ids: Ids) -> Node:
    """Restricts `node` by one subquery predicate."""
    subquery, negated = _positive(predicate)
    outer = frozenset(node.ids)
    match subquery:
        case Exists(query=query):
            inner, condition = _inner(query, outer, ids)
        case InSubquery(query=query, argument=argument):
            inner, condition = _inner(query, outer, ids)
            output = inner.columns[0]
            if negated and (argument.nullable or output.nullable):
                raise UnsupportedError(
                    "NOT IN over values that may be NULL is not supported (one NULL makes it "
                    "reject every row)",
                    span=predicate.span,
                    hint="use NOT EXISTS, or declare both columns NOT NULL",
                )
            equal = call("=", [argument, reference(output)], like=subquery)
            condition = (equal, *condition)
        case _:
            raise AssertionError("not a subquery predicate")
    return join("anti" if negated else "semi", node, inner, condition, predicate.span)


def _positive(predicate: Expression) -> tuple[Expression, bool]:
    """The subquery node below any NOTs, and whether it is negated in all."""
    negated = False
    while isinstance(predicate, Call) and predicate.function == "not":
        predicate, negated = predicate.arguments[0], not negated
    if isinstance(predicate, Exists | InSubquery):
        negated ^= predicate.negated
    return predicate, negated


def _inner(query: Query, outer: frozenset[int], ids: Ids) -> tuple[Node, tuple[Expression, ...]]:
    """The subquery without its correlated conditions, and those conditions."""
    from .build import build

    correlated: tuple[Expression, ...] = ()
    own = frozenset(columns_inside(query))
    if isinstance(query, Select) and query.where is not None:
        predicates = conjuncts(query.where)
        correlated = tuple(p for p in predicates if columns_of(p) - own)
        rest = tuple(p for p in predicates if not columns_of(p) - own)
        query = dataclasses.replace(query, where=conjunction(rest) if rest else None)
    _refuse_free(query, own)
    _refuse_correlated(query, correlated, outer | own)
    if not correlated:
        return build(query, ids), ()
    assert isinstance(query, Select)
    needed = columns_of(*correlated) & own
    exposed = _expose(query, needed)
    return build(exposed, ids), correlated


def _refuse_correlated(
    query: Query, correlated: tuple[Expression, ...], known: frozenset[int]
) -> None:
    for predicate in correlated:
        plain = isinstance(query, Select) and not query.grouped and not query.distinct
        if not plain or query.limit is not None or query.offset:
            raise UnsupportedError(
                "a correlated subquery with grouping, DISTINCT or LIMIT is not supported",
                span=predicate.span,
                hint="join a derived table that groups by the correlated column",
            )
        if columns_of(predicate) - known:
            raise UnsupportedError(
                "a subquery may refer only to the query directly around it",
                span=predicate.span,
                hint="join the tables in FROM instead",
            )


def _refuse_free(query: Query, own: frozenset[int]) -> None:
    for expression in _expressions(query):
        for part in walk(expression):
            if columns_of(part) - own:
                raise UnsupportedError(
                    "a correlated reference is supported only in the WHERE of EXISTS or IN",
                    span=part.span,
                    hint="join the tables in FROM instead",
                )


def _expose(query: Select, needed: frozenset[int]) -> Select:
    """The subquery with the columns that its correlated conditions read added to its output."""
    assert query.relation is not None
    given = {column.id for column in query.columns}
    inputs = [c for c in query.relation.columns if c.id in needed and c.id not in given]
    return dataclasses.replace(
        query,
        columns=(*query.columns, *inputs),
        items=(*query.items, *(reference(c) for c in inputs)),
        order_by=(),
    )


def columns_inside(query: Query) -> Iterator[int]:
    """Ids of every column that the query itself defines, at any depth of FROM."""
    yield from (c.id for c in query.columns)
    match query:
        case Select(relation=relation) if relation is not None:
            yield from _relation_columns(relation)
        case SetOperation(inputs=inputs):
            for inner in inputs:
                yield from columns_inside(inner)


def _relation_columns(relation: Relation) -> Iterator[int]:
    yield from (c.id for c in relation.columns)
    match relation:
        case BoundJoin(left=left, right=right):
            yield from _relation_columns(left)
            yield from _relation_columns(right)
        case BoundDerived(query=query):
            yield from columns_inside(query)


def _expressions(query: Query) -> Iterator[Expression]:
    """Every expression of the query and of its FROM, not inside predicates' subqueries."""
    yield from (key.expression for key in query.order_by)
    match query:
        case SetOperation(inputs=inputs):
            for inner in inputs:
                yield from _expressions(inner)
        case Select():
            yield from query.items
            yield from query.group_by
            yield from (e for e in (query.where, query.having, query.qualify) if e is not None)
            if query.relation is not None:
                yield from _relation_expressions(query.relation)


def _relation_expressions(relation: Relation) -> Iterator[Expression]:
    match relation:
        case BoundJoin():
            if relation.condition is not None:
                yield relation.condition
            yield from _relation_expressions(relation.left)
            yield from _relation_expressions(relation.right)
        case BoundDerived(query=query):
            yield from _expressions(query)
