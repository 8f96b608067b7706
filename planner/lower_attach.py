"""Joins with a relation of at most one row: no key is needed, the row stands beside every other.

t JOIN (SELECT max(x) AS m FROM s) ON t.y < m    =>  Filter(t.y < m, Attach(t, the row))
t LEFT JOIN (the row) ON t.y < m                 =>  its columns are NULL where t.y < m fails
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..query.bound import Case, Expression
from ..query.datatypes import Column
from .expressions import columns_of, conjunction, reference
from .logical import Aggregate, Join, Node, Project, Values
from .secure import Attach, AttachKind, Operator
from .secure import Sort as SecureSort

if TYPE_CHECKING:
    from .lower import Lowering


def attach_one_row(lowering: Lowering, node: Join, needed: frozenset[int]) -> Operator | None:
    """The operators of an inner or left join one side of which has at most one row; else None."""
    if node.kind not in ("inner", "left"):
        return None
    facts = lowering.analysis.facts
    if facts(node.right).rows <= 1:
        probe, build = node.left, node.right
    elif node.kind == "inner" and facts(node.left).rows <= 1:
        probe, build = node.right, node.left
    else:
        return None
    wanted = needed | columns_of(*node.condition)
    left: Operator = lowering.lower(probe, wanted & frozenset(probe.ids))
    sure = has_one_row(build) and (node.kind == "inner" or not node.condition)
    attached = left
    if not sure or wanted & frozenset(build.ids):
        right = _single(lowering.lower(build, wanted & frozenset(build.ids)))
        attached = _operator("cross" if sure else node.kind, left, right, wanted)
    if not node.condition:
        return attached
    condition = conjunction(node.condition)
    if node.kind == "inner":
        return lowering.filter(attached, condition)
    extended = frozenset(node.right.ids)
    return nulled(lowering, node, attached, condition, extended=extended, needed=needed)


def has_one_row(node: Node) -> bool:
    """True for a relation of exactly one row, whatever the data."""
    match node:
        case Values() | Aggregate(keys=()):
            return True
        case Project():
            return has_one_row(node.input)
        case Join(kind="inner", condition=()):
            return has_one_row(node.left) and has_one_row(node.right)
        case _:
            return False


def _single(build: Operator) -> Operator:
    """The relation as one row, where its operator holds more rows than can be valid."""
    if build.rows <= 1:
        return build
    return SecureSort(
        columns=build.columns, rows=1, input=build, keys=(), limit=1, offset=0, sort="quick"
    )


def _operator(kind: str, probe: Operator, build: Operator, wanted: frozenset[int]) -> Attach:
    kept = tuple(c for c in build.columns if c.id in wanted)
    if kind == "left":
        kept = tuple(dataclasses.replace(c, nullable=True) for c in kept)
    how: AttachKind = "cross" if kind == "cross" else "left" if kind == "left" else "inner"
    return Attach(
        columns=tuple(c for c in probe.columns if c.id in wanted) + kept,
        rows=probe.rows,
        kind=how,
        probe=probe,
        build=build,
    )


def nulled(
    lowering: Lowering,
    node: Join,
    joined: Operator,
    condition: Expression,
    *,
    extended: frozenset[int],
    needed: frozenset[int],
) -> Operator:
    """Columns of the null-extended side become NULL where the rest of ON fails."""
    items: list[tuple[Column, Expression]] = []
    for column in joined.columns:
        if column.id not in needed:
            continue
        own: Expression = reference(column)
        if column.id in extended:
            own = Case(
                type=column.type, nullable=True, branches=((condition, own),), otherwise=None
            )
        items.append((column, own))
    return lowering.project(joined, items, lowering.analysis.facts(node))
