"""Equalities between expressions of the two sides of a join become equalities of columns.

a LEFT JOIN b ON a.x + 1 = b.k   =>   (a with c = a.x + 1) LEFT JOIN b ON c = b.k

Not of strings: those of a public domain are codes that only plain columns agree on. Not of
quotients: they are compared by their exact parts.
"""

from __future__ import annotations

from ..query.bound import Call, ColumnRef, Expression
from ..query.datatypes import VarcharType
from .expressions import call, columns_of, reference
from .extending import computed_column
from .logical import Ids, Join, Node, join, project
from .ratios import compared_exactly


def with_key_columns(node: Join, ids: Ids) -> Join:
    """The join with a column for every side of an equality that a key can be made of."""
    sides: list[Node] = [node.left, node.right]
    condition = []
    for part in node.condition:
        positions = _sides_of(part, node)
        if positions is None:
            condition.append(part)
            continue
        columns = []
        for position, expression in positions:
            sides[position], column = _column(sides[position], expression, ids)
            columns.append(column)
        condition.append(call("=", columns, like=part))
    if tuple(sides) == (node.left, node.right):
        return node
    return join(node.kind, sides[0], sides[1], tuple(condition), node.span)


def _column(side: Node, expression: Expression, ids: Ids) -> tuple[Node, Expression]:
    """The side with a column for the expression, and that column."""
    if isinstance(expression, ColumnRef):
        return side, expression
    column = computed_column(expression, ids)
    kept = tuple((c, reference(c)) for c in side.columns)
    return project(side, (*kept, (column, expression))), reference(column)


def _sides_of(part: Expression, node: Join) -> list[tuple[int, Expression]] | None:
    """The side (0 or 1) that computes each argument of an equality between the sides."""
    if not isinstance(part, Call) or part.function != "=":
        return None
    if any(isinstance(a.type, VarcharType) or compared_exactly(a) for a in part.arguments):
        return None
    found = []
    for argument in part.arguments:
        read = columns_of(argument)
        homes = [i for i, s in enumerate((node.left, node.right)) if read <= frozenset(s.ids)]
        if not read or not homes:
            return None
        found.append((homes[0], argument))
    return found if found[0][0] != found[1][0] else None
