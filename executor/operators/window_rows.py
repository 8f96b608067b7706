"""The rows of a window in their order, with what its functions read beside them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...planner.secure import Window
from ..circuits.order import shuffle_rows
from ..circuits.sort import sort
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share, as_bits, as_ring, stack
from .counting_rows import changes, null_free_rings
from .limbs import Limb, limb_bits, limbs_of, null_free_limbs
from .order import flatten, rebuild, sort_key
from .table import (
    SecretColumn,
    SecretTable,
    encoding_of_column,
    need_bits,
    null_of,
    ordered_planes,
)

SUMMED = ("sum", "count")
PEER_RANKS = ("rank", "dense_rank")


@dataclass(slots=True, eq=False)
class WindowRows:
    """Sorted rows. `begins` and `peers` mark where a partition and a group of peers begin.

    kept: the output's columns of the input. values: arguments that are looked up or compared.
    sums: limbs of arguments in the ring, 0 under NULL, by argument and place. present: which rows
    of an argument are not NULL.
    """

    valid: Bits
    begins: Bits
    peers: Bits
    kept: dict[int, SecretColumn]
    values: dict[int, SecretColumn]
    sums: dict[tuple[int, int], Limb]
    present: dict[int, Bits]

    @property
    def rows(self) -> int:
        return self.valid.rows


def sorted_rows(
    p: SharingProtocol, node: Window, table: SecretTable, *, shuffled: bool
) -> WindowRows:
    """Valid rows first, by partition and order; `shuffled`: rows that tie in random order.

    Where no call reads peers, `peers` are the partitions.

    Cost: one sort of whole rows, after a shuffle of them if `shuffled`; two equality tests.
    """
    key, order_width = _key(p, node, table)
    load = _Load.of(p, node, table)
    shares = load.shares(p)
    if shuffled:
        (mixed, *shares), _ = shuffle_rows(p, [key, *shares])
        key = as_bits(mixed)
    ordered = sort(p, key, shares, algorithm=node.sort)
    width = key.width
    partition = ordered.keys.planes(order_width, width)
    read = any(c.frame.unit == "range" or c.function in PEER_RANKS for c in node.calls)
    flags = changes(p, [partition, ordered.keys] if read and order_width else [partition])
    valid = p.invert(ordered.keys.planes(width - 1, width))
    return load.rows(valid, flags[0], flags[-1], ordered.columns)


def _key(p: SharingProtocol, node: Window, table: SecretTable) -> tuple[Bits, int]:
    """(invalid, partition keys, order keys) as one number, and how many planes the order takes."""
    need_bits(p, [table.columns[k.column] for k in node.order])
    order = [sort_key(p, node.order, table)] if node.order else []
    keys = [table.columns[key] for key in node.partition]
    partition = [ordered_planes(p, keys)] if keys else []
    pieces = [*order, *partition, p.invert(table.valid)]
    return stack(pieces), sum(piece.width for piece in order)


@dataclass(slots=True, eq=False)
class _Load:
    """What the sort moves along: columns, ring values of sums, flags of values that are there."""

    columns: dict[int, SecretColumn]
    kept: frozenset[int]
    values: frozenset[int]
    sums: dict[tuple[int, int], Limb] = field(default_factory=dict)
    present: dict[int, Bits] = field(default_factory=dict)

    @staticmethod
    def of(p: SharingProtocol, node: Window, table: SecretTable) -> _Load:
        kept = frozenset(c.id for c in node.columns if c.id in table.columns)
        read = [(c.function, c.argument) for c in node.calls if c.argument is not None]
        values = frozenset(argument for function, argument in read if function not in SUMMED)
        need_bits(p, [table.columns[i] for i in sorted(values)])
        columns = {i: column for i, column in table.columns.items() if i in kept | values}
        load = _Load(columns, kept, values)
        load.sums = _sums(p, node, table)
        for function, argument in read:
            column = table.columns[argument]
            if function == "count":
                column.force("bits")
            if function in SUMMED and column.null is not None:
                load.present[argument] = p.invert(null_of(column))
        return load

    def shares(self, p: SharingProtocol) -> list[Share]:
        sums = [limb.ring for limb in self.sums.values()]
        return [*sums, *self.present.values(), *flatten(p, self.columns)]

    def rows(self, valid: Bits, begins: Bits, peers: Bits, moved: list[Share]) -> WindowRows:
        sums, rest = moved[: len(self.sums)], moved[len(self.sums) :]
        present, rest = rest[: len(self.present)], rest[len(self.present) :]
        columns = rebuild(self.columns, rest)
        return WindowRows(
            valid=valid,
            begins=begins,
            peers=peers,
            kept={i: column for i, column in columns.items() if i in self.kept},
            values={i: column for i, column in columns.items() if i in self.values},
            sums={
                name: replace(limb, ring=as_ring(ring))
                for (name, limb), ring in zip(self.sums.items(), sums, strict=True)
            },
            present={i: as_bits(flag) for i, flag in zip(self.present, present, strict=True)},
        )


def _sums(p: SharingProtocol, node: Window, table: SecretTable) -> dict[tuple[int, int], Limb]:
    """What is summed, in the ring: one limb, or several where a sum is beyond it."""
    sums = [c for c in node.calls if c.function == "sum" and c.argument is not None]
    wide = {c.argument for c in sums if not encoding_of_column(c.column).fits_ring}
    plain = sorted({c.argument for c in sums if c.argument is not None} - wide)
    cut = sorted(argument for argument in wide if argument is not None)
    columns = [table.columns[i] for i in plain]
    rings = null_free_rings(p, columns)
    found = {
        (i, 0): Limb(ring, 0, column.encoding.lo, column.encoding.hi)
        for i, column, ring in zip(plain, columns, rings, strict=True)
    }
    if cut:
        columns = [table.columns[i] for i in cut]
        limbs = null_free_limbs(p, limbs_of(p, columns, limb_bits(table.rows)), columns)
        for i, given in zip(cut, limbs, strict=True):
            found.update(((i, place), limb) for place, limb in enumerate(given))
    return found
