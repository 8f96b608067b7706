"""Local fragments: what an owner computes alone in DuckDB, and how its rows enter as shares.

All fragments of a plan run first, each at its owner, and all their columns are shared in ONE
round (in several where they are large, see groups.py): w bits per row and Boolean column, 64 per
ring column, 1 per null plane, 1 for validity, from the owner alone. Rows beyond the fragment's
result up to its public bound are padding, valid = 0.
The owner keeps its rows in clear beside their shares, for operators that can use that.
Where texts leave their owners as hashes, or rows enter a cuckoo table, the key of these is drawn in
a round before.
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
from ..sharing.groups import grouped, on_disk
from ..sharing.messages import input_bytes
from ..sharing.pack import row_bytes, rows_to_planes
from ..sharing.protocol import Input, SharingProtocol
from ..sharing.shares import Share, as_bits, as_ring
from ..sharing.spilling import Spill
from .known import Known
from .layout import Clear, Layout, layout_of
from .table import SecretColumn, SecretTable, encoding_of_column

RUN_KEY_BITS = 128


@dataclass(frozen=True, slots=True)
class OwnedRows:
    """A fragment's encoded result at its owner, at the fragment's public size.

    `values`: the plane stacks and ring vectors that enter. `clear`: bytes and NULLs of every
    column. `padding`: rows that the result does not have.
    """

    values: tuple[NDArray[np.uint64], ...]
    clear: tuple[Clear, ...]
    padding: NDArray[np.bool_]


def draw_run_key(
    p: SharingProtocol, fragments: Sequence[Fragment], owners: Sequence[int], *, tables: bool
) -> bytes | None:
    """A fresh public key for hashes of texts and (`tables`) for cuckoo tables, if any are made.

    The parties open it to each other, when their data are fixed: nobody can have put in texts
    whose hashes meet, or keys that do not fit a table. 1 round, 128 bits that nobody chose. None
    in a dry run as well. `owners` are the positions of the fragments' owners: outsiders among them
    that need the key are told it, in 1 round more.
    """
    needing = [f.keyed or (f.placed is not None and f.placed.by == "cuckoo") for f in fragments]
    if not tables and not any(needing):
        return None
    drawn = [p.random_bits(RUN_KEY_BITS, 1)]
    opened = p.open(drawn)
    told_too = {o for need, o in zip(needing, owners, strict=True) if need and o >= p.parties}
    for outsider in sorted(told_too):
        told = p.reveal(drawn, outsider)
        if outsider == p.party:
            opened = told
    return None if opened is None else opened[0].astype("<u8").tobytes()


def read_fragment(
    fragment: Fragment, source: TableSource, run_key: bytes | None = None
) -> OwnedRows:
    """Runs a fragment's SQL at its owner and encodes the result, padded to the public bound.

    Errors: DataError (for the owner alone) where the data break the catalog's promises.
    """
    return encode_rows(fragment, run_fragment(fragment, source, run_key), run_key=run_key)


def run_fragment(fragment: Fragment, source: TableSource, run_key: bytes | None = None) -> pa.Table:
    """What a fragment's SQL gives at its owner, not yet encoded. Errors as above."""
    parameters = None if run_key is None else {HASH_KEY: run_key.hex()}
    table = source.execute(fragment.sql, parameters)
    most = fragment.rows if fragment.placed is None else fragment.placed.rows
    if table.num_rows > most:
        raise DataError(
            f"a local fragment has {table.num_rows} rows, more than the {most} that the "
            "catalog allows; raise ROWS in the catalog"
        )
    if table.num_columns != len(fragment.columns):
        raise InternalError("a local fragment returned other columns than planned")
    return table


def encode_rows(
    fragment: Fragment,
    table: pa.Table,
    places: NDArray[np.intp] | None = None,
    *,
    run_key: bytes | None = None,
    spill: Spill | None = None,
) -> OwnedRows:
    """A fragment's rows, encoded and padded to the public bound, column by column.

    `places`: for each row its place, if that is not as the fragment says. `spill`: where columns
    that are ready wait, if memory is to be spared. Errors as above; SessionError for a full disk.
    """
    if places is None:
        layout = layout_of(fragment, _key_values(fragment, table), table.num_rows, run_key)
    else:
        layout = Layout(fragment.rows, np.arange(len(places)), places)
    values: list[NDArray[np.uint64]] = []
    clear: list[Clear] = []
    for position, (column, form) in enumerate(zip(fragment.columns, fragment.forms, strict=True)):
        encoded = encode_column(table.column(position), column)
        packed, nulls = (layout.spread(array) for array in _clear(encoded, column))
        arrays = [packed, nulls, *_entering(encoded, column, form, layout, (packed, nulls))]
        packed, nulls, *entering = arrays if spill is None else spill.keep_arrays(arrays)
        clear.append((packed, nulls))
        values += entering
    present = np.zeros((fragment.rows, 1), np.uint8)
    present[layout.at] = 1
    values.append(rows_to_planes(present, 1))
    return OwnedRows(tuple(values), tuple(clear), present[:, 0] == 0)


def _key_values(fragment: Fragment, table: pa.Table) -> dict[int, Clear]:
    """The columns by whose values the rows are placed, by id."""
    keys = () if fragment.placed is None else fragment.placed.keys
    return {
        column.id: _clear(encode_column(table.column(position), column), column)
        for position, column in enumerate(fragment.columns)
        if column.id in keys
    }


def packed_values(
    data: pa.ChunkedArray, column: Column
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """(value - lo) of every row as little-endian bytes, and where it is NULL. Errors as above."""
    encoded = encode_column(data, column)
    return _packed_rows(encoded, column), encoded.nulls


def _clear(encoded: EncodedColumn, column: Column) -> Clear:
    """A column's bytes, 0 under NULL, and its NULLs."""
    packed = _packed_rows(encoded, column)
    if encoded.nulls is None:
        return packed, np.zeros(len(packed), np.bool_)
    packed[encoded.nulls] = 0
    return packed, encoded.nulls


def _entering(
    encoded: EncodedColumn, column: Column, form: Form, layout: Layout, clear: Clear
) -> list[NDArray[np.uint64]]:
    """The arrays that one column inputs, in the order of `_shapes`."""
    packed, nulls = clear
    arrays: list[NDArray[np.uint64]] = []
    if form == "clear":
        return arrays
    if form in ("bits", "both"):
        arrays.append(rows_to_planes(packed, encoding_of_column(column).width))
    if form in ("ring", "both"):
        if encoded.values is None:
            raise InternalError(f"column {column.name} cannot be a ring column")
        vector = layout.spread(encoded.values.view(np.uint64))
        vector[nulls] = 0
        arrays.append(vector)
    if column.nullable:
        arrays.append(rows_to_planes(nulls.astype(np.uint8)[:, None], 1))
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


def _shapes(fragment: Fragment) -> list[tuple[int, int]]:
    """(width, 0) of every plane stack and (0, 64) of every ring vector that the owner inputs."""
    shapes: list[tuple[int, int]] = []
    for column, form in zip(fragment.columns, fragment.forms, strict=True):
        if form in ("bits", "both"):
            shapes.append((encoding_of_column(column).width, 0))
        if form in ("ring", "both"):
            shapes.append((0, 64))
        if column.nullable and form != "clear":
            shapes.append((1, 0))
    return [*shapes, (1, 0)]


def share_fragments(
    p: SharingProtocol, items: Sequence[tuple[Fragment, int, OwnedRows | None]]
) -> list[SecretTable]:
    """Shares all fragments (with their owners' positions) in one round, or a few large ones."""
    if not items:
        return []
    inputs: list[Input] = []
    for fragment, owner, owned in items:
        for position, (width, bits) in enumerate(_shapes(fragment)):
            values = None if owned is None else owned.values[position]
            inputs.append(
                Input(owner=owner, rows=fragment.rows, width=width, bits=bits, values=values)
            )
    groups = grouped(inputs, input_bytes)
    shares = iter([share for group in groups for share in on_disk(p, p.input(group))])
    tables: list[SecretTable] = []
    for fragment, owner, owned in items:
        taken = [next(shares) for _ in _shapes(fragment)]
        known = [_known(owner, owned, place) for place in range(len(fragment.columns))]
        tables.append(_table(fragment, taken, known))
    return tables


def _known(owner: int, owned: OwnedRows | None, place: int) -> Known:
    """What the owner knows of a column, at the owner."""
    if owned is None:
        return Known(owner=owner)
    packed, nulls = owned.clear[place]
    return Known(owner=owner, rows_bytes=packed, nulls=nulls, padding=owned.padding)


def _table(fragment: Fragment, shares: Sequence[Share], known: Sequence[Known]) -> SecretTable:
    """Reassembles the shared columns of one fragment."""
    remaining = iter(shares)
    columns: dict[int, SecretColumn] = {}
    for column, form, own in zip(fragment.columns, fragment.forms, known, strict=True):
        encoding = encoding_of_column(column)
        secret = SecretColumn(
            encoding=encoding, rows=fragment.rows, clean_bits=True, clean_ring=True, known=own
        )
        if form in ("bits", "both"):
            secret.bits = as_bits(next(remaining))
        if form in ("ring", "both"):
            secret.ring = as_ring(next(remaining))
        if column.nullable and form != "clear":
            secret.null = as_bits(next(remaining))
        columns[column.id] = secret
    return SecretTable(fragment.rows, columns, as_bits(next(remaining)))
