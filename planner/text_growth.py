"""How long the texts can become that a query makes at an owner.

A database holds the texts of some thousand rows at once, whatever limit its own memory has. So
functions that make long texts of short ones are bounded beforehand: by the declared lengths of
columns and by constants, each function by the most that it can give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..query.bound import Call, Case, Expression, Literal
from ..query.datatypes import Column, VarcharType
from ..query.ranges import encoding_of

MAX_TEXT_BYTES = 65_536
"""One text that a function makes."""

MAX_TEXTS_BYTES = 262_144
"""All texts together that functions make of one row."""

_UNDECLARED_BYTES = 256
"""Counted for a text column without a length: what is limited is how texts grow."""

_SHORT_BYTES = 64
"""A number, a date or the name of a month as text."""

_WIDEST_PART_BYTES = 16
"""The most that one character of a date format stands for."""

_UNBOUNDED = 1 << 62


def column_bytes(column: Column) -> int:
    """What a table's column counts for: its declared length if it is a text, else 0."""
    if not isinstance(column.type, VarcharType):
        return 0
    return column.type.length or _UNDECLARED_BYTES


def grown_bytes(expression: Expression, inner: Sequence[int], columns: Mapping[int, Column]) -> int:
    """The most bytes of a text expression, given those of its direct sub-expressions; else 0.

    `columns`: the columns in scope, by id, for the ranges of numbers of repetitions.
    """
    if not isinstance(expression.type, VarcharType):
        return 0
    match expression:
        case Literal(value=str() as value):
            return len(value.encode())
        case Case():
            return max(inner, default=0)
        case Call(function="concat" | "concat_ws"):
            texts = [size or _SHORT_BYTES for size in inner]
            between = texts[0] * len(texts) if expression.function == "concat_ws" else 0
            return sum(texts) + between
        case Call(function="repeat", arguments=(_, count)):
            return inner[0] * _most(count, columns)
        case Call(function="lpad" | "rpad", arguments=(_, count, _)):
            return max(inner[0], 4 * _most(count, columns))
        case Call(function="replace"):
            return inner[0] * max(1, inner[2])
        case Call(function="regexp_replace"):
            return inner[0] + (inner[0] + 1) * _inserted(expression.arguments[2], inner)
        case Call(function="strftime"):
            return inner[1] * _WIDEST_PART_BYTES
        case Call():
            return max(inner, default=0) or _SHORT_BYTES
        case _:
            return 0


def _most(count: Expression, columns: Mapping[int, Column]) -> int:
    """The largest value of a whole number."""
    if isinstance(count, Literal) and isinstance(count.value, int):
        return max(0, count.value)
    encoding = encoding_of(count, columns)
    return _UNBOUNDED if encoding is None else max(0, encoding.hi)


def _inserted(replacement: Expression, inner: Sequence[int]) -> int:
    """What one match is replaced by; a backslash may bring the whole text back."""
    if isinstance(replacement, Literal) and isinstance(replacement.value, str):
        return inner[2] + replacement.value.count("\\") * inner[0]
    return inner[2] * (1 + inner[0])
