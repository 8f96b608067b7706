"""Joins that no unique key carries: every row of one side beside every row of the other.

a JOIN b ON a.x < b.y            =>  Product(inner, a, b, a.x < b.y)
a LEFT JOIN b, neither unique    =>  Product(left, a, b, a.k = b.k)

The product's size is public and must stay within MAX_PAIRS; beyond that the join is refused.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..query.bound import Expression
from ..query.datatypes import Column
from ..query.errors import Span, UnsupportedError
from .expressions import columns_of, conjunction
from .logical import Join
from .scalars import Scalars
from .secure import Operator, Product, ProductKind
from .widths import check_parts

if TYPE_CHECKING:
    from .lower import Lowering

MAX_PAIRS = 1_000_000
"""Pairs of rows that a join may try: some tens of megabytes of shares, and of traffic."""


def lower_product(lowering: Lowering, node: Join, needed: frozenset[int]) -> Operator:
    """The join by trying all pairs. UnsupportedError if there are too many."""
    wanted = needed | columns_of(*node.condition)
    left = lowering.lower(node.left, wanted & frozenset(node.left.ids))
    right = lowering.lower(node.right, wanted & frozenset(node.right.ids))
    return all_pairs(node, left, right, needed)


def all_pairs(node: Join, left: Operator, right: Operator, needed: frozenset[int]) -> Operator:
    """The join of two sides by trying all pairs. UnsupportedError if there are too many."""
    if left.rows * right.rows > MAX_PAIRS:
        raise too_many_pairs(node, left.rows, right.rows)
    given = (*left.columns, *right.columns)
    return Product(
        columns=_columns(node, left, right, needed),
        rows=_rows(node.kind, left.rows, right.rows),
        kind=_KINDS[node.kind],
        left=left,
        right=right,
        predicate=_predicate(node, given),
    )


_KINDS: dict[str, ProductKind] = {
    "inner": "inner",
    "left": "left",
    "full": "full",
    "semi": "semi",
    "anti": "anti",
}


def _rows(kind: str, left: int, right: int) -> int:
    match kind:
        case "semi" | "anti":
            return left
        case "left":
            return left * right + left
        case "full":
            return left * right + left + right
        case _:
            return left * right


def _columns(
    node: Join, left: Operator, right: Operator, needed: frozenset[int]
) -> tuple[Column, ...]:
    kept = []
    for side, extended in ((left, ("full",)), (right, ("left", "full"))):
        if side is right and node.kind in ("semi", "anti"):
            break
        for column in side.columns:
            if column.id in needed:
                nullable = column.nullable or node.kind in extended
                kept.append(dataclasses.replace(column, nullable=nullable))
    return tuple(kept)


def _predicate(node: Join, given: tuple[Column, ...]) -> Expression | None:
    if not node.condition:
        return None
    rewritten = Scalars({c.id: c for c in given}).rewrite(conjunction(node.condition))
    check_parts(rewritten, {c.id: c.encoding for c in given})
    return rewritten


def too_many_pairs(node: Join, left: int, right: int) -> UnsupportedError:
    """The refusal of a join whose public bound is too large."""
    return UnsupportedError(
        f"this join has no equality between columns of its sides, so that {left:,} times "
        f"{right:,} pairs of rows would have to be tried; at most {MAX_PAIRS:,} are allowed",
        span=_place(node),
        hint="add a condition a.key = b.key, or filter and aggregate the sides first",
    )


def _place(node: Join) -> Span | None:
    return node.span or next((c.span for c in node.condition if c.span), None)
