"""The public facts of a logical node, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeAlias

from ..query.datatypes import Encoding
from ..query.ranges import union_of
from .dependencies import Dependencies
from .multiplicity import Repeats

Total: TypeAlias = tuple[int, int]
"""At most this much in all is taken away, and added, by a column's values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A set of columns whose combination is unique. `by_contract`: no single owner can check it."""

    ids: frozenset[int]
    by_contract: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`rows`: bound on the rows. `ranges`: encoding by column id (None: never leaves its owner).

    `averages`: by (id of a sum, id of a count), a bound on |sum / count|, in the sum's encoding.
    `smallest`: a lower bound on the magnitude of the column's non-zero encoded values.
    `dependencies`: columns that follow from others. `distinct`: bounds on a column's values.
    `repeats`: how many rows agree on some columns, besides what the keys say.
    `totals`: by column id, bounds on the sums of its negative and of its positive encoded values
    over any of the rows, where these are tighter than what rows and range say.
    """

    rows: int
    keys: tuple[Key, ...]
    ranges: dict[int, Encoding | None]
    smallest: dict[int, int]
    averages: dict[tuple[int, int], int] = field(default_factory=dict)
    dependencies: Dependencies = ()
    distinct: dict[int, int] = field(default_factory=dict)
    repeats: tuple[Repeats, ...] = ()
    totals: dict[int, Total] = field(default_factory=dict)

    def total(self, column_id: int) -> Total | None:
        """Bounds on what the column's values sum up to; None without a range."""
        encoding = self.ranges.get(column_id)
        if encoding is None:
            return None
        low, high = self.rows * min(0, encoding.lo), self.rows * max(0, encoding.hi)
        known = self.totals.get(column_id, (low, high))
        return max(low, known[0]), min(high, known[1])

    def unique_on(self, ids: frozenset[int]) -> Key | None:
        """A key within these columns: one that its owner can check, if there is any."""
        found = [key for key in self.keys if key.ids <= ids]
        return min(found, key=lambda k: (k.by_contract, sorted(k.ids))) if found else None


def domain_size(encoding: Encoding | None, *, nullable: bool) -> int | None:
    """How many values a column may take, NULL included; None if that is not bounded."""
    if encoding is None:
        return None
    return encoding.hi - encoding.lo + 1 + nullable


def common_range(encodings: Sequence[Encoding | None]) -> Encoding | None:
    """One encoding that holds the values of all; None if one of them has no encoding."""
    return reduce(union_of, encodings) if encodings else None
