"""Aggregates over all valid rows: masked sums by inner products, MIN and MAX by a tournament.

Cost: SUM one inner product (64 bits in all), after one flag conversion per row and argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...planner.secure import Aggregate, AggregateSpec
from ...query.datatypes import Encoding
from ..circuits.compare import any_of
from ..circuits.rows import slice_rows
from ..circuits.sort import sort
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, stack
from .counting_rows import argument_of, changes, distinct_sums, is_zero, order_of
from .limbs import combined, limb_bits, limbs_of, scaled
from .table import (
    SecretColumn,
    SecretTable,
    encoding_of_column,
    need_bits,
    need_ring,
    null_of,
    ordered_planes,
    total,
)
from .tournament import any_present, extreme


def aggregate_all(p: SharingProtocol, node: Aggregate, table: SecretTable) -> SecretTable:
    """Aggregates over all valid rows: masked sums by inner products, MIN and MAX by tournament."""
    columns: dict[int, SecretColumn] = {}
    flags = _GlobalFlags(p, table)
    for spec in node.aggregates:
        columns[spec.column.id] = _global_one(p, node, table, spec, flags)
    ordered = {c.id: columns[c.id] for c in node.columns}
    return SecretTable(1, ordered, p.constant_bits(1, 1, 1))


@dataclass(slots=True)
class _GlobalFlags:
    """valid AND NOT NULL per argument, in both forms, made once."""

    p: SharingProtocol
    table: SecretTable
    planes: dict[int | None, Bits] = field(default_factory=dict)
    rings: dict[int | None, Ring] = field(default_factory=dict)

    def plane(self, argument: int | None) -> Bits:
        """Rows that count for an argument."""
        key = self._key(argument)
        if key is None:
            return self.table.valid
        if key not in self.planes:
            null = null_of(self.table.columns[key])
            (self.planes[key],) = self.p.and_([(self.table.valid, self.p.invert(null))])
        return self.planes[key]

    def ring(self, argument: int | None) -> Ring:
        key = self._key(argument)
        if key not in self.rings:
            (self.rings[key],) = self.p.flags_to_ring([self.plane(argument)], 64)
        return self.rings[key]

    def _key(self, argument: int | None) -> int | None:
        if argument is None:
            return None
        column = self.table.columns[argument]
        column.force("ring")
        return None if column.null is None else argument


def _global_one(
    p: SharingProtocol,
    node: Aggregate,
    table: SecretTable,
    spec: AggregateSpec,
    flags: _GlobalFlags,
) -> SecretColumn:
    encoding = encoding_of_column(spec.column)
    result = SecretColumn(encoding=encoding, rows=1)
    if spec.function in ("count_star", "count"):
        result.ring = total(flags.ring(spec.argument))
        return result
    column = argument_of(table, spec)
    if spec.function in ("count_distinct", "sum_distinct"):
        return _global_distinct(p, node, table, spec)
    if spec.function in ("any_value", "constant"):
        return _any_present(p, column, flags.plane(spec.argument))
    if spec.order is not None:
        return _picked(p, table, spec, flags.plane(spec.order))
    if spec.function == "sum" and not encoding.fits_ring:
        result.bits = _limb_sum(p, column, flags.ring(spec.argument), encoding)
    elif spec.function == "sum":
        (ring,) = need_ring(p, [column])
        (result.ring,) = p.total_product([(ring, flags.ring(spec.argument))])
    else:
        (planes,) = need_bits(p, [column])
        result.encoding = column.encoding
        present = flags.plane(spec.argument)
        result.bits, _ = extreme(p, planes, present, largest=spec.function == "max")
    result.null = is_zero(p, total(flags.ring(spec.argument)), table.rows)
    result.clean_ring = result.ring is not None
    return result


def _limb_sum(p: SharingProtocol, column: SecretColumn, counted: Ring, encoding: Encoding) -> Bits:
    """A sum beyond the ring: one inner product for every limb."""
    (limbs,) = limbs_of(p, [column], limb_bits(column.rows))
    sums = p.total_product([(limb.ring, counted) for limb in limbs])
    added = [scaled(limb, ring, column.rows) for limb, ring in zip(limbs, sums, strict=True)]
    return combined(p, [(added, encoding)])[0]


def _any_present(p: SharingProtocol, column: SecretColumn, present: Bits) -> SecretColumn:
    """The argument of a row where it is not NULL; NULL if there is none."""
    (planes,) = need_bits(p, [column])
    value, found = any_present(p, planes, present)
    null = p.invert(found)
    return SecretColumn(encoding=column.encoding, rows=1, bits=value, null=null)


def _picked(
    p: SharingProtocol, table: SecretTable, spec: AggregateSpec, present: Bits
) -> SecretColumn:
    """The argument of a row where the order is least or largest: both go through a tournament."""
    column, order = argument_of(table, spec), order_of(table, spec)
    values, keys = need_bits(p, [column, order])
    carried = values if column.null is None else stack([values, column.null])
    best, found = extreme(p, keys, present, largest=spec.function == "arg_max", carried=carried)
    null = p.invert(found)
    if column.null is not None:
        (null,) = any_of(p, [stack([null, best.planes(values.width, best.width)])])
    return SecretColumn(
        encoding=column.encoding, rows=1, bits=best.planes(0, values.width), null=null
    )


def _global_distinct(
    p: SharingProtocol, node: Aggregate, table: SecretTable, spec: AggregateSpec
) -> SecretColumn:
    """COUNT(DISTINCT x) and SUM(DISTINCT x) over everything: one sort by (not counted, x)."""
    column = argument_of(table, spec)
    keys = ordered_planes(p, [column])
    full = stack([keys, p.invert(table.valid)])
    ordered = sort(p, full, [], algorithm=node.sorting).keys
    (change,) = changes(p, [ordered])
    (change,) = p.and_([(change, p.invert(ordered.planes(full.width - 1, full.width)))])
    running = distinct_sums(p, spec, column, ordered.planes(0, full.width - 1), change)
    result = SecretColumn(encoding=encoding_of_column(spec.column), rows=1)
    result.ring = slice_rows(running, running.rows - 1, running.rows)
    if spec.function == "sum_distinct":
        counted = AggregateSpec(
            column=spec.column, function="count_distinct", argument=spec.argument
        )
        number = distinct_sums(p, counted, column, ordered.planes(0, full.width - 1), change)
        last = slice_rows(number, number.rows - 1, number.rows)
        result.null = is_zero(p, last, table.rows)
        result.clean_ring = True
    return result
