"""Constant folding: what the text alone decides is decided before anything runs.

    l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY   =>   l_shipdate <= DATE '1998-09-02'
    l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01      =>   l_discount BETWEEN 0.05 AND 0.07
    WHERE x > 1 AND TRUE                                =>   WHERE x > 1

Folds only what is exact: integers, decimals, dates with intervals, comparisons of those, and the
three-valued logic. Everything else is left as written. Discloses nothing: only the text is used.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime
from decimal import Decimal, localcontext

from ...query.bound import Call, Case, Expression, Interval, Literal, type_of_value
from ...query.datatypes import BooleanType, DateType, DecimalType, IntegerType, TimestampType
from ..expressions import TRUE, conjunction, transform_up
from ..logical import Filter, Node
from .context import Context
from .rewriting import map_expressions, map_nodes

EPOCH = datetime.date(1970, 1, 1)
DAY_MICROSECONDS = 86_400_000_000


def fold_constants(plan: Node, context: Context) -> Node:
    """Folds every expression of the plan and drops filters that are always true."""

    def drop_true(node: Node) -> Node:
        return node.input if isinstance(node, Filter) and node.predicate == TRUE else node

    folded = map_expressions(plan, lambda e: transform_up(e, fold))
    return map_nodes(folded, drop_true)


def fold(expression: Expression) -> Expression:
    """One node whose sub-expressions are folded already."""
    if isinstance(expression, Case):
        return _fold_case(expression)
    if not isinstance(expression, Call):
        return expression
    if expression.function in ("and", "or"):
        return _fold_logic(expression)
    arguments = expression.arguments
    if not arguments or not all(isinstance(a, Literal) for a in arguments):
        return expression
    values = [a.value for a in arguments if isinstance(a, Literal)]
    if any(v is None for v in values):
        return expression
    result = _evaluate(expression, values)
    if result is None:
        return expression
    return Literal(type=expression.type, nullable=False, value=result, span=expression.span)


def _fold_case(case: Case) -> Expression:
    """Drops branches that are never taken; stops at the first that always is."""
    branches = []
    otherwise = case.otherwise
    for condition, value in case.branches:
        if isinstance(condition, Literal):
            if condition.value is True:
                otherwise = value
                break
            continue
        branches.append((condition, value))
    if not branches and otherwise is not None:
        return otherwise
    if not branches:
        return Literal(type=case.type, nullable=True, value=None, span=case.span)
    return dataclasses.replace(case, branches=tuple(branches), otherwise=otherwise)


def _fold_logic(call: Call) -> Expression:
    """TRUE and FALSE in a conjunction or disjunction; nested ones become flat."""
    decisive = call.function == "or"
    flat: list[Expression] = []
    for argument in call.arguments:
        nested = isinstance(argument, Call) and argument.function == call.function
        flat.extend(argument.arguments if isinstance(argument, Call) and nested else (argument,))
    left: list[Expression] = []
    for argument in flat:
        if isinstance(argument, Literal) and isinstance(argument.value, bool):
            if argument.value is decisive:
                return dataclasses.replace(argument, span=call.span)
            continue
        if argument not in left:
            left.append(argument)
    if not left:
        return Literal(type=call.type, nullable=False, value=not decisive, span=call.span)
    if len(left) == 1:
        return left[0]
    if call.function == "and":
        return dataclasses.replace(conjunction(left), span=call.span)
    return dataclasses.replace(call, arguments=tuple(left))


def _evaluate(call: Call, values: list[type_of_value]) -> type_of_value:
    """The value of a call over non-NULL literals; None if it is left alone."""
    if call.function in ("+", "-") and isinstance(values[-1], Interval):
        return _shift(call, values)
    if call.function == "not":
        return not values[0]
    exact = all(isinstance(v, int | Decimal) and not isinstance(v, bool) for v in values)
    if not exact:
        return None
    return _exact(call, values)


def _exact(call: Call, values: list[type_of_value]) -> type_of_value:
    """Arithmetic and comparison of integers, decimals, and dates."""
    numbers = [Decimal(v) for v in values if isinstance(v, int | Decimal)]
    if isinstance(call.type, BooleanType) and len(numbers) == 2:
        left, right = numbers
        same = _same_kind(call)
        outcomes = {
            "=": left == right,
            "<>": left != right,
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
        }
        return outcomes.get(call.function) if same else None
    if not isinstance(call.type, IntegerType | DecimalType):
        return None
    if not all(isinstance(a.type, IntegerType | DecimalType) for a in call.arguments):
        return None
    with localcontext() as decimals:
        decimals.prec = 100
        match call.function, numbers:
            case "+", [left, right]:
                value = left + right
            case "-", [left, right]:
                value = left - right
            case "*", [left, right]:
                value = left * right
            case "negate", [only]:
                value = -only
            case "cast", [only] if _keeps_scale(call):
                value = only
            case _:
                return None
    return _typed(call, value)


def _typed(call: Call, value: Decimal) -> type_of_value:
    """The value in the call's type; None where DuckDB would raise an overflow."""
    match call.type:
        case IntegerType(bits=bits):
            number = int(value)
            fits = -(1 << (bits - 1)) <= number < 1 << (bits - 1)
            return number if fits and value == number else None
        case DecimalType(precision=precision, scale=scale):
            fits = abs(value).scaleb(scale) < 10**precision
            return value.quantize(Decimal(1).scaleb(-scale)) if fits else None
        case _:
            return None


def _keeps_scale(call: Call) -> bool:
    source, target = call.arguments[0].type, call.type
    before = source.scale if isinstance(source, DecimalType) else 0
    after = target.scale if isinstance(target, DecimalType) else 0
    return before <= after


def _same_kind(call: Call) -> bool:
    left, right = (a.type for a in call.arguments)
    numeric = all(isinstance(t, IntegerType | DecimalType) for t in (left, right))
    return numeric or type(left) is type(right)


def _shift(call: Call, values: list[type_of_value]) -> type_of_value:
    """A date or timestamp plus or minus an interval."""
    start, interval = values[0], values[-1]
    if not isinstance(start, int) or not isinstance(interval, Interval):
        return None
    sign = 1 if call.function == "+" else -1
    source = call.arguments[0].type
    if isinstance(source, DateType):
        micros = start * DAY_MICROSECONDS
    elif isinstance(source, TimestampType):
        micros = start
    else:
        return None
    days, rest = divmod(micros, DAY_MICROSECONDS)
    days = add_months(days, sign * interval.months) + sign * interval.days
    total = days * DAY_MICROSECONDS + rest + sign * interval.microseconds
    if isinstance(call.type, DateType):
        return total // DAY_MICROSECONDS
    return total if isinstance(call.type, TimestampType) else None


def add_months(days: int, months: int) -> int:
    """Days since 1970 after adding calendar months, the day clipped to the month's length."""
    date = EPOCH + datetime.timedelta(days=days)
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return (datetime.date(year, month + 1, min(date.day, last)) - EPOCH).days
