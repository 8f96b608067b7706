"""Window functions row by row, as the SQL standard words them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tacit.planner.secure import SortKey, Window, WindowSpec

Row = dict[int, Any]


def plain_window(node: Window, rows: list[Row]) -> list[Row]:
    """Every row with the values of the calls; rows that tie stay in the order given."""
    parts: dict[Any, list[Row]] = {}
    for row in ordered(rows, node.order):
        parts.setdefault(tuple(row[key] for key in node.partition), []).append(row)
    made = []
    for part in parts.values():
        peers = [tuple(row[key.column] for key in node.order) for row in part]
        for place, row in enumerate(part):
            calls = {s.column.id: value_at(s, part, peers, place) for s in node.calls}
            made.append({**row, **calls})
    return made


def ordered(rows: list[Row], keys: tuple[SortKey, ...]) -> list[Row]:
    for key in reversed(keys):
        last = key.nulls_first == key.descending
        rows = sorted(
            rows,
            key=lambda row, key=key, last=last: (  # type: ignore[misc]
                (row[key.column] is None) == last,
                row[key.column] or 0,
            ),
            reverse=key.descending,
        )
    return rows


def value_at(spec: WindowSpec, part: list[Row], peers: list[Any], place: int) -> Any:
    match spec.function:
        case "row_number":
            return place + 1
        case "rank":
            return peers.index(peers[place]) + 1
        case "dense_rank":
            return len(set(peers[: place + 1]))
        case "ntile":
            return tile(place, len(part), spec.number)
        case _:
            start, stop = frame_of(spec, peers, place)
            return over_frame(spec, part[start:stop] if start < stop else [])


def tile(place: int, rows: int, tiles: int) -> int:
    size, large = divmod(rows, tiles)
    dealt = [i for i in range(tiles) for _ in range(size + (i < large))]
    return dealt[place] + 1


def frame_of(spec: WindowSpec, peers: list[Any], place: int) -> tuple[int, int]:
    """The rows [start, stop) of the frame."""
    frame, count = spec.frame, len(peers)
    if frame.unit == "range":
        first = peers.index(peers[place])
        last = count - peers[::-1].index(peers[place])
        return (0 if frame.start is None else first, count if frame.stop is None else last)
    start = 0 if frame.start is None else max(0, place + frame.start)
    stop = count if frame.stop is None else min(count, place + frame.stop + 1)
    return start, stop


def over_frame(spec: WindowSpec, rows: list[Row]) -> Any:
    if spec.function == "count_star":
        return len(rows)
    assert spec.argument is not None
    values = [row[spec.argument] for row in rows]
    known = [value for value in values if value is not None]
    pick: dict[str, Callable[[], Any]] = {
        "count": lambda: len(known),
        "sum": lambda: sum(known) if known else None,
        "min": lambda: min(known, default=None),
        "max": lambda: max(known, default=None),
        "nth_value": lambda: values[spec.number - 1] if len(values) >= spec.number else None,
        "last_value": lambda: values[-1] if values else None,
    }
    return pick[spec.function]()
