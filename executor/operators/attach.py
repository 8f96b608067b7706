"""A join with one row: its shares are repeated beside every probe row, which is local.

Setting: any sharing protocol; whether the row is there stays secret. Cost: cross 0 rounds; inner 1
round, 1 bit per probe row; left 1 round, 1 bit for each nullable column.
"""

from __future__ import annotations

from ...planner.secure import Attach
from ..circuits.rows import pad_rows, repeat_row
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits
from .table import (
    Form,
    SecretColumn,
    SecretTable,
    need_bits,
    need_ring,
    null_of,
    padded,
)


def attach(p: SharingProtocol, node: Attach, probe: SecretTable, build: SecretTable) -> SecretTable:
    """Probe rows with the columns of the build's row, as the plan's node says."""
    carried = [c.id for c in node.columns if c.id in build.columns]
    there = pad_rows(build.valid, 1)
    single = {i: _one_row(build.columns[i]) for i in carried}
    if node.kind == "left":
        _null_where_missing(p, list(single.values()), there)
    valid = probe.valid
    if node.kind == "inner":
        (valid,) = p.and_([(probe.valid, repeat_row(there, probe.rows))])
    columns = {
        c.id: _repeated(p, single[c.id], probe.rows) if c.id in single else probe.columns[c.id]
        for c in node.columns
    }
    return SecretTable(probe.rows, columns, valid)


def _one_row(column: SecretColumn) -> SecretColumn:
    """A copy of the column with exactly one row: an empty relation gives a row of zeros."""
    column.force("bits")
    one = padded(column, 1)
    one.clean_bits, one.clean_ring = column.clean_bits, column.clean_ring
    return one


def _null_where_missing(p: SharingProtocol, columns: list[SecretColumn], there: Bits) -> None:
    missing = p.invert(there)
    nullable = [c for c in columns if c.null is not None]
    known = p.and_([(null_of(c), there) for c in nullable]) if nullable else []
    for column, plane in zip(nullable, known, strict=True):
        column.null = plane
    for column in columns:
        column.null = missing if column.null is None else column.null ^ missing
        column.clean_bits = column.clean_ring = False


def _repeated(p: SharingProtocol, column: SecretColumn, rows: int) -> SecretColumn:
    """The row in every row; brought to the form that is first needed while it is one row."""

    def compute(form: Form) -> SecretColumn:
        if form == "ring":
            need_ring(p, [column])
        else:
            need_bits(p, [column])
        return SecretColumn(
            encoding=column.encoding,
            rows=rows,
            bits=None if column.bits is None else repeat_row(column.bits, rows),
            ring=None if column.ring is None else repeat_row(column.ring, rows),
            null=None if column.null is None else repeat_row(column.null, rows),
            clean_bits=column.clean_bits,
            clean_ring=column.clean_ring,
        )

    return SecretColumn(encoding=column.encoding, rows=rows, deferred=compute)
