"""Puts the relations of a run on disk between its operators.

Whatever a relation holds lies there before the next operator runs: its columns in every form that
they have taken on, and what a party knows of them in clear. What an operator does not touch does
not come back to memory. Local: nothing that is sent depends on it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ..sharing.shares import Bits, Ring, as_bits, as_ring
from ..sharing.spilling import Spill
from .known import Known
from .table import SecretColumn, SecretTable

_Array = NDArray[Any]


class Waiting:
    """The relations and columns that anybody still holds."""

    def __init__(self, spill: Spill | None) -> None:
        self._spill = spill
        self._tables: weakref.WeakSet[SecretTable] = weakref.WeakSet()
        self._columns: weakref.WeakSet[SecretColumn] = weakref.WeakSet()

    def settle(self, tables: Iterable[SecretTable]) -> None:
        """Puts new relations on disk, and what has been computed of older ones since.

        Errors: SessionError if the disk does not take them.
        """
        if self._spill is None:
            return
        for table in tables:
            self._tables.add(table)
            self._columns.update(table.columns.values())
        arrays: dict[int, _Array] = {}
        shares: dict[int, Bits | Ring] = {}
        columns = [column for column in self._columns if column.deferred is None]
        for table in self._tables:
            shares[id(table.valid)] = table.valid
        for column in columns:
            for share in (column.bits, column.ring, column.null):
                if share is not None:
                    shares[id(share)] = share
            if column.known is not None:
                arrays.update((id(array), array) for array in _arrays(column.known))
        moved = dict(zip(shares, self._spill.keep(list(shares.values())), strict=True))
        clear = dict(zip(arrays, self._spill.keep_arrays(list(arrays.values())), strict=True))
        for table in self._tables:
            table.valid = as_bits(moved[id(table.valid)])
        for column in columns:
            _replace(column, moved, clear)
        self._spill.settle()


def _replace(column: SecretColumn, moved: dict[int, Bits | Ring], clear: dict[int, _Array]) -> None:
    """Lets the column have what lies on disk instead."""
    if column.bits is not None:
        column.bits = as_bits(moved[id(column.bits)])
    if column.ring is not None:
        column.ring = as_ring(moved[id(column.ring)])
    if column.null is not None:
        column.null = as_bits(moved[id(column.null)])
    known = column.known
    if known is not None:
        column.known = replace(
            known,
            rows_bytes=None if known.rows_bytes is None else clear[id(known.rows_bytes)],
            nulls=None if known.nulls is None else clear[id(known.nulls)],
            padding=None if known.padding is None else clear[id(known.padding)],
        )


def _arrays(known: Known) -> list[_Array]:
    """What is known, where it is."""
    return [a for a in (known.rows_bytes, known.nulls, known.padding) if a is not None]
