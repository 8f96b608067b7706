"""Looking into bound scalar expressions and rebuilding them. All functions are pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..query.bound import (
    Aggregate,
    Call,
    Case,
    ColumnRef,
    Exists,
    Expression,
    InSubquery,
    Literal,
    QuantifiedSubquery,
    ScalarSubquery,
    Window,
)
from ..query.datatypes import BOOLEAN, Column, SqlType

TRUE = Literal(type=BOOLEAN, nullable=False, value=True)
FALSE = Literal(type=BOOLEAN, nullable=False, value=False)

SUBQUERIES = (Exists, InSubquery, QuantifiedSubquery, ScalarSubquery)

NULL_STRICT = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "not", "+", "-", "*", "/", "//", "%", "negate", "abs"}
    | {"round", "floor", "ceil", "sign", "like", "not_like", "upper", "lower", "trim", "length"}
    | {"substring", "extract", "date_trunc", "cast"}
)
"""Functions that give NULL whenever an argument is NULL."""


def parts(expression: Expression) -> tuple[Expression, ...]:
    """The direct sub-expressions, in order."""
    match expression:
        case Call():
            return expression.arguments
        case Case():
            inner = tuple(part for branch in expression.branches for part in branch)
            return inner if expression.otherwise is None else (*inner, expression.otherwise)
        case Aggregate():
            given = (expression.argument, expression.second, expression.filter)
            return tuple(part for part in given if part is not None)
        case Window():
            read = (expression.argument, expression.default, expression.filter)
            keys = tuple(key.expression for key in expression.order_by)
            return (*(e for e in read if e is not None), *expression.partition_by, *keys)
        case InSubquery():
            return expression.arguments
        case QuantifiedSubquery():
            return (expression.argument,)
        case _:
            return ()


def rebuild(expression: Expression, inner: Sequence[Expression]) -> Expression:
    """The same expression over other direct sub-expressions."""
    if tuple(inner) == parts(expression):
        return expression
    match expression:
        case Call():
            return dataclasses.replace(expression, arguments=tuple(inner))
        case Case():
            count = len(expression.branches)
            branches = tuple((inner[2 * i], inner[2 * i + 1]) for i in range(count))
            otherwise = None if expression.otherwise is None else inner[2 * count]
            return dataclasses.replace(expression, branches=branches, otherwise=otherwise)
        case Aggregate():
            left = list(inner)
            argument = None if expression.argument is None else left.pop(0)
            second = None if expression.second is None else left.pop(0)
            condition = None if expression.filter is None else left.pop(0)
            return dataclasses.replace(
                expression, argument=argument, second=second, filter=condition
            )
        case Window():
            return _rebuilt_window(expression, list(inner))
        case InSubquery():
            return dataclasses.replace(expression, arguments=tuple(inner))
        case QuantifiedSubquery():
            return dataclasses.replace(expression, argument=inner[0])
        case _:
            return expression


def _rebuilt_window(window: Window, left: list[Expression]) -> Window:
    argument = None if window.argument is None else left.pop(0)
    default = None if window.default is None else left.pop(0)
    condition = None if window.filter is None else left.pop(0)
    partition = tuple(left.pop(0) for _ in window.partition_by)
    order = tuple(dataclasses.replace(key, expression=left.pop(0)) for key in window.order_by)
    return dataclasses.replace(
        window,
        argument=argument,
        default=default,
        filter=condition,
        partition_by=partition,
        order_by=order,
    )


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything below it (not into subqueries), outermost first."""
    yield expression
    for part in parts(expression):
        yield from walk(part)


def string_leaves(expression: Expression) -> Iterator[ColumnRef | Literal]:
    """The columns and literals that a string value is chosen from."""
    match expression:
        case ColumnRef() | Literal():
            yield expression
        case Case(branches=branches, otherwise=otherwise):
            for _, value in branches:
                yield from string_leaves(value)
            if otherwise is not None:
                yield from string_leaves(otherwise)
        case Call(function="coalesce" | "nullif" | "greatest" | "least" | "cast"):
            for argument in expression.arguments:
                yield from string_leaves(argument)


def transform(
    expression: Expression, change: Callable[[Expression], Expression | None]
) -> Expression:
    """Replaces sub-expressions from the outside in; what `change` returns is not looked into."""
    changed = change(expression)
    if changed is not None:
        return changed
    inner = parts(expression)
    return rebuild(expression, [transform(part, change) for part in inner]) if inner else expression


def transform_up(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Replaces sub-expressions from the inside out."""
    inner = parts(expression)
    if inner:
        expression = rebuild(expression, [transform_up(part, change) for part in inner])
    return change(expression)


def columns_of(*expressions: Expression) -> frozenset[int]:
    """Ids of all columns that the expressions read (not those inside subqueries)."""
    return frozenset(e.id for outer in expressions for e in walk(outer) if isinstance(e, ColumnRef))


def substitute(expression: Expression, by: Mapping[int, Expression]) -> Expression:
    """Replaces column references by expressions."""
    if not by:
        return expression
    return transform(expression, lambda e: by.get(e.id, e) if isinstance(e, ColumnRef) else None)


def reference(column: Column) -> ColumnRef:
    return ColumnRef(type=column.type, nullable=column.nullable, id=column.id, name=column.name)


def has_subquery(expression: Expression) -> bool:
    return any(isinstance(e, SUBQUERIES) for e in walk(expression))


def call(
    function: str,
    arguments: Iterable[Expression],
    *,
    type: SqlType = BOOLEAN,
    nullable: bool | None = None,
    like: Expression | None = None,
) -> Call:
    """A call; NULL-able as its arguments are unless stated; `like` lends its place in the text."""
    given = tuple(arguments)
    may_be_null = any(a.nullable for a in given) if nullable is None else nullable
    span = like.span if like is not None else given[0].span if given else None
    return Call(type=type, nullable=may_be_null, function=function, arguments=given, span=span)


def cast(expression: Expression, type: SqlType) -> Expression:
    """A cast, unless the type is already that."""
    if expression.type == type:
        return expression
    return call("cast", [expression], type=type, nullable=expression.nullable)


def conjuncts(predicate: Expression) -> tuple[Expression, ...]:
    """The parts of a conjunction, flat and in order."""
    if isinstance(predicate, Call) and predicate.function == "and":
        return tuple(inner for part in predicate.arguments for inner in conjuncts(part))
    return (predicate,)


def disjuncts(predicate: Expression) -> tuple[Expression, ...]:
    if isinstance(predicate, Call) and predicate.function == "or":
        return tuple(inner for part in predicate.arguments for inner in disjuncts(part))
    return (predicate,)


def conjunction(predicates: Sequence[Expression]) -> Expression:
    """AND of the predicates; TRUE of none."""
    if not predicates:
        return TRUE
    return predicates[0] if len(predicates) == 1 else call("and", predicates)


def disjunction(predicates: Sequence[Expression]) -> Expression:
    if not predicates:
        return FALSE
    return predicates[0] if len(predicates) == 1 else call("or", predicates)


def column_pair(predicate: Expression) -> tuple[int, int] | None:
    """The two column ids of an equality between plain columns."""
    match predicate:
        case Call(function="=", arguments=(ColumnRef(id=left), ColumnRef(id=right))):
            return (left, right)
        case _:
            return None


def is_null_strict(expression: Expression) -> bool:
    """True if the value is surely NULL once every column that it reads is NULL."""
    match expression:
        case ColumnRef():
            return True
        case Call(function=function, arguments=arguments):
            return function in NULL_STRICT and any(map(is_null_strict, arguments))
        case _:
            return False
