"""A probe side is grouped before the join, where no grouping is needed after it.

    SELECT l_orderkey, o_orderdate, sum(price) FROM lineitem JOIN orders ON l_orderkey = o_orderkey
    GROUP BY l_orderkey, o_orderdate                                               (TPC-H 3)
    =>  (SELECT l_orderkey, sum(price) FROM lineitem GROUP BY l_orderkey) JOIN orders ON ...

Fires if one owner has the probe side (or each owner a part of it), every aggregate reads that side
alone, and the columns of it that joins and group keys read are all group keys (or equal to one by a
join): each group is then one row of the join. The owner learns nothing new; the public bound does
not grow.
"""

from __future__ import annotations

from ...query.bound import ColumnRef, Expression
from ...query.datatypes import Column
from ..dependencies import closure
from ..expressions import column_pair, columns_of, conjuncts, reference
from ..logical import Aggregate, Filter, Join, Node, Project, join, keep, project
from ..ownership import is_local, is_partitioned
from .context import Context
from .rewriting import map_nodes


def aggregate_early(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Aggregate) or is_local(node) or not node.keys:
            return node
        return _early(node, context) or node

    return map_nodes(plan, visit)


def _early(node: Aggregate, context: Context) -> Node | None:
    below = node.input
    if not isinstance(below, Project):
        return None
    spine = _spine(below.input, context)
    if spine is None:
        return None
    probe, conditions, sure = spine
    ids = frozenset(probe.ids)
    given = dict(zip(below.ids, below.expressions, strict=True))
    arguments = [i for a in node.aggregates for i in a.reads]
    if any(a.function in ("count_distinct", "sum_distinct") for a in node.aggregates):
        return None
    if not all(columns_of(given[i]) <= ids for i in arguments):
        return None
    keys = [given[key] for key in node.keys]
    if not all(isinstance(key, ColumnRef) for key in keys):
        return None
    key_ids = frozenset(key.id for key in keys if isinstance(key, ColumnRef))
    needed = (frozenset(i for c in conditions for i in columns_of(*c)) | key_ids) & ids
    equal = closure(key_ids, context.facts(below.input).dependencies) | frozenset(
        i
        for c in sure
        for e in c
        for pair in [column_pair(e)]
        if pair is not None and key_ids & set(pair)
        for i in pair
    )
    if not needed or not needed <= equal:
        return None
    return _rewritten(node, below, probe, tuple(sorted(needed)))


Conditions = list[tuple[Expression, ...]]


def _spine(node: Node, context: Context) -> tuple[Node, Conditions, Conditions] | None:
    """The probe side below joins that keep its rows single; all conditions; those that surely hold.

    Those of a LEFT JOIN do not hold for rows without a match, whose right columns are NULL.
    """
    conditions: Conditions = []
    sure: Conditions = []
    while not is_local(node) and not is_partitioned(node):
        match node:
            case Filter():
                conditions.append((node.predicate,))
                sure += [conjuncts(node.predicate)]
                node = node.input
            case Join(kind="inner" | "left"):
                pairs = [p for p in map(column_pair, node.condition) if p is not None]
                used = frozenset(i for pair in pairs for i in pair) & frozenset(node.right.ids)
                if context.facts(node.right).unique_on(used) is None:
                    return None
                conditions.append(node.condition)
                sure += [node.condition] if node.kind == "inner" else []
                node = node.left
            case Join(kind="semi" | "anti"):
                conditions.append(node.condition)
                node = node.left
            case _:
                return None
    return (node, conditions, sure) if conditions else None


def _rewritten(node: Aggregate, below: Project, probe: Node, needed: tuple[int, ...]) -> Node:
    by_id = {column.id: column for column in probe.columns}
    given = dict(zip(below.ids, zip(below.columns, below.expressions, strict=True), strict=True))
    arguments = dict.fromkeys(i for a in node.aggregates for i in a.reads)
    items: list[tuple[Column, Expression]] = [(by_id[i], reference(by_id[i])) for i in needed]
    items += [given[i] for i in arguments if i not in needed]
    keys = tuple(by_id[i] for i in needed)
    grouped = Aggregate(
        columns=keys + tuple(a.column for a in node.aggregates),
        input=project(probe, tuple(items)),
        keys=tuple(needed),
        aggregates=node.aggregates,
        span=node.span,
    )
    joined = _replace(below.input, probe, grouped)
    outputs = [given[key] for key in node.keys]
    outputs += [(a.column, reference(a.column)) for a in node.aggregates]
    return project(joined, tuple(outputs))


def _replace(node: Node, probe: Node, by: Node) -> Node:
    if node is probe:
        return by
    match node:
        case Filter():
            return keep(_replace(node.input, probe, by), node.predicate)
        case Join():
            return join(
                node.kind, _replace(node.left, probe, by), node.right, node.condition, node.span
            )
        case _:
            raise AssertionError("not on the probe side")
