"""Refuses queries that would take too long to plan, by counting, before any rule sees them.

Rules put an expression in the place of every reference to it. A common table expression that uses
its input twice doubles it, twenty of them in a row make a million of it: what counts is not the
length of the text but the size of an expression with everything that it refers to written out.
One pass over the bound query, whose size is linear in the text.
"""

from __future__ import annotations

from typing import NoReturn

from ..query.bound import Aggregate as AggregateCall
from ..query.bound import (
    BoundDerived,
    BoundJoin,
    BoundTable,
    ColumnRef,
    Exists,
    Expression,
    InSubquery,
    QuantifiedSubquery,
    Query,
    Relation,
    ScalarSubquery,
    Select,
    SetOperation,
    Statement,
    Window,
)
from ..query.datatypes import Column
from ..query.errors import Span, UnsupportedError
from .expressions import parts
from .text_growth import MAX_TEXT_BYTES, MAX_TEXTS_BYTES, column_bytes, grown_bytes

MAX_COLUMNS = 1_000
"""Columns of one SELECT list."""

MAX_TERMS = 30_000
"""Operators, columns and constants of a query, with everything that they refer to written out."""


def check_size(statement: Statement) -> None:
    """Errors: UnsupportedError, with the place, for a query beyond the limits of this module."""
    _Meter().query(statement.query)


class _Meter:
    """Adds up terms and bytes of text. Columns are known by their ids, unique in a statement."""

    def __init__(self) -> None:
        self._terms: dict[int, int] = {}
        self._bytes: dict[int, int] = {}
        self._columns: dict[int, Column] = {}
        self._total_terms = 0
        self._total_bytes = 0

    def query(self, query: Query) -> None:
        """Measures a query; its output columns are then known."""
        if len(query.columns) > MAX_COLUMNS:
            _refuse(f"{len(query.columns):,} columns; at most {MAX_COLUMNS:,} are allowed", None)
        match query:
            case Select():
                self._select(query)
            case SetOperation():
                self._union(query)
        for key in query.order_by:
            self._expression(key.expression)

    def _select(self, select: Select) -> None:
        if select.relation is not None:
            self._relation(select.relation)
        for expression in (
            select.where,
            *select.group_by,
            *select.distinct_on,
            select.having,
            select.qualify,
        ):
            if expression is not None:
                self._expression(expression)
        for column, item in zip(select.columns, select.items, strict=True):
            self._define(column, *self._expression(item))

    def _union(self, union: SetOperation) -> None:
        for part in union.inputs:
            self.query(part)
        for column, *inner in zip(union.columns, *(q.columns for q in union.inputs), strict=True):
            self._define_as(column, inner)

    def _relation(self, relation: Relation) -> None:
        match relation:
            case BoundTable():
                for column in relation.columns:
                    self._define(column, 1, column_bytes(column))
            case BoundDerived():
                self.query(relation.query)
                for column, inner in zip(relation.columns, relation.query.columns, strict=True):
                    self._define_as(column, [inner])
            case BoundJoin():
                self._relation(relation.left)
                self._relation(relation.right)
                if relation.condition is not None:
                    self._expression(relation.condition)
                for column, merged in relation.merged:
                    self._define(column, *self._expression(merged))

    def _define_as(self, column: Column, inner: list[Column]) -> None:
        terms = max(self._terms.get(c.id, 1) for c in inner)
        self._define(column, terms, max(self._bytes.get(c.id, 0) for c in inner))

    def _define(self, column: Column, terms: int, size: int) -> None:
        self._columns[column.id] = column
        self._terms[column.id] = terms
        self._bytes[column.id] = size

    def _expression(self, expression: Expression) -> tuple[int, int]:
        """Terms and, of a text, bytes of an expression, which is added to the totals."""
        terms, size = self._measured(expression)
        self._total_terms += terms
        if self._total_terms > MAX_TERMS:
            _refuse(
                f"a query of more than {MAX_TERMS:,} terms, when what its columns stand for is "
                "written out",
                expression.span,
            )
        return terms, size

    def _measured(self, expression: Expression) -> tuple[int, int]:
        match expression:
            case ColumnRef(id=identity):
                return self._terms.get(identity, 1), self._bytes.get(identity, 0)
            case Exists(query=query) | ScalarSubquery(query=query):
                self.query(query)
                return 1, 0
            case InSubquery(query=query) | QuantifiedSubquery(query=query):
                self.query(query)
        measured = [self._measured(part) for part in parts(expression)]
        terms = 1 + sum(terms for terms, _ in measured)
        if isinstance(expression, AggregateCall | Window):
            self._total_terms += terms
            return 1, max((size for _, size in measured), default=0)
        return terms, self._grown(expression, [size for _, size in measured])

    def _grown(self, expression: Expression, inner: list[int]) -> int:
        size = grown_bytes(expression, inner, self._columns)
        if size > max(inner, default=size):
            self._total_bytes += size
            if size > MAX_TEXT_BYTES:
                _refuse(_too_long(f"a text of up to {size:,} bytes", MAX_TEXT_BYTES), expression)
            if self._total_bytes > MAX_TEXTS_BYTES:
                told = f"texts of up to {self._total_bytes:,} bytes for a row"
                _refuse(_too_long(told, MAX_TEXTS_BYTES), expression)
        return size


def _too_long(what: str, limit: int) -> str:
    return f"{what} may come of this; at most {limit:,} are allowed"


def _refuse(message: str, place: Expression | Span | None) -> NoReturn:
    span = place.span if isinstance(place, Expression) else place
    raise UnsupportedError(message, span=span, hint="ask for less in one query")
