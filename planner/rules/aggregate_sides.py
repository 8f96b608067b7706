"""One side of a many-to-many join is grouped by its key before the join.

    SELECT v.ward, count(*), sum(v.cost), sum(d.dose) FROM visits v JOIN drugs d ON v.k = d.k
    GROUP BY v.ward
    =>  SELECT v.ward, sum(t.n), sum(v.cost * t.n), sum(t.s)
        FROM visits v JOIN (SELECT k, count(*) n, sum(dose) s FROM drugs GROUP BY k) t ON v.k = t.k
        GROUP BY v.ward

    SELECT DISTINCT v.ward FROM visits v JOIN drugs d ON v.k = d.k
    =>  SELECT DISTINCT v.ward FROM visits v SEMI JOIN drugs d ON v.k = d.k

Then that side is unique on its key, and the join has as many rows as the other side. Fires where
neither side is unique, and every group key and aggregate reads the other side (and join keys), or
is a sum, count, minimum or maximum over the grouped side, or the sum of a product of both sides'
factors. In LEFT and FULL joins a row without a match counts once. Repeated from the top of the plan
down, until no join of this kind is left below an aggregate.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from ...query.bound import Expression
from ..expressions import column_pair, columns_of, conjunction
from ..logical import Aggregate, Filter, Join, Node, Project, join, keep
from ..ownership import is_local
from .context import Context
from .grouped_side import GroupedSide, Sides
from .order_joins import flatten, order_joins
from .rewriting import map_nodes

MAX_REPEATS = 16


def aggregate_sides(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Aggregate) or is_local(node):
            return node
        return _once(node, context) or node

    for _ in range(MAX_REPEATS):
        changed = map_nodes(plan, visit)
        if changed == plan:
            break
        plan = order_joins(changed, context)
    return plan


def _once(node: Aggregate, context: Context) -> Node | None:
    """The aggregate with one side of the join below it grouped; None if that is not possible."""
    below = node.input
    if not isinstance(below, Project):
        return None
    for joined, position in _choices(below.input, context):
        sides = Sides(node, below, joined, position)
        if sides.condition_fits() and sides.keys_fit():
            found = sides.without_repeats() or GroupedSide(sides, context).plan()
            if found is not None:
                return found
    return None


def _choices(node: Node, context: Context) -> Iterator[tuple[Join, int]]:
    """Joins that give the same rows as `node`, and which side of them to group."""
    kinds = ("inner", "left", "full")
    if isinstance(node, Join) and node.kind in kinds and _many_to_many(node, context):
        for position in _preferred(node, context):
            yield node, position
    group = flatten(node)
    if group is None or not _has_many_to_many(node, context):
        return
    leaves, conditions = group
    for leaf in sorted(leaves, key=lambda leaf: not is_local(leaf)):
        mine = tuple(c for c in conditions if columns_of(c) & frozenset(leaf.ids))
        ids = columns_of(*mine) & frozenset(leaf.ids)
        if ids and context.facts(leaf).unique_on(ids) is None:
            others = [other for other in leaves if other is not leaf]
            rest = [c for c in conditions if c not in mine]
            yield join("inner", together(others, rest), leaf, mine), 1


def together(leaves: list[Node], conditions: list[Expression]) -> Node:
    """Inner joins in any order, to be ordered again."""
    node = reduce(lambda left, right: join("inner", left, right, ()), leaves)
    return keep(node, conjunction(conditions)) if conditions else node


def _has_many_to_many(node: Node, context: Context) -> bool:
    match node:
        case Filter():
            return _has_many_to_many(node.input, context)
        case Join(kind="inner"):
            sides = (node.left, node.right)
            return _many_to_many(node, context) or any(
                _has_many_to_many(side, context) for side in sides
            )
        case _:
            return False


def _many_to_many(joined: Join, context: Context) -> bool:
    pairs = [pair for pair in map(column_pair, joined.condition) if pair is not None]
    ids = frozenset(i for pair in pairs for i in pair)
    return bool(pairs) and all(
        context.facts(side).unique_on(ids & frozenset(side.ids)) is None
        for side in (joined.left, joined.right)
    )


def _preferred(joined: Join, context: Context) -> list[int]:
    """Which side to group: one that its owner groups alone, then the larger one."""
    sides = (joined.left, joined.right)
    return sorted((1, 0), key=lambda i: (not is_local(sides[i]), -context.facts(sides[i]).rows))
