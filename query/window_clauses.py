"""The WINDOW clause: named specifications, and those that extend them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from . import syntax
from .errors import BindError, Span
from .scope import suggestion

WindowClauses = Mapping[str, syntax.Window]
"""The WINDOW clause: specifications by lower-case name."""


def named_windows(clauses: Sequence[syntax.NamedWindow]) -> WindowClauses:
    """The WINDOW clause by name. BindError if a name is given twice."""
    known: dict[str, syntax.Window] = {}
    for clause in clauses:
        if clause.name.lower() in known:
            raise BindError(f"the window {clause.name} is defined twice", span=clause.span)
        known[clause.name.lower()] = clause.window
    return known


def specification(node: syntax.Call, windows: WindowClauses) -> syntax.Window:
    """The window that is written or named, with everything that it takes from its bases."""
    assert node.window is not None
    passed: set[str] = set()
    window = node.window
    if isinstance(window, str):
        passed.add(window.lower())
        window = _named(windows, window, node.span)
    while window.base is not None:
        if window.base.lower() in passed:
            raise BindError(f"the window {window.base} extends itself", span=window.span)
        passed.add(window.base.lower())
        window = _extended(window, _named(windows, window.base, window.span))
    return window


def _named(windows: WindowClauses, name: str, span: Span | None) -> syntax.Window:
    found = windows.get(name.lower())
    if found is None:
        hint = suggestion(name, windows) or "define it: WINDOW name AS (...)"
        raise BindError(f"there is no window {name}", span=span, hint=hint)
    return found


def _extended(window: syntax.Window, base: syntax.Window) -> syntax.Window:
    """A window with the PARTITION BY, and the ORDER BY unless it has its own, of its base."""
    clash = "PARTITION BY" if window.partition_by else "a frame" if base.frame else None
    if window.order_by and base.order_by:
        clash = "ORDER BY"
    if clash is not None:
        owner = "the window that it extends" if clash != "PARTITION BY" else "the extending window"
        raise BindError(
            f"a window cannot be extended where {owner} has {clash}",
            span=window.span,
            hint="write the whole window out",
        )
    return dataclasses.replace(
        window,
        partition_by=base.partition_by,
        order_by=window.order_by or base.order_by,
        base=base.base,
    )
