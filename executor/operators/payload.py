"""What a join brings along from its build side, and which rows may match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...planner.secure import Join
from ...query.datatypes import Column
from ..circuits.compare import all_of
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, as_ring, stack
from .table import SecretColumn, SecretTable, need_bits, not_null, null_of


def carried(node: Join) -> list[Column]:
    """The columns of the build side that the result has."""
    if node.kind in ("semi", "anti"):
        return []
    given = {column.id for column in node.build.columns}
    return [column for column in node.columns if column.id in given]


@dataclass(frozen=True, slots=True)
class Payload:
    """The build columns that matching rows take along, as one plane stack and ring vectors."""

    columns: tuple[Column, ...]
    secrets: tuple[SecretColumn, ...]

    @staticmethod
    def of(p: SharingProtocol, build: SecretTable, columns: Sequence[Column]) -> Payload:
        secrets = tuple(build.columns[c.id] for c in columns)
        for secret in secrets:
            secret.force("bits")
            if secret.bits is None and secret.ring is None:
                need_bits(p, [secret])
        return Payload(tuple(columns), secrets)

    def planes(self) -> list[Bits]:
        return [s.bits for s in self.secrets if s.bits is not None] + [
            s.null for s in self.secrets if s.null is not None
        ]

    def rings(self) -> list[Ring]:
        return [s.ring for s in self.secrets if s.ring is not None]

    def shares(self, flag: Bits | None) -> list[Share]:
        """Everything that moves, with one more plane: what `apart` takes apart."""
        planes = [*self.planes(), *([] if flag is None else [flag])]
        return [*([stack(planes)] if planes else []), *self.rings()]

    def apart(
        self, p: SharingProtocol, shares: Sequence[Share], *, rows: int, flagged: bool
    ) -> tuple[Bits, dict[int, SecretColumn]]:
        """The further plane (none: no planes), and the columns, of shares that have moved."""
        width = sum(plane.width for plane in self.planes())
        if self.planes() or flagged:
            planes, rings = as_bits(shares[0]), shares[1:]
        else:
            planes, rings = p.constant_bits(0, 0, rows), shares
        columns = self.rebuilt(self.cut(planes), rings)
        return planes.planes(width, planes.width), columns

    def cut(self, planes: Bits) -> list[Bits]:
        """Planes that stand on each other, one share for each of `planes`."""
        pieces = []
        start = 0
        for given in self.planes():
            pieces.append(planes.planes(start, start + given.width))
            start += given.width
        return pieces

    def rebuilt(self, planes: Sequence[Share], rings: Sequence[Share]) -> dict[int, SecretColumn]:
        """Carried shares, as `planes` and `rings` gave them, as one column per payload column."""
        columns: dict[int, SecretColumn] = {}
        values, vectors = iter(planes), iter(rings)
        for column, secret in zip(self.columns, self.secrets, strict=True):
            made = SecretColumn(encoding=secret.encoding, rows=0)
            made.bits = None if secret.bits is None else as_bits(next(values))
            made.ring = None if secret.ring is None else as_ring(next(vectors))
            columns[column.id] = made
        for column, secret in zip(self.columns, self.secrets, strict=True):
            made = columns[column.id]
            made.null = None if secret.null is None else as_bits(next(values))
            made.rows = next(s.rows for s in (made.bits, made.ring) if s is not None)
        return columns


def usable_rows(p: SharingProtocol, table: SecretTable, keys: Sequence[int]) -> Bits:
    """Rows that are valid and have no NULL among the keys, which are computed if they are not."""
    columns = [table.columns[key] for key in keys]
    for column in columns:
        column.force("bits")
    planes = [table.valid]
    planes += [n for n in (not_null(p, column) for column in columns) if n is not None]
    return planes[0] if len(planes) == 1 else all_of(p, [stack(planes)])[0]


def null_extended(
    p: SharingProtocol, columns: dict[int, SecretColumn], match: Bits
) -> dict[int, SecretColumn]:
    """LEFT JOIN: the build's columns are NULL where nothing matched."""
    missing = p.invert(match)
    nullable = [c for c in columns.values() if c.null is not None]
    known = p.and_([(null_of(c), match) for c in nullable]) if nullable else []
    for column, plane in zip(nullable, known, strict=True):
        column.null = plane ^ missing
    for column in columns.values():
        column.null = missing if column.null is None else column.null
    return columns
