"""Group keys and order keys that follow from others are not compared.

    GROUP BY c_custkey, c_name, c_acctbal, ...        (TPC-H 10, c_custkey a primary key)
    =>  GROUP BY c_custkey, with c_name, c_acctbal, ... as constants of the group
    SELECT DISTINCT o_orderkey, o_orderdate           (o_orderkey unique in the input)
    =>  SELECT o_orderkey, o_orderdate
    ORDER BY o_orderkey, o_orderdate   =>   ORDER BY o_orderkey

What follows from the keys is moved along with a row and never compared. The costliest keys are
dropped first, and one key always stays, since grouping by none gives a row where there is none.
One owner's own groupings stay as they are, and groups of a small public domain, which need no sort.
"""

from __future__ import annotations

import dataclasses

from ...query.datatypes import Column
from ..dependencies import closure, independent
from ..expressions import reference
from ..known import Facts
from ..logical import Aggregate, Aggregated, Node, OrderBy, Project, Sort, Union, project
from ..ownership import is_local, is_partitioned
from .aggregate_parts import is_dense
from .context import Context
from .rewriting import map_nodes


def drop_dependent_keys(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if is_local(node):
            return node
        match node:
            case Aggregate() if node.keys:
                return _group(node, context)
            case Sort():
                return _order(node, context)
            case _:
                return node

    return map_nodes(plan, visit)


def _group(node: Aggregate, context: Context) -> Node:
    below = context.facts(node.input)
    if not node.aggregates and _is_distinct(node, below):
        return project(node.input, tuple((c, reference(c)) for c in node.columns))
    union = node.input
    if isinstance(union, Union) and is_partitioned(union) and is_dense(node, below):
        return node
    keys = _kept(node, below)
    return node if keys == node.keys else _with_constants(node, keys, context)


def _is_distinct(node: Aggregate, below: Facts) -> bool:
    """Whether an owner has made sure that no two rows of the input agree on the keys."""
    never_null = frozenset(c.id for c in node.input.columns if not c.nullable)
    key = below.unique_on(frozenset(node.keys) & never_null)
    return key is not None and not key.by_contract


def _kept(node: Aggregate, below: Facts) -> tuple[int, ...]:
    by_id = {column.id: column for column in node.input.columns}

    def planes(key: int) -> int:
        encoding = below.ranges[key]
        return by_id[key].nullable + (1 << 20 if encoding is None else encoding.width)

    kept = independent(node.keys, below.dependencies, planes)
    return kept or (min(node.keys, key=planes),)


def _with_constants(node: Aggregate, keys: tuple[int, ...], context: Context) -> Project:
    """Grouped by `keys` alone, and the node's columns put together again."""
    given = {column.id: column for column in node.columns}
    moved: dict[int, Column] = {
        key: context.ids.copy(given[key]) for key in node.keys if key not in keys
    }
    constants = tuple(
        Aggregated(column=column, function="constant", argument=key)
        for key, column in moved.items()
    )
    aggregates = node.aggregates + constants
    grouped = dataclasses.replace(
        node,
        keys=keys,
        aggregates=aggregates,
        columns=tuple(given[key] for key in keys) + tuple(a.column for a in aggregates),
    )
    return project(grouped, tuple((c, reference(moved.get(c.id, c))) for c in node.columns))


def _order(node: Sort, context: Context) -> Node:
    dependencies = context.facts(node.input).dependencies
    kept: list[OrderBy] = []
    for key in node.keys:
        if key.column not in closure((k.column for k in kept), dependencies):
            kept.append(key)
    if len(kept) == len(node.keys) or not kept:
        return node
    return dataclasses.replace(node, keys=tuple(kept))
