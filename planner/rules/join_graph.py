"""An inner-join group as a graph: units to join, equality classes of columns, other conditions.

Equalities between plain columns form classes (a = b and b = c give a = c: transitive equality), so
a unit may be joined through any member of a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ...query.bound import Call, ColumnRef, Expression
from ...query.datatypes import Column, Encoding
from ..expressions import call, column_pair, columns_of, conjunction, reference
from ..extending import computed_column, extend, join_public
from ..known import Key
from ..known_columns import known_columns
from ..logical import Node, Union, join, keep
from ..ownership import is_local, is_partitioned
from ..ratios import compared_exactly
from .context import Context
from .join_search import JoinSearch, Relation, Steps
from .push_filters import push


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Joining unit `build` to unit `probe` on `pairs` (probe column, build column).

    `key`: the build's unique key that the pairs cover; None if rows may multiply.
    """

    probe: int
    build: int
    pairs: tuple[tuple[int, int], ...]
    key: Key | None
    alone: bool
    score: tuple[int, ...]


class JoinGraph:
    """The state of one inner-join group while its join tree is built."""

    def __init__(self, leaves: list[Node], conditions: list[Expression], context: Context) -> None:
        self._context = context
        self._units: dict[int, Node] = dict(enumerate(leaves))
        self._classes: list[set[int]] = []
        self._pending: list[Expression] = []
        self._steps: dict[tuple[int, int], tuple[Node, Node, Step | None]] = {}
        for condition in conditions:
            self._add(condition)
        for index in self._units:
            self._equal_within(index)
            self._apply_pending(index)

    def tree(self) -> Node:
        """Joins unit after unit: what one owner can do first, then the cheapest secure joins."""
        while (step := self._best(alone=True)) is not None:
            self._join(step)
        for probe, build in self._search() or ():
            chosen = self._step(probe, build)
            assert chosen is not None, "the search found a join that there is not"
            self._join(chosen)
        while len(self._units) > 1:
            self._join(self._best() or self._fallback())
        (node,) = self._units.values()
        return keep(node, conjunction(self._pending)) if self._pending else node

    def _best(self, *, alone: bool = False) -> Step | None:
        """The smallest join on a unique key, if there is any; `alone`: that one owner can do."""
        units = self._units.items()
        steps = [
            self._step(i, j)
            for i, left in units
            for j, right in units
            if i != j and (not alone or self._alone(left, right))
        ]
        found = [step for step in steps if step is not None]
        return min(found, key=lambda s: s.score) if found else None

    def _search(self) -> Steps | None:
        """The cheapest order of the secure joins that are left, all of them on unique keys."""
        if len(self._units) < 3:
            return None
        widths: dict[int, int] = {}
        relations = []
        for number, node in self._units.items():
            facts = self._context.facts(node)
            own = {c.id: _width(c, facts.ranges.get(c.id)) for c in node.columns}
            widths |= own
            relations.append(
                Relation(
                    number=number,
                    ids=frozenset(node.ids),
                    facts=facts,
                    bits=sum(own.values()),
                    known=known_columns(node),
                )
            )
        return JoinSearch(self._classes, widths).order(relations)

    def _add(self, condition: Expression) -> None:
        pair = self._as_columns(condition)
        if pair is None:
            self._pending.append(condition)
            return
        joined = set(pair)
        for known in [c for c in self._classes if c & joined]:
            joined |= known
            self._classes.remove(known)
        self._classes.append(joined)

    def _as_columns(self, condition: Expression) -> tuple[int, int] | None:
        """An equality as a pair of columns; expressions over one unit become columns of it."""
        if column_pair(condition) is not None:
            return column_pair(condition)
        if not isinstance(condition, Call) or condition.function != "=":
            return None
        if any(map(compared_exactly, condition.arguments)):
            return None
        homes = [self._home(argument) for argument in condition.arguments]
        if homes[0] is None or homes[1] is None or homes[0] == homes[1]:
            return None
        ids = []
        for home, argument in zip(homes, condition.arguments, strict=True):
            if isinstance(argument, ColumnRef):
                ids.append(argument.id)
                continue
            assert home is not None
            column = computed_column(argument, self._context.ids)
            self._units[home] = extend(self._units[home], column, argument, self._context.ids)
            ids.append(column.id)
        return (ids[0], ids[1])

    def _home(self, expression: Expression) -> int | None:
        needed = columns_of(expression)
        homes = [i for i, node in self._units.items() if needed and needed <= set(node.ids)]
        return homes[0] if homes else None

    def _equal_within(self, index: int) -> None:
        """Members of a class that meet in one unit are compared there."""
        node = self._units[index]
        for members in self._classes:
            inside = sorted(members & set(node.ids))
            for left, right in pairwise(inside):
                self._restrict(index, self._equality(node, left, right))

    def _equality(self, node: Node, left: int, right: int) -> Expression:
        by_id = {column.id: column for column in node.columns}
        return call("=", [reference(by_id[left]), reference(by_id[right])])

    def _restrict(self, index: int, predicate: Expression) -> None:
        node = self._units[index]
        alone = is_local(node) or is_partitioned(node)
        self._units[index] = push(node, (predicate,)) if alone else keep(node, predicate)

    def _apply_pending(self, index: int) -> None:
        ids = set(self._units[index].ids)
        ready = [p for p in self._pending if columns_of(p) <= ids]
        self._pending = [p for p in self._pending if p not in ready]
        for predicate in ready:
            self._restrict(index, predicate)

    def _step(self, probe: int, build: int) -> Step | None:
        """Attaching `build` to `probe` by a unique key of `build`, if there is one.

        Kept until one of the two units is another.
        """
        left, right = self._units[probe], self._units[build]
        kept = self._steps.get((probe, build))
        if kept is None or kept[0] is not left or kept[1] is not right:
            kept = (left, right, self._found_step(probe, build))
            self._steps[probe, build] = kept
        return kept[2]

    def _found_step(self, probe: int, build: int) -> Step | None:
        left, right = self._units[probe], self._units[build]
        pairs = self._pairs(left, right)
        key = self._context.facts(right).unique_on(frozenset(b for _, b in self._all(left, right)))
        alone = self._alone(left, right)
        single = self._context.facts(right).rows <= 1
        if key is None or (not pairs and not alone and not single):
            return None
        rows = self._context.facts(left).rows, self._context.facts(right).rows
        score = (0 if alone else 2 if single else 1, rows[0] + rows[1], rows[0], probe, build)
        return Step(probe=probe, build=build, pairs=pairs, key=key, alone=alone, score=score)

    def _fallback(self) -> Step:
        """No unique key anywhere: a join that one owner can do, else the smallest product."""
        steps = []
        for i in self._units:
            for j in self._units:
                if i == j:
                    continue
                left, right = self._units[i], self._units[j]
                pairs, alone = self._pairs(left, right), self._alone(left, right)
                rows = self._context.facts(left).rows * self._context.facts(right).rows
                score = (0 if alone else 1, 0 if pairs else 1, rows, i, j)
                steps.append(
                    Step(probe=i, build=j, pairs=pairs, key=None, alone=alone, score=score)
                )
        return min(steps, key=lambda s: s.score)

    def _all(self, left: Node, right: Node) -> list[tuple[int, int]]:
        """Every column pair that is equal by some class."""
        return [
            (a, b)
            for members in self._classes
            for a in sorted(members & set(left.ids))
            for b in sorted(members & set(right.ids))
        ]

    def _pairs(self, left: Node, right: Node) -> tuple[tuple[int, int], ...]:
        """One column pair for each class that both units have members of.

        A column that a party knows is taken rather than one that has come from a build.
        """
        found = []
        known = known_columns(left).keys() | known_columns(right).keys()
        for members in self._classes:
            ours, theirs = members & set(left.ids), members & set(right.ids)
            if ours and theirs:
                keys = {i for key in self._context.facts(right).keys for i in key.ids}
                theirs = theirs & keys or theirs
                found.append((min(ours & known or ours), min(theirs & known or theirs)))
        return tuple(sorted(found))

    def _alone(self, left: Node, right: Node) -> bool:
        if len(left.owners | right.owners) <= 1:
            return True
        return is_partitioned(left) and not right.owners

    def _join(self, step: Step) -> None:
        left, right = self._units[step.probe], self._units.pop(step.build)
        columns: dict[int, Column] = {c.id: c for c in (*left.columns, *right.columns)}

        def equal(pair: tuple[int, int]) -> Expression:
            return call("=", [reference(columns[i]) for i in pair])

        residual: list[Expression] = []
        if step.alone and isinstance(left, Union) and is_partitioned(left) and not is_local(left):
            node: Node = join_public(left, right, step.pairs, self._context.ids)
        else:
            pairs = step.pairs
            if step.key is not None and not step.alone:
                wanted = _covering(step.pairs, step.key, self._classes)
                residual = [equal(pair) for pair in step.pairs if pair not in wanted]
                pairs = wanted
            condition = tuple(equal(pair) for pair in pairs)
            node = join("inner", left, right, condition, right.span or left.span)
        self._units[step.probe] = node
        for predicate in residual:
            self._restrict(step.probe, predicate)
        self._apply_pending(step.probe)


def _width(column: Column, encoding: Encoding | None) -> int:
    """Bits that a column is carried in; a value without a bound is never shared."""
    return (0 if encoding is None else encoding.width) + column.nullable


def _covering(
    pairs: tuple[tuple[int, int], ...], key: Key, classes: list[set[int]]
) -> tuple[tuple[int, int], ...]:
    """The pairs that the key needs: those whose class holds a key column."""
    needed = [c for c in classes if c & key.ids]
    found = tuple(pair for pair in pairs if any(pair[1] in c for c in needed))
    return found or pairs
