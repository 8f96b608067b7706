"""Which columns of a plan are a table's own, and only moved: never compared or computed with."""

from __future__ import annotations

from dataclasses import dataclass

from ..query.bound import ColumnRef
from .expressions import columns_of
from .logical import Aggregate, Filter, Join, Node, Project, Scan, Sort, Union, Window
from .ownership import is_local, is_partitioned


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A column `name` of one table: its scans, several for the parts of a partitioned table."""

    scans: tuple[Scan, ...]
    name: str


def source_of(node: Node, column_id: int) -> Source | None:
    """Where a column comes from, if every value is as its table has it and no share is read.

    What an owner does with it alone, in clear, does not count as reading.
    """
    local = is_local(node)
    match node:
        case Scan():
            names = dict(zip(node.ids, node.names, strict=True))
            return Source(scans=(node,), name=names[column_id])
        case Filter() if local or column_id not in columns_of(node.predicate):
            return source_of(node.input, column_id)
        case Project():
            return _projected(node, column_id, local=local)
        case Join() if local or column_id not in columns_of(*node.condition):
            left = column_id in node.left.ids
            return source_of(node.left if left else node.right, column_id)
        case Aggregate():
            return _grouped(node, column_id)
        case Sort() if local or column_id not in {key.column for key in node.keys}:
            return source_of(node.input, column_id)
        case Window() if local or not _windowed(node, column_id):
            known = column_id in node.input.ids
            return source_of(node.input, column_id) if known else None
        case Union() if is_partitioned(node):
            return _of_parts(node, column_id)
        case _:
            return None


def _projected(node: Project, column_id: int, *, local: bool) -> Source | None:
    by = dict(zip(node.ids, node.expressions, strict=True))
    expression = by[column_id]
    if not isinstance(expression, ColumnRef):
        return None
    others = [e for e in node.expressions if not isinstance(e, ColumnRef)]
    if not local and expression.id in columns_of(*others):
        return None
    return source_of(node.input, expression.id)


def _grouped(node: Aggregate, column_id: int) -> Source | None:
    """A constant of the group that nothing else reads."""
    made = [a for a in node.aggregates if a.column.id == column_id]
    if not made or made[0].function != "constant" or made[0].argument is None:
        return None
    argument = made[0].argument
    readers = [a for a in node.aggregates if argument in a.reads]
    if len(readers) > 1 or argument in node.keys:
        return None
    return source_of(node.input, argument)


def _windowed(node: Window, column_id: int) -> bool:
    read = {*node.partition, *(key.column for key in node.order)}
    return column_id in read | {call.argument for call in node.calls}


def _of_parts(node: Union, column_id: int) -> Source | None:
    place = node.ids.index(column_id)
    found = [source_of(part, part.ids[place]) for part in node.inputs]
    known = [source for source in found if source is not None]
    if len(known) < len(found):
        return None
    first = known[0]
    scans = tuple(scan for source in known for scan in source.scans)
    same = all(s.name == first.name and s.scans[0].table == first.scans[0].table for s in known)
    whole = sorted(scan.owner or "" for scan in scans) == sorted(first.scans[0].table.owners)
    return Source(scans=scans, name=first.name) if same and whole else None
