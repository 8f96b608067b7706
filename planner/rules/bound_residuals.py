"""A semi- or anti-join with one comparison beside its equalities reads MIN or MAX of the group.

    a SEMI JOIN b ON a.k = b.k AND b.x <> a.y                                        (TPC-H 21)
    =>  Filter(least <> a.y OR most <> a.y,
               a JOIN (SELECT k, min(x) AS least, max(x) AS most FROM b GROUP BY k) ON a.k = b.k)

An anti-join keeps rows without a group by a left join. Not where one owner runs the join alone:
DuckDB needs no rewriting. The owners of `b` group their own rows before anything is shared.
"""

from __future__ import annotations

from ...query.bound import Expression
from ..decorrelate import keyed, sides
from ..expressions import FALSE, call, columns_of, reference
from ..logical import Join, Node, join, keep, project
from ..ownership import is_local
from ..residuals import extremes
from .context import Context
from .rewriting import map_nodes


def bound_residuals(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Join) or node.kind not in ("semi", "anti") or is_local(node):
            return node
        return _rewritten(node, context) or node

    return map_nodes(plan, visit)


def _rewritten(node: Join, context: Context) -> Node | None:
    right = node.right
    known = frozenset(right.ids)
    equal = tuple(c for c in node.condition if sides(c, right) is not None)
    switches = tuple(c for c in node.condition if not columns_of(c) & known)
    residual = [c for c in node.condition if c not in equal and c not in switches]
    if len(residual) != 1:
        return None
    outer = [pair[1] for pair in (sides(c, right) for c in equal) if pair is not None]
    right, keys = keyed(right, equal, context.ids)
    made = extremes(right, tuple(dict.fromkeys(keys)), residual[0], context.ids)
    if made is None:
        return None
    groups, test = made
    condition: tuple[Expression, ...] = tuple(
        call("=", [other, reference(key)], like=other)
        for key, other in zip(keys, outer, strict=True)
    )
    kind = "inner" if node.kind == "semi" else "left"
    joined = join(kind, node.left, groups, condition + switches, node.span)
    if node.kind == "anti":
        found = call("coalesce", [test, FALSE], nullable=False)
        test = call("not", [found], nullable=False)
    kept = keep(joined, test)
    return project(kept, tuple((c, reference(c)) for c in node.left.columns))
