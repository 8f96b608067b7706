"""What is publicly known about window functions: their ranges, and the keys that they make."""

from __future__ import annotations

from ..query.bound import Frame
from ..query.datatypes import Encoding
from .known import Facts, Key
from .logical import Window, Windowed


def window_facts(node: Window, below: Facts) -> Facts:
    """The input's facts and the functions' own. Rows stay; a row number is unique in its part."""
    ranges = dict(below.ranges)
    smallest = dict(below.smallest)
    for windowed in node.calls:
        ranges[windowed.column.id] = _range(windowed, below)
        smallest[windowed.column.id] = _smallest(windowed, below)
    numbered = tuple(
        Key(ids=frozenset((*node.partition, windowed.column.id)))
        for windowed in node.calls
        if windowed.function == "row_number"
    )
    return Facts(
        rows=below.rows,
        keys=below.keys + numbered,
        ranges=ranges,
        smallest=smallest,
        averages=below.averages | _averages(node, below),
    )


def frame_rows(frame: Frame, rows: int) -> int:
    """A bound on the rows of one frame."""
    if frame.unit == "range" or frame.start is None or frame.stop is None:
        return rows
    return max(0, min(rows, frame.stop - frame.start + 1))


def _range(windowed: Windowed, below: Facts) -> Encoding | None:
    argument = None if windowed.argument is None else below.ranges[windowed.argument]
    count = frame_rows(windowed.frame, below.rows)
    match windowed.function:
        case "row_number" | "rank" | "dense_rank":
            return Encoding(lo=1, hi=max(1, below.rows))
        case "ntile":
            return Encoding(lo=1, hi=max(1, min(windowed.number, below.rows)))
        case "count_star" | "count":
            return Encoding(lo=0, hi=count)
        case "sum":
            if argument is None:
                return None
            low, high = min(0, argument.lo * count), max(0, argument.hi * count)
            return Encoding(lo=low, hi=high, fraction_bits=argument.fraction_bits)
        case _:
            return argument


def _smallest(windowed: Windowed, below: Facts) -> int:
    """Sums of values of one sign are at least as large as the smallest of them."""
    if windowed.argument is None or windowed.function == "count":
        return 1
    argument = below.ranges[windowed.argument]
    one_sign = argument is not None and (argument.lo >= 0 or argument.hi <= 0)
    if windowed.function == "sum" and not one_sign:
        return 1
    return below.smallest.get(windowed.argument, 1)


def _averages(node: Window, below: Facts) -> dict[tuple[int, int], int]:
    """Sums beside counts of the same values of the same frame."""
    nullable = {column.id: column.nullable for column in node.input.columns}
    found: dict[tuple[int, int], int] = {}
    for total in node.calls:
        values = None if total.argument is None else below.ranges[total.argument]
        if total.function != "sum" or total.argument is None or values is None:
            continue
        for count in node.calls:
            counted = count.function == "count" and count.argument == total.argument
            every = count.function == "count_star" and not nullable[total.argument]
            if (counted or every) and count.frame == total.frame:
                pair = (total.column.id, count.column.id)
                found[pair] = max(abs(values.lo), abs(values.hi))
    return found
