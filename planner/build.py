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
from .distinct_on import first_rows
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
    shared_below,
)
from .set_operations import combine
from .subqueries import InnerExpressions, Unnesting, join_on
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
            inner = _common(relation, ids) if relation.common else build(relation.query, ids)
            if inner.ids == tuple(c.id for c in relation.columns):
                return inner
            pairs = zip(relation.columns, inner.columns, strict=True)
            return project(inner, tuple((column, reference(old)) for column, old in pairs))
        case BoundJoin():
            return _join(relation, ids)
        case _:
            raise UnsupportedError(f"{type(relation).__name__} is not supported in FROM")


def _common(relation: BoundDerived, ids: Ids) -> Node:
    """The plan of a common table expression: one for all its uses."""
    query = relation.query
    if id(query) not in ids.common:
        ids.common[id(query)] = (query, shared_below(build(query, ids)))
    return ids.common[id(query)][1]


def _join(relation: BoundJoin, ids: Ids) -> Node:
    """A join; a RIGHT JOIN is a LEFT JOIN turned round, merged columns stand above."""
    left, right = build_relation(relation.left, ids), build_relation(relation.right, ids)
    condition = () if relation.condition is None else conjuncts(relation.condition)
    kind = {"cross": "inner", "right": "left"}.get(relation.kind, relation.kind)
    if relation.kind == "right":
        left, right = right, left
    node = join_on(join(kind, left, right, condition, relation.span), ids)
    if relation.merged:
        kept = tuple((column, reference(column)) for column in node.columns)
        node = project(node, (*kept, *relation.merged))
    return node


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
    order = (*(key.expression for key in query.order_by), *query.distinct_on)
    by_output = dict(zip((c.id for c in query.columns), items, strict=True))
    order = tuple(
        e if isinstance(e, ColumnRef) and e.id in by_output else substitute(e, by_output)
        for e in order
    )
    having = () if query.having is None else conjuncts(query.having)
    qualify = () if query.qualify is None else (query.qualify,)
    everything = (*having, *items, *order, *qualify)
    if query.grouped:
        node, everything = _grouped(node, query, everything, ids)
    unnesting = Unnesting(node, ids)
    for predicate in everything[: len(having)]:
        for part in conjuncts(predicate):
            unnesting.restrict(part)
    values = tuple(unnesting.rewrite(e) for e in everything[len(having) :])
    node = unnesting.node
    if has_window(*values):
        windowing = Windowing(ids)
        values = tuple(windowing.rewrite(value) for value in values)
        node = windowing.node(node)
    if qualify:
        node = keep(node, values[-1])
    stop = len(items) + len(order)
    return _output(node, query, values[: len(items)], values[len(items) : stop], ids)


def _grouped(
    node: Node, query: Select, expressions: tuple[Expression, ...], ids: Ids
) -> tuple[Node, tuple[Expression, ...]]:
    """GROUP BY, and the expressions over the groups."""
    rows = InnerExpressions(node, query.group_by, ids)
    if query.grouping_sets is None:
        grouping = Grouping(rows.keys, ids)
    else:
        sets = tuple(tuple(rows.rewrite(key) for key in keys) for keys in query.grouping_sets)
        grouping = SetGrouping(rows.keys, sets, ids)
    rewritten = tuple(grouping.rewrite(rows.rewrite(e)) for e in expressions)
    return grouping.node(rows.node), rewritten


def _where(node: Node, where: Expression | None, ids: Ids) -> Node:
    """WHERE: plain conditions first, then those with subqueries."""
    predicates = () if where is None else conjuncts(where)
    plain = [p for p in predicates if not has_subquery(p)]
    if plain:
        node = keep(node, conjunction(plain))
    unnesting = Unnesting(node, ids)
    for predicate in predicates:
        if has_subquery(predicate):
            unnesting.restrict(predicate)
    return unnesting.node


def _output(
    node: Node,
    query: Select,
    items: tuple[Expression, ...],
    order: tuple[Expression, ...],
    ids: Ids,
) -> Node:
    """Select list, DISTINCT, ORDER BY and LIMIT. `order`: the keys, then what DISTINCT ON tells."""
    outputs = list(zip(query.columns, items, strict=True))
    places = [_exposed(expression, outputs, query, ids) for expression in order]
    keys = tuple(
        OrderBy(
            column=place,
            descending=key.descending,
            nulls_first=key.nulls_first,
        )
        for place, key in zip(places, query.order_by, strict=False)
    )
    node = project(node, tuple(outputs))
    if query.distinct:
        if len(outputs) > len(query.columns):
            raise UnsupportedError(
                "with SELECT DISTINCT, ORDER BY may only use columns of the select list",
                span=query.order_by[0].expression.span,
            )
        node = Aggregate(columns=node.columns, input=node, keys=node.ids, aggregates=())
    if query.distinct_on:
        span = query.distinct_on[0].span
        node = first_rows(node, tuple(places[len(keys) :]), keys, ids, span)
    node = _ordered(node, keys, query)
    if node.ids != tuple(column.id for column in query.columns):
        node = project(node, tuple((column, reference(column)) for column in query.columns))
    return node


def _exposed(
    expression: Expression, outputs: list[tuple[Column, Expression]], query: Select, ids: Ids
) -> int:
    """The output column that holds an expression; a hidden one is added where there is none."""
    if isinstance(expression, ColumnRef) and expression.id in {c.id for c in query.columns}:
        return expression.id
    known = next((column.id for column, e in outputs if e == expression), None)
    if known is not None:
        return known
    column_id = ids.fresh()
    outputs.append((_hidden(column_id, expression), expression))
    return column_id


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
    unnesting = Unnesting(node, ids)
    for key in query.order_by:
        named = isinstance(key.expression, ColumnRef)
        expression = unnesting.rewrite(key.expression)
        column_id = ids.fresh()
        if named and isinstance(expression, ColumnRef):
            column_id = expression.id
        else:
            outputs.append((_hidden(column_id, expression), expression))
        keys.append(
            OrderBy(column=column_id, descending=key.descending, nulls_first=key.nulls_first)
        )
    node = unnesting.node
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
