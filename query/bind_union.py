"""Set operations: their inputs brought to common column types."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import reduce

from . import syntax
from .bound import Query, Select
from .bounds import union_of
from .casting import cast_expression
from .datatypes import Column, SqlType
from .errors import BindError, Span
from .ranges import encoding_of
from .typerules import common_type, unparameterised


def union_inputs(body: syntax.SetOperation) -> list[syntax.Body]:
    """The inputs of a set operation, in order: all those of a chain of unions, else two.

    Below a UNION that removes duplicates, it does not matter whether another one has done so.
    """
    sides: list[syntax.Body] = []
    for side in (body.left, body.right):
        if body.operator == "union" and _continues(body, side):
            assert isinstance(side, syntax.SetOperation)
            sides.extend(union_inputs(side))
        else:
            sides.append(side)
    return sides


def _continues(body: syntax.SetOperation, side: syntax.Body) -> bool:
    if not isinstance(side, syntax.SetOperation) or side.operator != "union":
        return False
    return side.all or not body.all


def operation_name(body: syntax.SetOperation) -> str:
    """The words that the query has for it."""
    return body.operator.upper() + (" ALL" if body.all else "")


def align_inputs(
    inputs: Sequence[Select], columns: dict[int, Column], span: Span, name: str
) -> tuple[tuple[Query, ...], tuple[Column, ...]]:
    """The inputs with casts to common types in their items, and the result's fresh columns.

    `name`: the operation's, for errors.

    Errors: BindError if the inputs differ in their number of columns or have no common type.
    """
    counts = {len(query.columns) for query in inputs}
    if len(counts) > 1:
        shown = " and ".join(str(count) for count in sorted(counts))
        raise BindError(f"the sides of {name} have {shown} columns", span=span)
    types = [
        _shared([query.columns[place].type for query in inputs], place, span, name)
        for place in range(counts.pop())
    ]
    cast = tuple(_cast_items(query, types, columns) for query in inputs)
    return cast, tuple(_union_column(cast, place, columns) for place in range(len(types)))


def _shared(types: Sequence[SqlType], place: int, span: Span, name: str) -> SqlType:
    shared = types[0]
    for other in types[1:]:
        met = common_type(shared, other)
        if met is None:
            names = f"{unparameterised(shared)} and {unparameterised(other)}"
            raise BindError(
                f"column {place + 1} of {name} mixes {names}",
                span=span,
                hint="write CAST(... AS ...) in one of the sides",
            )
        shared = met
    return shared


def _cast_items(query: Select, types: Sequence[SqlType], columns: dict[int, Column]) -> Select:
    if [column.type for column in query.columns] == list(types):
        return query
    items = tuple(
        cast_expression(item, target, item.span)
        for item, target in zip(query.items, types, strict=True)
    )
    outputs = tuple(
        column
        if column.type == item.type
        else dataclasses.replace(column, type=item.type, encoding=encoding_of(item, columns))
        for column, item in zip(query.columns, items, strict=True)
    )
    columns.update((column.id, column) for column in outputs)
    return dataclasses.replace(query, items=items, columns=outputs)


def _union_column(inputs: Sequence[Select], place: int, columns: dict[int, Column]) -> Column:
    parts = [query.columns[place] for query in inputs]
    column = dataclasses.replace(
        parts[0],
        id=len(columns),
        type=_widest(parts),
        encoding=reduce(union_of, [part.encoding for part in parts]),
        nullable=any(part.nullable for part in parts),
    )
    columns[column.id] = column
    return column


def _widest(parts: Sequence[Column]) -> SqlType:
    """The parts' common type: they agree but for the lengths of strings."""
    return reduce(lambda a, b: common_type(a, b) or a, [part.type for part in parts])
