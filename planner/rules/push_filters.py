"""Predicates move down to where their columns come from.

    Filter(a.x > 1 AND a.k = b.k, a CROSS b)   =>   Filter(a.x > 1, a) JOIN b ON a.k = b.k
    Filter(p, UNION ALL of parts)              =>   UNION ALL of Filter(p, part)
    Filter(b.y = 1, a LEFT JOIN b)             =>   a JOIN Filter(b.y = 1, b)
    Filter(b.y = 1, a FULL JOIN b)             =>   Filter(b.y = 1, b) LEFT JOIN a
    Filter(k = 1, Aggregate by k)              =>   Aggregate by k of Filter(k = 1)
    Filter(k = 1, Window by k)                 =>   Window by k of Filter(k = 1)

A semi- or anti-join moves below an inner join likewise, to the side that its condition reads; or
to one whose columns equal those by the join, if its owner can then do the semi-join alone:

    Semi(x = b.k, a JOIN b ON a.k = b.k)   =>   Semi(x = a.k, a) JOIN b ON a.k = b.k

Nothing moves below LIMIT, or to the null-extended side of a join.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ...query.bound import Call, Expression
from ...query.datatypes import Column
from ..expressions import (
    TRUE,
    column_pair,
    columns_of,
    conjunction,
    conjuncts,
    is_null_strict,
    reference,
    substitute,
)
from ..logical import (
    Aggregate,
    Filter,
    Join,
    Node,
    Project,
    Sort,
    Union,
    Window,
    children,
    join,
    keep,
    with_children,
)
from ..ownership import is_local
from .context import Context

Predicates = tuple[Expression, ...]


def push_filters(plan: Node, context: Context) -> Node:
    return push(plan, ())


def push(node: Node, predicates: Predicates) -> Node:
    """`node` restricted by the predicates, each as low as it may stand."""
    match node:
        case Filter():
            return push(node.input, predicates + conjuncts(node.predicate))
        case Project():
            return _project(node, predicates)
        case Join(kind="inner"):
            return _inner(node, predicates)
        case Join(kind="left"):
            return _left(node, predicates)
        case Join(kind="full"):
            return _full(node, predicates)
        case Join(kind="semi" | "anti"):
            return _semi(node, predicates)
        case Aggregate():
            below, above = _split(predicates, frozenset(node.keys))
            return _above(with_children(node, (push(node.input, below),)), above)
        case Window():
            below, above = _split(predicates, frozenset(node.partition))
            return _above(with_children(node, (push(node.input, below),)), above)
        case Sort() if node.limit is None and not node.offset:
            return with_children(node, (push(node.input, predicates),))
        case Union():
            return _union(node, predicates)
        case _:
            inputs = tuple(push(child, ()) for child in children(node))
            return _above(with_children(node, inputs), predicates)


def _above(node: Node, predicates: Predicates) -> Node:
    wanted = list(dict.fromkeys(p for p in predicates if p != TRUE))
    return keep(node, conjunction(wanted)) if wanted else node


def _split(predicates: Predicates, ids: frozenset[int]) -> tuple[Predicates, Predicates]:
    """Those that read only `ids` (and at least one of them), and the others."""
    inside = tuple(p for p in predicates if columns_of(p) and columns_of(p) <= ids)
    return inside, tuple(p for p in predicates if p not in inside)


def _project(node: Project, predicates: Predicates) -> Node:
    by = dict(zip(node.ids, node.expressions, strict=True))
    below = tuple(substitute(p, by) for p in predicates)
    return dataclasses.replace(node, input=push(node.input, below))


def _inner(node: Join, predicates: Predicates) -> Node:
    pool = predicates + tuple(p for c in node.condition for p in conjuncts(c))
    left, rest = _split(pool, frozenset(node.left.ids))
    right, both = _split(rest, frozenset(node.right.ids))
    constant = tuple(p for p in both if not columns_of(p))
    both = tuple(dict.fromkeys(p for p in both if columns_of(p)))
    joined = join("inner", push(node.left, left), push(node.right, right), both, node.span)
    return _above(joined, constant)


def _left(node: Join, predicates: Predicates) -> Node:
    right_ids = frozenset(node.right.ids)
    if any(_rejects_null(p, right_ids) for p in predicates):
        return _inner(join("inner", node.left, node.right, node.condition, node.span), predicates)
    left, above = _split(predicates, frozenset(node.left.ids))
    condition = tuple(p for c in node.condition for p in conjuncts(c))
    right, both = _split(condition, right_ids)
    joined = join("left", push(node.left, left), push(node.right, right), both, node.span)
    return _above(joined, above)


def _full(node: Join, predicates: Predicates) -> Node:
    """A predicate that fails on NULLs of one side keeps that side's rows: a LEFT JOIN of it."""
    for kept, other in ((node.left, node.right), (node.right, node.left)):
        ids = frozenset(kept.ids)
        if any(_rejects_null(p, ids) for p in predicates):
            return _left(join("left", kept, other, node.condition, node.span), predicates)
    inputs = tuple(push(child, ()) for child in children(node))
    return _above(with_children(node, inputs), predicates)


def _rejects_null(predicate: Expression, ids: frozenset[int]) -> bool:
    """True if the predicate is never TRUE once all columns in `ids` are NULL."""
    if not isinstance(predicate, Call) or not columns_of(predicate) & ids:
        return False
    if predicate.function == "not":
        inner = predicate.arguments[0]
        if not isinstance(inner, Call) or inner.function != "is_null":
            return False
        return columns_of(inner) <= ids and is_null_strict(inner.arguments[0])
    if predicate.function == "is_not_null":
        inner = predicate.arguments[0]
        return columns_of(inner) <= ids and is_null_strict(inner)
    if predicate.function not in ("=", "<>", "<", "<=", ">", ">=", "in", "like"):
        return False
    return any(
        columns_of(a) and columns_of(a) <= ids and is_null_strict(a) for a in predicate.arguments
    )


def _semi(node: Join, predicates: Predicates) -> Node:
    condition = tuple(p for c in node.condition for p in conjuncts(c))
    right, rest = _split(condition, frozenset(node.right.ids))
    left = push(node.left, predicates)
    restricted = push(node.right, right)
    if node.kind == "semi":
        mine, rest = _split(rest, frozenset(node.left.ids))
        left = push(left, mine) if mine else left
    return _place(node.kind, left, restricted, _at_its_owner(left, restricted, rest), origin=node)


def _at_its_owner(left: Node, right: Node, condition: Predicates) -> Predicates:
    """The condition, put to columns that equal its own by the inner joins of `left`, if there is an
    input that has them and belongs to the one owner of `right`."""
    group = left.input if isinstance(left, Filter) else left
    by_id = {column.id: column for column in left.columns}
    needed = sorted(columns_of(*condition) & by_id.keys())
    for leaf in _leaves(group) if len(right.owners) == 1 else ():
        if leaf.owners != right.owners:
            continue
        own = frozenset(leaf.ids)
        twins = [_twin(by_id[i], [by_id[j] for j in _equal_to(i, group) & own]) for i in needed]
        if None not in twins:
            by = {i: reference(t) for i, t in zip(needed, twins, strict=True) if t is not None}
            return tuple(substitute(p, by) for p in condition)
    return condition


def _twin(column: Column, equal: Sequence[Column]) -> Column | None:
    """Of some columns one of the same type: the column itself, or else the one that came first."""
    alike = [other for other in equal if other.type == column.type]
    return min(alike, key=lambda other: (other.id != column.id, other.id), default=None)


def _equal_to(column_id: int, group: Node) -> frozenset[int]:
    """The columns that equal one in every row of a group of inner joins, itself among them."""
    pairs = [set(pair) for pair in map(column_pair, _conditions(group)) if pair is not None]
    found = {column_id}
    while more := [pair for pair in pairs if pair & found and not pair <= found]:
        found = found.union(*more)
    return frozenset(found)


def _conditions(node: Node) -> Predicates:
    """The conditions of a group of inner joins."""
    if not isinstance(node, Join) or node.kind != "inner":
        return ()
    own = tuple(p for c in node.condition for p in conjuncts(c))
    return own + _conditions(node.left) + _conditions(node.right)


def _place(
    kind: str,
    left: Node,
    right: Node,
    condition: Predicates,
    *,
    origin: Join,
    group: Node | None = None,
) -> Node:
    """The semi- or anti-join at the lowest inner-join input that has its columns.

    `group`: the inner joins around `left`. What an owner joins alone stays together.
    """
    needed = columns_of(*condition) & frozenset(left.ids)
    target = left.input if isinstance(left, Filter) else left
    if isinstance(target, Join) and target.kind == "inner" and needed:
        for position, side in enumerate((target.left, target.right)):
            whole = group or target
            if needed <= frozenset(side.ids) and not _parts(side, whole, right):
                sides = [target.left, target.right]
                sides[position] = _place(kind, side, right, condition, origin=origin, group=whole)
                placed = join("inner", sides[0], sides[1], target.condition, target.span)
                return with_children(left, (placed,)) if left is not target else placed
    return join(kind, left, right, condition, origin.span)


def _parts(side: Node, whole: Node, right: Node) -> bool:
    """Whether a join with `right` would take `side` away from what its owner joins it with."""
    mine = side.owners
    if len(mine) != 1 or not is_local(side) or right.owners <= mine:
        return False
    others = [leaf for leaf in _leaves(whole) if leaf is not side]
    return any(leaf.owners == mine for leaf in others)


def _leaves(node: Node) -> list[Node]:
    """What a group of inner joins joins."""
    if isinstance(node, Join) and node.kind == "inner":
        return [*_leaves(node.left), *_leaves(node.right)]
    return [node]


def _union(node: Union, predicates: Predicates) -> Node:
    inputs = []
    for inner in node.inputs:
        by: dict[int, Expression] = {
            outer.id: reference(own) for outer, own in zip(node.columns, inner.columns, strict=True)
        }
        inputs.append(push(inner, tuple(substitute(p, by) for p in predicates)))
    return dataclasses.replace(node, inputs=tuple(inputs))
