"""Calls of functions and aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from . import functions, operators, syntax
from .bind_aggregates import bind_aggregate
from .bind_groups import bind_level
from .bound import Expression, Literal
from .datatypes import (
    BIGINT,
    DATE,
    DOUBLE,
    TIMESTAMP,
    DateType,
    NullType,
    TimestampType,
    VarcharType,
)
from .errors import BindError, Span, UnsupportedError
from .refused_calls import refuse_by_name
from .scope import suggestion
from .typerules import unparameterised

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder

_TRUNCATIONS = frozenset(
    str.split(
        """
        microsecond millisecond second minute hour day week month quarter year decade century
        millennium
        """
    )
)


def bind_call(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    """A function or aggregate call. Errors: BindError, UnsupportedError."""
    name = node.name.lower()
    refuse_by_name(node, name)
    if name in functions.AGGREGATES:
        return bind_aggregate(binder, node)
    if node.star or node.distinct or node.filter is not None or node.order_by:
        clause = "*" if node.star else "DISTINCT" if node.distinct else "FILTER"
        clause = "ORDER BY" if node.order_by else clause
        close = get_close_matches(name, functions.AGGREGATES, n=1)
        raise BindError(
            f"{node.name} is not an aggregate and takes no {clause}",
            span=node.span,
            hint=f"did you mean {close[0].upper()}?" if close else None,
        )
    if name in ("grouping", "grouping_id"):
        return bind_level(binder, node)
    special = _special(binder, node, name)
    if special is not None:
        return special
    return _scalar(binder, node)


# Functions with rules of their own


def _special(binder: ExpressionBinder, node: syntax.Call, name: str) -> Expression | None:
    count = len(node.arguments)
    match name:
        case "coalesce" | "ifnull":
            _check_count(node, 2 if name == "ifnull" else 1, 2 if name == "ifnull" else 999)
            values = _unified(binder, node)
            nullable = all(value.nullable for value in values)
            return _choice("coalesce", values, nullable, node)
        case "greatest" | "least":
            _check_count(node, 1, 999)
            values = _unified(binder, node)
            return _choice(name, values, all(value.nullable for value in values), node)
        case "nullif":
            _check_count(node, 2, 2)
            return _nullif(binder, node)
        case "if" | "iff":
            _check_count(node, 3, 3)
            when, then, otherwise = node.arguments
            case = syntax.Case(
                operand=None, branches=((when, then),), otherwise=otherwise, span=node.span
            )
            return binder.bind(case)
        case "mod" | "add" | "subtract" | "multiply" | "divide":
            _check_count(node, 2, 2)
            operator = {"mod": "%", "add": "+", "subtract": "-", "multiply": "*", "divide": "//"}
            left, right = (binder.operand(a) for a in node.arguments)
            return operators.arithmetic(operator[name], left, right, node.span)
        case "date_part" | "datepart":
            _check_count(node, 2, 2)
            return bind_extract(_constant_text(node.arguments[0], node), *_last(binder, node))
        case "date_trunc" | "datetrunc":
            _check_count(node, 2, 2)
            return _date_trunc(binder, node)
        case "date_add":
            _check_count(node, 2, 2)
            left, right = (binder.operand(a) for a in node.arguments)
            return operators.arithmetic("+", left, right, node.span)
        case "concat":
            _check_count(node, 1, 999)
            arguments = [_text_if_null(binder.bind(a)) for a in node.arguments]
            return operators.make_call(
                "concat", arguments, VarcharType(), node.span, nullable=False
            )
    if name in functions.PARTS and count == 1:
        return bind_extract(name, binder.bind(node.arguments[0]), node.span)
    return None


def _last(binder: ExpressionBinder, node: syntax.Call) -> tuple[Expression, Span]:
    return binder.bind(node.arguments[-1]), node.span


def _choice(
    function: str, values: Sequence[Expression], nullable: bool, node: syntax.Call
) -> Expression:
    if len(values) == 1:
        return values[0]
    return operators.make_call(function, values, values[0].type, node.span, nullable=nullable)


def _unified(binder: ExpressionBinder, node: syntax.Call) -> list[Expression]:
    operands = [binder.operand(argument) for argument in node.arguments]
    return operators.unify(operands, node.span, node.name.upper())


def _nullif(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    """NULLIF keeps its first argument's type; where a comparison needs casts it becomes CASE."""
    left, right = (binder.operand(argument) for argument in node.arguments)
    if left.is_text_literal or not isinstance(left.type, NullType):
        first, second = operators.aligned(left, right, node.span)
        if first == left.expression:
            return operators.make_call(
                "nullif", [first, second], left.type, node.span, nullable=True
            )
    test = operators.comparison("=", left, right, node.span)
    return operators.choose(test, operators.null_literal(left.type), left.expression, node.span)


def bind_extract(part: str, operand: Expression, span: Span | None) -> Expression:
    """EXTRACT(part FROM operand). BindError for an unknown part or an operand without parts."""
    name = functions.PART_SYNONYMS.get(part.lower(), part.lower())
    if name.endswith("s") and name[:-1] in functions.PARTS:
        name = name[:-1]
    if name not in functions.PARTS | functions.DOUBLE_PARTS:
        hint = suggestion(part, sorted(functions.PARTS))
        raise BindError(f"EXTRACT knows no part {part}", span=span, hint=hint)
    if not isinstance(operand.type, DateType | TimestampType | NullType):
        raise BindError(
            f"EXTRACT takes a date or a timestamp, not {unparameterised(operand.type)}",
            span=operand.span or span,
            hint="write CAST(... AS DATE) around it",
        )
    label = Literal(value=name, type=VarcharType(len(name)), nullable=False, span=span)
    result = DOUBLE if name in functions.DOUBLE_PARTS else BIGINT
    if has_null([operand]):
        return operators.null_literal(result, span)
    return operators.make_call("extract", [label, operand], result, span)


def _date_trunc(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    part = _constant_text(node.arguments[0], node).lower()
    name = functions.PART_SYNONYMS.get(part, part)
    name = name[:-1] if name.endswith("s") and name[:-1] in _TRUNCATIONS else name
    operand = binder.bind(node.arguments[1])
    if name not in _TRUNCATIONS:
        raise BindError(f"DATE_TRUNC knows no unit {part}", span=node.arguments[0].span)
    if operand.type not in (DATE, TIMESTAMP):
        raise BindError(
            f"DATE_TRUNC takes a date or a timestamp, not {unparameterised(operand.type)}",
            span=operand.span,
        )
    label = Literal(value=name, type=VarcharType(len(name)), nullable=False, span=node.span)
    return operators.make_call("date_trunc", [label, operand], TIMESTAMP, node.span)


def _constant_text(node: syntax.Expression, call: syntax.Call) -> str:
    if not isinstance(node, syntax.Text):
        raise BindError(f"the first argument of {call.name} is a constant string", span=node.span)
    return node.value


# All others


def _scalar(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    function = functions.find_function(node.name)
    if function is None:
        close = functions.similar_function(node.name)
        hint = f"did you mean {close}?" if close else "the functions are listed in docs/sql.md"
        raise UnsupportedError(
            f"the function {node.name} is not supported", span=node.span, hint=hint
        )
    _check_count(node, *function.counts)
    arguments = [binder.bind(argument) for argument in node.arguments]
    result = function.result(arguments)
    if result is None:
        kinds = ", ".join(unparameterised(argument.type) for argument in arguments)
        raise BindError(
            f"{node.name} does not take ({kinds})",
            span=node.span,
            hint="write CAST(... AS ...) around the argument that does not fit",
        )
    if function.name in ("round", "trunc") and len(arguments) == 1 and result == arguments[0].type:
        return arguments[0]
    if function.strict and has_null(arguments):
        return operators.null_literal(result, node.span)
    arguments = [_text_if_null(argument) for argument in arguments]
    nullable = any(a.nullable for a in arguments) if function.strict else True
    return operators.make_call(function.name, arguments, result, node.span, nullable=nullable)


def has_null(arguments: Sequence[Expression]) -> bool:
    """Whether an argument is NULL whatever the row: an expression without a type."""
    return any(isinstance(argument.type, NullType) for argument in arguments)


def _text_if_null(argument: Expression) -> Expression:
    """NULL without a type as a string."""
    if isinstance(argument.type, NullType):
        return operators.null_literal(VarcharType(), argument.span)
    return argument


def _check_count(node: syntax.Call, low: int, high: int) -> None:
    count = len(node.arguments)
    if low <= count <= high:
        return
    wanted = f"{low}" if low == high else f"{low} to {high}" if high < 999 else f"at least {low}"
    raise BindError(f"{node.name} takes {wanted} arguments, not {count}", span=node.span)
