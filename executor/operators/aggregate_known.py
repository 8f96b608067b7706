"""GROUP BY keys that one compute party knows in clear: no sort.

1. The owner of the keys works out an order in which equal keys stand together, and inputs the keys
   of the groups, with a bit for each group that there is.
2. The arguments and the valid bits follow into that order (a permutation that the owner knows).
3. Rows that are not valid, or whose argument is NULL, count as 0; sums and counts are prefix sums
   (local).
4. ANY_VALUE and constants are those of the first such row in its group: the owner brings every row
   the number of valid rows before its group, which tells whether others in the group came before.
   All other rows count as 0, and prefixes are XORed (local).
5. The owner brings the last row of each group to the front; a group's result is the difference of
   neighbours. A group is valid if it has a valid row.
6. Keys of which all rows have been dropped have groups that are not valid. Where the plan has no
   room for these, a partition brings the valid groups to the front.

Cost: for n rows two permutations (and a lookup where 4. is needed), the conversion of the valid
bits, and a product for each sum. Source: PROTOCOLS, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...planner.known_groups import TAKEN, keeps_all_groups, most_groups
from ...planner.secure import Aggregate, AggregateSpec
from ...query.errors import InternalError
from ..circuits.partition import partition
from ..circuits.rows import prefix_sum, prefix_xor, shift_down, slice_rows, truncate
from ..sharing.pack import rows_to_planes
from ..sharing.protocol import Input, SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, as_ring, stack
from .counting_rows import argument_of, is_zero
from .known import Flags, Known, owner_of
from .known_groups import KnownGroups, known_groups
from .limbs import Limb, combined, limb_bits, limbs_of, scaled
from .payload import Payload
from .table import (
    SecretColumn,
    SecretTable,
    definitions,
    encoding_of_column,
    need_bits,
    need_ring,
    null_of,
)

COUNT_BITS = 32
"""The ring in which rows before a group are counted."""


def aggregate_known(p: SharingProtocol, node: Aggregate, table: SecretTable) -> SecretTable:
    """One row for every group of the keys that the owner's rows have."""
    owner = owner_of(table.columns[key].known for key in node.keys)
    groups = known_groups([table.columns[key].known for key in node.keys])
    size = most_groups(node)
    if groups is not None and len(groups.examples) > size:
        raise InternalError("there are more groups than keys")
    keys, exists = _entered(p, node, table, owner, groups)
    ordered = _ordered(p, node, table, owner, groups)
    totals = _Totals(p, node, ordered)
    totals.add_sums()
    totals.take_values(owner, groups)
    totals.close(owner, groups, size)
    columns = {spec.column.id: totals.result(spec) for spec in node.aggregates}
    (valid,) = p.and_([(totals.any_row(), exists)])
    result = SecretTable(size, {c.id: (keys | columns)[c.id] for c in node.columns}, valid)
    return result if keeps_all_groups(node) else _compacted(p, node, result)


def _entered(
    p: SharingProtocol,
    node: Aggregate,
    table: SecretTable,
    owner: int,
    groups: KnownGroups | None,
) -> tuple[dict[int, SecretColumn], Bits]:
    """The groups' keys, which the owner inputs, and a bit for each group that there is. 1 round."""
    rows = most_groups(node)
    nullable = {column.id for column in node.columns if column.nullable}
    columns: dict[int, SecretColumn] = {}
    inputs: list[Input] = []
    for key in node.keys:
        given = table.columns[key]
        if given.known is None:
            raise InternalError("a key is not known to any party")
        known = Known(owner=owner) if groups is None else groups.keys(given.known, rows)
        width, packed = given.encoding.width, known.rows_bytes
        planes = None if packed is None else rows_to_planes(packed, width)
        inputs.append(Input(owner=owner, rows=rows, width=width, values=planes))
        if key in nullable:
            inputs.append(_plane(owner, rows, known.nulls))
        columns[key] = SecretColumn(encoding=given.encoding, rows=rows, clean_bits=True)
        columns[key].known = known if keeps_all_groups(node) else None
    there = None if groups is None else np.arange(rows) < len(groups.examples)
    shares = iter(p.input([*inputs, _plane(owner, rows, there)]))
    for key, column in columns.items():
        column.bits = as_bits(next(shares))
        column.null = as_bits(next(shares)) if key in nullable else None
    return columns, as_bits(next(shares))


def _plane(owner: int, rows: int, flags: Flags | None) -> Input:
    values = None if flags is None else rows_to_planes(flags.view(np.uint8)[:, None], 1)
    return Input(owner=owner, rows=rows, width=1, values=values)


def _ordered(
    p: SharingProtocol,
    node: Aggregate,
    table: SecretTable,
    owner: int,
    groups: KnownGroups | None,
) -> SecretTable:
    """The arguments and the valid bits where equal keys stand together."""
    by_id = definitions(node.input.columns)
    wanted = dict.fromkeys(s.argument for s in node.aggregates if s.argument is not None)
    payload = Payload.of(p, table, [by_id[identity] for identity in wanted])
    source = None if groups is None else groups.order
    moved = p.permute_by_owner(owner, source, payload.shares(table.valid))
    valid, columns = payload.apart(p, moved, rows=table.rows, flagged=True)
    return SecretTable(table.rows, columns, valid)


@dataclass(slots=True, eq=False)
class _Totals:
    """Values of ordered rows, then their running totals, then those of each group.

    rings: by output column and limb. flags: rows that count, by argument (None: valid rows), as
    planes, then `counts` in the ring. planes: the values of the rows that give ANY_VALUE and
    constants, by output column, with one more plane for the row itself.
    """

    p: SharingProtocol
    node: Aggregate
    table: SecretTable
    flags: dict[int | None, Bits] = field(default_factory=dict)
    counts: dict[int | None, Ring] = field(default_factory=dict)
    rings: dict[tuple[int, int], Ring] = field(default_factory=dict)
    limbs: dict[int, list[Limb]] = field(default_factory=dict)
    planes: dict[int, Bits] = field(default_factory=dict)

    def add_sums(self) -> None:
        """Rows that count, and the arguments of sums where they do."""
        p, specs = self.p, self.node.aggregates
        self._add_flags(specs)
        rings = p.flags_to_ring(list(self.flags.values()), 64)
        self.counts = dict(zip(self.flags, rings, strict=True))
        sums = [spec for spec in specs if spec.function == "sum"]
        plain = [spec for spec in sums if encoding_of_column(spec.column).fits_ring]
        values = need_ring(p, [argument_of(self.table, spec) for spec in plain])
        for spec, ring in zip(plain, values, strict=True):
            self.rings[spec.column.id, 0] = ring
        self._add_limbs([spec for spec in sums if spec not in plain])
        arguments = {spec.column.id: self._counting(spec) for spec in sums}
        pairs = [(ring, self.counts[arguments[slot[0]]]) for slot, ring in self.rings.items()]
        products = p.multiply(pairs) if pairs else []
        self.rings = dict(zip(self.rings, products, strict=True))

    def take_values(self, owner: int, groups: KnownGroups | None) -> None:
        """The values of the one row that gives them in each group, 0 in all others."""
        specs = [spec for spec in self.node.aggregates if spec.function in TAKEN]
        if not specs:
            return
        p = self.p
        wanted = list(dict.fromkeys(self._counting(spec) for spec in specs))
        chosen = dict(zip(wanted, self._first_rows(wanted, owner, groups), strict=True))
        need_bits(p, [argument_of(self.table, spec) for spec in specs])
        pairs = []
        for spec in specs:
            column = argument_of(self.table, spec)
            (planes,) = need_bits(p, [column])
            null = [column.null] if column.null is not None and spec.function == "constant" else []
            pairs.append((stack([planes, *null]), chosen[self._counting(spec)]))
        for spec, (_, flag), masked in zip(specs, pairs, p.and_(pairs), strict=True):
            self.planes[spec.column.id] = stack([masked, flag])

    def close(self, owner: int, groups: KnownGroups | None, size: int) -> None:
        """The totals of each group: differences of what its last row and the one before have."""
        rings = [*self.counts.values(), *self.rings.values()]
        planes = list(self.planes.values())
        running: list[Share] = [prefix_sum(ring) for ring in rings]
        running += [prefix_xor(stack(planes))] if planes else []
        source = None if groups is None else groups.ends
        moved = self.p.permute_by_owner(owner, source, running)
        ends = [slice_rows(share, 0, size) for share in moved]
        totals = iter([as_ring(x) - shift_down(as_ring(x)) for x in ends[: len(rings)]])
        self.counts = {slot: next(totals) for slot in self.counts}
        self.rings = {slot: next(totals) for slot in self.rings}
        start = 0
        for identity, given in self.planes.items():
            last = as_bits(ends[-1])
            piece = last.planes(start, start + given.width)
            self.planes[identity] = piece ^ shift_down(piece)
            start += given.width

    def any_row(self) -> Bits:
        """Whether a group has a valid row."""
        for spec in self.node.aggregates:
            if spec.function in TAKEN and self._counting(spec) is None:
                planes = self.planes[spec.column.id]
                return planes.planes(planes.width - 1, planes.width)
        return self.p.invert(is_zero(self.p, self.counts[None], self.table.rows))

    def result(self, spec: AggregateSpec) -> SecretColumn:
        """The column of an aggregate, one row for each group."""
        encoding, identity = encoding_of_column(spec.column), spec.column.id
        if spec.function in TAKEN:
            return self._taken(spec)
        counted = self._counting(spec)
        if spec.function != "sum":
            ring = self.counts[counted]
            return SecretColumn(encoding=encoding, rows=ring.rows, ring=ring)
        if identity in self.limbs:
            limbs = [
                scaled(limb, self.rings[identity, place], self.table.rows)
                for place, limb in enumerate(self.limbs[identity])
            ]
            (planes,) = combined(self.p, [(limbs, encoding)])
            column = SecretColumn(encoding=encoding, rows=planes.rows, bits=planes)
        else:
            ring = self.rings[identity, 0]
            column = SecretColumn(encoding=encoding, rows=ring.rows, ring=ring)
        if counted is not None:
            column.null = is_zero(self.p, self.counts[counted], self.table.rows)
            column.clean_ring = column.ring is not None
        return column

    def _counting(self, spec: AggregateSpec) -> int | None:
        """By which rows the aggregate counts: those with this argument, or all valid ones."""
        if spec.argument is None or spec.function == "constant":
            return None
        return None if argument_of(self.table, spec).null is None else spec.argument

    def _add_flags(self, specs: Sequence[AggregateSpec]) -> None:
        """The valid rows, and those of them where an argument is not NULL."""
        self.flags[None] = valid = self.table.valid
        arguments = dict.fromkeys(self._counting(spec) for spec in specs)
        named = [argument for argument in arguments if argument is not None]
        nulls = [null_of(self.table.columns[argument]) for argument in named]
        pairs = [(self.p.invert(null), valid) for null in nulls]
        self.flags |= dict(zip(named, self.p.and_(pairs) if pairs else [], strict=True))

    def _add_limbs(self, specs: Sequence[AggregateSpec]) -> None:
        """Sums beyond the ring run limb by limb."""
        if not specs:
            return
        columns = [argument_of(self.table, spec) for spec in specs]
        found = limbs_of(self.p, columns, limb_bits(self.table.rows))
        for spec, limbs in zip(specs, found, strict=True):
            self.limbs[spec.column.id] = [scaled(limb, limb.ring, 1) for limb in limbs]
            for place, limb in enumerate(limbs):
                self.rings[spec.column.id, place] = limb.ring

    def _first_rows(
        self, wanted: Sequence[int | None], owner: int, groups: KnownGroups | None
    ) -> list[Bits]:
        """The first row of each group that counts, for every way to count rows."""
        p, rows = self.p, self.table.rows
        counts = [truncate(self.counts[slot], COUNT_BITS) for slot in wanted]
        before: list[Share] = [prefix_sum(count) - count for count in counts]
        source = None if groups is None else groups.heads
        starts = p.gather_by_owner(owner, source, rows, before)
        inside = [as_ring(x) - as_ring(y) for x, y in zip(before, starts, strict=True)]
        none = [is_zero(p, counter, rows) for counter in inside]
        pairs = zip(none, (self.flags[slot] for slot in wanted), strict=True)
        return p.and_(list(pairs))

    def _taken(self, spec: AggregateSpec) -> SecretColumn:
        column, planes = argument_of(self.table, spec), self.planes[spec.column.id]
        width = column.encoding.width
        found = SecretColumn(
            encoding=column.encoding, rows=planes.rows, bits=planes.planes(0, width)
        )
        if column.null is not None and spec.function == "constant":
            found.null = planes.planes(width, width + 1)
        elif column.null is not None:
            found.null = self.p.invert(planes.planes(width, width + 1))
        return found


def _compacted(p: SharingProtocol, node: Aggregate, table: SecretTable) -> SecretTable:
    """The valid groups, at the front, and as many rows as the plan has."""
    payload = Payload.of(p, table, node.columns)
    parted = partition(p, table.valid, payload.shares(table.valid))
    top = [slice_rows(share, 0, node.rows) for share in parted.columns]
    valid, columns = payload.apart(p, top, rows=node.rows, flagged=True)
    return SecretTable(node.rows, {c.id: columns[c.id] for c in node.columns}, valid)
