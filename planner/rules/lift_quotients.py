"""A quotient is computed above the joins, so that whoever compares it has its two exact parts.

    t JOIN Project(k, mean = sum / count, groups) ON t.k = k
    =>  Project(..., mean = sum / count, t JOIN Project(k, sum, count, groups) ON t.k = k)

Predicates that are pushed down then read sum / count itself. From the null-extended side of a
LEFT JOIN only what is NULL where its columns are. Not in joins that one owner runs alone. What
stays a quotient over one owner's columns sinks back to it (sink_expressions.py).
"""

from __future__ import annotations

from ...query.bound import ColumnRef, Expression
from ..expressions import columns_of, is_null_strict, reference, substitute
from ..logical import Join, Node, Project, join, project
from ..ownership import is_local
from ..ratios import has_quotient
from .context import Context
from .rewriting import map_nodes


def lift_quotients(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Join) or node.kind in ("right", "full") or is_local(node):
            return node
        return _lifted(node)

    return map_nodes(plan, visit)


def _lifted(node: Join) -> Node:
    by: dict[int, Expression] = {}
    sides = [node.left, node.right]
    for position in (0, 1):
        extended = position == 1 and node.kind == "left"
        sides[position], lifted = _without_quotients(sides[position], null_extended=extended)
        by |= lifted
    if not by:
        return node
    condition = tuple(substitute(c, by) for c in node.condition)
    joined = join(node.kind, sides[0], sides[1], condition, node.span)
    items = tuple((c, by.get(c.id) or reference(c)) for c in node.columns)
    return project(joined, items)


def _without_quotients(side: Node, *, null_extended: bool) -> tuple[Node, dict[int, Expression]]:
    """The side with the parts of its quotients instead of them, and the quotients by column."""
    if not isinstance(side, Project):
        return side, {}
    node: Node = side
    expressions: tuple[Expression, ...] = tuple(map(reference, side.columns))
    while isinstance(node, Project):
        given = dict(zip(node.ids, node.expressions, strict=True))
        expressions = tuple(substitute(e, given) for e in expressions)
        node = node.input
    items = dict(zip(side.columns, expressions, strict=True))
    lifted = {
        c.id: e
        for c, e in items.items()
        if has_quotient(e) and not (null_extended and not is_null_strict(e))
    }
    if not lifted:
        return side, {}
    kept = [(c, e) for c, e in items.items() if c.id not in lifted]
    passed = {c.id for c, e in kept if isinstance(e, ColumnRef) and e.id == c.id}
    read = columns_of(*lifted.values()) - passed
    kept += [(c, reference(c)) for c in node.columns if c.id in read]
    return project(node, tuple(kept)), lifted
