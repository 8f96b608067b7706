"""Frames: which rows around its own a window function reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import syntax
from .bound import Frame, Literal
from .errors import BindError, UnsupportedError

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder

WHOLE_PARTITION = Frame(unit="rows", start=None, stop=None)

_ORDER = (
    "unbounded preceding",
    "preceding",
    "current row",
    "following",
    "unbounded following",
)


def bind_frame(binder: ExpressionBinder, window: syntax.Window) -> Frame:
    """The frame of a window. Without one: the whole partition, or if it is ordered, everything up
    to the row's peers.

    Errors: BindError for bounds in the wrong order; UnsupportedError for GROUPS, EXCLUDE, and
    RANGE with an offset.
    """
    frame = window.frame
    if frame is None:
        if not window.order_by:
            return WHOLE_PARTITION
        return Frame(unit="range", start=None, stop=0)
    _refuse(frame)
    stop = frame.stop
    kinds = frame.start.kind, "current row" if stop is None else stop.kind
    _check_order(frame, *kinds)
    start_rows = _offset(binder, frame.start, unbounded="unbounded preceding")
    stop_rows = 0 if stop is None else _offset(binder, stop, unbounded="unbounded following")
    if start_rows is None and stop_rows is None:
        return WHOLE_PARTITION
    return Frame(unit="rows" if frame.unit == "rows" else "range", start=start_rows, stop=stop_rows)


def _refuse(frame: syntax.Frame) -> None:
    if frame.unit == "groups":
        raise UnsupportedError(
            "a GROUPS frame is not supported",
            span=frame.span,
            hint="write a ROWS frame, or RANGE up to CURRENT ROW",
        )
    if frame.exclusion not in (None, "no others"):
        raise UnsupportedError(
            f"EXCLUDE {(frame.exclusion or '').upper()} is not supported",
            span=frame.span,
            hint="leave it out, and subtract what it should leave out",
        )
    for bound in (frame.start, frame.stop):
        if frame.unit == "range" and bound is not None and bound.offset is not None:
            raise UnsupportedError(
                "a RANGE frame with an offset is not supported",
                span=bound.span,
                hint="write a ROWS frame, or join the table with itself on the range",
            )


def _check_order(frame: syntax.Frame, start: str, stop: str) -> None:
    if start == "unbounded following" or stop == "unbounded preceding":
        raise BindError("a frame begins or ends beyond its partition", span=frame.span)
    if _ORDER.index(start) > _ORDER.index(stop):
        raise BindError(
            f"a frame that begins at {start.upper()} cannot end at {stop.upper()}",
            span=frame.span,
            hint="write the earlier bound first",
        )


def _offset(binder: ExpressionBinder, bound: syntax.FrameBound, *, unbounded: str) -> int | None:
    """Rows from the current one, negative before it; None for the partition's end."""
    if bound.kind == unbounded:
        return None
    if bound.offset is None:
        return 0
    literal = binder.bind(bound.offset)
    if (
        not isinstance(literal, Literal)
        or not isinstance(literal.value, int)
        or isinstance(literal.value, bool)
    ):
        raise UnsupportedError(
            "a frame's bound takes a constant whole number",
            span=bound.span,
            hint="write the number itself",
        )
    if literal.value < 0:
        raise BindError("a frame's bound cannot be negative", span=bound.span)
    return -literal.value if bound.kind == "preceding" else literal.value
