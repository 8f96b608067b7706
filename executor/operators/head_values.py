"""Values that a grouping moves to the head of every group without comparing them.

They are what ANY_VALUE and a constant of the group yield. A column moves as its planes and its null
plane side by side: every sort and partition carries one share for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...planner.secure import AggregateSpec
from ..circuits.rows import slice_rows
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share, as_bits, stack
from .counting_rows import argument_of
from .table import SecretColumn, SecretTable, need_bits


@dataclass(frozen=True, slots=True)
class HeadValues:
    """The arguments by output column id, and their planes, stacked in this order."""

    sources: dict[int, SecretColumn]
    planes: Bits | None

    @classmethod
    def of(
        cls, p: SharingProtocol, table: SecretTable, specs: Sequence[AggregateSpec]
    ) -> HeadValues:
        """The arguments of the aggregates, converted to planes in one batch."""
        sources = {spec.column.id: argument_of(table, spec) for spec in specs}
        moved = list(dict.fromkeys(sources.values()))
        pieces = need_bits(p, moved) + [c.null for c in moved if c.null is not None]
        return cls(sources, stack(pieces) if pieces else None)

    def shares(self) -> list[Share]:
        """What a sort or a partition has to carry."""
        return [] if self.planes is None else [self.planes]

    def taken(self, moved: Sequence[Share]) -> HeadValues:
        """The same values after `shares` have been moved."""
        return HeadValues(self.sources, as_bits(moved[0]) if moved else None)

    def columns(self, rows: int) -> dict[int, SecretColumn]:
        """The columns of the first `rows` rows. Local."""
        if self.planes is None:
            return {}
        top = slice_rows(self.planes, 0, rows)
        moved = list(dict.fromkeys(self.sources.values()))
        values: dict[SecretColumn, Bits] = {}
        nulls: dict[SecretColumn, Bits] = {}
        place = 0
        for column in moved:
            values[column] = top.planes(place, place + column.encoding.width)
            place += column.encoding.width
        for column in moved:
            if column.null is not None:
                nulls[column] = top.planes(place, place + 1)
                place += 1
        return {
            identity: SecretColumn(
                encoding=column.encoding, rows=rows, bits=values[column], null=nulls.get(column)
            )
            for identity, column in self.sources.items()
        }


def null_of_argument(table: SecretTable, spec: AggregateSpec) -> Bits | None:
    """The null plane of an aggregate's argument, None if it is never NULL."""
    column = argument_of(table, spec)
    column.force("bits")
    return column.null
