"""Conditions on an outer query's columns move out of a subquery's plan, to the join that adds it.

    Filter(s.k = o.k AND s.x > 1, s)                    =>  Filter(s.x > 1, s),  s.k = o.k
    Aggregate(by g, Filter(s.k = o.k, s))               =>  Aggregate(by g, s.k; s),  s.k = o.k
    a SEMI JOIN b ON b.j = a.j AND b.x = o.x (loosely)  =>  a JOIN distinct b ON b.j = a.j,
                                                            b.x = o.x

A column is the outer query's if nothing below defines it. LIMIT becomes a row
number by the compared columns. What cannot move is refused with its place: conditions other than
equalities below an aggregate or LIMIT, and conditions on the null-extended side of a join.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..query.bound import Call, ColumnRef, Expression, Literal
from ..query.datatypes import BIGINT, Column
from ..query.errors import UnsupportedError
from .distinct_on import row_number
from .expressions import call, columns_of, conjunction, conjuncts, reference
from .extending import computed_column
from .facts import Analysis
from .logical import (
    Aggregate,
    Check,
    Filter,
    Ids,
    Join,
    Node,
    Project,
    Sort,
    Union,
    children,
    join,
    keep,
    project,
    walk,
    window,
)

Conditions = tuple[Expression, ...]
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "<>": "<>"}


def outer_columns(node: Node) -> frozenset[int]:
    """Ids of the columns that the plan reads and nothing in it defines."""
    return frozenset(i for inner in walk(node) for e in _outside(inner) for i in _free(inner, e))


def pull(node: Node, ids: Ids, *, loose: bool) -> tuple[Node, Conditions]:
    """The plan without its conditions on outer columns, and those conditions.

    The plan exposes every column that the conditions read. `loose`: how often a row occurs does
    not matter. UnsupportedError, with the place, for what cannot move.
    """
    if not outer_columns(node):
        return node, ()
    match node:
        case Filter():
            below, pulled = pull(node.input, ids, loose=loose)
            inside, outside = _split(conjuncts(node.predicate), node.input)
            return (keep(below, conjunction(inside)) if inside else below), pulled + outside
        case Project():
            return _project(node, ids, loose=loose)
        case Join(kind="inner"):
            left, ours = pull(node.left, ids, loose=loose)
            right, theirs = pull(node.right, ids, loose=loose)
            inside, outside = _split(node.condition, node.left, node.right)
            return join("inner", left, right, inside, node.span), ours + theirs + outside
        case Join():
            return _outer_or_semi(node, ids, loose=loose)
        case Aggregate():
            return _aggregate(node, ids)
        case Sort(limit=None, offset=0):
            return pull(node.input, ids, loose=loose)
        case Sort():
            return _limited(node, ids)
        case Union():
            return _union(node, ids, loose=loose)
        case _:
            raise refused(node)


def refused(node: Node) -> UnsupportedError:
    """Why an outer column cannot be read where `node` reads it."""
    place = next((e for inner in walk(node) for e in _outside(inner)), None)
    return UnsupportedError(
        "a reference to the outer query is not supported at this place of a subquery",
        span=None if place is None else place.span,
        hint="outer columns may stand in WHERE conditions that compare them with =; otherwise join "
        "a derived table that groups by the compared column",
    )


def _expressions(node: Node) -> tuple[Expression, ...]:
    match node:
        case Filter():
            return conjuncts(node.predicate)
        case Check():
            return (node.condition,)
        case Project():
            return node.expressions
        case Join():
            return node.condition
        case _:
            return ()


def _free(node: Node, expression: Expression) -> frozenset[int]:
    return columns_of(expression).difference(*(child.ids for child in children(node)))


def _outside(node: Node) -> Iterator[Expression]:
    """The node's own expressions that read outer columns."""
    return (e for e in _expressions(node) if _free(node, e))


def _split(conditions: Conditions, *inputs: Node) -> tuple[Conditions, Conditions]:
    known = frozenset(i for node in inputs for i in node.ids)
    inside = tuple(c for c in conditions if columns_of(c) <= known)
    return inside, tuple(c for c in conditions if c not in inside)


def _project(node: Project, ids: Ids, *, loose: bool) -> tuple[Node, Conditions]:
    if any(_outside(node)):
        raise refused(node)
    below, pulled = pull(node.input, ids, loose=loose)
    given = frozenset(node.ids)
    needed = columns_of(*pulled) - given
    items = list(zip(node.columns, node.expressions, strict=True))
    items += [(c, reference(c)) for c in below.columns if c.id in needed]
    return project(below, tuple(items)), pulled


def _outer_or_semi(node: Join, ids: Ids, *, loose: bool) -> tuple[Node, Conditions]:
    """Rows of the left side may go; what decides about matches may not."""
    outside = _split(node.condition, node.left, node.right)[1]
    if outer_columns(node.right) or (outside and node.kind != "semi"):
        raise refused(node)
    if node.kind not in ("semi", "anti", "left"):
        raise refused(node)
    left, pulled = pull(node.left, ids, loose=loose)
    if not outside:
        return join(node.kind, left, node.right, node.condition, node.span), pulled
    if not loose:
        raise refused(node)
    read = columns_of(*node.condition)
    kept = tuple((c, reference(c)) for c in node.right.columns if c.id in read)
    below = project(node.right, kept)
    inside = tuple(c for c in node.condition if c not in outside)
    matched = columns_of(*inside) & frozenset(below.ids)
    right: Node = below
    if Analysis().facts(below).unique_on(matched) is None:
        right = Aggregate(columns=below.columns, input=below, keys=below.ids, aggregates=())
    return join("inner", left, right, inside, node.span), pulled + outside


def sides(condition: Expression, node: Node) -> tuple[Expression, Expression] | None:
    """An equality as (what `node` computes, what the outer query computes)."""
    match condition:
        case Call(function="=", arguments=(a, b)):
            known = frozenset(node.ids)
            for own, other in ((a, b), (b, a)):
                mine, theirs = columns_of(own), columns_of(other)
                if mine and mine <= known and not theirs & known:
                    return own, other
    return None


def compared(condition: Expression, node: Node) -> tuple[Expression, str, Expression] | None:
    """The condition as (what `node` computes, comparison, what the other side computes)."""
    match condition:
        case Call(function=function, arguments=(a, b)) if function in MIRRORED:
            known = frozenset(node.ids)
            for own, operator, other in ((a, function, b), (b, MIRRORED[function], a)):
                mine = columns_of(own)
                if mine and mine <= known and not columns_of(other) & known:
                    return own, operator, other
    return None


def keyed(node: Node, conditions: Conditions, ids: Ids) -> tuple[Node, tuple[Column, ...]]:
    """`node` with a column for the inner side of every equality among the conditions."""
    extra: list[tuple[Column, Expression]] = []
    found = []
    by_id = {c.id: c for c in node.columns}
    for condition in conditions:
        pair = sides(condition, node)
        if pair is None:
            raise UnsupportedError(
                "below an aggregate, a subquery may be correlated by equalities only",
                span=condition.span,
                hint="compare with = there, or join a derived table",
            )
        if isinstance(pair[0], ColumnRef):
            found.append(by_id[pair[0].id])
            continue
        column = computed_column(pair[0], ids)
        extra.append((column, pair[0]))
        found.append(column)
    if extra:
        node = project(node, (*((c, reference(c)) for c in node.columns), *extra))
    return node, tuple(found)


def _aggregate(node: Aggregate, ids: Ids) -> tuple[Node, Conditions]:
    """Equalities become further group keys. Not for one row over everything: see subqueries.py."""
    if not node.keys:
        raise refused(node)
    below, pulled = pull(node.input, ids, loose=not node.aggregates)
    below, keys, conditions = linked(below, pulled, ids)
    further = tuple(key for key in keys if key.id not in node.keys)
    aggregated = frozenset(a.column.id for a in node.aggregates)
    own = tuple(c for c in node.columns if c.id not in aggregated)
    grouped = dataclasses.replace(
        node,
        input=below,
        keys=node.keys + tuple(c.id for c in further),
        columns=own + further + tuple(a.column for a in node.aggregates),
    )
    return grouped, conditions


def _limited(node: Sort, ids: Ids) -> tuple[Node, Conditions]:
    """LIMIT and OFFSET count the rows that belong to one outer row, by their numbers."""
    below, pulled = pull(node.input, ids, loose=False)
    below, keys, conditions = linked(below, pulled, ids)
    number = row_number(ids)
    groups = tuple(key.id for key in keys)
    order = tuple(key for key in node.keys if key.column not in groups)
    numbered = window(below, groups, order, (number,), node.span)
    place = reference(number.column)

    def compared(function: str, value: int) -> Expression:
        limit = Literal(type=BIGINT, nullable=False, value=value)
        return call(function, [place, limit], nullable=False)

    if (node.limit, node.offset) == (1, 0):
        return keep(numbered, compared("=", 1)), conditions
    limits = [compared(">", node.offset)] if node.offset else []
    limits += [] if node.limit is None else [compared("<=", node.offset + node.limit)]
    return keep(numbered, conjunction(limits)), conditions


def linked(
    node: Node, conditions: Conditions, ids: Ids
) -> tuple[Node, tuple[Column, ...], Conditions]:
    """`node` with the columns that equalities with the outer query compare, each once, and the
    conditions over these. UnsupportedError for other conditions on columns of both."""
    known = frozenset(node.ids)
    switches = tuple(c for c in conditions if not columns_of(c) & known)
    equalities = tuple(c for c in conditions if c not in switches)
    node, keys = keyed(node, equalities, ids)
    links = tuple(
        call("=", [reference(key), _other(condition, known)], like=condition)
        for key, condition in zip(keys, equalities, strict=True)
    )
    return node, tuple(dict.fromkeys(keys)), links + switches


def _other(condition: Expression, known: frozenset[int]) -> Expression:
    assert isinstance(condition, Call)
    return next(a for a in condition.arguments if not columns_of(a) & known)


def _union(node: Union, ids: Ids, *, loose: bool) -> tuple[Node, Conditions]:
    """Inputs that are all correlated by equalities with the same outer expressions."""
    inputs: list[Node] = []
    others: list[Expression] | None = None
    for inner in node.inputs:
        below, pulled = pull(inner, ids, loose=loose)
        mine = [_other(c, frozenset(below.ids)) for c in pulled if sides(c, below) is not None]
        if len(mine) < len(pulled) or (others is not None and mine != others):
            raise refused(node)
        others = mine
        below, keys = keyed(below, pulled, ids)
        wanted = (*inner.columns, *keys)
        inputs.append(project(below, tuple((ids.copy(c), reference(c)) for c in wanted)))
    linked = [ids.copy(c) for c in inputs[0].columns[len(node.columns) :]]
    columns = (*node.columns, *linked)
    union = Union(columns=columns, inputs=tuple(inputs), unique=(), span=node.span)
    links = tuple(
        call("=", [reference(column), other])
        for column, other in zip(linked, others or [], strict=True)
    )
    return union, links
