"""Window functions that one owner computes alone, in DuckDB's words."""

from __future__ import annotations

from collections.abc import Mapping

from ..query.bound import Frame
from .logical import Window, Windowed
from .secure import WindowSpec, tells_ties_apart

UNFRAMED = frozenset({"row_number", "rank", "dense_rank", "ntile"})


def is_open(node: Window) -> bool:
    """Whether the results depend on the order of rows that tie, which SQL leaves open."""
    return any(tells_ties_apart(windowed.function, windowed.frame) for windowed in node.calls)


def window_sql(
    windowed: Windowed, node: Window, columns: Mapping[int, str], ties: str | None
) -> str:
    """One call with its OVER. `ties`: what decides between rows that tie."""
    parts = []
    if node.partition:
        parts.append("PARTITION BY " + ", ".join(columns[key] for key in node.partition))
    order = [
        f"{columns[k.column]} {'DESC' if k.descending else 'ASC'} "
        f"NULLS {'FIRST' if k.nulls_first else 'LAST'}"
        for k in node.order
    ]
    if ties is not None and tells_ties_apart(windowed.function, windowed.frame):
        order.append(ties)
    if order:
        parts.append("ORDER BY " + ", ".join(order))
    if windowed.function not in UNFRAMED:
        parts.append(frame_text(windowed.frame))
    return f"{call_text(windowed, columns)} OVER ({' '.join(parts)})"


def call_text(windowed: Windowed | WindowSpec, columns: Mapping[int, str]) -> str:
    """The call before its OVER."""
    argument = "" if windowed.argument is None else columns[windowed.argument]
    match windowed.function:
        case "count_star":
            return "count(*)"
        case "ntile":
            return f"ntile({windowed.number})"
        case "nth_value":
            return f"nth_value({argument}, {windowed.number})"
        case function:
            return f"{function}({argument})"


def frame_text(frame: Frame) -> str:
    """The frame as SQL."""
    start = _bound(frame.start, "UNBOUNDED PRECEDING")
    stop = _bound(frame.stop, "UNBOUNDED FOLLOWING")
    return f"{frame.unit.upper()} BETWEEN {start} AND {stop}"


def _bound(offset: int | None, unbounded: str) -> str:
    if offset is None:
        return unbounded
    if offset == 0:
        return "CURRENT ROW"
    return f"{abs(offset)} {'PRECEDING' if offset < 0 else 'FOLLOWING'}"
