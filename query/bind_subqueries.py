"""Queries inside expressions: as a value, IN, EXISTS, ANY and ALL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import operators, syntax
from .bound import (
    ColumnRef,
    Exists,
    Expression,
    InSubquery,
    QuantifiedSubquery,
    Query,
    ScalarSubquery,
)
from .datatypes import BOOLEAN, Column
from .errors import BindError, Span
from .operators import Operand

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder


def bind_exists(binder: ExpressionBinder, node: syntax.Exists) -> Expression:
    """EXISTS (query)."""
    query = binder.queries.subquery(node.query, binder.scope)
    return Exists(query=query, type=BOOLEAN, nullable=False, span=node.span)


def bind_scalar_query(binder: ExpressionBinder, node: syntax.Subquery) -> Expression:
    """A query of one column as a value. BindError for several columns."""
    query = binder.queries.subquery(node.query, binder.scope)
    _expect_columns(query, 1, "a subquery used as a value", node.span)
    return ScalarSubquery(query=query, type=query.columns[0].type, nullable=True, span=node.span)


def bind_in_query(binder: ExpressionBinder, node: syntax.InQuery) -> Expression:
    """IN a query, of as many columns as stand on the left."""
    rows = node.operand.items if isinstance(node.operand, syntax.Row) else (node.operand,)
    operands = [binder.operand(row) for row in rows]
    query = binder.queries.subquery(node.query, binder.scope)
    _expect_columns(query, len(rows), "the query of IN", node.query.span)
    return _membership(operands, query, negated=node.negated, span=node.span)


def bind_quantified(binder: ExpressionBinder, node: syntax.Quantified) -> Expression:
    """ANY and ALL: = ANY is IN, <> ALL is NOT IN."""
    operand = binder.operand(node.left)
    query = binder.queries.subquery(node.query, binder.scope)
    _expect_columns(query, 1, f"the query of {node.quantity.upper()}", node.query.span)
    if (node.operator, node.quantity) in (("=", "any"), ("<>", "all")):
        return _membership([operand], query, negated=node.quantity == "all", span=node.span)
    inner = Operand(expression=_reference(query.columns[0]))
    left, right = operators.aligned(operand, inner, node.span)
    return QuantifiedSubquery(
        argument=left,
        operator=node.operator,
        quantity=node.quantity,
        value=right,
        query=query,
        type=BOOLEAN,
        nullable=True,
        span=node.span,
    )


def _membership(
    operands: list[Operand], query: Query, *, negated: bool, span: Span | None
) -> Expression:
    inner = [Operand(expression=_reference(column)) for column in query.columns]
    pairs = [operators.aligned(a, b, span) for a, b in zip(operands, inner, strict=True)]
    return InSubquery(
        arguments=tuple(left for left, _ in pairs),
        values=tuple(right for _, right in pairs),
        query=query,
        negated=negated,
        type=BOOLEAN,
        nullable=any(left.nullable or right.nullable for left, right in pairs),
        span=span,
    )


def _expect_columns(query: Query, count: int, what: str, span: Span | None) -> None:
    given = len(query.columns)
    if given != count:
        wanted = "one" if count == 1 else str(count)
        raise BindError(f"{what} gives {given} column{'s' * (given != 1)}, not {wanted}", span=span)


def _reference(column: Column) -> ColumnRef:
    return ColumnRef(id=column.id, name=column.name, type=column.type, nullable=column.nullable)
