"""Walks over bound trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from .bound import Expression, OrderKey, Query, Relation

Skip = Callable[[object], bool]


def nodes_of(root: object, skip: Skip | None = None) -> Iterator[Expression]:
    """Every expression in a tree, outermost first, those of its subqueries included.

    skip: nodes that are left out with everything below them.
    """
    if isinstance(root, tuple):
        for part in root:
            yield from nodes_of(part, skip)
        return
    if not isinstance(root, Expression | Relation | Query | OrderKey):
        return
    if skip is not None and skip(root):
        return
    if isinstance(root, Expression):
        yield root
    for entry in dataclasses.fields(root):
        if entry.name not in ("type", "span", "columns", "table"):
            yield from nodes_of(getattr(root, entry.name), skip)


def contains(root: Expression, kind: type[Expression]) -> bool:
    """Whether an expression of a kind stands in this expression, outside its subqueries."""
    return any(
        isinstance(node, kind) for node in nodes_of(root, skip=lambda n: isinstance(n, Query))
    )
