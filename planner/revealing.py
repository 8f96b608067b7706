"""Which joins may reveal their matching keys to the two owners: a public fact of the catalog.

    mercy.visits v JOIN patients p ON v.patient_id = p.patient_id
    visits:    ... REVEALING INTERSECTION (patient_id)
    patients:  ... REVEALING INTERSECTION (patient_id)

Both tables must name every column of the key. The key columns must be the tables' own: of a value
that is computed from them, nobody has agreed to anything. What is intersected are the values of
whole tables, whatever the query's conditions: which of them a condition keeps stays secret, and a
query reveals what every other query on these keys does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..query.bound import ColumnRef, Expression
from ..query.datatypes import Column
from .expressions import reference
from .hashing import hashed_column, keyed_hash
from .logical import Aggregate, Node, Project, Scan, children, project
from .secure import Revealable, RevealedKey

if TYPE_CHECKING:
    from .lower import Lowering


def revealable(
    lowering: Lowering, probe: Node, build: Node, pairs: Sequence[tuple[int, int]]
) -> Revealable | None:
    """What a join of two owners' work on these keys would reveal, if the catalog lets it."""
    mine = _revealed_key(lowering, probe, [a for a, _ in pairs])
    theirs = _revealed_key(lowering, build, [b for _, b in pairs])
    if mine is None or theirs is None or mine.owner == theirs.owner:
        return None
    key = lowering.analysis.facts(probe).unique_on(frozenset(a for a, _ in pairs))
    unique = key is not None and not key.by_contract
    return Revealable(probe=mine, build=theirs, probe_unique=unique)


def _revealed_key(lowering: Lowering, node: Node, ids: Sequence[int]) -> RevealedKey | None:
    """The table and the columns behind key columns, if it is one table that lets them be used."""
    if len(node.owners) != 1:
        return None
    (owner,) = node.owners
    found = [_origin(node, column_id) for column_id in ids]
    places = [place for place in found if place is not None]
    if len(places) < len(found) or len({id(scan) for scan, _, _ in places}) != 1:
        return None
    scan = places[0][0]
    names = tuple(scan.names[scan.columns.index(column)] for _, column, _ in places)
    if not set(names) <= set(scan.table.revealing):
        return None
    distinct = _distinct(lowering, scan, places)
    values = lowering.fragment(distinct, frozenset(distinct.ids))
    return RevealedKey(
        owner=owner,
        table=scan.table.name,
        columns=names,
        values=dataclasses.replace(values, held=True),
    )


_Place = tuple[Scan, Column, bool]
"""A table, one of its columns, and whether its hash is meant."""


def _origin(node: Node, column_id: int) -> _Place | None:
    """The column of a table that a column is, or is the keyed hash of."""
    match node:
        case Scan():
            return node, node.columns[node.ids.index(column_id)], False
        case Project():
            expression = node.expressions[node.ids.index(column_id)]
            if isinstance(expression, ColumnRef):
                return _origin(node.input, expression.id)
            source = hashed_column(expression)
            place = None if source is None else _origin(node.input, source)
            return None if place is None else (place[0], place[1], True)
        case Aggregate() if column_id not in node.keys:
            return None
    below = [child for child in children(node) if column_id in child.ids]
    return _origin(below[0], column_id) if len(below) == 1 else None


def _distinct(lowering: Lowering, scan: Scan, places: Sequence[_Place]) -> Node:
    """The key values that stand in a table, each once."""
    items: list[tuple[Column, Expression]] = []
    for _, column, hashed in places:
        expression: Expression = keyed_hash(column) if hashed else reference(column)
        fresh = lowering.ids.copy(column)
        items.append((dataclasses.replace(fresh, type=expression.type), expression))
    below = project(scan, tuple(items))
    return Aggregate(columns=below.columns, input=below, keys=below.ids, aggregates=())
