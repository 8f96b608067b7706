"""Secure joins: the build side is unique on its key, everything else becomes filters around it.

a JOIN b ON a.k = b.k AND a.x < b.y        =>  Filter(a.x < b.y, a JOIN b on k)
a SEMI JOIN b ON a.k = b.k AND a.x > 1     =>  probe key CASE WHEN a.x > 1 THEN a.k END

LEFT and FULL joins are lower_outer.py; without a unique key, lower_expand.py.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..query.bound import Case, Expression
from ..query.datatypes import Column
from .expressions import column_pair, columns_of, conjunction, reference
from .key_columns import with_key_columns
from .known import Key
from .logical import Join
from .lower_attach import attach_one_row
from .revealing import revealable
from .secure import Fragment, JoinKind, Operator, Revealable
from .secure import Join as SecureJoin

if TYPE_CHECKING:
    from .lower import Lowering

Pairs = tuple[tuple[int, int], ...]


def lower_join(lowering: Lowering, node: Join, needed: frozenset[int]) -> Operator:
    """The secure operators of a join across owners. UnsupportedError if there are none."""
    from .lower_expand import lower_repeated
    from .lower_outer import lower_full, lower_left

    node = with_key_columns(node, lowering.ids)
    pairs, residual = _split(node)
    attached = attach_one_row(lowering, node, needed)
    if attached is not None:
        return attached
    if not _has_key(lowering, node, pairs):
        return lower_repeated(lowering, node, pairs, residual, needed)
    match node.kind:
        case "inner":
            return matches(Sides.of(lowering, node, pairs, residual, needed), needed)
        case "left":
            return lower_left(Sides.of(lowering, node, pairs, residual, needed), needed)
        case "full":
            return lower_full(Sides.of(lowering, node, pairs, residual, needed), needed)
        case _:
            return _semi(lowering, node, pairs, residual, needed)


def _has_key(lowering: Lowering, node: Join, pairs: Pairs) -> bool:
    """Whether an equi-join can run it: with a key that is unique on one side."""
    if not pairs:
        return False
    if node.kind in ("semi", "anti"):
        left = frozenset(node.left.ids)
        _, residual = _split(node)
        return all(columns_of(condition) <= left for condition in residual)
    sides = zip((node.left, node.right), zip(*pairs, strict=True), strict=True)
    return any(
        lowering.analysis.facts(side).unique_on(frozenset(ids)) is not None for side, ids in sides
    )


def _split(node: Join) -> tuple[Pairs, tuple[Expression, ...]]:
    """Key equalities as (left column, right column), and the other conditions."""
    left, right = frozenset(node.left.ids), frozenset(node.right.ids)
    pairs: list[tuple[int, int]] = []
    residual = []
    for condition in node.condition:
        pair = column_pair(condition)
        if pair is not None and pair[0] in left and pair[1] in right:
            pairs.append(pair)
        elif pair is not None and pair[1] in left and pair[0] in right:
            pairs.append((pair[1], pair[0]))
        else:
            residual.append(condition)
    return tuple(pairs), tuple(residual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both sides of a join as operators, with what joins them.

    `pairs`: key columns (left, right). `residual`: the other conditions. `left_key`, `right_key`:
    the unique key that the pairs cover on that side, if there is one.
    """

    lowering: Lowering
    node: Join
    left: Operator
    right: Operator
    pairs: Pairs
    residual: tuple[Expression, ...]
    left_key: Key | None
    right_key: Key | None

    @staticmethod
    def of(
        lowering: Lowering,
        node: Join,
        pairs: Pairs,
        residual: tuple[Expression, ...],
        needed: frozenset[int],
    ) -> Sides:
        """Lowers both sides with the columns that are needed above and by the join itself."""
        wanted = needed | columns_of(*residual)
        keys = frozenset(a for a, _ in pairs), frozenset(b for _, b in pairs)
        return Sides(
            lowering=lowering,
            node=node,
            left=lowering.lower(node.left, (wanted & frozenset(node.left.ids)) | keys[0]),
            right=lowering.lower(node.right, (wanted & frozenset(node.right.ids)) | keys[1]),
            pairs=pairs,
            residual=residual,
            left_key=lowering.analysis.facts(node.left).unique_on(keys[0]),
            right_key=lowering.analysis.facts(node.right).unique_on(keys[1]),
        )

    @property
    def turned(self) -> Sides:
        """The same join seen from the other side."""
        return dataclasses.replace(
            self,
            left=self.right,
            right=self.left,
            pairs=tuple((b, a) for a, b in self.pairs),
            left_key=self.right_key,
            right_key=self.left_key,
        )


def matches(sides: Sides, needed: frozenset[int]) -> Operator:
    """The pairs of rows that satisfy the whole condition, as an inner join gives them.

    The build is a unique side; if both are, the one with more rows, as the result has the others.
    """
    nodes = (sides.node.left, sides.node.right)
    if _turns(sides):
        sides, nodes = sides.turned, nodes[::-1]
    wanted = needed | columns_of(*sides.residual)
    joined: Operator = equi_join(
        "inner",
        sides.left,
        sides.right,
        sides.pairs,
        key=sides.right_key,
        wanted=wanted,
        revealable=revealable(sides.lowering, *nodes, sides.pairs),
    )
    if sides.residual:
        joined = sides.lowering.filter(joined, conjunction(sides.residual))
    return joined


def _turns(sides: Sides) -> bool:
    """Whether the left side is the better build. Rows that may have an order stay the probe."""
    left, right = sides.left_key, sides.right_key
    if left is None or right is None:
        return right is None
    fragments = isinstance(sides.left, Fragment) and isinstance(sides.right, Fragment)
    return fragments and not left.by_contract and sides.left.rows > sides.right.rows


def equi_join(
    kind: JoinKind,
    probe: Operator,
    build: Operator,
    pairs: Pairs,
    *,
    key: Key | None,
    wanted: frozenset[int],
    revealable: Revealable | None = None,
) -> SecureJoin:
    """The secure join of two operators, with the wanted columns."""
    columns = tuple(c for c in probe.columns if c.id in wanted)
    if kind in ("inner", "left"):
        kept = tuple(c for c in build.columns if c.id in wanted)
        if kind == "left":
            kept = tuple(dataclasses.replace(c, nullable=True) for c in kept)
        columns += kept
    return SecureJoin(
        columns=columns,
        rows=probe.rows,
        kind=kind,
        probe=probe,
        build=build,
        probe_keys=tuple(a for a, _ in pairs),
        build_keys=tuple(b for _, b in pairs),
        check_unique=key is not None and key.by_contract and kind in ("inner", "left"),
        sort="quick",
        revealable=revealable,
    )


def _semi(
    lowering: Lowering,
    node: Join,
    pairs: Pairs,
    residual: tuple[Expression, ...],
    needed: frozenset[int],
) -> Operator:
    """EXISTS and NOT EXISTS: matching keys; conditions on the left alone switch the key off."""
    left_ids = frozenset(node.left.ids)
    wanted = needed | columns_of(*residual) | {a for a, _ in pairs}
    probe = lowering.lower(node.left, wanted & left_ids)
    build = lowering.lower(node.right, frozenset(b for _, b in pairs))
    probe, pairs = switched(lowering, node, probe, pairs, residual)
    if node.kind == "anti":
        return equi_join("anti", probe, build, pairs, key=None, wanted=needed)
    reveals = revealable(lowering, node.left, node.right, pairs) if not residual else None
    return equi_join("semi", probe, build, pairs, key=None, wanted=needed, revealable=reveals)


def switched(
    lowering: Lowering, node: Join, probe: Operator, pairs: Pairs, switch: tuple[Expression, ...]
) -> tuple[Operator, Pairs]:
    """The probe with a first key that is NULL (and so matches nothing) where `switch` fails."""
    if not switch:
        return probe, pairs
    by_id = {c.id: c for c in probe.columns}
    first = by_id[pairs[0][0]]
    column = dataclasses.replace(first, id=lowering.ids.fresh(), nullable=True)
    guarded = Case(
        type=first.type,
        nullable=True,
        branches=((conjunction(switch), reference(first)),),
        otherwise=None,
    )
    items: list[tuple[Column, Expression]] = [(c, reference(c)) for c in probe.columns]
    items.append((column, guarded))
    facts = lowering.analysis.facts(node)
    return lowering.project(probe, items, facts), ((column.id, pairs[0][1]), *pairs[1:])
