"""A semi-join with a selection of a relation that is joined anyway becomes that selection.

    (a SEMI JOIN Filter(p, g) ON a.x = g.k) JOIN g ON a.x = g.k    (TPC-H 18, lineitem by order)
    =>  a JOIN Filter(p, g) ON a.x = g.k

Both g are equal but for the numbers of their columns. It must not fire where k is not unique in g:
p might hold for another row of the same k. Nothing more is disclosed: a join falls away.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ...query.bound import ColumnRef, Expression
from ..expressions import column_pair, columns_of, reference, substitute
from ..logical import Aggregate, Filter, Join, Node, Project, Scan, Union, children, join, keep
from ..ownership import is_local
from .context import Context
from .rewriting import map_nodes

Pairs = frozenset[frozenset[int]]


def select_for_semi(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Join) or node.kind != "inner" or is_local(node):
            return node
        found = [column_pair(condition) for condition in node.condition]
        pairs = frozenset(frozenset(pair) for pair in found if pair is not None)
        for side, other in ((node.left, node.right), (node.right, node.left)):
            changed = _without_semi(side, other, pairs, context)
            if changed is not None:
                left, right = changed if side is node.left else changed[::-1]
                return visit(join("inner", left, right, node.condition, node.span))
        return node

    return map_nodes(plan, visit)


def _without_semi(
    side: Node, other: Node, pairs: Pairs, context: Context
) -> tuple[Node, Node] | None:
    """A side without a semi-join that a selection of the other side does, and that selection."""
    if not isinstance(side, Join) or side.kind not in ("semi", "inner"):
        return None
    if side.kind == "semi":
        selection = _selection(side, other, pairs, context)
        if selection is not None:
            return side.left, selection
    inner = _without_semi(side.left, other, pairs, context)
    if inner is not None:
        return join(side.kind, inner[0], side.right, side.condition, side.span), inner[1]
    inner = _without_semi(side.right, other, pairs, context) if side.kind == "inner" else None
    if inner is not None:
        return join(side.kind, side.left, inner[0], side.condition, side.span), inner[1]
    return None


def _selection(semi: Join, other: Node, pairs: Pairs, context: Context) -> Node | None:
    """What the semi-join selects of the other side, if it is with a selection of the same."""
    chosen, own = _unprojected(semi.right)
    if not isinstance(chosen, Filter):
        return None
    (core, places), (joined, shown) = _unprojected(chosen.input), _unprojected(other)
    twins = twins_of(core, joined)
    if twins is None or not columns_of(chosen.predicate) <= places.keys():
        return None
    asked = _asked(semi, {i: places[place] for i, place in own.items() if place in places})
    equal = {frozenset(shown.get(i, i) for i in pair) for pair in pairs}
    if not asked or any({asking, twins[key]} not in equal for key, asking in asked):
        return None
    key = context.facts(core).unique_on(frozenset(key for key, _ in asked))
    if key is None or key.by_contract:
        return None
    references = _references(core, joined)
    by = {i: references[place] for i, place in places.items()}
    return _filtered(other, joined, substitute(chosen.predicate, by))


def _asked(semi: Join, own: Mapping[int, int]) -> list[tuple[int, int]]:
    """The columns of what a semi-join selects from, each with the column that must equal it; none
    where the semi-join asks for anything else. `own`: what its columns are there."""
    asked: list[tuple[int, int]] = []
    for condition in semi.condition:
        pair = column_pair(condition)
        inside = [i for i in pair or () if i in own]
        if pair is None or len(inside) != 1:
            return []
        (asking,) = set(pair) - set(inside)
        asked.append((own[inside[0]], asking))
    return asked


def _unprojected(node: Node) -> tuple[Node, dict[int, int]]:
    """What lies below projections, and which of its columns each plain column of the node is."""
    places = {i: i for i in node.ids}
    while isinstance(node, Project):
        sources = {
            column.id: expression.id
            for column, expression in zip(node.columns, node.expressions, strict=True)
            if isinstance(expression, ColumnRef)
        }
        places = {i: sources[place] for i, place in places.items() if place in sources}
        node = node.input
    return node, places


def _filtered(node: Node, below: Node, predicate: Expression) -> Node:
    """The node with a filter right above what lies below its projections."""
    if node is below:
        return keep(node, predicate)
    assert isinstance(node, Project)
    return dataclasses.replace(node, input=_filtered(node.input, below, predicate))


def twins_of(one: Node, other: Node) -> dict[int, int] | None:
    """The columns of a node, and of all below it, by those of a node that is equal but for their
    numbers; None if it is not equal, or holds what is not compared."""
    inputs, others = children(one), children(other)
    if type(one) is not type(other) or len(inputs) != len(others):
        return None
    if [(c.type, c.nullable) for c in one.columns] != [(c.type, c.nullable) for c in other.columns]:
        return None
    twins: dict[int, int] = {}
    by: dict[int, Expression] = {}
    for below, its in zip(inputs, others, strict=True):
        found = twins_of(below, its)
        if found is None:
            return None
        twins |= found
        by |= _references(below, its)
    passed = zip(one.ids, other.ids, strict=True)
    if any(twins.setdefault(i, j) != j for i, j in passed) or not _alike(one, other, twins, by):
        return None
    return twins


def _alike(one: Node, other: Node, twins: Mapping[int, int], by: Mapping[int, Expression]) -> bool:
    """Whether two nodes do the same to inputs that are equal, under the other's numbers."""
    match one, other:
        case Scan(), Scan():
            return (one.table, one.owner, one.names) == (other.table, other.owner, other.names)
        case Filter(), Filter():
            return substitute(one.predicate, by) == other.predicate
        case Project(), Project():
            return tuple(substitute(e, by) for e in one.expressions) == other.expressions
        case Union(), Union():
            return tuple(tuple(twins[i] for i in key) for key in one.unique) == other.unique
        case Aggregate(), Aggregate():
            calls = zip(one.aggregates, other.aggregates, strict=False)
            renamed = tuple(mine.renamed(its.column, twins) for mine, its in calls)
            keys = tuple(twins[i] for i in one.keys)
            return (keys, renamed, len(one.aggregates)) == (
                other.keys,
                other.aggregates,
                len(other.aggregates),
            )
        case _:
            return False


def _references(one: Node, other: Node) -> dict[int, Expression]:
    """The other's columns, by those of a node that equals it."""
    return {a.id: reference(b) for a, b in zip(one.columns, other.columns, strict=True)}
