"""How many bytes the results of text functions have at most."""

from __future__ import annotations

from collections.abc import Sequence

from .bound import Call, Expression, Literal
from .bounds import text_encoding
from .datatypes import (
    BooleanType,
    DateType,
    DecimalType,
    Encoding,
    IntegerType,
    SqlType,
    TimestampType,
)
from .typerules import decimals

_FIXED = {"monthname": 9, "dayname": 9, "md5": 32, "sha256": 64}

_DATE_PART_BYTES = 16
"""The most that one character of a date format stands for."""


def called_bytes(call: Call, sizes: Sequence[int | None]) -> int | None:
    """The most bytes of a function's result, given those of its arguments; None if not bounded.

    UPPER and LOWER turn two bytes of UTF-8 into three at most, and one into one.
    """
    first = sizes[0] if sizes else None
    match call.function:
        case name if name in _FIXED:
            return _FIXED[name]
        case "strftime":
            return None if sizes[1] is None else sizes[1] * _DATE_PART_BYTES
        case _ if first is None:
            return None
        case "trim" | "ltrim" | "rtrim" | "right" | "reverse" | "split_part":
            return first
        case "upper_ascii" | "lower_ascii":
            return first
        case "upper" | "lower":
            return first * 3 // 2
        case "substring":
            return _shortened(first, [_whole(a) for a in call.arguments[1:]])
        case "left":
            return _shortened(first, [1, _whole(call.arguments[1])])
        case "concat" | "concat_ws":
            known = [size for size in sizes if size is not None]
            between = max(0, len(sizes) - 3) * first if call.function == "concat_ws" else 0
            return sum(known) + between if len(known) == len(sizes) else None
        case "replace":
            return None if sizes[2] is None else first * max(1, sizes[2])
        case "lpad" | "rpad":
            count = _whole(call.arguments[1])
            return None if count is None else 4 * max(0, count)
        case "repeat":
            count = _whole(call.arguments[1])
            return None if count is None else first * max(0, count)
        case _:
            return None


def written_range(source: SqlType, encoding: Encoding | None) -> Encoding | None:
    """The encoding of numbers, dates and truth values as DuckDB writes them; None if unbounded."""
    match source:
        case BooleanType():
            return text_encoding(5)
        case DateType():
            return text_encoding(10)
        case TimestampType():
            return text_encoding(26)
        case IntegerType() | DecimalType() if encoding is not None:
            scale = decimals(source) or 0
            digits = max(len(str(abs(end))) for end in (encoding.lo, encoding.hi))
            return text_encoding(max(digits, scale + 1) + (scale > 0) + (encoding.lo < 0))
        case _:
            return None


def _shortened(size: int, numbers: Sequence[int | None]) -> int:
    """Characters from a start on, perhaps not more than a number: at most four bytes each."""
    start, *count = numbers
    size = max(0, size - max(0, (start or 1) - 1))
    if count and count[0] is not None and count[0] >= 0:
        size = min(size, 4 * count[0])
    return size


def _whole(expression: Expression) -> int | None:
    """A constant whole number."""
    value = expression.value if isinstance(expression, Literal) else None
    return value if isinstance(value, int) else None
