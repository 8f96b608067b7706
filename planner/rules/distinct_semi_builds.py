"""The inner side of a semi- or anti-join loses its duplicates at its owner.

    orders SEMI JOIN lineitem ON l_orderkey = o_orderkey
    =>  orders SEMI JOIN (SELECT DISTINCT l_orderkey FROM lineitem) ON ...

Only the key columns matter there. Costs nothing and may lower the public row bound. Without
columns it must not fire: grouping by none gives a row where there is none.
"""

from __future__ import annotations

from ..expressions import column_pair, reference
from ..logical import Aggregate, Join, Node, join, project
from ..ownership import is_local
from .context import Context
from .rewriting import map_nodes


def distinct_semi_builds(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Join) or node.kind not in ("semi", "anti") or is_local(node):
            return node
        right = node.right
        if not right.columns or not is_local(right):
            return node
        if any(column_pair(c) is None for c in node.condition):
            return node
        if context.facts(right).unique_on(frozenset(right.ids)) is not None:
            return node
        below = project(right, tuple((c, reference(c)) for c in right.columns))
        distinct = Aggregate(columns=below.columns, input=below, keys=below.ids, aggregates=())
        return join(node.kind, node.left, distinct, node.condition, node.span)

    return map_nodes(plan, visit)
