"""GROUP BY with ROLLUP, CUBE and GROUPING SETS: written out as the sets of keys that they mean.

ROLLUP (a, b)          (a, b), (a), ()
CUBE (a, b)            (a, b), (a), (b), ()
a, ROLLUP (b)          every set of the one with every set of the other: (a, b), (a)
ROLLUP ((a, b), c)     (a, b) comes and goes as one: (a, b, c), (a, b), ()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from . import syntax
from .bound import Expression, GroupingLevel
from .datatypes import BIGINT
from .errors import BindError, Span, UnsupportedError

if TYPE_CHECKING:
    from .bind_expression import ExpressionBinder

MAX_SETS = 128
"""Grouping sets of one SELECT: each of them is a grouping of its own."""

MAX_LEVEL_KEYS = 62
"""Keys of one GROUPING: a bit each in a BIGINT."""

KeySet = tuple[syntax.Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """All keys, each once; the sets of them to group by, None if there is one set of all keys.

    written: the keys as the text has them.
    """

    keys: tuple[Expression, ...]
    sets: tuple[tuple[Expression, ...], ...] | None = None
    written: Mapping[Expression, syntax.Expression] = field(default_factory=dict)


def has_sets(group_by: Sequence[syntax.Expression] | None) -> bool:
    """Whether GROUP BY may group by less than all keys."""
    return any(isinstance(element, syntax.GroupingSets) for element in group_by or ())


def groups_of(
    group_by: Sequence[syntax.Expression], bind: Callable[[syntax.Expression], Expression]
) -> Groups:
    """The keys and sets of a GROUP BY. Errors: UnsupportedError for too many sets."""
    sets: list[KeySet] = [()]
    for element in group_by:
        own = _sets(element)
        _check_count(len(sets) * len(own), element.span)
        sets = [(*before, *more) for before in sets for more in own]
    bound: dict[int, Expression] = {}
    written: dict[Expression, syntax.Expression] = {}
    for node in (node for one in sets for node in one):
        if id(node) not in bound:
            bound[id(node)] = bind(node)
            written.setdefault(bound[id(node)], node)
    made = tuple(tuple(dict.fromkeys(bound[id(node)] for node in one)) for one in sets)
    keys = tuple(dict.fromkeys(bound.values()))
    return Groups(keys=keys, sets=None if len(made) == 1 else made, written=written)


def _sets(element: syntax.Expression | None) -> list[KeySet]:
    """The sets that one element of GROUP BY, or of GROUPING SETS, stands for."""
    if not isinstance(element, syntax.GroupingSets):
        return [_together(element)]
    match element.kind:
        case "rollup":
            parts = [_together(item) for item in element.items]
            chosen = [parts[:count] for count in range(len(parts), -1, -1)]
        case "cube":
            parts = [_together(item) for item in element.items]
            _check_count(2 ** min(len(parts), 60), element.span)
            counts = range(len(parts), -1, -1)
            chosen = [list(c) for count in counts for c in combinations(parts, count)]
        case _:
            chosen = [[one] for item in element.items for one in _sets(item)]
    _check_count(len(chosen), element.span)
    return [tuple(key for part in parts for key in part) for parts in chosen]


def _together(element: syntax.Expression | None) -> KeySet:
    """Keys that come and go as one: (a, b), or a single one, or none."""
    match element:
        case None:
            return ()
        case syntax.Row(items=items):
            return items
        case _:
            return (element,)


def _check_count(count: int, span: Span) -> None:
    if count > MAX_SETS:
        raise UnsupportedError(
            f"GROUP BY means more than {MAX_SETS} grouping sets",
            span=span,
            hint="write the sets that you need as GROUPING SETS",
        )


def bind_level(binder: ExpressionBinder, node: syntax.Call) -> Expression:
    """GROUPING(keys). Errors: BindError where no groups can be told apart."""
    if not binder.aggregates or binder.inside_aggregate:
        raise BindError(
            f"{node.name} does not stand here: it tells of groups",
            span=node.span,
            hint="use it in SELECT, HAVING or ORDER BY",
        )
    if len(node.arguments) > MAX_LEVEL_KEYS:
        raise BindError(f"{node.name} takes at most {MAX_LEVEL_KEYS} keys", span=node.span)
    keys = tuple(binder.bind(argument) for argument in node.arguments)
    return GroupingLevel(keys=keys, type=BIGINT, nullable=False, span=node.span)
