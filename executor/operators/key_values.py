"""An owner's join keys in clear, as rows of bytes that mean the same at every owner."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...query.datatypes import Column, Encoding
from ...query.errors import DataError
from .fragment import packed_values


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
        """A table's keys under encodings that all owners use; once and in order if `distinct`."""
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
            ordered = sortable[order]
            first = np.ones(len(order), np.bool_)
            first[1:] = ordered[1:] != ordered[:-1]  # what SQL tells apart may be rounded to one
            order = order[first]
            return KeyValues(rows[order], source[order], sortable[order])
        return KeyValues(rows, source, sortable)

    def find(self, keys: KeyValues) -> NDArray[np.intp]:
        """For each of the keys its place in these, which are distinct.

        Errors: DataError if one has none.
        """
        place = np.searchsorted(self.sortable, keys.sortable)
        inside = place < len(self.sortable)
        if not inside.all() or (self.sortable[place] != keys.sortable).any():
            raise DataError("the data changed while a query read them")
        return place


def _sortable(rows: NDArray[np.uint8]) -> NDArray[Any]:
    """A vector that sorts, of numbers if they hold the rows."""
    count, size = rows.shape
    if size > 8:
        return np.ascontiguousarray(rows).view(f"S{size}").reshape(-1)
    padded = np.zeros((count, 8), np.uint8)
    padded[:, :size] = rows
    return padded.view(np.uint64).reshape(-1)
