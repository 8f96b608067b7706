"""Joins of keys that repeat on both sides, expanded to a public bound on the pairs.

a JOIN b ON a.k = b.k AND a.x < b.y        =>  Filter(a.x < b.y, Expand(a, b on k))
a LEFT JOIN b ON a.k = b.k                 =>  Expand, and a ANTI JOIN b with NULLs for b
a SEMI JOIN b ON a.k = b.k AND a.x < b.y   =>  number the rows of a; a SEMI JOIN pairs on the number

Where a condition besides the key decides whether a row has a match, rows are told apart by a
number that they are given before the join.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..query.bound import Expression, Frame
from ..query.datatypes import BIGINT, Column, Encoding
from .expressions import columns_of, conjunction
from .logical import Join
from .lower_join import Pairs, Sides, equi_join
from .lower_outer import stacked
from .lower_product import all_pairs, lower_product
from .pair_bounds import PairBound, pair_bound, prefers_all_pairs
from .secure import Expand, JoinKind, Operator, Window, WindowSpec

if TYPE_CHECKING:
    from .lower import Lowering


def lower_repeated(
    lowering: Lowering,
    node: Join,
    pairs: Pairs,
    residual: tuple[Expression, ...],
    needed: frozenset[int],
) -> Operator:
    """A join that is unique on neither side: expanded, or by trying all pairs.

    UnsupportedError without an equality between the sides, if there are too many pairs to try.
    """
    if not pairs:
        return lower_product(lowering, node, needed)
    sides = Sides.of(lowering, node, pairs, residual, needed)
    bound = pair_bound(sides)
    if prefers_all_pairs(sides, bound):
        return all_pairs(node, sides.left, sides.right, needed)
    match node.kind:
        case "semi":
            return _existing(sides, bound, "semi", needed)
        case "anti":
            return _existing(sides, bound, "anti", needed)
        case "inner":
            return _pairs(sides, bound, needed)
        case _:
            return _outer(sides, bound, needed)


def _pairs(sides: Sides, bound: PairBound, needed: frozenset[int]) -> Operator:
    """The pairs of rows that satisfy the whole condition."""
    wanted = needed | columns_of(*sides.residual)
    given = (*sides.left.columns, *sides.right.columns)
    expanded = Expand(
        columns=tuple(column for column in given if column.id in wanted),
        rows=bound.rows,
        left=sides.left,
        right=sides.right,
        left_keys=tuple(a for a, _ in sides.pairs),
        right_keys=tuple(b for _, b in sides.pairs),
        overflow=bound.overflow,
        sort="quick",
    )
    if not sides.residual:
        return expanded
    return sides.lowering.filter(expanded, conjunction(sides.residual))


def _existing(sides: Sides, bound: PairBound, kind: JoinKind, needed: frozenset[int]) -> Operator:
    """Left rows that are (semi) or are not (anti) in some pair."""
    left, number = _numbered(sides.lowering, sides.left)
    found = _pairs(dataclasses.replace(sides, left=left), bound, frozenset({number}))
    return equi_join(kind, left, found, ((number, number),), key=None, wanted=needed)


def _outer(sides: Sides, bound: PairBound, needed: frozenset[int]) -> Operator:
    """LEFT and FULL: the pairs, and the rows of the preserved sides that are in none."""
    full = sides.node.kind == "full"
    if not sides.residual:
        parts = [_pairs(sides, bound, needed)]
        for one in (sides, sides.turned) if full else (sides,):
            parts.append(equi_join("anti", one.left, one.right, one.pairs, key=None, wanted=needed))
        return stacked(sides, parts, needed)
    left, number = _numbered(sides.lowering, sides.left)
    preserved = [(left, number)]
    right = sides.right
    if full:
        right, number = _numbered(sides.lowering, sides.right)
        preserved.append((right, number))
    numbers = frozenset(number for _, number in preserved)
    found = _pairs(dataclasses.replace(sides, left=left, right=right), bound, needed | numbers)
    lonely = [
        equi_join("anti", side, found, ((number, number),), key=None, wanted=needed)
        for side, number in preserved
    ]
    return stacked(sides, [found, *lonely], needed)


def _numbered(lowering: Lowering, side: Operator) -> tuple[Operator, int]:
    """The rows with a number of their own, and the id of its column."""
    column = Column(
        id=lowering.ids.fresh(),
        name="number",
        type=BIGINT,
        encoding=Encoding(lo=1, hi=max(1, side.rows)),
        nullable=False,
    )
    spec = WindowSpec(
        column=column,
        function="row_number",
        argument=None,
        number=0,
        frame=Frame(unit="rows", start=None, stop=None),
    )
    numbered = Window(
        columns=(*side.columns, column),
        rows=side.rows,
        input=side,
        partition=(),
        order=(),
        calls=(spec,),
        sort="quick",
    )
    return numbered, column.id
