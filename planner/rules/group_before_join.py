"""The many rows that reference few are grouped by their reference before they are joined.

    SELECT s_name, count(*) FROM lineitem JOIN supplier ON l_suppkey = s_suppkey GROUP BY s_name
    =>  SELECT s_name, sum(n) FROM (SELECT l_suppkey, count(*) n FROM lineitem GROUP BY l_suppkey)
        JOIN supplier ON l_suppkey = s_suppkey GROUP BY s_name                    (TPC-H 21)

    SELECT c_custkey, c_comment, sum(price) FROM ... JOIN customer ON o_custkey = c_custkey
    GROUP BY c_custkey, c_comment
    =>  SELECT c_custkey, c_comment, s FROM (SELECT o_custkey, sum(price) s FROM ... GROUP BY
        o_custkey) JOIN customer ON o_custkey = c_custkey                         (TPC-H 10)

One sort of the many rows by a narrow key takes the place of a join that would carry the other
side's columns to every one of them, and of a sort by these. Fires over shares where the groups'
public bound is far below that of the rows. A group that is one row of the join is left as it is.
Where owners know the keys of the join, it is cheap as it stands: plans are priced with and without
this rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ...query.bound import ColumnRef, Expression
from ...query.datatypes import Column
from ..expressions import cast, column_pair, columns_of, reference
from ..logical import Aggregate, Join, Node, Project, join, project
from ..ownership import is_local, is_partitioned
from .aggregate_sides import together
from .context import Context
from .grouped_side import GroupedSide, Sides
from .order_joins import flatten, order_joins
from .rewriting import map_nodes

FEWER = 4
"""How many times fewer the groups have to be than the rows."""

_OF_ONE_ROW = ("sum", "min", "max", "any_value", "constant")


def group_before_join(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Aggregate) or is_local(node) or not node.keys:
            return node
        return _grouped(node, context) or node

    changed = map_nodes(plan, visit)
    return plan if changed == plan else order_joins(changed, context)


def _grouped(node: Aggregate, context: Context) -> Node | None:
    below = node.input
    if not isinstance(below, Project):
        return None
    fitting = [sides for sides in _choices(node, below, context) if _fits(sides, context)]
    for sides in sorted(fitting, key=lambda sides: -_moved(sides, context)):
        plan = GroupedSide(sides, context).plan()
        if plan is not None:
            return _without_regrouping(plan, sides.joined, context)
    return None


def _choices(node: Aggregate, below: Project, context: Context) -> Iterator[Sides]:
    """Joins of one relation with all the others, which may be grouped."""
    group = flatten(below.input)
    if group is None or is_local(below) or is_partitioned(below):
        return
    leaves, conditions = group
    for leaf in leaves:
        many = _largest_part([other for other in leaves if other is not leaf], conditions, context)
        ids = frozenset(i for one in many for i in one.ids)
        few = [one for one in leaves if one not in many]
        rest = [c for c in conditions if columns_of(c) <= ids]
        inside = [c for c in conditions if not columns_of(c) & ids]
        across = tuple(c for c in conditions if c not in rest and c not in inside)
        kept = order_joins(together(few, inside), context)
        used = columns_of(*across) & frozenset(kept.ids)
        if used and context.facts(kept).unique_on(used) is not None:
            yield Sides(node, below, join("inner", together(many, rest), kept, across), 0)


def _largest_part(leaves: list[Node], conditions: list[Expression], context: Context) -> list[Node]:
    """Of the relations that conditions connect, those around the one with most rows."""
    part = [max(leaves, key=lambda leaf: context.facts(leaf).rows)]
    grown = True
    while grown:
        ids = frozenset(i for one in part for i in one.ids)
        touching = [columns_of(c) for c in conditions if columns_of(c) & ids]
        reached = frozenset(i for columns in touching for i in columns)
        more = [one for one in leaves if one not in part and reached & frozenset(one.ids)]
        part += more
        grown = bool(more)
    return [one for one in leaves if one in part]


def _fits(sides: Sides, context: Context) -> bool:
    """Whether the rows of one side reference few of the other, and their key is worth a sort."""
    if not sides.condition_fits() or not sides.keys_fit() or not sides.key_ids:
        return False
    rows = context.facts(sides.grouped).rows
    groups = _groups(sides, context)
    return groups * FEWER <= rows and _width(sides.grouped, sides.key_ids, context) <= _moved(
        sides, context
    )


def _groups(sides: Sides, context: Context) -> int:
    """The public bound on the groups of the side that is to be grouped."""
    keys = tuple(c for c in sides.grouped.columns if c.id in sides.key_ids)
    grouped = Aggregate(
        columns=keys, input=sides.grouped, keys=tuple(key.id for key in keys), aggregates=()
    )
    return context.facts(grouped).rows


def _moved(sides: Sides, context: Context) -> int:
    """Bits of a row that the plain plan sorts by after the join, and of what the join carries."""
    by_keys = frozenset(sides.node.keys)
    carried = columns_of(*sides.below.expressions) & frozenset(sides.kept.ids)
    return _width(sides.below, by_keys, context) + _width(sides.kept, carried, context)


def _width(node: Node, ids: frozenset[int], context: Context) -> int:
    ranges = context.facts(node).ranges
    found = [ranges[column.id] for column in node.columns if column.id in ids]
    return sum(0 if encoding is None else encoding.width for encoding in found)


def _without_regrouping(plan: Node, joined: Join, context: Context) -> Node:
    """Groups that are single rows of the join become projections of them."""
    if not isinstance(plan, Project) or not isinstance(plan.input, Aggregate):
        return plan
    node = plan.input
    if not isinstance(node.input, Project) or not _are_single(node, node.input, joined, context):
        return plan
    given = {column.id: column for column in node.input.columns}
    items: list[tuple[Column, Expression]] = [(given[k], reference(given[k])) for k in node.keys]
    for a in node.aggregates:
        if a.function not in _OF_ONE_ROW or a.argument is None or a.order is not None:
            return plan
        items.append((a.column, cast(reference(given[a.argument]), a.column.type)))
    return dataclasses.replace(plan, input=project(node.input, tuple(items)))


def _are_single(node: Aggregate, below: Project, joined: Join, context: Context) -> bool:
    """Whether an owner or an earlier grouping has made sure that no group has two rows."""
    pairs = [pair for pair in map(column_pair, joined.condition) if pair is not None]
    by_id = dict(zip(below.ids, below.expressions, strict=True))
    keys = frozenset(e.id for e in (by_id[k] for k in node.keys) if isinstance(e, ColumnRef))
    matched = frozenset(i for pair in pairs for i in pair)
    equal = frozenset(i for pair in pairs if keys & set(pair) for i in pair)
    never_null = matched | {c.id for c in below.input.columns if not c.nullable}
    key = context.facts(below.input).unique_on((keys | equal) & never_null)
    return key is not None and not key.by_contract
