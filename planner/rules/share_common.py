"""A common table expression runs once if it is used twice and needs secure joins or groups.

    Once(Aggregate(a JOIN b)), in one place        =>   Aggregate(a JOIN b)
    Once(Aggregate(a JOIN b)), in several places   =>   stays
    Once(Filter(UNION ALL of parts))               =>   a copy for every place

What owners compute alone is copied, so that each place asks them for what it needs: their rows are
filtered, grouped and narrowed for it before anything is shared.
"""

from __future__ import annotations

from collections import Counter

from ..expressions import reference
from ..logical import Aggregate, Join, Node, Once, Sort, Window, project, walk, with_fresh_ids
from ..ownership import is_local
from .context import Context
from .rewriting import map_nodes


def share_common(plan: Node, context: Context) -> Node:
    places = Counter(node.ids for node in walk(plan) if isinstance(node, Once))

    def visit(node: Node) -> Node:
        if not isinstance(node, Once):
            return node
        if places[node.ids] == 1:
            return node.input
        if _is_secure_work(node):
            return node
        copy = with_fresh_ids(node.input, context.ids)
        pairs = zip(node.columns, copy.columns, strict=True)
        return project(copy, tuple((own, reference(inner)) for own, inner in pairs))

    return map_nodes(plan, visit)


def _is_secure_work(node: Node) -> bool:
    """Whether joins, groups or orders below take more than one owner."""
    return any(
        isinstance(inner, Aggregate | Join | Sort | Window) and not is_local(inner)
        for inner in walk(node)
    )
