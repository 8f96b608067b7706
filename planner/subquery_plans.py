"""A subquery's plan, taken apart for the join that adds it to the query around it.

(SELECT count(*) + o.y FROM s WHERE s.k = o.k AND o.z > 1)
=>  node: Aggregate(count(*) by k, s);  links: k = o.k;  switches: o.z > 1
    values: count + o.y;  single: a group that is not there counts as an empty one
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..query.bound import Expression, Query
from ..query.datatypes import Column
from ..query.errors import UnsupportedError
from .decorrelate import compared, keyed, outer_columns, pull, sides
from .expressions import call, columns_of, conjunction, reference, substitute
from .extending import computed_column
from .logical import (
    Aggregate,
    Filter,
    Ids,
    Node,
    Project,
    Sort,
    Values,
    join,
    project,
    with_fresh_ids,
)
from .lower_attach import has_one_row
from .ratios import has_quotient

Conditions = tuple[Expression, ...]
Link = tuple[Column, Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """`node` reads no outer column. A row of it belongs to an outer row if all conditions hold.

    links: a column of `node` and the outer expression that it equals. switches: conditions on outer
    columns alone. residual: other conditions on columns of both. values: the select list, over
    columns of both. single: the subquery gives one row for every outer row (an aggregate without
    GROUP BY) if `having` is TRUE or None, whether or not a row of `node` belongs to it.
    """

    node: Node
    links: tuple[Link, ...] = ()
    switches: Conditions = ()
    residual: Conditions = ()
    values: tuple[Expression, ...]
    having: Expression | None = None
    single: bool = False

    @property
    def is_correlated(self) -> bool:
        return bool(self.links or self.switches or self.residual)

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns of the links, each once."""
        return tuple(dict.fromkeys(column for column, _ in self.links))


def inner_of(query: Query, outer: Node, ids: Ids, *, loose: bool) -> Inner:
    """The parts of a subquery of the query `outer`. `loose`: how often it gives a row does not
    matter.

    UnsupportedError, with the place, where a reference to the outer query cannot be moved.
    """
    from .build import build

    node = build(query, ids)
    if not outer_columns(node):
        return _uncorrelated(node)
    top = _Top(node)
    base = top.node
    if not isinstance(base, Aggregate) or base.keys:
        below, conditions = pull(base, ids, loose=loose)
        node, links, switches, residual = _sorted_out(below, conditions, ids)
        single = isinstance(base, Values) and not switches
    else:
        below, conditions = pull(base.input, ids, loose=False)
        below, links, switches, residual = _sorted_out(below, conditions, ids)
        below, further = _per_value(below, residual, outer, ids)
        links += further
        node = _grouped(base, below, tuple(dict.fromkeys(column for column, _ in links)))
        residual, single = (), True
    return Inner(
        node=node,
        links=links,
        switches=switches,
        residual=residual,
        values=top.values,
        having=top.having,
        single=single,
    )


def _uncorrelated(node: Node) -> Inner:
    """Quotients stay outside, as numerator and denominator: they are compared exactly there."""
    single = has_one_row(node)
    if single:
        top = _Top(node)
        if top.having is None and any(map(has_quotient, top.values)):
            return Inner(node=top.node, values=top.values, single=True)
    return Inner(node=node, values=tuple(map(reference, node.columns)), single=single)


class _Top:
    """What stands above the relation whose rows make up the subquery: select list and HAVING."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.values: tuple[Expression, ...] = tuple(map(reference, node.columns))
        self.having: Expression | None = None
        while self._peel():
            pass

    def _peel(self) -> bool:
        node = self.node
        match node:
            case Project():
                by = dict(zip(node.ids, node.expressions, strict=True))
                self.values = tuple(substitute(value, by) for value in self.values)
                self.having = None if self.having is None else substitute(self.having, by)
            case Sort(limit=None, offset=0):
                pass
            case Filter() if _is_summary(node):
                others = () if self.having is None else (self.having,)
                self.having = conjunction((*others, node.predicate))
            case Sort(offset=0) if _is_summary(node) and node.limit != 0:
                pass
            case Aggregate(aggregates=()) if node.keys and _is_summary(node.input):
                pass
            case _:
                return False
        self.node = node.input
        return True


def _is_summary(node: Node) -> bool:
    """At most one row: what an aggregate without GROUP BY leaves."""
    while isinstance(node, Filter | Project | Sort):
        node = node.input
    return isinstance(node, Aggregate) and not node.keys


def _sorted_out(
    node: Node, conditions: Conditions, ids: Ids
) -> tuple[Node, tuple[Link, ...], Conditions, Conditions]:
    """The conditions as links, switches and others."""
    known = frozenset(node.ids)
    switches = tuple(c for c in conditions if not columns_of(c) & known)
    equalities = tuple(c for c in conditions if sides(c, node) is not None)
    residual = tuple(c for c in conditions if c not in switches and c not in equalities)
    outer = [pair[1] for pair in (sides(c, node) for c in equalities) if pair is not None]
    node, keys = keyed(node, equalities, ids)
    return node, tuple(zip(keys, outer, strict=True)), switches, residual


def _grouped(summary: Aggregate, below: Node, keys: tuple[Column, ...]) -> Aggregate:
    """One group for every combination of the compared columns."""
    return dataclasses.replace(
        summary,
        input=below,
        keys=tuple(key.id for key in keys),
        columns=keys + tuple(a.column for a in summary.aggregates),
    )


def linked_alone(inner: Inner, outer: Node, ids: Ids) -> Inner:
    """The same subquery with equalities instead of other comparisons between the sides."""
    node, links = _per_value(inner.node, inner.residual, outer, ids)
    return dataclasses.replace(inner, node=node, links=inner.links + links, residual=())


def _per_value(
    node: Node, residual: Conditions, outer: Node, ids: Ids
) -> tuple[Node, tuple[Link, ...]]:
    """`node` once for every distinct value that the outer rows compare with, and the links to it.

    s, s.x < o.y   =>   (SELECT DISTINCT o.y AS v FROM o) JOIN s ON s.x < v,  v = o.y
    """
    if not residual:
        return node, ()
    known = frozenset(outer.ids)
    parts = [compared(condition, node) for condition in residual]
    for part, condition in zip(parts, residual, strict=True):
        if part is None or columns_of(part[2]) - known:
            raise UnsupportedError(
                "a subquery may be correlated here by = <> < <= > >= between a value of its own "
                "and one of the query directly around it only",
                span=condition.span,
                hint="join a derived table that computes what is compared",
            )
    found = [part for part in parts if part is not None]
    columns = {other: computed_column(other, ids) for _, _, other in found}
    copy = with_fresh_ids(outer, ids)
    by: dict[int, Expression] = {
        old: reference(new) for old, new in zip(outer.ids, copy.columns, strict=True)
    }
    items = tuple((column, substitute(other, by)) for other, column in columns.items())
    below = project(copy, items)
    values = Aggregate(columns=below.columns, input=below, keys=below.ids, aggregates=())
    compares = tuple(
        call(function, [own, reference(columns[other])], like=original)
        for (own, function, other), original in zip(found, residual, strict=True)
    )
    joined = join("inner", values, node, compares, residual[0].span)
    return joined, tuple((column, other) for other, column in columns.items())
