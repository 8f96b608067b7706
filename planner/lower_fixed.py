"""Quotients and statistics within expressions, as columns of their own below.

    Project(c = abs(s / n) * sd, R)   =>  Project(c = abs(q) * sd, Project(q = s / n, R))
    Filter(ratio(a, b) > 5, R)        =>  Filter(r > 5, Project(r = ratio(a, b), R))

Quotients of exact numbers that are added, multiplied and compared among themselves stay exact
(ratios.py). All others become fixed-point columns, which fixed_point.py computes with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import Column, DoubleType, Encoding
from .expressions import parts, reference, transform, walk
from .fixed_point import FixedPoint
from .known import Facts
from .ranging import expression_range
from .ratios import as_ratio, has_quotient
from .rounding import is_rounded
from .secure import Operator
from .statistics import QUOTIENTS

if TYPE_CHECKING:
    from .lower import Lowering

COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">=", "is_null", "is_not_null"})


def with_parts(
    lowering: Lowering,
    below: Operator,
    expressions: Sequence[Expression],
    facts: Facts,
    *,
    computed: bool,
) -> tuple[Operator, list[Expression]]:
    """`below` with columns for what must be one, and the expressions over them.

    `computed`: each expression is a column as a whole, so it may be a quotient itself.
    """
    changed = list(expressions)
    while True:
        search = _Search(below)
        found = [part for e in changed for part in search.parts(e, top=computed)]
        if not found:
            return below, changed
        made: dict[Expression, Column] = {}
        for part in found:
            if part not in made:
                made[part] = Column(
                    id=lowering.ids.fresh(), name="", type=part.type, encoding=None, nullable=True
                )
        kept = [(column, reference(column)) for column in below.columns]
        below = lowering.project(below, [*kept, *((c, e) for e, c in made.items())], facts)
        changed = [
            transform(e, lambda x, made=made: reference(made[x]) if x in made else None)  # type: ignore[misc]
            for e in changed
        ]


def is_rational(expression: Expression, fixed: FixedPoint) -> bool:
    """Whether a number is a quotient of exact numbers (ratios.py), or is exact itself."""
    match expression:
        case Call(function="/" | "+" | "-" | "*" | "negate" | "coalesce"):
            return all(is_rational(argument, fixed) for argument in expression.arguments)
        case Call(function="cast", arguments=(inner,)) if isinstance(expression.type, DoubleType):
            return is_rational(inner, fixed)
        case Case():
            values = [value for _, value in expression.branches]
            values += [] if expression.otherwise is None else [expression.otherwise]
            return all(is_rational(value, fixed) for value in values)
        case _:
            return not any(_divides(part) or fixed.is_fixed(part) for part in walk(expression))


class _Search:
    """Looks for what must become a column of `below`, innermost first."""

    def __init__(self, below: Operator) -> None:
        self.fixed = FixedPoint({column.id: column for column in below.columns})
        self.ranges: Mapping[int, Encoding | None] = {c.id: c.encoding for c in below.columns}

    def parts(self, expression: Expression, *, top: bool) -> list[Expression]:
        if not any(map(_divides, walk(expression))):
            return []
        if isinstance(expression, Call) and expression.function in QUOTIENTS:
            return [] if top else [expression]
        if self._stays(expression, top=top):
            conditions = [c for e in walk(expression) for c in _conditions(e)]
            return [part for c in conditions for part in self.parts(c, top=False)]
        if has_quotient(expression) and is_rational(expression, self.fixed) and not top:
            return [expression]
        inner = [part for e in parts(expression) for part in self.parts(e, top=False)]
        if inner or top or not _divides(expression):
            return inner
        return [] if _by_constant(expression) else [expression]

    def _stays(self, expression: Expression, *, top: bool) -> bool:
        """Whether ratios.py or rounding.py make exact numbers of it."""
        if isinstance(expression, Call) and expression.function in COMPARED:
            return all(is_rational(e, self.fixed) for e in expression.arguments)
        if not top:
            return False
        if is_rounded(expression):
            return self._rounds_exactly(parts(expression)[0])
        return has_quotient(expression) and is_rational(expression, self.fixed)

    def _rounds_exactly(self, quotient: Expression) -> bool:
        if not is_rational(quotient, self.fixed):
            return False
        _, bottom = as_ratio(quotient)
        divisor = None if bottom is None else expression_range(bottom, self.ranges)
        return divisor is not None and divisor.lo >= 0


def _divides(expression: Expression) -> bool:
    return isinstance(expression, Call) and (
        expression.function == "/" or expression.function in QUOTIENTS
    )


def _by_constant(expression: Expression) -> bool:
    divisor = parts(expression)[1]
    return isinstance(divisor, Literal) and bool(divisor.value)


def _conditions(expression: Expression) -> list[Expression]:
    if not isinstance(expression, Case):
        return []
    return [condition for condition, _ in expression.branches]
