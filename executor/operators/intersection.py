"""Equi-joins of two owners who tell each other which of their key values they share.

Setting: any sharing protocol; two owners who compute. Inputs: each owner's fragment, and the key
values of its whole table, in clear at that owner. Output: the aligned rows, shared.

1. The owners intersect the key values of their tables (circuits/intersection): each learns which of
   its own the other has too. Both know the common values then, and so their order.
2. Each puts its fragment's row of the r-th common value into row r, and shares these rows, valid
   where its fragment has one: which of the common values it keeps stays its own.
3. A row of the result is valid if both sides' are.

Cost: a round for the seed and those of the intersection, one to share, one AND; the bits of the
columns that are kept. No key is shared unless it is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...planner.secure import Fragment, Intersection
from ...query.datatypes import Column, Encoding
from ..circuits.intersection.intersect import intersect
from ..sharing.protocol import SharingProtocol
from .comparison import common_encoding
from .fragment import OwnedRows, encode_rows, packed_values, share_fragments
from .table import SecretTable, encoding_of_column

Held = Mapping[Fragment, pa.Table]
"""What this party's own fragments gave, where their rows stay with it."""


def intersection(
    p: SharingProtocol, node: Intersection, owners: tuple[int, int], held: Held
) -> SecretTable:
    """Joins two owners' rows as the plan's node says. `owners`: the probe's and the build's."""
    sides = _Side.of(node)
    encodings = tuple(map(common_encoding, *(side.encodings for side in sides)))
    own = next((side for side in sides if side.values in held), None)
    keys = None if own is None else KeyValues.of(held[own.values], own.values.columns, encodings)
    bounds = (sides[0].values.rows, sides[1].values.rows)
    here = intersect(p, owners, bounds, None if keys is None else keys.rows, node.by)
    items: list[tuple[Fragment, int, OwnedRows | None]] = []
    for side, owner in zip(sides, owners, strict=True):
        owned = None
        if side is own and keys is not None and here is not None:
            owned = _aligned(side, held[side.fragment], encodings, keys, here)
        items.append((side.kept, owner, owned))
    probe, build = share_fragments(p, items)
    (valid,) = p.and_([(probe.valid, build.valid)])
    return SecretTable(node.rows, {**probe.columns, **build.columns}, valid)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One owner's part: its fragment, its keys there, its table's key values, what it shares."""

    fragment: Fragment
    keys: tuple[int, ...]
    values: Fragment
    kept: Fragment

    @staticmethod
    def of(node: Intersection) -> tuple[_Side, _Side]:
        wanted = frozenset(column.id for column in node.columns)
        sides = []
        for fragment, keys, revealed in (
            (node.probe, node.probe_keys, node.reveals.probe),
            (node.build, node.build_keys, node.reveals.build),
        ):
            kept = [
                (column, form)
                for column, form in zip(fragment.columns, fragment.forms, strict=True)
                if column.id in wanted
            ]
            shared = dataclasses.replace(
                fragment,
                rows=node.rows,
                columns=tuple(column for column, _ in kept),
                forms=tuple(form for _, form in kept),
            )
            sides.append(_Side(fragment=fragment, keys=keys, values=revealed.values, kept=shared))
        return sides[0], sides[1]

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        return tuple(encoding_of_column(column) for column in self.values.columns)

    def columns(self, ids: Sequence[int]) -> list[int]:
        """The positions of the fragment's columns of these ids."""
        places = {column.id: place for place, column in enumerate(self.fragment.columns)}
        return [places[i] for i in ids]


def _aligned(
    side: _Side,
    table: pa.Table,
    encodings: tuple[Encoding, ...],
    keys: KeyValues,
    here: NDArray[np.bool_],
) -> OwnedRows:
    """An owner's rows of common keys, each in the row that its key has among these."""
    key_places = side.columns(side.keys)
    columns = tuple(side.fragment.columns[place] for place in key_places)
    given = KeyValues.of(table.select(key_places), columns, encodings, distinct=False)
    place = keys.find(given)
    common = np.flatnonzero((place >= 0) & here[place])
    rank = np.cumsum(here) - 1
    kept = table.select(side.columns([column.id for column in side.kept.columns]))
    taken = kept.take(pa.array(given.source[common]))
    return encode_rows(side.kept, taken, rank[place[common]])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeyValues:
    """Keys as rows of bytes, those with a NULL left out; `source`: the rows that they stand in.

    `sortable`: the same as a vector whose order is the same at all owners.
    """

    rows: NDArray[np.uint8]
    source: NDArray[np.intp]
    sortable: NDArray[Any]

    @staticmethod
    def of(
        table: pa.Table,
        columns: Sequence[Column],
        encodings: Sequence[Encoding],
        *,
        distinct: bool = True,
    ) -> KeyValues:
        """The keys of a table under encodings that all owners use; in order if `distinct`."""
        parts, unknown = [], np.zeros(table.num_rows, np.bool_)
        for place, (column, encoding) in enumerate(zip(columns, encodings, strict=True)):
            target = dataclasses.replace(column, encoding=encoding)
            packed, nulls = packed_values(table.column(place), target)
            parts.append(packed)
            if nulls is not None:
                unknown |= nulls
        rows = np.concatenate(parts, axis=1)
        source = np.flatnonzero(~unknown)
        rows = rows[source]
        sortable = _sortable(rows)
        if distinct:
            order = np.argsort(sortable, kind="stable")
            return KeyValues(rows[order], source[order], sortable[order])
        return KeyValues(rows, source, sortable)

    def find(self, keys: KeyValues) -> NDArray[np.intp]:
        """For each of the keys its place in these, which are in order; -1 where there is none."""
        place = np.searchsorted(self.sortable, keys.sortable)
        place[place == len(self.sortable)] = 0
        if len(self.sortable):
            place[self.sortable[place] != keys.sortable] = -1
        else:
            place[:] = -1
        return place


def _sortable(rows: NDArray[np.uint8]) -> NDArray[Any]:
    """A vector that sorts, of numbers if they hold the rows."""
    count, size = rows.shape
    if size > 8:
        return np.ascontiguousarray(rows).view(f"S{size}").reshape(-1)
    padded = np.zeros((count, 8), np.uint8)
    padded[:, :size] = rows
    return padded.view(np.uint64).reshape(-1)
