"""Where the rows of a fragment's result stand in the relation that its owner shares.

In the order of the result, padding last; or, where the plan places them, each at the place of its
key. Runs at the owner alone; the relation's size is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...planner.secure import Fragment, Operator, Placement
from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..circuits.cuckoo import CuckooTable, cuckoo_table
from .known import Keys, Known, first_rows, keys_of, repeated_key, slots_of
from .table import encoding_of_column

Clear: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""A column in clear: its bytes, and which rows are NULL."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Layout:
    """Row taken[i] of the result becomes row at[i] of so many rows."""

    rows: int
    taken: NDArray[np.intp]
    at: NDArray[np.intp]

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """A column of the result in its places; 0 elsewhere."""
        spread = np.zeros((self.rows, *values.shape[1:]), values.dtype)
        spread[self.at] = values[self.taken]
        return spread


def layout_of(
    fragment: Fragment, columns: Mapping[int, Clear], count: int, run_key: bytes | None
) -> Layout:
    """The places of `count` rows, by their key `columns`; `run_key` is for cuckoo tables.

    Errors: DataError where two rows have a key that should be unique.
    """
    placed = fragment.placed
    if placed is None:
        rows = np.arange(count, dtype=np.intp)
        return Layout(fragment.rows, rows, rows)
    keys = _key_columns(fragment, placed, columns, count)
    packed = keys_of(keys)
    assert packed is not None, "an owner knows its own keys"
    rows = first_rows(packed)
    unique = any(set(key) <= set(placed.keys) for key in fragment.unique)
    if unique and len(rows) < np.count_nonzero(packed.present):
        raise repeated_key()
    if placed.by == "domain":
        slots = slots_of(keys)
        assert slots is not None, "an owner knows its own keys"
        return Layout(fragment.rows, rows, slots.places[rows])
    table = bins_of(packed, rows, run_key, fragment.rows - 1)
    at = np.flatnonzero(table.filled)
    return Layout(fragment.rows, rows[table.rows[at]], at)


def _key_columns(
    fragment: Fragment, placed: Placement, columns: Mapping[int, Clear], count: int
) -> list[tuple[Known, Encoding, Encoding]]:
    """The key columns, as their owner knows them."""
    definitions = {column.id: column for column in fragment.columns}
    keys = []
    for identity in placed.keys:
        packed, nulls = columns[identity]
        encoding = encoding_of_column(definitions[identity])
        padding = np.zeros(count, np.bool_)
        known = Known(owner=0, rows_bytes=packed, nulls=nulls, padding=padding)
        keys.append((known, encoding, encoding))
    return keys


def bins_of(keys: Keys, rows: NDArray[np.intp], run_key: bytes | None, bins: int) -> CuckooTable:
    """A cuckoo table of the keys of these rows; its entries are positions in `rows`.

    Errors: SessionError if they do not fit, with a probability below 2^-40 over the run's key.
    """
    if run_key is None:
        raise InternalError("a cuckoo table is made without a key")
    return cuckoo_table(keys.packed[rows], run_key, bins)


def is_placed(operator: Operator) -> bool:
    """Whether rows stand at the places of their keys."""
    return isinstance(operator, Fragment) and operator.placed is not None


def filled_up(
    at: NDArray[np.intp], rows: NDArray[np.intp], *, empty: int, total: int
) -> NDArray[np.intp]:
    """The permutation that brings rows[i] to place at[i], and the last row to the place `empty`.

    The other places get what rows are left.
    """
    source = np.full(total, -1, np.intp)
    source[at] = rows
    source[empty] = total - 1
    left = np.ones(total, np.bool_)
    left[source[source >= 0]] = False
    source[source < 0] = np.flatnonzero(left)
    return source
