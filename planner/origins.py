"""Where in the text a column is computed."""

from __future__ import annotations

from ..query.bound import ColumnRef, Expression
from .logical import Node, Project, children


def origin(node: Node, column_id: int) -> Expression | None:
    """The expression that computes a column, where it stands in a projection below."""
    while True:
        if isinstance(node, Project):
            by = dict(zip(node.ids, node.expressions, strict=True))
            expression = by.get(column_id)
            if not isinstance(expression, ColumnRef):
                return expression
            column_id = expression.id
        below = [child for child in children(node) if column_id in child.ids]
        if not below:
            return None
        node = below[0]
