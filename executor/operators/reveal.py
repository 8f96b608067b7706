"""Opens a relation to its recipients, and to nobody else.

Values of rows that are not valid, and values under NULL, are zeroed inside the computation first.
Cost: one AND per bit (85 + 64 bits per ring column), then one message per column set from one party
to each recipient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...connectors.decode import decode_column
from ...planner.secure import Reveal
from ...query.datatypes import Column
from ..sharing.pack import planes_to_rows, row_bytes
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share
from .order import flatten, shuffle_rows
from .table import (
    SecretColumn,
    SecretTable,
    encoding_of_column,
    null_of,
    planes_of,
    ring_of,
)


def reveal(
    p: SharingProtocol, node: Reveal, table: SecretTable, recipients: Sequence[int]
) -> pa.Table | None:
    """The table in clear at each recipient (by position), None elsewhere."""
    kept = {c.id: table.columns[c.id] for c in node.columns}
    flatten(p, kept)
    shown = SecretTable(table.rows, kept, table.valid)
    if node.shuffle:
        shown = shuffle_rows(p, shown)
    shares = _masked(p, node.columns, shown)
    mine: list[NDArray[Any]] | None = None
    for recipient in recipients:
        opened = p.reveal(shares, recipient)
        if recipient == p.party:
            mine = opened
    return None if mine is None else _decoded(node.columns, shown, mine)


def _masked(p: SharingProtocol, columns: Sequence[Column], table: SecretTable) -> list[Share]:
    """valid, then per column its value and its null plane, zero where they mean nothing."""
    secrets = [table.columns[c.id] for c in columns]
    nullable = list(dict.fromkeys(s for s in secrets if s.null is not None))
    presence = p.and_([(table.valid, p.invert(null_of(s))) for s in nullable]) if nullable else []
    flags = dict(zip(nullable, presence, strict=True))
    planes = list(dict.fromkeys(s for s in secrets if s.bits is not None and s.bits.width))
    masked = p.and_([(flags.get(s, table.valid), planes_of(s)) for s in planes]) if planes else []
    values: dict[SecretColumn, Share] = dict(zip(planes, masked, strict=True))
    values.update(_masked_rings(p, table, secrets, flags))
    shares: list[Share] = [table.valid]
    for secret in secrets:
        value = values.get(secret)
        shares.append(p.constant_bits(0, 0, table.rows) if value is None else value)
        if secret.null is not None:
            shares.append(table.valid ^ flags[secret])
    return shares


def _masked_rings(
    p: SharingProtocol,
    table: SecretTable,
    secrets: Sequence[SecretColumn],
    flags: dict[SecretColumn, Bits],
) -> dict[SecretColumn, Share]:
    """Ring columns (those without planes), multiplied by their flags."""
    rings = list(dict.fromkeys(s for s in secrets if s.bits is None))
    if not rings:
        return {}
    planes = list(dict.fromkeys(flags.get(s, table.valid) for s in rings))
    lifted = dict(zip(planes, p.flags_to_ring(planes, 64), strict=True))
    products = p.multiply([(ring_of(s), lifted[flags.get(s, table.valid)]) for s in rings])
    return dict(zip(rings, products, strict=True))


@dataclass(slots=True)
class _Reader:
    """Takes opened arrays one after the other and keeps the rows that are valid."""

    opened: list[NDArray[Any]]
    rows: int
    position: int = 0
    valid: NDArray[np.bool_] | None = None

    def next(self) -> NDArray[Any]:
        self.position += 1
        return self.opened[self.position - 1]

    def flags(self) -> NDArray[np.bool_]:
        """A one-plane share as one bool per row."""
        packed = planes_to_rows(self.next(), self.rows)
        return packed[:, 0].astype(np.bool_)

    def kept(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.valid is None else values[self.valid]


def _decoded(columns: Sequence[Column], table: SecretTable, opened: list[NDArray[Any]]) -> pa.Table:
    """The recipient's Arrow table, valid rows only."""
    reader = _Reader(opened, table.rows)
    reader.valid = reader.flags()
    arrays: list[pa.Array] = []
    for column in columns:
        secret = table.columns[column.id]
        low, high, text = _words(reader, column, secret)
        nulls = reader.kept(reader.flags()) if secret.null is not None else None
        arrays.append(decode_column(column, low, high, text, nulls))
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def _words(
    reader: _Reader, column: Column, secret: SecretColumn
) -> tuple[NDArray[np.uint64] | None, NDArray[np.uint64] | None, NDArray[np.uint8] | None]:
    """(low, high, text) of the opened values less lo, as `decode_column` wants them."""
    encoding = encoding_of_column(column)
    values = reader.next()
    if secret.bits is None:
        low = values.astype(np.uint64) - np.uint64(encoding.lo % 2**64)
        return reader.kept(low), None, None
    size = row_bytes(encoding.width)
    packed = reader.kept(planes_to_rows(values, reader.rows)[:, :size])
    if encoding.text_bytes is not None:
        return None, None, np.ascontiguousarray(packed[:, ::-1])
    wide = np.zeros((len(packed), 16), np.uint8)
    wide[:, :size] = packed
    both = wide.view(np.uint64)
    high = np.ascontiguousarray(both[:, 1]) if size > 8 else None
    return np.ascontiguousarray(both[:, 0]), high, None
