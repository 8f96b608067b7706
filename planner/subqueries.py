"""Subqueries in expressions become joins; what they compute becomes columns.

    ... WHERE EXISTS (SELECT * FROM s WHERE s.k = o.k AND s.x > 1)
    =>  semi-join of o with Filter(s, x > 1) on o.k = s.k
    SELECT o.y - (SELECT sum(s.x) FROM s WHERE s.k = o.k) FROM o
    =>  Project(o.y - total, o LEFT JOIN Aggregate(total = sum(x) by k, s) ON o.k = s.k)

A condition of its own in WHERE is a semi- or anti-join; at any other place EXISTS, IN, ANY and ALL
are truth values (memberships.py). A subquery used as a value that gives a second row fails the
query; DuckDB raises an error there, too.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import (
    Aggregate,
    Call,
    Case,
    ColumnRef,
    Exists,
    Expression,
    InSubquery,
    QuantifiedSubquery,
    Query,
    ScalarSubquery,
)
from ..query.datatypes import Column
from ..query.errors import UnsupportedError
from ..query.walking import nodes_of
from .expressions import (
    SUBQUERIES,
    columns_of,
    has_subquery,
    parts,
    rebuild,
    transform,
)
from .extending import computed_column
from .logical import Ids, Join, Node, join, keep, project
from .memberships import compared_values, exists, membership, quantified
from .subquery_joins import equalities, kept, with_values
from .subquery_plans import Inner, inner_of


class Unnesting:
    """Adds the subqueries of one clause to `node`, each once."""

    def __init__(self, node: Node, ids: Ids) -> None:
        self.node = node
        self._ids = ids
        self._known: dict[Expression, Expression] = {}

    def rewrite(self, expression: Expression) -> Expression:
        """The expression over columns of `node`, which now has what its subqueries compute."""
        if not has_subquery(expression):
            return expression
        if expression in self._known:
            return self._known[expression]
        inner = [self.rewrite(part) for part in parts(expression)]
        rebuilt = rebuild(expression, inner) if inner else expression
        if not isinstance(rebuilt, SUBQUERIES):
            return rebuilt
        made = dataclasses.replace(self._added(rebuilt), span=expression.span)
        self._known[expression] = made
        return made

    def restrict(self, predicate: Expression) -> None:
        """Keeps the rows of `node` that satisfy one condition of WHERE."""
        subquery, negated = _positive(predicate)
        if isinstance(subquery, Exists | InSubquery):
            arguments = [self.rewrite(part) for part in parts(subquery)]
            subquery = rebuild(subquery, arguments) if arguments else subquery
            assert isinstance(subquery, Exists | InSubquery)
            subquery = dataclasses.replace(subquery, negated=negated)
            inner = inner_of(_unordered(subquery), self.node, self._ids, loose=True)
            joined = self._semi_join(subquery, inner)
            if joined is None:
                self.node, condition = self._truth(subquery, inner)
                joined = keep(self.node, condition)
            self.node = joined
        else:
            condition = self.rewrite(predicate)
            self.node = keep(self.node, condition)

    def _added(self, subquery: Expression) -> Expression:
        match subquery:
            case ScalarSubquery():
                return self._scalar(subquery)
            case Exists() | InSubquery():
                inner = inner_of(_unordered(subquery), self.node, self._ids, loose=True)
                self.node, value = self._truth(subquery, inner)
            case QuantifiedSubquery():
                inner = inner_of(_unordered(subquery), self.node, self._ids, loose=True)
                self.node, value = quantified(self.node, inner, subquery, self._ids)
            case _:
                raise AssertionError(type(subquery).__name__)
        return value

    def _scalar(self, subquery: ScalarSubquery) -> Expression:
        inner = inner_of(subquery.query, self.node, self._ids, loose=False)
        self.node, (value,), row = with_values(self.node, inner, self._ids, subquery.span)
        if row is None:
            return value
        return Case(type=value.type, nullable=True, branches=((row, value),), otherwise=None)

    def _truth(self, subquery: Exists | InSubquery, inner: Inner) -> tuple[Node, Expression]:
        if isinstance(subquery, Exists):
            return exists(self.node, inner, subquery, self._ids)
        return membership(self.node, inner, subquery, self._ids)

    def _semi_join(self, subquery: Exists | InSubquery, inner: Inner) -> Node | None:
        """The semi- or anti-join that the condition is; None if it needs more than that."""
        if inner.single or (isinstance(subquery, Exists) and not (inner.links or inner.residual)):
            return None
        condition = equalities(inner.links) + inner.switches + inner.residual
        items = list(kept(inner.key))
        if isinstance(subquery, InSubquery):
            values = compared_values(inner, subquery)
            sure = not any(e.nullable for e in (*subquery.arguments, *values))
            if subquery.negated and not sure:
                return None
            if any(columns_of(v) - frozenset(inner.node.ids) for v in values):
                return None
            columns = [self._column(value, inner) for value in values]
            given = {column.id for column, _ in items}
            pairs = dict(zip(columns, values, strict=True))
            items += [(c, value) for c, value in pairs.items() if c.id not in given]
            condition = equalities(tuple(zip(columns, subquery.arguments, strict=True))) + condition
        given = {column.id for column, _ in items}
        read = columns_of(*inner.residual) - given
        items += kept(tuple(c for c in inner.node.columns if c.id in read))
        kind = "anti" if subquery.negated else "semi"
        right = project(inner.node, tuple(items))
        return join(kind, self.node, right, condition, subquery.span)

    def _column(self, value: Expression, inner: Inner) -> Column:
        """The column of the subquery that the value is, or a new one for it."""
        if isinstance(value, ColumnRef):
            return next(c for c in inner.node.columns if c.id == value.id)
        return computed_column(value, self._ids)


class InnerExpressions:
    """What a grouped SELECT computes for each row, before the groups: keys and arguments."""

    def __init__(self, node: Node, group_by: tuple[Expression, ...], ids: Ids) -> None:
        self._rows = Unnesting(node, ids)
        self._group_by = group_by
        self._by = {key: self._rows.rewrite(key) for key in group_by}

    @property
    def node(self) -> Node:
        """The rows to group, with what the subqueries compute for them."""
        return self._rows.node

    @property
    def keys(self) -> tuple[Expression, ...]:
        return tuple(self._by[key] for key in self._group_by)

    def rewrite(self, expression: Expression) -> Expression:
        """The expression with its keys and arguments over columns of `node`."""
        return transform(expression, self._changed)

    def _changed(self, expression: Expression) -> Expression | None:
        if expression in self._by:
            return self._by[expression]
        if isinstance(expression, Aggregate):
            inner = [self._rows.rewrite(part) for part in parts(expression)]
            return rebuild(expression, inner) if inner else expression
        return None


def join_on(node: Join, ids: Ids) -> Node:
    """The join with the subqueries of its condition added to the side that they belong to."""
    if not any(map(has_subquery, node.condition)):
        return node
    sides = [Unnesting(node.left, ids), Unnesting(node.right, ids)]
    given = (frozenset(node.left.ids), frozenset(node.right.ids))
    condition, above = [], []
    for part in node.condition:
        read = _read(part)
        if not has_subquery(part):
            condition.append(part)
        elif node.kind == "inner":
            above.append(part)
        elif not all(read & ids for ids in given):
            condition.append(sides[bool(read & given[1])].rewrite(part))
        else:
            raise UnsupportedError(
                "a subquery in the ON of an outer join may refer to one side only",
                span=part.span,
                hint="compute it in a derived table on its side",
            )
    joined = Unnesting(
        join(node.kind, sides[0].node, sides[1].node, tuple(condition), node.span), ids
    )
    for part in above:
        joined.restrict(part)
    return joined.node


def _read(expression: Expression) -> frozenset[int]:
    """Ids of all columns that stand anywhere in the expression, its subqueries included."""
    return frozenset(e.id for e in nodes_of(expression) if isinstance(e, ColumnRef))


def _positive(predicate: Expression) -> tuple[Expression, bool]:
    """The subquery node below any NOTs, and whether it is negated in all."""
    negated = False
    while isinstance(predicate, Call) and predicate.function == "not":
        predicate, negated = predicate.arguments[0], not negated
    if isinstance(predicate, Exists | InSubquery):
        negated ^= predicate.negated
    return predicate, negated


def _unordered(subquery: Exists | InSubquery | QuantifiedSubquery) -> Query:
    """The query without what decides nothing: an order, and in EXISTS a limit of some rows."""
    query = subquery.query
    if query.limit is None and not query.offset:
        return dataclasses.replace(query, order_by=())
    if isinstance(subquery, Exists) and query.limit != 0 and not query.offset:
        return dataclasses.replace(query, order_by=(), limit=None)
    return query
