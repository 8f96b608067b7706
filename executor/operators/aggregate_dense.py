"""GROUP BY keys of small public domains: one flag per row and possible group, and inner products.

1. A tree over the key planes gives, for every possible group, the valid rows that belong to it.
2. The flags go into the ring. A group's count is the sum of its flags (local), its sum the inner
   product of the flags with the values: one resharing for all rows together.
Nothing is sorted, and nothing is opened. All groups are in the result, in the order of their keys;
a group is valid if it has a row.

Cost: per row and group about one AND and a flag's conversion (85 bits); 64 bits per group and sum;
log2 of the key's planes + 4 rounds. Source: PROTOCOLS, sections 4 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...planner.public_groups import Group, public_groups
from ...planner.secure import Aggregate, AggregateSpec
from ...query.errors import InternalError
from ..circuits.one_hot import one_hot
from ..circuits.rows import concat_rows
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, as_ring, stack
from .counting_rows import argument_of, is_zero, limb_arguments, null_free_rings
from .limbs import Limb, combined, scaled
from .rows import public_column
from .table import (
    SecretColumn,
    SecretTable,
    encoding_of_column,
    null_of,
    ordered_planes,
    total,
)

_FLAGS_AT_ONCE = 1 << 24
"""Flags of rows and groups that stand in the ring at the same time."""


def aggregate_dense(p: SharingProtocol, node: Aggregate, table: SecretTable) -> SecretTable:
    """One row for every possible group."""
    groups = public_groups(node)
    if groups is None:
        raise InternalError("the groups of an aggregation are not known in advance")
    members = _members(p, node, table, groups)
    values = _Values.of(p, node.aggregates, table)
    sums = _Sums()
    step = max(1, _FLAGS_AT_ONCE // max(table.rows, 1))
    for start in range(0, len(groups), step):
        sums.add(p, p.flags_to_ring(members[start : start + step], 64), values)
    columns: dict[int, SecretColumn] = {}
    keys = [column for column in node.columns if column.id in node.keys]
    for column in keys:
        place = node.keys.index(column.id)
        columns[column.id] = public_column(p, column, [group[place] for group in groups])
    counted = sums.counts()
    for spec in node.aggregates:
        columns[spec.column.id] = _result(p, spec, table, values, sums)
    valid = p.invert(is_zero(p, counted, table.rows))
    return SecretTable(len(groups), {c.id: columns[c.id] for c in node.columns}, valid)


def _members(
    p: SharingProtocol, node: Aggregate, table: SecretTable, groups: Sequence[Group]
) -> list[Bits]:
    """For every group the valid rows that belong to it."""
    keys = [table.columns[key] for key in node.keys]
    planes = stack([ordered_planes(p, keys), table.valid])
    return one_hot(p, planes, [_code(keys, group) | 1 << planes.width - 1 for group in groups])


def _code(keys: Sequence[SecretColumn], group: Group) -> int:
    """The group's keys as `ordered_planes` lays them out: the last key lowest, NULL above a key."""
    code = position = 0
    for key, value in zip(reversed(keys), reversed(group), strict=True):
        if value is not None:
            code |= value - key.encoding.lo << position
        position += key.encoding.width
        if key.null is not None:
            code |= (value is None) << position
            position += 1
    return code


@dataclass(slots=True)
class _Values:
    """What is summed over each group: arguments, or their limbs, and where they are not NULL."""

    rings: dict[tuple[int, int], Ring]
    limbs: dict[int, list[Limb]]

    @staticmethod
    def of(p: SharingProtocol, aggregates: Sequence[AggregateSpec], table: SecretTable) -> _Values:
        found = _Values({}, {})
        sums = [spec for spec in aggregates if spec.function == "sum"]
        plain = [spec for spec in sums if encoding_of_column(spec.column).fits_ring]
        rings = null_free_rings(p, [argument_of(table, spec) for spec in plain])
        for spec, ring in zip(plain, rings, strict=True):
            found.rings[spec.column.id, 0] = ring
        found.limbs = limb_arguments(p, table, [spec for spec in sums if spec not in plain])
        for identity, limbs in found.limbs.items():
            found.rings |= {(identity, place): limb.ring for place, limb in enumerate(limbs)}
        found._add_counters(p, aggregates, table)
        return found

    def _add_counters(
        self, p: SharingProtocol, aggregates: Sequence[AggregateSpec], table: SecretTable
    ) -> None:
        """Where the arguments are not NULL, as values to be summed, under place -1."""
        specs = [spec for spec in aggregates if spec.argument is not None]
        for spec in specs:
            argument_of(table, spec).force("ring")
        counted = [spec for spec in specs if argument_of(table, spec).null is not None]
        flags = [p.invert(null_of(argument_of(table, spec))) for spec in counted]
        rings = p.flags_to_ring(flags, 64) if flags else []
        for spec, ring in zip(counted, rings, strict=True):
            self.rings[spec.column.id, COUNTER] = ring


COUNTER = -1


class _Sums:
    """The sums by group, batch by batch."""

    def __init__(self) -> None:
        self._counts: list[Ring] = []
        self._sums: dict[tuple[int, int], list[Ring]] = {}

    def add(self, p: SharingProtocol, members: Sequence[Ring], values: _Values) -> None:
        self._counts += [total(flag) for flag in members]
        pairs = [(ring, flag) for ring in values.rings.values() for flag in members]
        found = iter(p.total_product(pairs) if pairs else [])
        for name in values.rings:
            self._sums.setdefault(name, []).extend(next(found) for _ in members)

    def counts(self) -> Ring:
        return as_ring(concat_rows(self._counts))

    def of(self, identity: int, place: int) -> Ring:
        return as_ring(concat_rows(self._sums[identity, place]))

    def counter(self, identity: int) -> Ring | None:
        """How many arguments are not NULL; None where none ever is."""
        return self.of(identity, COUNTER) if (identity, COUNTER) in self._sums else None


def _result(
    p: SharingProtocol, spec: AggregateSpec, table: SecretTable, values: _Values, sums: _Sums
) -> SecretColumn:
    encoding, identity = encoding_of_column(spec.column), spec.column.id
    counter = sums.counter(identity)
    if spec.function != "sum":
        ring = sums.counts() if counter is None else counter
        return SecretColumn(encoding=encoding, rows=ring.rows, ring=ring)
    if identity in values.limbs:
        given = enumerate(values.limbs[identity])
        limbs = [scaled(limb, sums.of(identity, place), table.rows) for place, limb in given]
        (planes,) = combined(p, [(limbs, encoding)])
        column = SecretColumn(encoding=encoding, rows=planes.rows, bits=planes)
    else:
        ring = sums.of(identity, 0)
        column = SecretColumn(encoding=encoding, rows=ring.rows, ring=ring)
    if counter is not None:
        column.null = is_zero(p, counter, table.rows)
        column.clean_ring = column.ring is not None
    return column
