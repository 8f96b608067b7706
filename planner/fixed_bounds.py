"""Comparisons of whole numbers that are off by less than a slack.

What is closer than the slack is equal:

    a = b   =>  a + slack > b AND a < b + slack
    a < b   =>  a + slack <= b            a <= b  =>  a < b + slack
    a > b   =>  a >= b + slack            a >= b  =>  a + slack > b

So one of <, = and > always holds. Without slack, the comparison as it is.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from math import ceil, floor

from ..query.bound import Call, Expression
from .expressions import call
from .scales import scale_of
from .whole_numbers import plus, whole_literal


def between(node: Call, left: Expression, right: Expression, slack: int) -> Expression:
    """A comparison of two numbers of one scale."""
    if not slack:
        return call(node.function, [left, right], like=node)
    match node.function:
        case "<":
            return call("<=", [plus(left, slack), right], like=node)
        case ">=":
            return call(">", [plus(left, slack), right], like=node)
        case ">":
            return call(">=", [left, plus(right, slack)], like=node)
        case "<=":
            return call("<", [left, plus(right, slack)], like=node)
        case "=":
            return call("and", [between(named(node, f), left, right, slack) for f in (">=", "<=")])
        case _:
            return call("or", [between(named(node, f), left, right, slack) for f in ("<", ">")])


def against(node: Call, whole: Expression, bound: Fraction, slack: int) -> Expression:
    """A comparison of a number with a constant, in units of the number's last decimal."""
    low, high = bound - slack, bound + slack
    match node.function:
        case "=":
            if not slack and bound.denominator == 1:
                return _test("=", whole, int(bound), node)
            return call("and", [against(named(node, f), whole, bound, slack) for f in (">=", "<=")])
        case "<>":
            if not slack and bound.denominator == 1:
                return _test("<>", whole, int(bound), node)
            return call("or", [against(named(node, f), whole, bound, slack) for f in ("<", ">")])
        case "<":
            return _test("<", whole, floor(low) + 1 if slack else ceil(low), node)
        case ">":
            return _test(">", whole, ceil(high) - 1 if slack else floor(high), node)
        case "<=":
            return _test("<=", whole, ceil(high) - 1 if slack else floor(high), node)
        case _:
            return _test(">=", whole, floor(low) + 1 if slack else ceil(low), node)


def _test(function: str, whole: Expression, bound: int, node: Call) -> Expression:
    literal = whole_literal(bound, scale_of(whole.type) or 0)
    return call(function, [whole, literal], like=node)


def named(node: Call, function: str) -> Call:
    """The call of another function in the same place."""
    return dataclasses.replace(node, function=function)
