"""The public range of an expression, from the ranges of the columns that it reads."""

from __future__ import annotations

from collections.abc import Mapping

from ..query.bound import ColumnRef, Expression
from ..query.datatypes import Column, Encoding
from ..query.ranges import encoding_of
from .expressions import walk


def expression_range(
    expression: Expression, ranges: Mapping[int, Encoding | None]
) -> Encoding | None:
    """The encoding of the expression's values; None if they have no public bound."""
    columns = {
        part.id: Column(
            id=part.id,
            name=part.name,
            type=part.type,
            encoding=ranges.get(part.id),
            nullable=part.nullable,
        )
        for part in walk(expression)
        if isinstance(part, ColumnRef)
    }
    return encoding_of(expression, columns)
