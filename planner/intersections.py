"""Where two owners find their common keys between themselves, instead of a join over shares.

    inner join on patient_id, quick sort          (both tables: REVEALING INTERSECTION (patient_id))
    =>  inner join on patient_id, common values revealed to mercy and registry

Only where the catalog lets both owners learn which of their keys match (revealing.py), both
compute, there are not too many keys, and it costs less on the link. Of keys that are equal to each
other in a query, one pair of owners' intersection is revealed at most: with a third owner's, two of
them would tell what the query never asks for, such as who is with the first and the second, but not
with the third. All other joins stay hidden. Deterministic, from public facts; whether the owners'
policies allow it is asked of the finished plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterator

from .algorithms import options_of, with_inputs
from .cost import Link, Pricer
from .secure import (
    Expand,
    Fragment,
    Intersection,
    IntersectionAlgorithm,
    Join,
    Operator,
    Revealable,
    RevealedKey,
    Root,
    children,
)

MOST_KEYS = 1 << 23
"""Key values of a table beyond which they stay hidden: messages would be too large for a frame."""


def reveal_intersections(root: Root, pricer: Pricer, link: Link, parties: tuple[str, ...]) -> Root:
    """The plan with every join that is better revealed, by owners among the compute `parties`."""
    revealing = _Revealing(root.input, pricer, link, parties)
    return dataclasses.replace(root, input=revealing.rewritten(root.input))


def ways(operator: Intersection, parties: Collection[str]) -> list[tuple[str, Operator]]:
    """How the same join could run, with a name for each: revealed, and hidden."""
    build = dataclasses.replace(operator.build, held=False)
    algorithms: tuple[IntersectionAlgorithm, ...] = ("points", "transfers")
    hidden = Join(
        columns=operator.columns,
        rows=operator.rows,
        kind=operator.kind,
        probe=dataclasses.replace(operator.probe, held=False),
        build=build,
        probe_keys=operator.probe_keys,
        build_keys=operator.build_keys,
        check_unique=False,
        sort="quick",
    )
    return [
        *((f"by {name}", dataclasses.replace(operator, by=name)) for name in algorithms),
        *((f"hidden, {name}", option) for name, option in options_of(hidden, parties, (build,))),
    ]


class _Revealing:
    def __init__(
        self, root: Operator, pricer: Pricer, link: Link, parties: tuple[str, ...]
    ) -> None:
        self._pricer = pricer
        self._link = link
        self._parties = parties
        self._classes = _KeyClasses(root)
        self._used: set[Hashable] = set()
        self._made: dict[Join, Operator] = {}

    def rewritten(self, operator: Operator) -> Operator:
        inputs = tuple(self.rewritten(child) for child in children(operator))
        operator = with_inputs(operator, inputs)
        if not isinstance(operator, Join) or operator.revealable is None:
            return operator
        if operator not in self._made:
            self._made[operator] = self._decided(operator, operator.revealable)
        return self._made[operator]

    def _decided(self, join: Join, reveals: Revealable) -> Operator:
        """The cheapest form of a join, and what is used up by it."""
        classes = {self._classes.of(key) for key in join.probe_keys}
        options = self._options(join, reveals)
        if not options or classes & self._used:
            return join
        best = min(options, key=self._seconds)
        if self._seconds(best) >= self._seconds(join):
            return join
        self._used |= classes
        return best

    def _options(self, join: Join, reveals: Revealable) -> list[Intersection]:
        probe, build = join.probe, join.build
        if not isinstance(probe, Fragment) or not isinstance(build, Fragment) or join.check_unique:
            return []
        if not {probe.owner, build.owner} <= set(self._parties):
            return []
        if max(reveals.probe.values.rows, reveals.build.values.rows) > MOST_KEYS:
            return []
        algorithms: tuple[IntersectionAlgorithm, ...] = ("points", "transfers")
        return [
            Intersection(
                columns=join.columns,
                rows=join.rows,
                kind="semi" if join.kind == "semi" else "inner",
                probe=_held(probe),
                build=_held(build),
                probe_keys=join.probe_keys,
                build_keys=join.build_keys,
                reveals=reveals,
                by=algorithm,
            )
            for algorithm in algorithms
        ]

    def _seconds(self, operator: Operator) -> float:
        return self._link.seconds(self._pricer.operator_cost(operator))


def _held(fragment: Fragment) -> Fragment:
    """The fragment as it stays with its owner: in the order of its result."""
    rows = fragment.rows if fragment.placed is None else fragment.placed.rows
    return dataclasses.replace(fragment, held=True, placed=None, rows=rows)


class _KeyClasses:
    """Columns that a join somewhere in the plan makes equal to each other."""

    def __init__(self, root: Operator) -> None:
        self._parent: dict[Hashable, Hashable] = {}
        for one, other in _equal(root):
            self._parent[self.of(one)] = self.of(other)

    def of(self, member: Hashable) -> Hashable:
        """What stands for the class of a column id, or of a column of a table."""
        while member in self._parent and self._parent[member] != member:
            member = self._parent[member]
        return member


def _equal(operator: Operator) -> Iterator[tuple[Hashable, Hashable]]:
    """Pairs of columns that a join compares; a table's columns stand for all of their ids."""
    for child in children(operator):
        yield from _equal(child)
    match operator:
        case Join():
            yield from zip(operator.probe_keys, operator.build_keys, strict=True)
            if operator.revealable is not None:
                yield from zip(operator.probe_keys, _named(operator.revealable.probe), strict=True)
                yield from zip(operator.build_keys, _named(operator.revealable.build), strict=True)
        case Expand():
            yield from zip(operator.left_keys, operator.right_keys, strict=True)


def _named(key: RevealedKey) -> list[Hashable]:
    return [(key.table, column) for column in key.columns]
