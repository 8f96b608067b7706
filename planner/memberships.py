"""EXISTS, IN, ANY and ALL as truth values, three-valued where SQL says so, at any place.

    x IN (SELECT v FROM s)
    =>  CASE WHEN v is found THEN TRUE
             WHEN s has rows AND (x IS NULL OR s has a NULL) THEN NULL ELSE FALSE END

v is found by a left join with the distinct values; what is known of all values is one row, or one
row for each group of the correlated columns.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import (
    Case,
    Exists,
    Expression,
    InSubquery,
    Literal,
    QuantifiedSubquery,
)
from ..query.datatypes import BIGINT, BOOLEAN, Column
from ..query.errors import Span, UnsupportedError
from .expressions import (
    FALSE,
    TRUE,
    call,
    columns_of,
    conjunction,
    disjunction,
    reference,
    substitute,
)
from .extending import computed_column
from .logical import Ids, Node, keep, project, with_fresh_ids
from .residuals import extremes
from .subquery_joins import aggregate, beside, kept, marker, with_values
from .subquery_plans import Inner, Link, linked_alone

NULL = Literal(type=BOOLEAN, nullable=True, value=None)
ZERO = Literal(type=BIGINT, nullable=False, value=0)


def exists(node: Node, inner: Inner, test: Exists, ids: Ids) -> tuple[Node, Expression]:
    """`node` with what is needed, and the truth value of EXISTS."""
    if inner.single:
        node, _, row = with_values(node, dataclasses.replace(inner, values=()), ids, test.span)
        found: Expression = TRUE if row is None else _is_true(row)
    else:
        node, found = _found(node, inner, ids, test.span)
    return node, call("not", [found]) if test.negated else found


def membership(node: Node, inner: Inner, test: InSubquery, ids: Ids) -> tuple[Node, Expression]:
    """`node` with what is needed, and the truth value of IN or NOT IN."""
    values = compared_values(inner, test)
    if inner.single:
        node, values, row = with_values(
            node, dataclasses.replace(inner, values=values), ids, test.span
        )
        pairs = zip(test.arguments, values, strict=True)
        equal = conjunction([call("=", pair, like=test) for pair in pairs])
        value = equal if row is None else _case([(row, equal)], FALSE)
    else:
        node, value = _member(node, inner, values, test, ids)
    return node, call("not", [value], like=test) if test.negated else value


def quantified(
    node: Node, inner: Inner, test: QuantifiedSubquery, ids: Ids
) -> tuple[Node, Expression]:
    """`node` with what is needed, and the truth value of a comparison with ANY or ALL."""
    by = {c.id: v for c, v in zip(test.query.columns, inner.values, strict=True)}
    value = substitute(test.value, by)
    nothing = TRUE if test.quantity == "all" else FALSE
    if inner.single:
        single = dataclasses.replace(inner, values=(value,))
        node, (value,), row = with_values(node, single, ids, test.span)
        compared: Expression = call(test.operator, [test.argument, value], like=test)
        return node, compared if row is None else _case([(row, compared)], nothing)
    inner = linked_alone(inner, node, ids)
    below, (column,), links = _columns(inner, (value,), ids)
    functions = (("count_star", None), ("count", column), ("min", column), ("max", column))
    grouped, found = aggregate(below, _key(links), functions, ids)  # type: ignore[arg-type]
    node = beside(node, grouped, links, inner.switches, test.span)
    rows, known, least, most = (_maybe(c) for c in found)
    compared = _against(test, least, most)
    unsure = call("and" if test.quantity == "all" else "or", [compared, NULL], nullable=True)
    none = call("=", [call("coalesce", [rows, ZERO], type=BIGINT, nullable=False), ZERO])
    return node, _case([(none, nothing), (call("<", [known, rows]), unsure)], compared)


def _against(test: QuantifiedSubquery, least: Expression, most: Expression) -> Expression:
    """The comparison with all values, or any, by the least and the largest of them."""

    def compared(other: Expression) -> Expression:
        return call(test.operator, [test.argument, other], like=test)

    if test.operator == "=":
        return conjunction([compared(least), compared(most)])
    if test.operator == "<>":
        return disjunction([compared(least), compared(most)])
    largest = (test.operator in (">", ">=")) == (test.quantity == "all")
    return compared(most if largest else least)


def compared_values(inner: Inner, test: InSubquery) -> tuple[Expression, ...]:
    """What IN compares with, over the columns of the subquery's plan."""
    by = {c.id: v for c, v in zip(test.query.columns, inner.values, strict=True)}
    return tuple(substitute(value, by) for value in test.values)


def _found(node: Node, inner: Inner, ids: Ids, span: Span | None) -> tuple[Node, Expression]:
    """Whether a row of the subquery belongs to a row of `node`: TRUE or FALSE."""
    made = None
    if len(inner.residual) == 1:
        made = extremes(inner.node, inner.key, inner.residual[0], ids)
    if made is not None:
        return beside(node, made[0], inner.links, inner.switches, span), _is_true(made[1])
    inner = linked_alone(inner, node, ids)
    if inner.links:
        grouped, _ = aggregate(project(inner.node, kept(inner.key)), inner.key, (), ids)
        there = marker(ids)
        right = project(grouped, (*kept(inner.key), (there, TRUE)))
        node = beside(node, right, inner.links, inner.switches, span)
        return node, call("is_not_null", [_maybe(there)], nullable=False)
    counted, (rows,) = aggregate(inner.node, (), (("count_star", None),), ids)
    some = marker(ids)
    right = project(counted, ((some, call(">", [reference(rows), ZERO])),))
    node = beside(node, right, (), (), span)
    return node, conjunction([reference(some), *map(_is_true, inner.switches)])


def _columns(
    inner: Inner, values: tuple[Expression, ...], ids: Ids
) -> tuple[Node, tuple[Column, ...], tuple[Link, ...]]:
    """The subquery's rows as its key columns and its values, and its links."""
    for value in values:
        if columns_of(value) - frozenset(inner.node.ids):
            raise UnsupportedError(
                "a column of the outer query is not supported in the select list of IN, ANY or ALL",
                span=value.span,
                hint="move it to the other side of the comparison",
            )
    columns = tuple(computed_column(value, ids) for value in values)
    below = project(inner.node, (*kept(inner.key), *zip(columns, values, strict=True)))
    return below, columns, inner.links


def _member(
    node: Node, inner: Inner, values: tuple[Expression, ...], test: InSubquery, ids: Ids
) -> tuple[Node, Expression]:
    unsure = any(e.nullable for e in (*test.arguments, *values))
    if unsure and len(values) > 1:
        raise UnsupportedError(
            "IN with several columns that may be NULL is supported only as a condition of its own "
            "in WHERE, and without NOT",
            span=test.span,
            hint="use EXISTS, or exclude NULL in the subquery and declare the columns NOT NULL",
        )
    if unsure:
        inner = linked_alone(inner, node, ids)
    below, columns, links = _columns(inner, values, ids)
    again = with_fresh_ids(below, ids) if unsure else below
    node, found = _found(node, _narrowed(inner, columns, test, ids), ids, test.span)
    if not unsure:
        return node, found
    renamed = dict(zip(below.ids, again.columns, strict=True))
    links = tuple((renamed[column.id], outer) for column, outer in links)
    node, unknown = _unknown(
        node, again, links, inner.switches, column=again.columns[-1], test=test, ids=ids
    )
    return node, _case([(found, TRUE), (unknown, NULL)], FALSE)


def _narrowed(inner: Inner, columns: tuple[Column, ...], test: InSubquery, ids: Ids) -> Inner:
    """The subquery's rows whose values equal the arguments: as further links, or at once."""
    values = compared_values(inner, test)
    items = dict(zip(columns, values, strict=True))
    node: Node = project(inner.node, (*kept(inner.node.columns), *items.items()))
    links = inner.links
    for column, argument in zip(columns, test.arguments, strict=True):
        if columns_of(argument):
            links += ((column, argument),)
        else:
            node = keep(node, call("=", [reference(column), argument], like=test))
    return dataclasses.replace(inner, node=node, links=links)


def _unknown(
    node: Node,
    below: Node,
    links: tuple[Link, ...],
    switches: tuple[Expression, ...],
    *,
    column: Column,
    test: InSubquery,
    ids: Ids,
) -> tuple[Node, Expression]:
    """TRUE where NULLs keep IN from being FALSE."""
    functions = (("count_star", None), ("count", column))
    grouped, (rows, known) = aggregate(below, _key(links), functions, ids)  # type: ignore[arg-type]
    some, holes = marker(ids), marker(ids)
    right = project(
        grouped,
        (
            *kept(_key(links)),
            (some, call(">", [reference(rows), ZERO])),
            (holes, call("<", [reference(known), reference(rows)])),
        ),
    )
    node = beside(node, right, links, switches, test.span)
    absent = call("is_null", [test.arguments[0]], nullable=False)
    return node, conjunction([_maybe(some), disjunction([absent, _maybe(holes)])])


def _key(links: tuple[Link, ...]) -> tuple[Column, ...]:
    return tuple(dict.fromkeys(column for column, _ in links))


def _maybe(column: Column) -> Expression:
    """The column as an outer join gives it."""
    return reference(dataclasses.replace(column, nullable=True))


def _is_true(condition: Expression) -> Expression:
    if not condition.nullable:
        return condition
    return call("coalesce", [condition, FALSE], nullable=False, like=condition)


def _case(branches: list[tuple[Expression, Expression]], otherwise: Expression) -> Expression:
    values = [value for _, value in branches] + [otherwise]
    return Case(
        type=BOOLEAN,
        nullable=any(value.nullable for value in values),
        branches=tuple(branches),
        otherwise=otherwise,
    )
