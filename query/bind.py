"""The binder: syntax trees and the catalog to bound queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from . import bound, syntax
from .bind_expression import ExpressionBinder
from .bind_from import FromBinder
from .bind_order import order_key, output_named, row_count
from .bind_select import SelectBinder
from .bind_union import align_inputs, operation_name, union_inputs
from .casting import cast_expression
from .catalog import Catalog
from .commands import into_shared_table, named_tables
from .datatypes import INTEGER, Column, NullType
from .errors import BindError, SqlError, SqlSyntaxError, UnsupportedError
from .operators import condition
from .refusals import refused_statement
from .scope import Definition, Definitions, Scope, Source, suggestion
from .supposed import suppose_rows


def bind(
    statement: syntax.Statement, catalog: Catalog, *, parties: tuple[str, ...], text: str
) -> bound.Statement:
    """Resolves every name and types every expression of one statement.

    parties: the federation's party names, which REVEAL TO may name. text: the whole text that the
    statement was parsed from; errors mark their place in it.

    Errors: BindError for names and types that do not fit; UnsupportedError, which names the
    clause, for SQL that tacit does not run.
    """
    try:
        return _bind_statement(statement, catalog, parties, text)
    except SqlError as error:
        raise error.located(text) from None
    except RecursionError:
        raise SqlSyntaxError("the query is nested too deeply", text=text) from None


def _bind_statement(
    statement: syntax.Statement, catalog: Catalog, parties: tuple[str, ...], text: str
) -> bound.Statement:
    if isinstance(statement, syntax.Explain):
        return _explained(statement, catalog, parties, text)
    inner = statement
    if isinstance(inner, syntax.CreateSharedTable):
        return bound.Statement(
            query=_typed_output(Binder(catalog, text).query(inner.query, None, {})),
            recipients=(),
            explain=None,
            text=statement.text,
            into=into_shared_table(inner, catalog),
        )
    if not isinstance(inner, syntax.QueryStatement):
        raise refused_statement(inner)
    if inner.privacy is not None:
        raise UnsupportedError(
            "WITH PRIVACY is not supported",
            span=inner.delivery_span,
            hint="leave it out: the result is then exact",
        )
    query = Binder(catalog, text).query(inner.query, None, {})
    return bound.Statement(
        query=_typed_output(query),
        recipients=_recipients(inner, parties),
        explain=None,
        text=statement.text,
    )


def _explained(
    statement: syntax.Explain, catalog: Catalog, parties: tuple[str, ...], text: str
) -> bound.Statement:
    inner, network = statement.statement, statement.network
    if isinstance(inner, syntax.Explain):
        raise refused_statement(inner)
    supposed: tuple[tuple[str, int], ...] = ()
    if statement.rows:
        catalog = suppose_rows(catalog, inner, statement.rows)
        read = [catalog.tables[n] for n in sorted(named_tables(inner)) if n in catalog.tables]
        supposed = tuple((table.name, table.rows * max(len(table.owners), 1)) for table in read)
    return dataclasses.replace(
        _bind_statement(inner, catalog, parties, text),
        explain=statement.kind,
        text=statement.text,
        supposed=supposed,
        network=None if network is None else (network.name, network.span),
        alternatives=statement.alternatives,
    )


def _recipients(statement: syntax.QueryStatement, parties: tuple[str, ...]) -> tuple[str, ...]:
    """The parties that REVEAL TO names, in the federation's order; () for the asker."""
    if statement.recipients is None:
        return ()
    if not statement.recipients:
        return parties
    known = {party.lower(): party for party in parties}
    for name in statement.recipients:
        if name.lower() not in known:
            raise BindError(
                f"there is no party {name}",
                span=statement.delivery_span,
                hint=suggestion(name, parties),
            )
    named = {name.lower() for name in statement.recipients}
    return tuple(party for party in parties if party.lower() in named)


def _typed_output(query: bound.Query) -> bound.Query:
    """A result column that is nothing but NULL becomes an INTEGER, as in DuckDB's results."""
    if not any(isinstance(column.type, NullType) for column in query.columns):
        return query
    columns = tuple(
        dataclasses.replace(column, type=INTEGER) if isinstance(column.type, NullType) else column
        for column in query.columns
    )
    if isinstance(query, bound.SetOperation):
        inputs = tuple(_typed_output(part) for part in query.inputs)
        return dataclasses.replace(query, columns=columns, inputs=inputs)
    assert isinstance(query, bound.Select)
    items = tuple(
        cast_expression(item, INTEGER, item.span) if isinstance(item.type, NullType) else item
        for item in query.items
    )
    return dataclasses.replace(query, columns=columns, items=items)


class Binder:
    """Binds the queries of one statement; columns have ids that are unique in it."""

    def __init__(self, catalog: Catalog, text: str) -> None:
        self.text = text
        self.columns: dict[int, Column] = {}
        self.sources = FromBinder(
            catalog=catalog,
            columns=self.columns,
            bind_query=self.query,
            bind_condition=self._condition,
        )

    def subquery(self, query: syntax.Query, outer: Scope) -> bound.Query:
        """A query inside an expression; it sees the columns of `outer`."""
        return self.query(query, outer, outer.definitions)

    def query(
        self, query: syntax.Query, outer: Scope | None, definitions: Definitions
    ) -> bound.Query:
        """A query with its common tables, order and limits."""
        definitions = _extended(query, definitions)
        constant = ExpressionBinder(queries=self, scope=Scope(), clause="LIMIT")
        limit = row_count(query.limit, constant)
        constant.clause = "OFFSET"
        offset = row_count(query.offset, constant) or 0
        match query.body:
            case syntax.Select():
                result: bound.Query = self._select(query.body, query.order_by, outer, definitions)
            case syntax.Query():
                nested = self.query(query.body, outer, definitions)
                result = self._ordered(self._derived(nested), query.order_by)
            case syntax.SetOperation():
                combined = self._set_operation(query.body, outer, definitions)
                result = self._ordered(combined, query.order_by)
            case syntax.Values():
                result = self._ordered(self._values(query.body, outer, definitions), query.order_by)
        return dataclasses.replace(result, limit=limit, offset=offset)

    def _select(
        self,
        select: syntax.Select,
        order_by: Sequence[syntax.OrderKey],
        outer: Scope | None,
        definitions: Definitions,
    ) -> bound.Select:
        relation, scope = self.sources.bind(select.sources, outer, definitions)
        binder = SelectBinder(
            queries=self,
            columns=self.columns,
            select=select,
            relation=relation,
            scope=scope,
        )
        return binder.bind(order_by)

    def _condition(self, node: syntax.Expression, scope: Scope) -> bound.Expression:
        binder = ExpressionBinder(queries=self, scope=scope, clause="ON")
        return condition(binder.bind(node), "ON")

    # Set operations

    def _set_operation(
        self, body: syntax.SetOperation, outer: Scope | None, definitions: Definitions
    ) -> bound.SetOperation:
        parts = [
            self.query(syntax.Query(body=part, span=part.span), outer, definitions)
            for part in union_inputs(body)
        ]
        inputs, columns = self._aligned(parts, body, operation_name(body))
        if body.operator == "union" and body.all:
            return bound.UnionAll(columns=columns, inputs=inputs)
        return bound.Combination(
            columns=columns, inputs=inputs, operator=body.operator, all=body.all
        )

    def _values(
        self, values: syntax.Values, outer: Scope | None, definitions: Definitions
    ) -> bound.Query:
        """VALUES as the union of one SELECT per row."""
        names = [f"col{i}" for i in range(len(values.rows[0]))]
        parts: list[bound.Query] = []
        for row in values.rows:
            if len(row) != len(names):
                raise BindError("the rows of VALUES differ in length", span=values.span)
            items = tuple(
                syntax.Item(expression=expression, alias=name, span=expression.span)
                for name, expression in zip(names, row, strict=True)
            )
            select = syntax.Select(items=items, span=values.span)
            parts.append(self._select(select, (), outer, definitions))
        if len(parts) == 1:
            return parts[0]
        inputs, columns = self._aligned(parts, values, "VALUES")
        return bound.UnionAll(columns=columns, inputs=inputs)

    def _aligned(
        self, parts: list[bound.Query], node: syntax.Node, name: str
    ) -> tuple[tuple[bound.Query, ...], tuple[Column, ...]]:
        """The parts as SELECTs with common column types, and the columns of what they make."""
        plain = [
            part
            if isinstance(part, bound.Select) and not (part.order_by or part.limit or part.offset)
            else self._derived(part)
            for part in parts
        ]
        return align_inputs(plain, self.columns, node.span, name)

    def _derived(self, query: bound.Query) -> bound.Select:
        """SELECT * FROM (query)."""
        inner = tuple(self.sources.fresh(column) for column in query.columns)
        relation = bound.BoundDerived(columns=inner, query=query, alias="subquery")
        items = tuple(
            bound.ColumnRef(id=c.id, name=c.name, type=c.type, nullable=c.nullable) for c in inner
        )
        return bound.Select(
            columns=tuple(self.sources.fresh(column) for column in inner),
            relation=relation,
            where=None,
            group_by=(),
            grouped=False,
            having=None,
            items=items,
            distinct=False,
        )

    def _ordered(self, query: bound.Query, order_by: Sequence[syntax.OrderKey]) -> bound.Query:
        """ORDER BY behind a set operation: over its output columns."""
        keys = []
        for key in order_by:
            expression = output_named(key.expression, query.columns)
            if expression is None:
                scope = Scope(sources=[Source(name="result", columns=query.columns)])
                binder = ExpressionBinder(queries=self, scope=scope, clause="ORDER BY")
                expression = binder.bind(key.expression)
            keys.append(order_key(key, expression))
        return dataclasses.replace(query, order_by=tuple(keys)) if keys else query


def _extended(query: syntax.Query, definitions: Definitions) -> Definitions:
    """The common tables in sight within a query: each sees those before it."""
    if query.recursive:
        raise UnsupportedError(
            "WITH RECURSIVE is not supported",
            span=query.common_tables[0].span,
            hint="write out the steps as common tables of their own",
        )
    known = dict(definitions)
    own: set[str] = set()
    for table in query.common_tables:
        name = table.name.lower()
        if name in own:
            raise BindError(f"the common table {table.name} is defined twice", span=table.span)
        own.add(name)
        known[name] = Definition(table=table, visible=dict(known))
    return known
