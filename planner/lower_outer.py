"""Secure LEFT and FULL joins: matches, and the rows that match nothing.

a LEFT JOIN b ON a.k = b.k AND a.x > 1     =>  probe key CASE WHEN a.x > 1 THEN a.k END
a LEFT JOIN b ON a.k = b.k AND a.x < b.y   =>  the columns of b are NULL where the rest fails
a LEFT JOIN b, b not unique                =>  matches, and a ANTI JOIN matches with NULLs for b
a FULL JOIN b                              =>  a LEFT JOIN b, and b ANTI JOIN that with NULLs for a

An operator that stands twice in a plan runs once.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import Expression, Literal
from ..query.datatypes import Column
from .expressions import columns_of, conjunction, reference
from .lower_attach import nulled
from .lower_join import Pairs, Sides, equi_join, matches, switched
from .secure import Concat, Operator


def lower_left(sides: Sides, needed: frozenset[int]) -> Operator:
    """Every left row with its matches, or once with NULLs."""
    if sides.right_key is not None:
        return _extended(sides, needed)
    found = matches(sides, needed | _keys(sides.pairs))
    pairs = tuple((a, a) for a, _ in sides.pairs)
    return stacked(sides, [found, _lonely(sides.left, found, pairs, needed)], needed)


def lower_full(sides: Sides, needed: frozenset[int]) -> Operator:
    """Every left row as in a LEFT JOIN, and every right row that matches nothing."""
    if sides.right_key is None:
        sides = sides.turned
    first = lower_left(sides, needed | frozenset(b for _, b in sides.pairs))
    pairs = tuple((b, b) for _, b in sides.pairs)
    return stacked(sides, [first, _lonely(sides.right, first, pairs, needed)], needed)


def _keys(pairs: Pairs) -> frozenset[int]:
    return frozenset(i for pair in pairs for i in pair)


def _lonely(side: Operator, found: Operator, pairs: Pairs, needed: frozenset[int]) -> Operator:
    """The rows of one side whose key does not occur among the matches."""
    return equi_join("anti", side, found, pairs, key=None, wanted=needed)


def _extended(sides: Sides, needed: frozenset[int]) -> Operator:
    """The right side is unique: its columns are attached to the left rows."""
    left_ids = frozenset(c.id for c in sides.left.columns)
    right_ids = frozenset(c.id for c in sides.right.columns)
    switch = tuple(e for e in sides.residual if columns_of(e) <= left_ids)
    both = tuple(e for e in sides.residual if e not in switch)
    probe, pairs = switched(sides.lowering, sides.node, sides.left, sides.pairs, switch)
    wanted = needed | columns_of(*both)
    joined: Operator = equi_join(
        "left", probe, sides.right, pairs, key=sides.right_key, wanted=wanted
    )
    if both:
        joined = nulled(
            sides.lowering,
            sides.node,
            joined,
            conjunction(both),
            extended=right_ids,
            needed=needed,
        )
    return joined


def stacked(sides: Sides, parts: list[Operator], needed: frozenset[int]) -> Operator:
    """UNION ALL of operators that have some of the needed columns; the others are NULL there."""
    lowering, facts = sides.lowering, sides.lowering.analysis.facts(sides.node)
    known: dict[int, Column] = {}
    for part in parts:
        for column in part.columns:
            nullable = column.nullable or (column.id in known and known[column.id].nullable)
            known[column.id] = dataclasses.replace(column, nullable=nullable)
    wanted = [known[i] for i in sides.node.ids if i in needed]
    inputs = []
    for part in parts:
        own = {column.id: column for column in part.columns}
        items: list[tuple[Column, Expression]] = []
        for column in wanted:
            nothing = Literal(type=column.type, nullable=True, value=None)
            given = own.get(column.id)
            items.append((column, nothing if given is None else reference(given)))
        made = lowering.project(part, items, facts)
        inputs.append(dataclasses.replace(made, columns=_same(made.columns, wanted)))
    columns = tuple(
        dataclasses.replace(column, nullable=any(i.columns[place].nullable for i in inputs))
        for place, column in enumerate(wanted)
    )
    return Concat(columns=columns, rows=sum(i.rows for i in inputs), inputs=tuple(inputs))


def _same(columns: tuple[Column, ...], like: list[Column]) -> tuple[Column, ...]:
    """The columns under the encodings of others."""
    return tuple(
        dataclasses.replace(column, encoding=other.encoding, type=other.type)
        for column, other in zip(columns, like, strict=True)
    )
