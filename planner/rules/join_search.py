"""The cheapest order of secure joins on unique keys, by dynamic programming over sets of relations.

    lineitem, orders, customer   =>   lineitem JOIN (orders JOIN customer)
                                      not (lineitem JOIN orders) JOIN customer

A secure join sorts its n + m rows by the key and moves the build's columns beside them, so it costs
about (n + m) * (SORT + KEY * key bits + PAYLOAD * build bits); a filter saves nothing, as public
bounds do not shrink. Where one party knows the probe's key and one the build's, rows are fetched
instead, for about (n + m) * (FETCH + MOVE * build bits); so orders are found in which keys stay
known, as they do for the rows of the probe. A row of the result costs SORT more, for what comes
after. Of the orders of one set, each is kept that has fewer rows than all cheaper ones, or whose
rows others know. Ties go to the earlier relations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ..known import Facts

MAX_RELATIONS = 8
"""Beyond this many relations, joins are chosen one after the other."""

SORT = 900
KEY = 50
PAYLOAD = 8
"""Bits that a party sends per row: measured on the quicksort join at 1,000 to 750,000 rows."""

FETCH = 60
MOVE = 3
"""The same where rows are fetched by known keys."""

Steps = tuple[tuple[int, int], ...]
"""Joins in order: (number of the probe, number of the build); the probe's number stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation to join, or several joined. `facts`: its row bound and keys; `bits`: of a row.

    `known`: the party that knows a column in clear.
    """

    number: int
    ids: frozenset[int]
    facts: Facts
    bits: int
    known: Mapping[int, str] = field(default_factory=dict)
    cost: int = 0
    steps: Steps = ()


class JoinSearch:
    """`classes`: columns that are equal; `widths`: bits of a column by id."""

    def __init__(self, classes: Sequence[set[int]], widths: Mapping[int, int]) -> None:
        self._classes = classes
        self._widths = widths

    def order(self, relations: Sequence[Relation]) -> Steps | None:
        """The joins of the cheapest order; None if there is none on unique keys, or too many."""
        if len(relations) > MAX_RELATIONS:
            return None
        numbers = [relation.number for relation in relations]
        known = {frozenset([r.number]): [r] for r in relations}
        for size in range(2, len(numbers) + 1):
            for members in combinations(numbers, size):
                found = self._of(frozenset(members), known)
                if found:
                    known[frozenset(members)] = found
        whole = known.get(frozenset(numbers))
        if whole is None:
            return None
        best = min(whole, key=lambda r: (r.cost + r.facts.rows * SORT, r.steps))
        return best.steps

    def _of(
        self, members: frozenset[int], known: Mapping[frozenset[int], list[Relation]]
    ) -> list[Relation]:
        """Every join of two parts that make up the set, without those that others beat."""
        found = [
            joined
            for probes, options in known.items()
            if probes < members and members - probes in known
            for probe in options
            for build in known[members - probes]
            for joined in [self._join(probe, build)]
            if joined is not None
        ]
        kept: list[Relation] = []
        for one in sorted(found, key=lambda r: (r.cost, r.facts.rows, r.steps)):
            if all(one.facts.rows < other.facts.rows or one.known != other.known for other in kept):
                kept.append(one)
        return kept

    def _join(self, probe: Relation, build: Relation) -> Relation | None:
        """Attaching `build` by a unique key of it; None if the pair has no such key."""
        shared = [c for c in self._classes if c & probe.ids and c & build.ids]
        key = build.facts.unique_on(frozenset(i for c in shared for i in c & build.ids))
        single = build.facts.rows <= 1
        if key is None or not (shared or single):
            return None
        rows = probe.facts.rows
        cost = 0 if single else self._cost(probe, build, shared, key.ids)
        ours = probe.facts.unique_on(frozenset(i for c in shared for i in c & probe.ids))
        return Relation(
            number=probe.number,
            ids=probe.ids | build.ids,
            facts=Facts(
                rows=rows,
                keys=probe.facts.keys + (build.facts.keys if ours is not None else ()),
                ranges={},
                smallest={},
            ),
            bits=probe.bits + build.bits,
            known=probe.known,
            cost=probe.cost + build.cost + cost,
            steps=(*probe.steps, *build.steps, (probe.number, build.number)),
        )

    def _cost(
        self, probe: Relation, build: Relation, shared: Sequence[set[int]], key: frozenset[int]
    ) -> int:
        needed = [c for c in shared if c & key]
        rows = probe.facts.rows + build.facts.rows
        if _known(probe, needed) and _known(build, needed):
            return rows * (FETCH + MOVE * build.bits)
        width = sum(max(self._widths[i] for i in c & (probe.ids | build.ids)) for c in needed)
        per_row = SORT + KEY * width + PAYLOAD * build.bits
        return rows * per_row


def _known(relation: Relation, classes: Sequence[set[int]]) -> bool:
    """Whether one party knows a column of each class."""
    found = [{relation.known.get(i) for i in c & relation.ids} - {None} for c in classes]
    return bool(found) and bool(set.intersection(*found))
