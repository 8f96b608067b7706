"""ORDER BY, LIMIT and positions in the select list."""

from __future__ import annotations

from collections.abc import Sequence

from . import syntax
from .bind_expression import ExpressionBinder
from .bound import ColumnRef, Expression, Literal, OrderKey
from .datatypes import Column
from .errors import BindError, Span
from .scope import first_of_each_name


def order_key(key: syntax.OrderKey, expression: Expression) -> OrderKey:
    """A bound order key; NULLs come last unless the text says otherwise, as in DuckDB."""
    return OrderKey(
        expression=expression,
        descending=bool(key.descending),
        nulls_first=bool(key.nulls_first),
    )


def output_named(node: syntax.Expression, outputs: Sequence[Column]) -> Expression | None:
    """The output column that ORDER BY means by a position or a bare name.

    Errors: BindError for a position out of range.
    """
    position = written_position(node)
    if position is not None:
        check_position(position, len(outputs), "ORDER BY", node.span)
        return column_reference(outputs[position - 1], node.span)
    if isinstance(node, syntax.ColumnName) and len(node.parts) == 1:
        for column in first_of_each_name(outputs):
            if column.name.lower() == node.parts[0].lower():
                return column_reference(column, node.span)
    return None


def row_count(node: syntax.Expression | None, binder: ExpressionBinder) -> int | None:
    """The constant of LIMIT or OFFSET; None if absent or NULL. BindError if it is not one."""
    if node is None:
        return None
    bound = binder.bind(node)
    if not isinstance(bound, Literal) or not isinstance(bound.value, int | None):
        raise BindError(f"{binder.clause} takes a constant whole number", span=node.span)
    if bound.value is not None and bound.value < 0:
        raise BindError(f"{binder.clause} cannot be negative", span=node.span)
    return bound.value


def written_position(node: syntax.Expression) -> int | None:
    """The whole number that stands for a column of the select list; None for anything else."""
    match node:
        case syntax.Number(text=text) if text.isdigit():
            return int(text)
        case syntax.Unary(operator="-", operand=syntax.Number(text=text)) if text.isdigit():
            return -int(text)
        case _:
            return None


def check_position(position: int, columns: int, clause: str, span: Span) -> None:
    """BindError unless the select list has such a column."""
    if not 1 <= position <= columns:
        raise BindError(
            f"{clause} {position} is out of range",
            span=span,
            hint=f"the select list has {columns} columns",
        )


def column_reference(column: Column, span: Span) -> ColumnRef:
    """An expression for the column."""
    return ColumnRef(
        id=column.id, name=column.name, type=column.type, nullable=column.nullable, span=span
    )
