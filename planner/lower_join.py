"""Secure joins: the build side is unique on its key, everything else becomes filters around it.

a LEFT JOIN b ON a.k = b.k AND a.x > 1     =>  probe key CASE WHEN a.x > 1 THEN a.k END
a LEFT JOIN b ON a.k = b.k AND a.x < b.y   =>  the columns of b are NULL where the rest fails
a LEFT JOIN b, only a.k unique             =>  b JOIN a, and the rows of a that match nothing
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..query.bound import Case, Expression, Literal
from ..query.datatypes import Column
from ..query.errors import UnsupportedError
from .expressions import column_pair, columns_of, conjunction, reference
from .known import Facts, Key
from .logical import Join
from .lower_attach import attach_one_row, nulled
from .secure import Concat, JoinKind, Operator
from .secure import Join as SecureJoin

if TYPE_CHECKING:
    from .lower import Lowering

Pairs = tuple[tuple[int, int], ...]


def lower_join(lowering: Lowering, node: Join, needed: frozenset[int]) -> Operator:
    """The secure operators of a join across owners. UnsupportedError if there are none."""
    pairs, residual = _split(node)
    if node.kind in ("right", "full"):
        raise UnsupportedError(
            f"{node.kind.upper()} JOIN across owners is not supported",
            span=node.span,
            hint="turn it round into a LEFT JOIN, or join the parts of one owner alone",
        )
    attached = attach_one_row(lowering, node, needed)
    if attached is not None:
        return attached
    if not pairs:
        raise UnsupportedError(
            "a join across owners needs an equality between a column of each side",
            span=node.span,
            hint="add a condition a.key = b.key",
        )
    match node.kind:
        case "inner":
            return _inner(lowering, node, pairs, residual, needed)
        case "left":
            return _left(lowering, node, pairs, residual, needed)
        case _:
            return _semi(lowering, node, pairs, residual, needed)


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


def _unique(facts: Facts, ids: tuple[int, ...]) -> Key | None:
    return facts.unique_on(frozenset(ids))


def _inner(
    lowering: Lowering,
    node: Join,
    pairs: Pairs,
    residual: tuple[Expression, ...],
    needed: frozenset[int],
) -> Operator:
    """The right side is the build if it is unique, else the left, else the join is refused."""
    wanted = needed | columns_of(*residual)
    probe, build = node.left, node.right
    key = _unique(lowering.analysis.facts(build), tuple(b for _, b in pairs))
    if key is None:
        probe, build, pairs = build, probe, tuple((b, a) for a, b in pairs)
        key = _unique(lowering.analysis.facts(build), tuple(b for _, b in pairs))
    if key is None:
        raise _many_to_many(node)
    left = lowering.lower(probe, (wanted & frozenset(probe.ids)) | {a for a, _ in pairs})
    right = lowering.lower(build, (wanted & frozenset(build.ids)) | {b for _, b in pairs})
    joined: Operator = _operator("inner", left, right, pairs, key=key, wanted=wanted)
    if residual:
        joined = lowering.filter(joined, conjunction(residual))
    return joined


def _many_to_many(node: Join) -> UnsupportedError:
    return UnsupportedError(
        "this join across owners may match many rows with many: neither side is unique on its key",
        span=node.span or next((c.span for c in node.condition if c.span), None),
        hint="aggregate one side by its key first (GROUP BY in a derived table), or declare a "
        "PRIMARY KEY or UNIQUE that the join covers",
    )


def _operator(
    kind: JoinKind,
    probe: Operator,
    build: Operator,
    pairs: Pairs,
    *,
    key: Key | None,
    wanted: frozenset[int],
) -> SecureJoin:
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
    for condition in residual:
        if not columns_of(condition) <= left_ids:
            raise UnsupportedError(
                "a subquery across owners may be correlated by equalities only",
                span=condition.span,
                hint="move the condition into a join, or compare columns of one owner",
            )
    wanted = needed | columns_of(*residual) | {a for a, _ in pairs}
    probe = lowering.lower(node.left, wanted & left_ids)
    build = lowering.lower(node.right, frozenset(b for _, b in pairs))
    probe, pairs = _switched(lowering, node, probe, pairs, residual)
    kind: JoinKind = "semi" if node.kind == "semi" else "anti"
    return _operator(kind, probe, build, pairs, key=None, wanted=needed)


def _switched(
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
    facts = lowering.analysis.facts(node.left)
    return lowering.project(probe, items, facts), ((column.id, pairs[0][1]), *pairs[1:])


def _left(
    lowering: Lowering,
    node: Join,
    pairs: Pairs,
    residual: tuple[Expression, ...],
    needed: frozenset[int],
) -> Operator:
    """The preserved side is the probe; turned round if only that side is unique."""
    key = _unique(lowering.analysis.facts(node.right), tuple(b for _, b in pairs))
    left_ids, right_ids = frozenset(node.left.ids), frozenset(node.right.ids)
    switch = tuple(e for e in residual if columns_of(e) <= left_ids)
    both = tuple(e for e in residual if e not in switch)
    if key is None:
        return _left_of_unique(lowering, node, pairs, further=residual, needed=needed)
    wanted = needed | columns_of(*residual) | {a for a, _ in pairs}
    probe = lowering.lower(node.left, wanted & left_ids)
    build = lowering.lower(node.right, (wanted & right_ids) | {b for _, b in pairs})
    probe, pairs = _switched(lowering, node, probe, pairs, switch)
    joined: Operator = _operator(
        "left", probe, build, pairs, key=key, wanted=needed | columns_of(*both)
    )
    if both:
        joined = nulled(
            lowering, node, joined, conjunction(both), extended=right_ids, needed=needed
        )
    return joined


def _left_of_unique(
    lowering: Lowering,
    node: Join,
    pairs: Pairs,
    *,
    further: tuple[Expression, ...],
    needed: frozenset[int],
) -> Operator:
    """UNION ALL of the inner join, probed by the other side, and of the rows that match nothing."""
    key = _unique(lowering.analysis.facts(node.left), tuple(a for a, _ in pairs))
    if key is None:
        raise _many_to_many(node)
    if further:
        raise UnsupportedError(
            "further conditions in the ON of this LEFT JOIN are not supported: many rows of the "
            "right side may match one of the left",
            span=further[0].span,
            hint="filter or aggregate the right side in a derived table first",
        )
    ids = tuple(c for c in node.columns if c.id in needed)
    left_ids, right_ids = frozenset(node.left.ids), frozenset(node.right.ids)
    left = lowering.lower(node.left, (needed & left_ids) | {a for a, _ in pairs})
    right = lowering.lower(node.right, (needed & right_ids) | {b for _, b in pairs})
    swapped = tuple((b, a) for a, b in pairs)
    matched = _operator("inner", right, left, swapped, key=key, wanted=needed)
    alone = _operator("anti", left, right, pairs, key=None, wanted=needed)
    facts = lowering.analysis.facts(node)
    given = {c.id: c for c in matched.columns}
    inner = lowering.project(matched, [(given[c.id], reference(given[c.id])) for c in ids], facts)
    rest: list[tuple[Column, Expression]] = []
    for column in inner.columns:
        value: Expression = reference(column)
        if column.id in right_ids:
            value = Literal(type=column.type, nullable=True, value=None)
        rest.append((column, value))
    lonely = lowering.project(alone, rest, facts)
    lonely = dataclasses.replace(lonely, columns=_same_ranges(lonely.columns, inner.columns))
    columns = tuple(
        dataclasses.replace(a, nullable=a.nullable or b.nullable)
        for a, b in zip(inner.columns, lonely.columns, strict=True)
    )
    return Concat(columns=columns, rows=inner.rows + lonely.rows, inputs=(inner, lonely))


def _same_ranges(columns: tuple[Column, ...], like: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(
        dataclasses.replace(column, encoding=other.encoding, type=other.type)
        for column, other in zip(columns, like, strict=True)
    )
