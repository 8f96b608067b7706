"""How many rows may agree on some columns: a public bound from keys and the domains of columns.

PRIMARY KEY (order, line), line BETWEEN 1 AND 7   =>  at most 7 rows of one order
UNIQUE (patient)                                  =>  at most 1 row of one patient

The bounds hold for rows that agree on columns without a NULL. They stay with a relation when the
rest of the key is dropped. They rest on what a single owner can check alone: where several owners
hold parts of a table, each of them may have that many rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from ..query.bound import ColumnRef
from ..query.datatypes import Encoding
from .expressions import column_pair
from .hashing import hashed_column
from .logical import Check, Filter, Join, Node, Once, Project, Scan, Sort, Union, Window

if TYPE_CHECKING:
    from .known import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """At most `most` rows agree on the columns `ids`, where none of these is NULL."""

    ids: frozenset[int]
    most: int


def most_rows_per(ids: Iterable[int], node: Node, facts: Facts) -> int:
    """A bound on the rows of a node that agree on the columns `ids`, none of them NULL.

    Where some columns of a bound are not given: as many rows more as these may have values.
    """
    given = frozenset(ids)
    nullable = frozenset(column.id for column in node.columns if column.nullable)
    bounds = [
        known.most * _combinations(known.ids - given, facts)
        for known in _known(facts)
        if not (known.ids - given) & nullable
    ]
    return min([facts.rows, *bounds])


def node_repeats(node: Node, inputs: Sequence[Facts]) -> tuple[Repeats, ...]:
    """The bounds of a node that do not follow from its unique keys, given the facts below it."""
    found: Sequence[Repeats] = ()
    match node:
        case Scan():
            found = _scanned(node)
        case Filter() | Check() | Sort() | Once() | Window():
            found = inputs[0].repeats
        case Project():
            found = _projected(node, inputs[0])
        case Join():
            found = _joined(node, inputs[0], inputs[1])
        case Union():
            found = _united(node, inputs)
        case _:
            pass
    return tuple(dict.fromkeys(found))


def _known(facts: Facts) -> list[Repeats]:
    own = [Repeats(ids=key.ids, most=1) for key in facts.keys if not key.by_contract]
    return own + list(facts.repeats)


def _combinations(ids: Iterable[int], facts: Facts) -> int:
    """How many combinations of values the columns may have, none of them NULL."""
    return prod(_values(facts.ranges.get(i), facts.distinct.get(i), facts.rows) for i in ids)


def _values(encoding: Encoding | None, distinct: int | None, rows: int) -> int:
    sizes = [] if encoding is None else [encoding.hi - encoding.lo + 1]
    return min([rows, *sizes] if distinct is None else [rows, distinct, *sizes])


def _scanned(node: Scan) -> list[Repeats]:
    """Keys of the table some of whose columns are not read."""
    declared = ((node.table.primary_key,) if node.table.primary_key else ()) + node.table.unique
    definitions = {column.name: column for column in node.table.columns}
    by_name = dict(zip(node.names, node.ids, strict=True))
    found = []
    for names in declared:
        unread = [definitions[name] for name in names if name not in by_name]
        if len(unread) in (0, len(names)) or any(column.nullable for column in unread):
            continue
        most = prod(_values(column.encoding, None, node.table.rows) for column in unread)
        found.append(Repeats(ids=frozenset(by_name[n] for n in names if n in by_name), most=most))
    return found


def _projected(node: Project, below: Facts) -> list[Repeats]:
    """What passes; without some of the columns as many rows more as these have values."""
    places: dict[int, int] = {}
    hashed: dict[int, int] = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        source = hashed_column(expression)
        if isinstance(expression, ColumnRef):
            places.setdefault(expression.id, column.id)
        elif source is not None:
            hashed.setdefault(source, column.id)
    return list(dict.fromkeys(_placed(node, below, places) + _placed(node, below, places | hashed)))


def _placed(node: Project, below: Facts, places: dict[int, int]) -> list[Repeats]:
    """The bounds of columns that pass, or whose hashes do, under their new ids."""
    nullable = frozenset(column.id for column in node.input.columns if column.nullable)
    found = []
    for known in _known(below):
        kept, dropped = known.ids & places.keys(), known.ids - places.keys()
        if kept and not dropped & nullable:
            most = known.most * _combinations(dropped, below)
            found.append(Repeats(ids=frozenset(places[i] for i in kept), most=most))
    return [one for one in found if one.most < below.rows]


def _joined(node: Join, left: Facts, right: Facts) -> list[Repeats]:
    """Those of either side, times the rows of the other side that one of its rows meets."""
    if node.kind in ("semi", "anti"):
        return list(left.repeats)
    sides = frozenset(node.left.ids), frozenset(node.right.ids)
    pairs = [set(pair) for pair in map(column_pair, node.condition) if pair is not None]
    used = frozenset(i for p in pairs if p & sides[0] and p & sides[1] for i in p)
    found: list[Repeats] = []
    if node.kind in ("inner", "left"):
        more = max(1, most_rows_per(used & sides[1], node.right, right))
        found += _times(left, more)
    if node.kind in ("inner", "right"):
        more = max(1, most_rows_per(used & sides[0], node.left, left))
        found += _times(right, more)
    return found


def _times(facts: Facts, more: int) -> list[Repeats]:
    known = _known(facts) if more > 1 else facts.repeats
    return [Repeats(ids=one.ids, most=one.most * more) for one in known if one.ids]


def _united(node: Union, inputs: Sequence[Facts]) -> list[Repeats]:
    """The sum over the inputs, where every one has a bound for the same columns."""
    own: list[Mapping[frozenset[int], int]] = []
    for inner, facts in zip(node.inputs, inputs, strict=True):
        place = dict(zip(inner.ids, node.ids, strict=True))
        bounds: dict[frozenset[int], int] = {}
        for known in _known(facts):
            if known.ids <= place.keys():
                ids = frozenset(place[i] for i in known.ids)
                bounds[ids] = min(known.most, bounds.get(ids, known.most))
        own.append(bounds)
    shared = [ids for ids in own[0] if all(ids in bounds for bounds in own)]
    return [Repeats(ids=ids, most=sum(bounds[ids] for bounds in own)) for ids in shared]
