"""What aggregations share: changes between sorted rows, and counting what is not NULL."""

from __future__ import annotations

from collections.abc import Sequence

from ...planner.secure import AggregateSpec
from ...query.errors import InternalError
from ..circuits.compare import any_of, equal
from ..circuits.convert import ring_to_word
from ..circuits.row_numbers import range_plane
from ..circuits.rows import prefix_sum, shift_down
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring
from .limbs import Limb, limb_bits, limbs_of, null_free_limbs
from .table import SecretColumn, SecretTable, mask_public, need_ring, null_of


def changes(p: SharingProtocol, keys: Sequence[Bits]) -> list[Bits]:
    """For each stack: a plane that is 1 where a row differs from the row before (and in row 0)."""
    same = equal(p, [(k, shift_down(k)) for k in keys])
    if p.counts_only:
        return [p.invert(flag) for flag in same]
    plane = range_plane(1, keys[0].rows, keys[0].rows)
    return [p.invert(mask_public(flag, plane)) for flag in same]


def null_free_rings(p: SharingProtocol, columns: Sequence[SecretColumn]) -> list[Ring]:
    """Ring values that are 0 under NULL. At most one batch of multiplications."""
    rings = need_ring(p, columns)
    dirty = [i for i, c in enumerate(columns) if c.null is not None and not c.clean_ring]
    if not dirty:
        return rings
    flags = p.flags_to_ring([p.invert(null_of(columns[i])) for i in dirty], 64)
    products = p.multiply([(rings[i], flag) for i, flag in zip(dirty, flags, strict=True)])
    for i, product in zip(dirty, products, strict=True):
        rings[i] = product
    return rings


def distinct_sums(
    p: SharingProtocol, spec: AggregateSpec, column: SecretColumn, argument: Bits, change: Bits
) -> Ring:
    """Running count (or sum) of the rows that begin a new non-NULL value within their group."""
    width = column.encoding.width
    if column.null is not None:
        (change,) = p.and_([(change, p.invert(argument.planes(width, width + 1)))])
    (flag,) = p.flags_to_ring([change], 64)
    if spec.function == "count_distinct":
        return prefix_sum(flag)
    sorted_column = SecretColumn(
        encoding=column.encoding, rows=argument.rows, bits=argument.planes(0, width)
    )
    (ring,) = need_ring(p, [sorted_column])
    return prefix_sum(p.multiply([(ring, flag)])[0])


def argument_of(table: SecretTable, spec: AggregateSpec) -> SecretColumn:
    if spec.argument is None:
        raise InternalError(f"{spec.function} without an argument")
    return table.columns[spec.argument]


def order_of(table: SecretTable, spec: AggregateSpec) -> SecretColumn:
    """The column by which an aggregate orders the rows of a group."""
    return argument_of(table, spec) if spec.order is None else table.columns[spec.order]


def is_zero(p: SharingProtocol, counter: Ring, largest: int) -> Bits:
    """Whether a counter of at most `largest` is 0."""
    (word,) = ring_to_word(p, [counter], largest.bit_length())
    return p.invert(any_of(p, [word])[0])


def limb_arguments(
    p: SharingProtocol, table: SecretTable, specs: Sequence[AggregateSpec]
) -> dict[int, list[Limb]]:
    """The arguments of sums beyond the ring, limb by limb, 0 where NULL; by output column."""
    if not specs:
        return {}
    columns = [argument_of(table, spec) for spec in specs]
    limbs = null_free_limbs(p, limbs_of(p, columns, limb_bits(table.rows)), columns)
    return {spec.column.id: given for spec, given in zip(specs, limbs, strict=True)}
