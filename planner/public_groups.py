"""Groups that are all known before any row is: those of keys from small public domains."""

from __future__ import annotations

from itertools import product
from math import prod

from ..query.datatypes import Column
from .secure import Aggregate

MOST_GROUPS = 64
"""Beyond, a flag for every row and group costs more than a sort."""

SUMMED = ("count_star", "count", "sum")

Group = tuple[int | None, ...]


def public_groups(node: Aggregate) -> tuple[Group, ...] | None:
    """Every possible combination of encoded key values (None: NULL), ascending, NULL last.

    None if there are too many, if the aggregates are not sums and counts alone, or if other public
    facts bound the groups more tightly.
    """
    if not node.keys or any(spec.function not in SUMMED for spec in node.aggregates):
        return None
    by_id = {column.id: column for column in node.input.columns}
    keys = [by_id[key] for key in node.keys]
    sizes = [_size(key) for key in keys]
    if (
        any(size is None for size in sizes)
        or prod(s or 0 for s in sizes) != node.rows
        or node.rows > MOST_GROUPS
    ):
        return None
    return tuple(product(*(_values(key) for key in keys)))


def _size(key: Column) -> int | None:
    encoding = key.encoding
    if encoding is None or encoding.text_bytes is not None or encoding.width > 8:
        return None
    size = encoding.hi - encoding.lo + 1 + key.nullable
    return size if size <= MOST_GROUPS else None


def _values(key: Column) -> list[int | None]:
    assert key.encoding is not None
    known: list[int | None] = list(range(key.encoding.lo, key.encoding.hi + 1))
    return [*known, None] if key.nullable else known
