"""Functional dependencies: columns whose values follow from the values of others.

    o_orderkey -> o_custkey        a primary key determines its row
    o_custkey -> c_custkey         an equality that holds in every valid row
    c_custkey -> c_name            a key still determines its row's columns behind a join

NULL counts as a value here: rows that agree on the determining columns, NULLs included, agree on
the others. They follow from the catalog and the query text, and hold for valid rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..query.bound import Call, ColumnRef, Expression, Literal
from ..query.datatypes import DoubleType
from .expressions import column_pair, columns_of, conjuncts, walk
from .hashing import hashed_column
from .logical import Aggregate, Filter, Join, Node, Once, Project, Sort, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Rows that agree on `ids` agree on `determines`; of no ids, the columns are constant."""

    ids: frozenset[int]
    determines: frozenset[int]


Dependencies = tuple[Dependency, ...]


def closure(ids: Iterable[int], dependencies: Dependencies) -> frozenset[int]:
    """All columns that follow from the given ones, themselves included."""
    known = frozenset(ids)
    while True:
        more = known.union(*(d.determines for d in dependencies if d.ids <= known))
        if more == known:
            return known
        known = more


def independent(
    ids: Sequence[int], dependencies: Dependencies, cost: Callable[[int], int]
) -> tuple[int, ...]:
    """Columns of `ids`, in order, that determine all of them: the costliest are left out first."""
    kept = set(ids)
    for candidate in sorted(set(ids), key=lambda i: (-cost(i), ids.index(i))):
        if candidate in closure(kept - {candidate}, dependencies):
            kept.discard(candidate)
    return tuple(dict.fromkeys(i for i in ids if i in kept))


def key_dependencies(node: Node, keys: Iterable[frozenset[int]]) -> Dependencies:
    """Unique keys determine the row, unless a column of theirs may be NULL: NULLs may repeat."""
    sure = frozenset(column.id for column in node.columns if not column.nullable)
    every = frozenset(node.ids)
    return tuple(Dependency(ids=key, determines=every - key) for key in keys if key <= sure)


def condition_dependencies(predicate: Expression) -> Dependencies:
    """What follows from a condition that holds: equal columns, and columns equal to a constant."""
    found: list[Dependency] = []
    for condition in conjuncts(predicate):
        match condition:
            case Call(function="=", arguments=(ColumnRef(id=left), ColumnRef(id=right))):
                found += [_one(left, right), _one(right, left)]
            case (
                Call(function="=", arguments=(ColumnRef() as column, Literal()))
                | Call(function="=", arguments=(Literal(), ColumnRef() as column))
            ):
                if not isinstance(column.type, DoubleType):
                    found.append(Dependency(ids=frozenset(), determines=frozenset({column.id})))
    return tuple(found)


def _one(left: int, right: int) -> Dependency:
    return Dependency(ids=frozenset({left}), determines=frozenset({right}))


def project_dependencies(node: Project, below: Dependencies) -> Dependencies:
    """Those whose determining columns pass; a computed column follows from what it reads.

    A text follows from its hash.
    """
    places: dict[int, int] = {}
    reads: dict[int, frozenset[int]] = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        if isinstance(expression, ColumnRef):
            places.setdefault(expression.id, column.id)
        if isinstance(expression, ColumnRef) or _is_exact(expression):
            reads[column.id] = columns_of(expression)
    starts = [d.ids for d in below] + [frozenset({i}) for i in places] + list(reads.values())
    found = []
    for ids in dict.fromkeys(starts):
        if not ids <= places.keys():
            continue
        reached = closure(ids, below)
        own = frozenset(places[i] for i in ids)
        determined = frozenset(i for i, needed in reads.items() if needed <= reached) - own
        if determined:
            found.append(Dependency(ids=own, determines=determined))
    found += [
        _one(column.id, places[source])
        for column, expression in zip(node.columns, node.expressions, strict=True)
        for source in (hashed_column(expression),)
        if source in places
    ]
    return tuple(found)


def _is_exact(expression: Expression) -> bool:
    """Values of a DOUBLE that are alike as shared may differ in digits that their owner has."""
    return not any(isinstance(part.type, DoubleType) for part in walk(expression))


def join_dependencies(node: Join, left: Dependencies, right: Dependencies) -> Dependencies:
    """Both sides' and the equalities'; behind an outer join, those that NULLs cannot break."""
    match node.kind:
        case "inner":
            equal = tuple(d for c in node.condition for d in condition_dependencies(c))
            return left + right + equal
        case "left":
            return left + _extended(node.right, right) + _matched(node)
        case "right":
            return right + _extended(node.left, left)
        case "semi" | "anti":
            return left
        case _:
            return ()


def _extended(side: Node, dependencies: Dependencies) -> Dependencies:
    """Those of a null-extended side: a determining column is NULL only where the whole row is."""
    sure = frozenset(column.id for column in side.columns if not column.nullable)
    return tuple(d for d in dependencies if d.ids & sure)


def _matched(node: Join) -> Dependencies:
    """a LEFT JOIN b ON a.k = b.k alone: a.k decides whether there is a match, and so b.k."""
    left, right = frozenset(node.left.ids), frozenset(node.right.ids)
    pairs = [column_pair(condition) for condition in node.condition]
    ours = frozenset(i for pair in pairs if pair is not None for i in pair if i in left)
    theirs = frozenset(i for pair in pairs if pair is not None for i in pair if i in right)
    if None in pairs or not pairs or len(ours) != len(pairs) or len(theirs) != len(pairs):
        return ()
    return (Dependency(ids=ours, determines=theirs),)


def aggregate_dependencies(node: Aggregate, below: Dependencies) -> Dependencies:
    """Among the keys as before; the keys determine the aggregates."""
    keys = frozenset(node.keys)
    found = [Dependency(ids=keys, determines=frozenset(node.ids) - keys)]
    for dependency in below:
        if dependency.ids <= keys:
            determined = closure(dependency.ids, below) & keys - dependency.ids
            found.append(Dependency(ids=dependency.ids, determines=determined))
    return tuple(found)


def node_dependencies(
    node: Node, keys: Iterable[frozenset[int]], inputs: Sequence[Dependencies]
) -> Dependencies:
    """Those of a node, given its unique keys and the dependencies of its inputs."""
    own = key_dependencies(node, keys)
    match node:
        case Filter():
            own += inputs[0] + condition_dependencies(node.predicate)
        case Sort() | Once() | Window():
            own += inputs[0]
        case Project():
            own += project_dependencies(node, inputs[0])
        case Join():
            own += join_dependencies(node, inputs[0], inputs[1])
        case Aggregate():
            own += aggregate_dependencies(node, inputs[0])
        case _:
            pass
    return tuple(dict.fromkeys(own))
