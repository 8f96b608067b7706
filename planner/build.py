"""Bound query -> logical plan, as the query is written: no decision is taken here.

A derived table keeps a renaming Project, a comma join is an inner join without condition, WHERE is
a Filter, a subquery predicate a semi- or anti-join (subqueries.py), grouping is grouping.py.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import (
    BoundDerived,
    BoundJoin,
    BoundTable,
    ColumnRef,
    Expression,
    Query,
    Relation,
    Select,
    SetOperation,
)
from ..query.datatypes import Column
from ..query.errors import UnsupportedError
from .expressions import conjunction, conjuncts, has_subquery, reference, substitute
from .grouping import Grouping
from .grouping_sets import SetGrouping
from .logical import (
    Aggregate,
    Ids,
    Node,
    OrderBy,
    Scan,
    Sort,
    Union,
    Values,
    join,
    keep,
    project,
)
from .set_operations import combine
from .subqueries import add_subquery, is_subquery_predicate
from .windowing import Windowing, has_window


def build(query: Query, ids: Ids) -> Node:
    """The logical plan whose columns are the query's."""
    match query:
        case Select():
            return _select(query, ids)
        case SetOperation():
            inputs = tuple(build(inner, ids) for inner in query.inputs)
            return _ordered_combination(combine(query, inputs, ids), query, ids)
        case _:
            raise UnsupportedError(f"{type(query).__name__} is not supported")


def build_relation(relation: Relation | None, ids: Ids) -> Node:
    """The plan of a FROM item; one empty row where there is no FROM."""
    match relation:
        case None:
            return Values(columns=())
        case BoundTable():
            return _table(relation, ids)
        case BoundDerived():
            inner = build(relation.query, ids)
            if inner.ids == tuple(c.id for c in relation.columns):
                return inner
            pairs = zip(relation.columns, inner.columns, strict=True)
            return project(inner, tuple((column, reference(old)) for column, old in pairs))
        case BoundJoin():
            return _join(relation, ids)
        case _:
            raise UnsupportedError(f"{type(relation).__name__} is not supported in FROM")


def _join(relation: BoundJoin, ids: Ids) -> Node:
    """A join; a RIGHT JOIN is a LEFT JOIN turned round, merged columns stand above."""
    left, right = build_relation(relation.left, ids), build_relation(relation.right, ids)
    condition = () if relation.condition is None else conjuncts(relation.condition)
    for part in condition:
        refuse_subquery(part)
    kind = {"cross": "inner", "right": "left"}.get(relation.kind, relation.kind)
    if relation.kind == "right":
        left, right = right, left
    node: Node = join(kind, left, right, condition, relation.span)
    if relation.merged:
        kept = tuple((column, reference(column)) for column in node.columns)
        node = project(node, (*kept, *relation.merged))
    return node


def refuse_subquery(expression: Expression) -> None:
    """UnsupportedError if a subquery stands anywhere in the expression."""
    if has_subquery(expression):
        raise UnsupportedError(
            "a subquery is supported only as a condition of its own in WHERE "
            "(EXISTS, NOT EXISTS, IN, NOT IN, joined by AND)",
            span=expression.span,
            hint="join the subquery as a derived table in FROM, or split the condition",
        )


def _table(relation: BoundTable, ids: Ids) -> Node:
    table = relation.table
    names = tuple(definition.name for definition in table.columns)
    owners = (relation.owner,) if relation.owner is not None else table.owners
    if len(owners) <= 1:
        owner = owners[0] if owners else None
        return Scan(
            columns=relation.columns, table=table, owner=owner, names=names, span=relation.span
        )
    scans = tuple(
        Scan(
            columns=tuple(ids.copy(column) for column in relation.columns),
            table=table,
            owner=owner,
            names=names,
            span=relation.span,
        )
        for owner in owners
    )
    by_name = dict(zip(names, (c.id for c in relation.columns), strict=True))
    keys = ([table.primary_key] if table.primary_key else []) + list(table.unique)
    unique = tuple(tuple(by_name[name] for name in key) for key in keys)
    return Union(columns=relation.columns, inputs=scans, unique=unique, span=relation.span)


def _select(query: Select, ids: Ids) -> Node:
    node = _where(build_relation(query.relation, ids), query.where, ids)
    items: tuple[Expression, ...] = query.items
    order = tuple(key.expression for key in query.order_by)
    by_output = dict(zip((c.id for c in query.columns), items, strict=True))
    order = tuple(
        e if isinstance(e, ColumnRef) and e.id in by_output else substitute(e, by_output)
        for e in order
    )
    qualify = query.qualify
    for expression in (*items, *order, *query.group_by, *([qualify] if qualify else [])):
        refuse_subquery(expression)
    if query.grouped:
        grouping = (
            Grouping(query.group_by, ids)
            if query.grouping_sets is None
            else SetGrouping(query.group_by, query.grouping_sets, ids)
        )
        items = tuple(grouping.rewrite(item) for item in items)
        order = tuple(
            e if isinstance(e, ColumnRef) and e.id in by_output else grouping.rewrite(e)
            for e in order
        )
        having = None if query.having is None else grouping.rewrite(query.having)
        qualify = None if qualify is None else grouping.rewrite(qualify)
        node = grouping.node(node)
        if having is not None:
            refuse_subquery(having)
            node = keep(node, having)
    if has_window(*items, *order, *([qualify] if qualify else [])):
        windowing = Windowing(ids)
        items = tuple(windowing.rewrite(item) for item in items)
        order = tuple(windowing.rewrite(key) for key in order)
        qualify = None if qualify is None else windowing.rewrite(qualify)
        node = windowing.node(node)
        node = node if qualify is None else keep(node, qualify)
    return _output(node, query, items, order, ids)


def _where(node: Node, where: Expression | None, ids: Ids) -> Node:
    """WHERE: plain conditions first, then a semi- or anti-join for each subquery condition."""
    predicates = () if where is None else conjuncts(where)
    plain = [p for p in predicates if not is_subquery_predicate(p)]
    for predicate in plain:
        refuse_subquery(predicate)
    if plain:
        node = keep(node, conjunction(plain))
    for predicate in predicates:
        if is_subquery_predicate(predicate):
            node = add_subquery(node, predicate, ids)
    return node


def _output(
    node: Node,
    query: Select,
    items: tuple[Expression, ...],
    order: tuple[Expression, ...],
    ids: Ids,
) -> Node:
    """Select list, DISTINCT, ORDER BY and LIMIT."""
    outputs = list(zip(query.columns, items, strict=True))
    keys: list[OrderBy] = []
    visible = {column.id for column in query.columns}
    for expression, key in zip(order, query.order_by, strict=True):
        if isinstance(expression, ColumnRef) and expression.id in visible:
            column_id = expression.id
        else:
            known = next((c.id for c, e in outputs if e == expression), None)
            column_id = ids.fresh() if known is None else known
            if known is None:
                outputs.append((_hidden(column_id, expression), expression))
        keys.append(
            OrderBy(column=column_id, descending=key.descending, nulls_first=key.nulls_first)
        )
    node = project(node, tuple(outputs))
    if query.distinct:
        if len(outputs) > len(query.columns):
            raise UnsupportedError(
                "with SELECT DISTINCT, ORDER BY may only use columns of the select list",
                span=query.order_by[0].expression.span,
            )
        node = Aggregate(columns=node.columns, input=node, keys=node.ids, aggregates=())
    node = _ordered(node, tuple(keys), query)
    if len(outputs) > len(query.columns):
        node = project(node, tuple((column, reference(column)) for column in query.columns))
    return node


def _hidden(column_id: int, expression: Expression) -> Column:
    return Column(
        id=column_id,
        name=f"order{column_id}",
        type=expression.type,
        encoding=None,
        nullable=expression.nullable,
    )


def _ordered(node: Node, keys: tuple[OrderBy, ...], query: Query) -> Node:
    if not keys and query.limit is None and not query.offset:
        return node
    return Sort(columns=node.columns, input=node, keys=keys, limit=query.limit, offset=query.offset)


def _ordered_combination(node: Node, query: SetOperation, ids: Ids) -> Node:
    """ORDER BY and LIMIT of a set operation: by its columns, or expressions over them."""
    outputs: list[tuple[Column, Expression]] = [(c, reference(c)) for c in query.columns]
    keys = []
    for key in query.order_by:
        expression = key.expression
        refuse_subquery(expression)
        column_id = expression.id if isinstance(expression, ColumnRef) else ids.fresh()
        if not isinstance(expression, ColumnRef):
            outputs.append((_hidden(column_id, expression), expression))
        keys.append(
            OrderBy(column=column_id, descending=key.descending, nulls_first=key.nulls_first)
        )
    if len(outputs) == len(query.columns):
        return _ordered(node, tuple(keys), query)
    node = _ordered(project(node, tuple(outputs)), tuple(keys), query)
    return project(node, tuple((column, reference(column)) for column in query.columns))


def highest_id(query: Query) -> int:
    """The largest column id in a bound query, subqueries and FROM items included."""
    found = [0]

    def visit(value: object) -> None:
        if isinstance(value, Column | ColumnRef):
            found[0] = max(found[0], value.id)
        if isinstance(value, tuple):
            for item in value:
                visit(item)
        elif isinstance(value, Query | Relation | Expression) or hasattr(value, "expression"):
            for field in dataclasses.fields(value):  # type: ignore[arg-type]
                if field.name not in ("span", "table"):
                    visit(getattr(value, field.name))

    visit(query)
    return found[0]
