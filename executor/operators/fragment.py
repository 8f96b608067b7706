"""Local fragments: what an owner computes alone in DuckDB, and how its rows enter as shares.

All fragments of a plan run first, each at its owner, and all their columns are shared in ONE
round: w bits per row and Boolean column, 64 per ring column, 1 per null plane, 1 for validity, from
the owner alone. Rows beyond the fragment's result up to its public bound are padding, valid = 0.
Where texts leave their owners as hashes, the key of these is drawn in a round before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...connectors.encode import EncodedColumn, encode_column
from ...connectors.source import TableSource
from ...planner.hashing import HASH_KEY
from ...planner.secure import Form, Fragment
from ...query.datatypes import Column
from ...query.errors import DataError, InternalError
from ..sharing.pack import row_bytes, rows_to_planes
from ..sharing.protocol import Input, SharingProtocol
from ..sharing.shares import Share, as_bits, as_ring, words
from .table import SecretColumn, SecretTable, encoding_of_column

HASH_KEY_BITS = 128


@dataclass(frozen=True, slots=True)
class OwnedRows:
    """A fragment's encoded result at its owner: plane stacks and ring vectors, padded."""

    values: tuple[NDArray[np.uint64], ...]


def draw_hash_key(
    p: SharingProtocol, fragments: Sequence[Fragment], owners: Sequence[int]
) -> str | None:
    """A fresh key for the hashes of texts, if a fragment needs one: 128 bits that nobody chose.

    The parties open it to each other, when their data are fixed: nobody can have put in texts
    whose hashes meet. 1 round, 128 bits. None in a dry run as well. `owners` are the positions of
    the fragments' owners: outsiders among them are told the key, in 1 round more.
    """
    if not any(fragment.keyed for fragment in fragments):
        return None
    drawn = [p.random_bits(HASH_KEY_BITS, 1)]
    opened = p.open(drawn)
    keyed = {o for f, o in zip(fragments, owners, strict=True) if f.keyed and o >= p.parties}
    for outsider in sorted(keyed):
        told = p.reveal(drawn, outsider)
        if outsider == p.party:
            opened = told
    return None if opened is None else opened[0].astype("<u8").tobytes().hex()


def read_fragment(
    fragment: Fragment, source: TableSource, hash_key: str | None = None
) -> OwnedRows:
    """Runs a fragment's SQL at its owner and encodes the result, padded to the public bound.

    Errors: DataError (for the owner alone) where the data break the catalog's promises.
    """
    return encode_rows(fragment, run_fragment(fragment, source, hash_key))


def run_fragment(fragment: Fragment, source: TableSource, hash_key: str | None = None) -> pa.Table:
    """What a fragment's SQL gives at its owner, not yet encoded. Errors as above."""
    parameters = None if hash_key is None else {HASH_KEY: hash_key}
    table = source.execute(fragment.sql, parameters)
    if table.num_rows > fragment.rows:
        raise DataError(
            f"a local fragment has {table.num_rows} rows, more than the {fragment.rows} that the "
            "catalog allows; raise ROWS in the catalog"
        )
    if table.num_columns != len(fragment.columns):
        raise InternalError("a local fragment returned other columns than planned")
    return table


def encode_rows(
    fragment: Fragment, table: pa.Table, places: NDArray[np.intp] | None = None
) -> OwnedRows:
    """A fragment's rows, encoded and padded to the public bound.

    `places`: for each row its place, if they do not simply stand first. Errors as above.
    """
    if places is None:
        places = np.arange(table.num_rows)
    values: list[NDArray[np.uint64]] = []
    for position, (column, form) in enumerate(zip(fragment.columns, fragment.forms, strict=True)):
        values += _encoded(table.column(position), column, form, fragment.rows, places)
    present = np.ones((len(places), 1), np.uint8)
    values.append(_padded_planes(present, 1, fragment.rows, places))
    return OwnedRows(tuple(values))


def packed_values(
    data: pa.ChunkedArray, column: Column
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """(value - lo) of every row as little-endian bytes, and where it is NULL. Errors as above."""
    encoded = encode_column(data, column)
    return _packed_rows(encoded, column), encoded.nulls


def _encoded(
    data: pa.ChunkedArray, column: Column, form: Form, rows: int, places: NDArray[np.intp]
) -> list[NDArray[np.uint64]]:
    """The arrays that one column inputs, in the order of `_shapes`."""
    encoding = encoding_of_column(column)
    encoded = encode_column(data, column)
    arrays: list[NDArray[np.uint64]] = []
    if form in ("bits", "both"):
        packed = _packed_rows(encoded, column)
        if encoded.nulls is not None:
            packed[encoded.nulls] = 0
        arrays.append(_padded_planes(packed, encoding.width, rows, places))
    if form in ("ring", "both"):
        if encoded.values is None:
            raise InternalError(f"column {column.name} cannot be a ring column")
        vector = np.zeros(rows, np.uint64)
        vector[places] = encoded.values.view(np.uint64)
        if encoded.nulls is not None:
            vector[places[encoded.nulls]] = 0
        arrays.append(vector)
    if column.nullable:
        nulls = encoded.nulls
        if nulls is None:
            nulls = np.zeros(len(data), np.bool_)
        arrays.append(_padded_planes(nulls.astype(np.uint8)[:, None], 1, rows, places))
    elif encoded.nulls is not None and bool(encoded.nulls.any()):
        raise DataError(f"column {column.name} holds NULL although it is declared NOT NULL")
    return arrays


def _packed_rows(encoded: EncodedColumn, column: Column) -> NDArray[np.uint8]:
    """Little-endian bytes of (value - lo), one row per row."""
    encoding = encoding_of_column(column)
    size = row_bytes(encoding.width)
    if encoded.text is not None:
        return np.ascontiguousarray(encoded.text[:, ::-1])
    if encoded.values is None:
        raise InternalError(f"column {column.name} has no encoded values")
    low = encoded.values.view(np.uint64)
    if encoded.high is None and size <= 8:
        offset = low - np.uint64(encoding.lo % 2**64)
        return np.ascontiguousarray(offset.view(np.uint8).reshape(-1, 8)[:, :size])
    high = encoded.high
    upper = (encoded.values >> 63).view(np.uint64) if high is None else high.view(np.uint64)
    shift = encoding.lo % 2**128
    low_offset, high_offset = np.uint64(shift % 2**64), np.uint64(shift >> 64)
    both = np.empty((len(low), 2), np.uint64)
    both[:, 0] = low - low_offset
    both[:, 1] = upper - high_offset - (low < low_offset).astype(np.uint64)
    return np.ascontiguousarray(both.view(np.uint8).reshape(-1, 16)[:, :size])


def _padded_planes(
    packed: NDArray[np.uint8], width: int, rows: int, places: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """Planes of packed rows at their places, with zero rows elsewhere up to `rows`."""
    planes = np.zeros((width, words(rows)), np.uint64)
    if width and len(packed):
        spread = np.zeros((int(places.max()) + 1, packed.shape[1]), np.uint8)
        spread[places] = packed
        filled = rows_to_planes(spread, width)
        planes[:, : filled.shape[1]] = filled
    return planes


def _shapes(fragment: Fragment) -> list[tuple[int, int]]:
    """(width, 0) of every plane stack and (0, 64) of every ring vector that the owner inputs."""
    shapes: list[tuple[int, int]] = []
    for column, form in zip(fragment.columns, fragment.forms, strict=True):
        if form in ("bits", "both"):
            shapes.append((encoding_of_column(column).width, 0))
        if form in ("ring", "both"):
            shapes.append((0, 64))
        if column.nullable:
            shapes.append((1, 0))
    return [*shapes, (1, 0)]


def share_fragments(
    p: SharingProtocol, items: Sequence[tuple[Fragment, int, OwnedRows | None]]
) -> list[SecretTable]:
    """Shares all fragments (with their owners' positions) in one round."""
    if not items:
        return []
    inputs: list[Input] = []
    for fragment, owner, owned in items:
        for position, (width, bits) in enumerate(_shapes(fragment)):
            values = None if owned is None else owned.values[position]
            inputs.append(
                Input(owner=owner, rows=fragment.rows, width=width, bits=bits, values=values)
            )
    shares = iter(p.input(inputs))
    tables: list[SecretTable] = []
    for fragment, _, _ in items:
        taken = [next(shares) for _ in _shapes(fragment)]
        tables.append(_table(fragment, taken))
    return tables


def _table(fragment: Fragment, shares: Sequence[Share]) -> SecretTable:
    """Reassembles the shared columns of one fragment."""
    remaining = iter(shares)
    columns: dict[int, SecretColumn] = {}
    for column, form in zip(fragment.columns, fragment.forms, strict=True):
        encoding = encoding_of_column(column)
        secret = SecretColumn(
            encoding=encoding, rows=fragment.rows, clean_bits=True, clean_ring=True
        )
        if form in ("bits", "both"):
            secret.bits = as_bits(next(remaining))
        if form in ("ring", "both"):
            secret.ring = as_ring(next(remaining))
        if column.nullable:
            secret.null = as_bits(next(remaining))
        columns[column.id] = secret
    return SecretTable(fragment.rows, columns, as_bits(next(remaining)))
