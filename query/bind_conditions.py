"""Tests that give a truth value: IS, BETWEEN, IN, LIKE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import operators, syntax
from .bound import Expression, Literal
from .datatypes import BOOLEAN, NullType, VarcharType
from .errors import BindError

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder


def bind_is_test(binder: ExpressionBinder, node: syntax.IsTest) -> Expression:
    """IS [NOT] NULL, TRUE, FALSE or UNKNOWN."""
    operand = binder.bind(node.operand)
    if node.test in ("null", "unknown"):
        if node.test == "unknown":
            operand = operators.condition(operand, "the operand of IS UNKNOWN")
        function = "is_not_null" if node.negated else "is_null"
        return operators.make_call(function, [operand], BOOLEAN, node.span, nullable=False)
    operand = operators.condition(operand, f"the operand of IS {node.test.upper()}")
    function = "is_distinct" if node.negated else "is_not_distinct"
    other = operators.truth(node.test == "true")
    return operators.make_call(function, [operand, other], BOOLEAN, node.span, nullable=False)


def bind_between(binder: ExpressionBinder, node: syntax.Between) -> Expression:
    """BETWEEN as two comparisons."""
    operand = binder.operand(node.operand)
    low = operators.comparison(">=", operand, binder.operand(node.low), node.span)
    high = operators.comparison("<=", operand, binder.operand(node.high), node.span)
    both = operators.junction("and", [low, high], node.span)
    return operators.negation(both, node.span) if node.negated else both


def bind_in_list(binder: ExpressionBinder, node: syntax.InList) -> Expression:
    """IN a list: of constants as one membership test, else as comparisons."""
    operand = binder.operand(node.operand)
    pairs = [operators.aligned(operand, binder.operand(i), node.span) for i in node.items]
    constant = all(isinstance(item, Literal) for _, item in pairs)
    if constant and len({first for first, _ in pairs}) == 1:
        arguments = [pairs[0][0], *dict.fromkeys(item for _, item in pairs)]
        member = operators.make_call("in", arguments, BOOLEAN, node.span)
    else:
        tests = [
            operators.make_call("=", [first, item], BOOLEAN, node.span) for first, item in pairs
        ]
        member = tests[0] if len(tests) == 1 else operators.junction("or", tests, node.span)
    return operators.negation(member, node.span) if node.negated else member


def bind_like(binder: ExpressionBinder, node: syntax.Like) -> Expression:
    """LIKE; ILIKE through LOWER, SIMILAR TO through a regular expression, as in DuckDB."""
    text, pattern = binder.bind(node.operand), binder.bind(node.pattern)
    for side in (text, pattern):
        if not isinstance(side.type, VarcharType | NullType):
            raise BindError(
                f"{node.kind.upper()} compares strings, not {side.type}",
                span=side.span,
                hint="write CAST(... AS VARCHAR) around it",
            )
    if isinstance(text.type, NullType) or isinstance(pattern.type, NullType):
        return operators.null_literal(BOOLEAN, node.span)
    arguments = [text, pattern]
    if node.kind == "similar":
        matches = operators.make_call("regexp_full_match", arguments, BOOLEAN, node.span)
        return operators.negation(matches, node.span) if node.negated else matches
    if node.kind == "ilike":
        arguments = [
            operators.make_call("lower", [side], VarcharType(), node.span) for side in arguments
        ]
    if node.escape is not None:
        arguments.append(binder.bind(node.escape))
    function = "not_like" if node.negated else "like"
    return operators.make_call(function, arguments, BOOLEAN, node.span)
