"""Which columns of a logical plan a party will know in clear, row by row, where they are joined.

The logical counterpart of visibility.py: what one owner computes alone is known to it; filters,
renamings and joins keep that for the side whose rows they keep.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..query.bound import ColumnRef
from .logical import Check, Filter, Join, Node, Project
from .ownership import is_local


def known_columns(node: Node) -> Mapping[int, str]:
    """The party that knows a column, by column id."""
    if is_local(node):
        (owner,) = node.owners or {None}
        return {} if owner is None else dict.fromkeys(node.ids, owner)
    match node:
        case Filter() | Check():
            return known_columns(node.input)
        case Project():
            below = known_columns(node.input)
            items = zip(node.ids, node.expressions, strict=True)
            return {i: below[e.id] for i, e in items if isinstance(e, ColumnRef) and e.id in below}
        case Join(kind="inner" | "left" | "semi" | "anti"):
            return known_columns(node.left)
        case _:
            return {}
