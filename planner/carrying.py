"""Bringing a table's key up to the top of a plan, along the way that another column takes."""

from __future__ import annotations

import dataclasses

from ..query.bound import ColumnRef
from ..query.datatypes import Column
from .dependencies import closure
from .expressions import reference
from .logical import (
    Aggregate,
    Aggregated,
    Filter,
    Join,
    Node,
    Project,
    Scan,
    Sort,
    Union,
    Window,
    join,
    project,
    with_children,
)
from .rules import Context

Carried = tuple[Node, tuple[Column, ...]]


def carry(node: Node, along: int, names: tuple[str, ...], context: Context) -> Carried | None:
    """The node with further columns of the table that `along` comes from, and these columns.

    None where a grouping does not determine them.
    """
    match node:
        case Scan():
            return _scan(node, names, context)
        case Project():
            return _project(node, along, names, context)
        case Join():
            return _join(node, along, names, context)
        case Aggregate():
            return _aggregate(node, along, names, context)
        case Filter() | Sort() | Window():
            below = carry(node.input, along, names, context)
            return None if below is None else (with_children(node, (below[0],)), below[1])
        case Union():
            return _union(node, along, names, context)
        case _:
            return None


def _scan(node: Scan, names: tuple[str, ...], context: Context) -> Carried:
    known = dict(zip(node.names, node.columns, strict=True))
    for name in names:
        if name not in known:
            definition = node.table.column(name)
            known[name] = Column(
                id=context.ids.fresh(),
                name=name,
                type=definition.type,
                encoding=definition.encoding,
                nullable=definition.nullable,
            )
    scan = dataclasses.replace(node, columns=tuple(known.values()), names=tuple(known))
    return scan, tuple(known[name] for name in names)


def _project(node: Project, along: int, names: tuple[str, ...], context: Context) -> Carried | None:
    by = dict(zip(node.ids, node.expressions, strict=True))
    source = by[along]
    assert isinstance(source, ColumnRef)
    below = carry(node.input, source.id, names, context)
    if below is None:
        return None
    items = list(zip(node.columns, node.expressions, strict=True))
    carried = []
    for column in below[1]:
        shown = [c for c, e in items if isinstance(e, ColumnRef) and e.id == column.id]
        if not shown:
            items.append((column, reference(column)))
        carried.append(shown[0] if shown else column)
    made = dataclasses.replace(project(below[0], tuple(items)), span=node.span)
    return made, tuple(carried)


def _join(node: Join, along: int, names: tuple[str, ...], context: Context) -> Carried | None:
    sides = [node.left, node.right]
    place = 0 if along in node.left.ids else 1
    below = carry(sides[place], along, names, context)
    if below is None:
        return None
    sides[place] = below[0]
    joined = join(node.kind, sides[0], sides[1], node.condition, node.span)
    by_id = {column.id: column for column in joined.columns}
    return joined, tuple(by_id[column.id] for column in below[1])


def _aggregate(
    node: Aggregate, along: int, names: tuple[str, ...], context: Context
) -> Carried | None:
    """As constants of the group, where the keys determine them."""
    (moved,) = (a for a in node.aggregates if a.column.id == along)
    assert moved.argument is not None
    below = carry(node.input, moved.argument, names, context)
    if below is None:
        return None
    known = closure(node.keys, context.facts(below[0]).dependencies)
    if not {column.id for column in below[1]} <= known:
        return None
    added = {
        column.id: Aggregated(
            column=context.ids.copy(column), function="constant", argument=column.id
        )
        for column in below[1]
        if column.id not in node.keys
    }
    made = dataclasses.replace(
        node,
        input=below[0],
        columns=node.columns + tuple(a.column for a in added.values()),
        aggregates=node.aggregates + tuple(added.values()),
    )
    carried = (added[c.id].column if c.id in added else c for c in below[1])
    return made, tuple(carried)


def _union(node: Union, along: int, names: tuple[str, ...], context: Context) -> Carried | None:
    """The parts of a partitioned table, each with its own, under columns of the union's."""
    place = node.ids.index(along)
    parts = []
    for part in node.inputs:
        below = carry(part, part.ids[place], names, context)
        if below is None:
            return None
        parts.append(below)
    carried: list[Column] = []
    columns = list(node.columns)
    items = [[(c, reference(c)) for c in part.columns] for part in node.inputs]
    for own in zip(*(key for _, key in parts), strict=True):
        known = _place(node, own)
        if known is None:
            known = len(columns)
            columns.append(context.ids.copy(own[0]))
            for added, column in zip(items, own, strict=True):
                added.append((context.ids.copy(column), reference(column)))
        carried.append(columns[known])
    inputs = tuple(
        project(below, tuple(added)) for (below, _), added in zip(parts, items, strict=True)
    )
    unique = (*node.unique, tuple(column.id for column in carried))
    made = dataclasses.replace(node, columns=tuple(columns), inputs=inputs, unique=unique)
    return made, tuple(carried)


def _place(node: Union, own: tuple[Column, ...]) -> int | None:
    """Where the union has these columns of its parts already."""
    for place in range(len(node.columns)):
        if all(part.ids[place] == c.id for part, c in zip(node.inputs, own, strict=True)):
            return place
    return None
