"""Window functions over shares: one operator for each PARTITION BY and ORDER BY."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..query.bound import Expression, Literal
from ..query.datatypes import BIGINT, Column, DoubleType
from ..query.errors import UserError
from .known import Facts
from .logical import Window, Windowed
from .scales import sum_type
from .secure import Operator, SortKey, WindowSpec
from .secure import Window as SecureWindow
from .widths import check_width, refused, total_encoding
from .window_facts import frame_rows
from .windowing import may_be_null

if TYPE_CHECKING:
    from .lower import Lowering


def lower_window(lowering: Lowering, node: Window, needed: frozenset[int]) -> Operator:
    """The secure operator of a Window across owners."""
    arguments = frozenset(c.argument for c in node.calls if c.argument is not None)
    keys = frozenset(node.partition) | frozenset(k.column for k in node.order)
    kept = needed & frozenset(node.input.ids)
    below = lowering.lower(node.input, kept | keys | arguments)
    inputs = {column.id: column for column in below.columns}
    facts = lowering.analysis.facts(node)
    specs = tuple(_spec(windowed, inputs, facts) for windowed in node.calls)
    constant = {c.id for c in below.columns if _is_constant(c)}
    columns = tuple(c for c in below.columns if c.id in kept)
    return SecureWindow(
        columns=columns + tuple(spec.column for spec in specs),
        rows=below.rows,
        input=below,
        partition=tuple(key for key in node.partition if key not in constant),
        order=tuple(
            SortKey(column=k.column, descending=k.descending, nulls_first=k.nulls_first)
            for k in node.order
            if k.column not in constant
        ),
        calls=specs,
        sort="quick",
    )


def _spec(windowed: Windowed, inputs: dict[int, Column], facts: Facts) -> WindowSpec:
    return WindowSpec(
        column=_checked(_column(windowed, inputs, facts), windowed),
        function=windowed.function,
        argument=windowed.argument,
        number=windowed.number,
        frame=windowed.frame,
    )


def _column(windowed: Windowed, inputs: dict[int, Column], facts: Facts) -> Column:
    """The result column: type, nullability, and its range of the facts."""
    column = windowed.column
    encoding = facts.ranges[column.id]
    if windowed.argument is None or windowed.function == "count":
        return dataclasses.replace(column, type=BIGINT, nullable=False, encoding=encoding)
    argument = inputs[windowed.argument]
    nullable = may_be_null(windowed.function, argument, windowed.number, windowed.frame)
    if windowed.function != "sum":
        return dataclasses.replace(
            column, type=argument.type, nullable=nullable, encoding=argument.encoding
        )
    rows = frame_rows(windowed.frame, facts.rows)
    encoding = total_encoding(encoding, argument.encoding, rows)
    type = sum_type(argument.type)
    if not isinstance(type, DoubleType) and column.type != type:
        type = column.type
    return dataclasses.replace(column, type=type, nullable=nullable, encoding=encoding)


def _checked(column: Column, windowed: Windowed) -> Column:
    try:
        check_width(dataclasses.replace(column, name=column.name or windowed.function))
    except UserError as error:
        place: Expression = Literal(type=BIGINT, nullable=False, value=0, span=windowed.span)
        raise refused(error, place) from None
    return column


def _is_constant(column: Column) -> bool:
    encoding = column.encoding
    return encoding is not None and encoding.width == 0 and not column.nullable
