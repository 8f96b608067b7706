"""Syntax expressions to bound ones: names resolved, types known, constants folded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from . import bind_types, operators, syntax
from .bind_calls import bind_call, bind_extract
from .bind_conditions import bind_between, bind_in_list, bind_is_test, bind_like
from .bind_subqueries import bind_exists, bind_in_query, bind_quantified, bind_scalar_query
from .bind_windows import bind_window
from .bound import Case, ColumnRef, Expression, Literal, Query
from .casting import cast_expression
from .datatypes import NullType, VarcharType
from .errors import BindError, Span, UnsupportedError
from .functions import CLOCK_FUNCTIONS
from .operators import Operand
from .refused_calls import no_clock
from .scope import Scope
from .window_clauses import WindowClauses


class QueryBinder(Protocol):
    """What expressions need from the rest of the binder: their subqueries."""

    text: str

    def subquery(self, query: syntax.Query, outer: Scope) -> Query:
        """Binds a query that may refer to the columns of `outer`."""
        ...


Alias = Callable[[str], Expression | None]
"""Gives the expression that an alias of the select list stands for."""


@dataclass(slots=True, kw_only=True)
class ExpressionBinder:
    """Binds the expressions of one clause.

    clause: its name, for errors. aggregates: whether it may hold aggregates. windows: the WINDOW
    clause, where window functions may stand. keys: what GROUP BY with several sets of keys groups
    by, and how that is written: such a value is NULL in the rows of a set without it.
    """

    queries: QueryBinder
    scope: Scope
    clause: str
    aggregates: bool = False
    windows: WindowClauses | None = None
    grouped_by_keys: bool = False
    alias: Alias | None = None
    alias_names: tuple[str, ...] = ()
    keys: Mapping[Expression, syntax.Expression] = field(default_factory=dict)
    inside_aggregate: bool = field(default=False, init=False)
    inside_window: bool = field(default=False, init=False)

    def bind(self, node: syntax.Expression) -> Expression:
        """The bound expression. Errors: BindError, UnsupportedError."""
        bound = self._bind(node)
        if self.inside_aggregate or not self._is_key(node, bound):
            return bound
        return dataclasses.replace(bound, nullable=True)

    def _is_key(self, node: syntax.Expression, bound: Expression) -> bool:
        """A constant is one if it is written as the key is: 2 is not the key 1 + 1."""
        written = self.keys.get(bound)
        return written is not None and (not isinstance(bound, Literal) or written == node)

    def _bind(self, node: syntax.Expression) -> Expression:
        match node:
            case syntax.ColumnName():
                return self._column(node)
            case syntax.Number():
                return bind_types.number(node)
            case syntax.Text():
                return bind_types.text(node)
            case syntax.Boolean():
                return operators.truth(node.value, node.span)
            case syntax.Null():
                return operators.null_literal(span=node.span)
            case syntax.Moment():
                return bind_types.moment(node)
            case syntax.Interval():
                whole = not isinstance(node.amount, syntax.Text)
                return bind_types.interval(node, self.bind(node.amount) if whole else None)
            case syntax.Unary():
                return self._unary(node)
            case syntax.Junction():
                parts = [self.bind(operand) for operand in node.operands]
                return operators.junction(node.operator, parts, node.span)
            case syntax.Binary():
                return self._binary(node)
            case syntax.Case():
                return self._case(node)
            case syntax.Cast():
                return self._cast(node)
            case syntax.Extract():
                return bind_extract(node.part, self.bind(node.operand), node.span)
            case syntax.Call():
                return bind_call(self, node) if node.window is None else bind_window(self, node)
            case _:
                return self._test(node)

    def operand(self, node: syntax.Expression) -> Operand:
        """The bound expression, with whether it is a bare literal."""
        return Operand(expression=self.bind(node), bare=_is_bare(node))

    @contextmanager
    def within_aggregate(self) -> Iterator[None]:
        """Binds an aggregate's argument, where no aggregate may stand."""
        self.inside_aggregate = True
        try:
            yield
        finally:
            self.inside_aggregate = False

    @contextmanager
    def within_window(self) -> Iterator[None]:
        """Binds what a window function reads, where no other one may stand."""
        self.inside_window = True
        try:
            yield
        finally:
            self.inside_window = False

    # Names

    def _column(self, node: syntax.ColumnName) -> Expression:
        column = self.scope.find(node.parts, node.span)
        if column is not None:
            return ColumnRef(
                id=column.id,
                name=column.name,
                type=column.type,
                nullable=column.nullable,
                span=node.span,
            )
        if self.alias is not None and len(node.parts) == 1:
            expression = self.alias(node.parts[0])
            if expression is not None:
                return expression
        if len(node.parts) == 1 and node.parts[0].lower() in CLOCK_FUNCTIONS:
            raise no_clock(node.parts[0], node.span)
        error = self.scope.unknown(node.parts, node.span, self.alias_names)
        if self.queries.text[node.span.start : node.span.start + 1] == '"':
            error.hint = "double quotes mark names; strings take single quotes" + (
                f"; {error.hint}" if error.hint and error.hint.startswith("did") else ""
            )
        raise error

    # Operators

    def _unary(self, node: syntax.Unary) -> Expression:
        if node.operator == "-" and isinstance(node.operand, syntax.Number):
            literal = bind_types.number(node.operand, negative=True)
            return _at(literal, node.span)
        operand = self.bind(node.operand)
        match node.operator:
            case "not":
                return operators.negation(operand, node.span)
            case "-":
                return operators.minus(operand, node.span)
            case _:
                operators.minus(operand, node.span)
                return operand

    def _binary(self, node: syntax.Binary) -> Expression:
        match node.operator:
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                left, right = self.operand(node.left), self.operand(node.right)
                return operators.comparison(node.operator, left, right, node.span)
            case "||":
                return self._concatenation(node)
            case "^":
                call = syntax.Call(name="power", arguments=(node.left, node.right), span=node.span)
                return bind_call(self, call)
            case _:
                left, right = self.operand(node.left), self.operand(node.right)
                return operators.arithmetic(node.operator, left, right, node.span)

    def _concatenation(self, node: syntax.Binary) -> Expression:
        left, right = self.bind(node.left), self.bind(node.right)
        for side in (left, right):
            if not isinstance(side.type, NullType):
                cast_expression(side, VarcharType(), node.span)
        return operators.concatenation(left, right, node.span)

    def _case(self, node: syntax.Case) -> Expression:
        whats = "a WHEN condition"
        conditions: list[Expression] = []
        subject = None if node.operand is None else self.operand(node.operand)
        for when, _ in node.branches:
            if subject is None:
                conditions.append(operators.condition(self.bind(when), whats))
            else:
                test = operators.comparison("=", subject, self.operand(when), when.span)
                conditions.append(test)
        results = [self.operand(result) for _, result in node.branches]
        if node.otherwise is not None:
            results.append(self.operand(node.otherwise))
        values = operators.unify(results, node.span, "CASE")
        otherwise = values.pop() if node.otherwise is not None else None
        alternatives = values if otherwise is None else [*values, otherwise]
        return Case(
            branches=tuple(zip(conditions, values, strict=True)),
            otherwise=otherwise,
            type=alternatives[0].type,
            nullable=otherwise is None or any(value.nullable for value in alternatives),
            span=node.span,
        )

    def _cast(self, node: syntax.Cast) -> Expression:
        target = bind_types.sql_type(node.type)
        operand = self.bind(node.operand)
        if node.safe:
            raise UnsupportedError(
                "TRY_CAST is not supported",
                span=node.span,
                hint="use CAST, and filter out what cannot be cast",
            )
        return cast_expression(operand, target, node.span)

    # Tests

    def _test(self, node: syntax.Expression) -> Expression:
        match node:
            case syntax.IsTest():
                return bind_is_test(self, node)
            case syntax.IsDistinct():
                operator = "is_not_distinct" if node.negated else "is_distinct"
                left, right = self.operand(node.left), self.operand(node.right)
                return operators.comparison(operator, left, right, node.span)
            case syntax.Between():
                return bind_between(self, node)
            case syntax.InList():
                return bind_in_list(self, node)
            case syntax.Like():
                return bind_like(self, node)
            case syntax.InQuery():
                return bind_in_query(self, node)
            case syntax.Exists():
                return bind_exists(self, node)
            case syntax.Subquery():
                return bind_scalar_query(self, node)
            case syntax.Quantified():
                return bind_quantified(self, node)
            case _:
                raise _refused(node)


def _at(literal: Literal, span: Span) -> Literal:
    return Literal(value=literal.value, type=literal.type, nullable=literal.nullable, span=span)


def _is_bare(node: syntax.Expression) -> bool:
    """A number or a string as such, perhaps with a sign."""
    if isinstance(node, syntax.Unary):
        return node.operator in "+-" and isinstance(node.operand, syntax.Number)
    return isinstance(node, syntax.Number | syntax.Text)


def _refused(node: syntax.Expression) -> BindError | UnsupportedError:
    match node:
        case syntax.Row():
            return UnsupportedError(
                "a row of several values is not supported",
                span=node.span,
                hint="compare the values one by one, joined with AND",
            )
        case syntax.Star():
            return BindError("* stands only in a select list and in COUNT(*)", span=node.span)
        case _:
            raise AssertionError(type(node).__name__)
