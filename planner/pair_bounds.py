"""The public bound on the pairs of a join whose keys repeat on both sides, and how to find them.

The bound follows from the catalog where it bounds the rows of one key closely enough; the join
then cannot fail. Otherwise it is PAIRS_PER_ROW for every row of either side, and the query fails
if there are more pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..query.datatypes import Column
from .lower_product import MAX_PAIRS
from .multiplicity import most_rows_per
from .rules.join_search import KEY, PAYLOAD, SORT

if TYPE_CHECKING:
    from .lower_join import Sides

PAIRS_PER_ROW = 4
"""Pairs for every row of both sides, where the catalog does not bound them."""

CLOSE = 16
"""A bound by the catalog is taken up to so many pairs for every row of both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairBound:
    """`overflow`: the error if there are more pairs than `rows`; None where that cannot be."""

    rows: int
    overflow: str | None


def pair_bound(sides: Sides) -> PairBound:
    """The bound that the plan states."""
    left, right = sides.left.rows, sides.right.rows
    facts = sides.lowering.analysis.facts
    most = [
        most_rows_per(keys, side, facts(side))
        for keys, side in zip(
            zip(*sides.pairs, strict=True), (sides.node.left, sides.node.right), strict=True
        )
    ]
    proven = min(left * right, left * most[1], right * most[0])
    if proven > CLOSE * (left + right):
        rows = PAIRS_PER_ROW * (left + right)
        return PairBound(rows=rows, overflow=_overflow(sides, rows))
    return PairBound(rows=proven, overflow=None)


def prefers_all_pairs(sides: Sides, bound: PairBound) -> bool:
    """Whether to try all pairs: where that is cheaper, or possible and expanding might fail."""
    left, right = sides.left.rows, sides.right.rows
    if left * right > MAX_PAIRS:
        return False
    if bound.overflow is not None or not left * right:
        return True
    names = {c.id: c for c in (*sides.left.columns, *sides.right.columns)}
    key = sum(max(_width(names[a]), _width(names[b])) for a, b in sides.pairs)
    payload = sum(_width(column) for column in names.values())
    expanding = (left + right) * (SORT + KEY * key)
    expanding += (left + right + 2 * bound.rows) * (SORT + PAYLOAD * payload)
    return left * right * (key + SORT) <= expanding + bound.rows * SORT


def _width(column: Column) -> int:
    return column.encoding.width if column.encoding is not None else 0


def _overflow(sides: Sides, rows: int) -> str:
    names = {c.id: c.name for c in (*sides.node.left.columns, *sides.node.right.columns)}
    keys = " and ".join(f"{names[a]} = {names[b]}" for a, b in sides.pairs)
    return (
        f"the join on {keys} has more than {rows:,} pairs of rows, the bound that its plan states: "
        "aggregate one side by its key before the join, filter the sides, split the query, or say "
        "in the catalog how often a key may occur (a PRIMARY KEY or UNIQUE with bounds on its "
        "other columns)"
    )
