"""GROUP BY on shared keys, without a segmented-scan network.

1. Sort by (invalid, keys); `first` marks the rows whose (invalid, keys) differ from the row before.
2. Sums and counts of the sorted rows are prefix sums (local).
3. A sentinel row that begins a group of its own is appended; partition by `first` brings the group
   heads to the front, in key order, each with the exclusive prefix sums that it saw.
4. A group's sum is the difference of neighbouring heads. Its row is valid if its head is a valid
   row's. The head of the invalid rows, or the sentinel, follows the last group.

MIN, MAX and DISTINCT arguments are appended to the sort key, and whether the argument of ANY_VALUE
is NULL; each distinct extension is a pass of its own. A MAX beside a MIN of values that are never
NULL needs none: it is what stands before the head of the next group. What stands at the head of a
group anyway (ANY_VALUE, a constant of the group) is moved along. Every pass yields the groups in
the same order, so that the passes' results align.
Cost: one sort and one partition per pass. Source: PROTOCOLS, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ...planner.secure import Aggregate, AggregateSpec
from ...query.errors import InternalError
from ..circuits.compare import any_of
from ..circuits.partition import partition
from ..circuits.row_numbers import ring_numbers
from ..circuits.rows import concat_rows, pad_rows, prefix_sum, shift_down, slice_rows
from ..circuits.sort import sort
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, as_ring, stack
from .aggregate_all import aggregate_all
from .aggregate_dense import aggregate_dense
from .aggregate_known import aggregate_known
from .counting_rows import (
    argument_of,
    changes,
    distinct_sums,
    is_zero,
    limb_arguments,
    null_free_rings,
    order_of,
)
from .head_values import HeadValues, null_of_argument
from .limbs import Limb, combined, scaled
from .table import (
    SecretColumn,
    SecretTable,
    cleaned_bits,
    encoding_of_column,
    null_of,
    ordered_planes,
)


def aggregate(p: SharingProtocol, node: Aggregate, table: SecretTable) -> SecretTable:
    """One row per group (node.keys), or exactly one row without keys."""
    if not node.keys:
        return aggregate_all(p, node, table)
    if node.sort == "dense":
        return aggregate_dense(p, node, table)
    if node.sort == "known":
        return aggregate_known(p, node, table)
    passes = _passes(p, node, table)
    results: dict[int, SecretColumn] = {}
    heads: _Heads | None = None
    for one in passes:
        heads = _run_pass(p, node, table, one)
        results.update(heads.results)
    if heads is None:
        raise InternalError("an aggregation without a pass")
    keys = _group_keys(node, table, heads)
    ordered = {c.id: keys.get(c.id) or results[c.id] for c in node.columns}
    return SecretTable(node.rows, ordered, heads.valid)


@dataclass(slots=True)
class _Pass:
    """One sort: the argument that extends the key, and the aggregates read off it."""

    extension: Bits | None = None
    kind: str = "ascending"
    specs: list[AggregateSpec] = field(default_factory=list)

    @property
    def with_last(self) -> bool:
        """Whether a MAX is read off the last row of a group."""
        return self.kind == "ascending" and any(s.function == "max" for s in self.specs)


@dataclass(slots=True)
class _Heads:
    """What stands at the heads of the groups after one pass."""

    valid: Bits
    keys: Bits
    results: dict[int, SecretColumn]


PLAIN = ("count_star", "count", "sum")
KINDS = {"max": "descending", "arg_max": "descending", "any_value": "known"}
MOVED = ("any_value", "constant", "arg_min", "arg_max")
UPWARDS = ("min", "count_distinct", "sum_distinct")


def _passes(p: SharingProtocol, node: Aggregate, table: SecretTable) -> list[_Pass]:
    """Groups the aggregates by the sort they need; sums and counts join the first pass."""
    passes: dict[tuple[str, int | None], _Pass] = {}
    anywhere = [spec for spec in node.aggregates if _fits_any_pass(table, spec)]
    ascending = {spec.argument for spec in node.aggregates if spec.function in UPWARDS}
    for spec in node.aggregates:
        if spec in anywhere:
            continue
        last = spec.function == "max" and spec.argument in ascending and _never_null(table, spec)
        kind = "ascending" if last else KINDS.get(spec.function, "ascending")
        ordering = order_of(table, spec)
        key = (kind, spec.argument if spec.order is None else spec.order)
        if key not in passes:
            passes[key] = _Pass(extension=_extension(p, kind, ordering), kind=kind)
        passes[key].specs.append(spec)
    ordered = list(passes.values()) or [_Pass()]
    ordered[0].specs = [*anywhere, *ordered[0].specs]
    return ordered


def _fits_any_pass(table: SecretTable, spec: AggregateSpec) -> bool:
    """Whether the aggregate does not care in which order the rows of a group stand."""
    if spec.function == "any_value":
        return null_of_argument(table, spec) is None
    return spec.function in PLAIN or spec.function == "constant"


def _never_null(table: SecretTable, spec: AggregateSpec) -> bool:
    return null_of_argument(table, spec) is None


def _extension(p: SharingProtocol, kind: str, column: SecretColumn) -> Bits:
    """What extends the sort key: the argument, its complement, or only whether it is NULL."""
    if kind == "known":
        return null_of(column)
    return _descending(p, column) if kind == "descending" else ordered_planes(p, [column])


def _descending(p: SharingProtocol, column: SecretColumn) -> Bits:
    """Planes whose ascending order is descending, NULL last."""
    (planes,) = cleaned_bits(p, [column])
    inverted = p.invert(planes)
    return inverted if column.null is None else stack([inverted, column.null])


def _run_pass(p: SharingProtocol, node: Aggregate, table: SecretTable, one: _Pass) -> _Heads:
    """Steps 1 to 4 for one sort."""
    keys = ordered_planes(p, [table.columns[k] for k in node.keys])
    extension = [] if one.extension is None else [one.extension]
    extra = sum(e.width for e in extension)
    plain = [s for s in one.specs if s.function in PLAIN]
    values = _ring_payload(p, table, plain)
    moved = HeadValues.of(p, table, [s for s in one.specs if s.function in MOVED])
    full = stack([*extension, keys, p.invert(table.valid)])
    payload = [*values.shares(), *moved.shares()]
    ordered = sort(p, full, payload, algorithm=node.sorting)
    sorted_keys = ordered.keys
    group = sorted_keys.planes(extra, full.width)
    begins = changes(p, [group, sorted_keys] if _distinct(one) else [group])
    accumulated = values.prefix_sums(p, ordered.columns[: len(values.shares())])
    moved = moved.taken(ordered.columns[len(values.shares()) :])
    for spec in one.specs:
        if spec.function in ("count_distinct", "sum_distinct"):
            column = argument_of(table, spec)
            accumulated[spec.column.id] = distinct_sums(
                p, spec, column, sorted_keys.planes(0, extra), begins[1]
            )
    rows = _SortedRows(table, sorted_keys, begins[0], accumulated, moved, values.limbs)
    return _collect(p, node, one, rows)


def _distinct(one: _Pass) -> bool:
    return any(spec.function in ("count_distinct", "sum_distinct") for spec in one.specs)


Slot: TypeAlias = int | tuple[int, int]
"""A running sum: an output column's id, with the place of the limb where there are several."""


@dataclass(slots=True)
class _RingPayload:
    """Ring columns that the sort moves for SUM and COUNT."""

    sums: dict[Slot, Ring]
    counts: dict[Slot, Bits]
    stars: list[int]
    rows: int
    limbs: dict[int, list[Limb]]

    def shares(self) -> list[Share]:
        return [*self.sums.values(), *self.counts.values()]

    def prefix_sums(self, p: SharingProtocol, moved: Sequence[Share]) -> dict[Slot, Ring]:
        """Inclusive running sums of the moved columns; COUNT(*) is the public row number."""
        rings = [share for share in moved if isinstance(share, Ring)]
        flags = [share for share in moved if isinstance(share, Bits)]
        counted = p.flags_to_ring(flags, 64) if flags else []
        running = {
            slot: prefix_sum(ring)
            for slot, ring in zip([*self.sums, *self.counts], [*rings, *counted], strict=True)
        }
        for identity in self.stars:
            running[identity] = ring_numbers(p, self.rows, first=1)
        return running


NONNULL = -1
"""Offset of the hidden counter of non-NULL values beside a nullable SUM: id -(id + 1)."""


def _ring_payload(
    p: SharingProtocol, table: SecretTable, specs: Sequence[AggregateSpec]
) -> _RingPayload:
    payload = _RingPayload({}, {}, [], table.rows, {})
    sums = [s for s in specs if s.function == "sum"]
    plain = [s for s in sums if encoding_of_column(s.column).fits_ring]
    rings = null_free_rings(p, [argument_of(table, s) for s in plain])
    payload.sums.update(zip([s.column.id for s in plain], rings, strict=True))
    payload.limbs.update(limb_arguments(p, table, [s for s in sums if s not in plain]))
    for identity, limbs in payload.limbs.items():
        payload.sums.update({(identity, place): limb.ring for place, limb in enumerate(limbs)})
    for spec in sums:
        column = argument_of(table, spec)
        if column.null is not None:
            payload.counts[NONNULL - spec.column.id] = p.invert(column.null)
    for spec in specs:
        if spec.function == "sum":
            continue
        null = None
        if spec.function == "count":
            column = argument_of(table, spec)
            column.force("bits")
            null = column.null
        if null is None:
            payload.stars.append(spec.column.id)
        else:
            payload.counts[spec.column.id] = p.invert(null)
    return payload


@dataclass(slots=True)
class _SortedRows:
    """The sorted rows of one pass: their keys, where groups begin, their running sums."""

    table: SecretTable
    keys: Bits
    first: Bits
    running: dict[Slot, Ring]
    moved: HeadValues
    limbs: dict[int, list[Limb]]


def _collect(p: SharingProtocol, node: Aggregate, one: _Pass, rows: _SortedRows) -> _Heads:
    """Steps 3 and 4: heads to the front, differences of neighbours."""
    width = rows.keys.width
    sorted_keys, first, running = rows.keys, rows.first, rows.running
    (head,) = p.and_([(first, p.invert(sorted_keys.planes(width - 1, width)))])
    planes = pad_rows(stack([sorted_keys.planes(0, width - 1), head]), first.rows + 1)
    flag = concat_rows([first, p.constant_bits(1, 1, 1)])
    exclusive = [_with_total(shift_down(ring), ring) for ring in running.values()]
    carried = [pad_rows(share, first.rows + 1) for share in rows.moved.shares()]
    extra = 0 if one.extension is None else one.extension.width
    last = _with_last(sorted_keys.planes(0, extra if one.with_last else 0))
    parted = partition(p, flag, [planes, *exclusive, last, *carried])
    groups = node.rows
    top = slice_rows(as_bits(parted.columns[0]), 0, groups)
    sums: dict[Slot, Ring] = {}
    for slot, share in zip(running, parted.columns[1 : len(running) + 1], strict=True):
        ring = as_ring(share)
        sums[slot] = slice_rows(ring, 1, groups + 1) - slice_rows(ring, 0, groups)
    last = slice_rows(as_bits(parted.columns[len(running) + 1]), 1, groups + 1)
    heads = rows.moved.taken(parted.columns[len(running) + 2 :])
    results = heads.columns(groups)
    _without_order(p, rows.table, one, top.planes(0, extra), results)
    arguments = _Arguments(top.planes(0, extra), last if one.with_last else None)
    results.update(_results(p, rows, one, arguments, sums))
    valid = top.planes(top.width - 1, top.width)
    return _Heads(valid, top.planes(extra, top.width - 1), results)


def _with_last(argument: Bits) -> Bits:
    """The argument of the row before, and that of the last row for the sentinel."""
    rows = argument.rows
    return concat_rows([shift_down(argument), slice_rows(argument, rows - 1, rows)])


@dataclass(frozen=True, slots=True)
class _Arguments:
    """What extends the sort key, in the first row of each group and in its last."""

    first: Bits
    last: Bits | None


def _with_total(exclusive: Ring, running: Ring) -> Ring:
    """The exclusive running sums, and the grand total for the sentinel row."""
    return concat_rows([exclusive, slice_rows(running, running.rows - 1, running.rows)])


def _results(
    p: SharingProtocol,
    rows: _SortedRows,
    one: _Pass,
    arguments: _Arguments,
    sums: dict[Slot, Ring],
) -> dict[int, SecretColumn]:
    """The aggregates' columns at the group heads."""
    table, argument = rows.table, arguments.first
    results: dict[int, SecretColumn] = _limb_sums(p, rows, one, sums)
    for spec in one.specs:
        if spec.function in MOVED:
            continue
        encoding = encoding_of_column(spec.column)
        if spec.function in ("min", "max"):
            results[spec.column.id] = _extreme(p, table, spec, arguments)
            continue
        identity = spec.column.id
        if identity in results:
            column = results[identity]
        else:
            ring = sums[identity]
            column = SecretColumn(encoding=encoding, rows=ring.rows, ring=ring)
        counter = sums.get(NONNULL - identity)
        if counter is not None:
            column.null = is_zero(p, counter, table.rows)
            column.clean_ring = column.ring is not None
        if spec.function == "sum_distinct":
            column.null = _nothing_distinct(p, table, spec, argument)
        results[identity] = column
    return results


def _limb_sums(
    p: SharingProtocol, rows: _SortedRows, one: _Pass, sums: dict[Slot, Ring]
) -> dict[int, SecretColumn]:
    """The sums beyond the ring, as planes."""
    values, targets = [], {}
    for spec in one.specs:
        if spec.column.id not in rows.limbs:
            continue
        encoding = encoding_of_column(spec.column)
        limbs = [
            scaled(limb, sums[spec.column.id, place], rows.first.rows)
            for place, limb in enumerate(rows.limbs[spec.column.id])
        ]
        values.append((limbs, encoding))
        targets[spec.column.id] = encoding
    planes = combined(p, values) if values else []
    return {
        identity: SecretColumn(encoding=encoding, rows=found.rows, bits=found)
        for (identity, encoding), found in zip(targets.items(), planes, strict=True)
    }


def _without_order(
    p: SharingProtocol,
    table: SecretTable,
    one: _Pass,
    argument: Bits,
    results: dict[int, SecretColumn],
) -> None:
    """ARG_MIN and ARG_MAX are NULL where the order is NULL in all rows, so in the head's too."""
    for spec in one.specs:
        if spec.order is None or table.columns[spec.order].null is None:
            continue
        missing = argument.planes(argument.width - 1, argument.width)
        column = results[spec.column.id]
        nulls = [missing] if column.null is None else [missing, column.null]
        column.null = missing if len(nulls) == 1 else any_of(p, [stack(nulls)])[0]


def _nothing_distinct(
    p: SharingProtocol, table: SecretTable, spec: AggregateSpec, argument: Bits
) -> Bits | None:
    """SUM(DISTINCT x) is NULL where the group's first (smallest) x is."""
    column = argument_of(table, spec)
    if column.null is None:
        return None
    return argument.planes(argument.width - 1, argument.width)


def _extreme(
    p: SharingProtocol, table: SecretTable, spec: AggregateSpec, arguments: _Arguments
) -> SecretColumn:
    """The head's argument: the least in its group, or the greatest where complemented.

    The greatest is the last row's where arguments ascend.
    """
    column = argument_of(table, spec)
    width = column.encoding.width
    if spec.function == "max" and arguments.last is not None:
        planes = arguments.last.planes(0, width)
        return SecretColumn(encoding=column.encoding, rows=planes.rows, bits=planes)
    planes = arguments.first.planes(0, width)
    if spec.function == "max":
        planes = p.invert(planes)
    null = None if column.null is None else arguments.first.planes(width, width + 1)
    return SecretColumn(encoding=column.encoding, rows=planes.rows, bits=planes, null=null)


def _group_keys(node: Aggregate, table: SecretTable, heads: _Heads) -> dict[int, SecretColumn]:
    """Takes the key planes apart again (the first key is the most significant)."""
    keys: dict[int, SecretColumn] = {}
    position = 0
    for identity in reversed(node.keys):
        source = table.columns[identity]
        width = source.encoding.width
        column = SecretColumn(
            encoding=source.encoding,
            rows=heads.keys.rows,
            bits=heads.keys.planes(position, position + width),
            clean_bits=True,
        )
        position += width
        if source.null is not None:
            column.null = heads.keys.planes(position, position + 1)
            position += 1
        keys[identity] = column
    return keys
