"""What owners can compute alone need not be computed once: every place gets a copy of its own.

    Once(Filter(visits))                  =>   Filter(visits)
    Once(UNION ALL of parts)              =>   UNION ALL of parts

Owners then do for every place what it asks for (aggregate, prune) before anything is shared. What
is computed over shares stays as it is.
"""

from __future__ import annotations

import dataclasses

from ..expressions import reference
from ..logical import Node, Once, project, with_fresh_ids
from ..ownership import is_local, is_partitioned
from .context import Context
from .rewriting import map_nodes


def inline_once(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Once) or not (is_local(node) or is_partitioned(node.input)):
            return node
        copy = with_fresh_ids(node.input, context.ids)
        if is_local(node):
            pairs = zip(node.columns, copy.columns, strict=True)
            return project(copy, tuple((own, reference(inner)) for own, inner in pairs))
        return dataclasses.replace(copy, columns=node.columns)

    return map_nodes(plan, visit)
