"""Walks over bound trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from .bound import BoundTable, Expression, OrderKey, Query, Relation

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


def tables_of(root: object) -> Iterator[BoundTable]:
    """Every table that a bound statement, query or expression reads, wherever it stands."""
    if isinstance(root, BoundTable):
        yield root
    elif isinstance(root, tuple):
        for item in root:
            yield from tables_of(item)
    elif hasattr(root, "__dataclass_fields__"):
        for entry in dataclasses.fields(root):  # type: ignore[arg-type]
            yield from tables_of(getattr(root, entry.name))


def sources_of(root: object) -> tuple[tuple[str, str], ...]:
    """The (owner, table) pairs whose rows a statement reads, also through shared tables. Sorted."""
    found: set[tuple[str, str]] = set()
    for bound in tables_of(root):
        if bound.table.sharing is not None:
            found.update(bound.table.sharing.sources)
        else:
            owners = (bound.owner,) if bound.owner else bound.table.owners
            found.update((owner, bound.table.name) for owner in owners)
    return tuple(sorted(found))


def contains(root: Expression, kind: type[Expression]) -> bool:
    """Whether an expression of a kind stands in this expression, outside its subqueries."""
    return any(
        isinstance(node, kind) for node in nodes_of(root, skip=lambda n: isinstance(n, Query))
    )
