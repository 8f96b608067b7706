"""ORDER BY, LIMIT and OFFSET; the order of rows carries no other information.

Rows are shuffled first, so that rows that tie (and all rows, where nothing orders them) come out in
uniformly random order. Cost: one shuffle of whole rows, one sort by (invalid, keys), of which a
LIMIT needs the first rows only.
Source: PROTOCOLS, section 5; TRUST, Delivery.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...planner.secure import Sort, SortKey
from ..circuits import order as circuits
from ..circuits.partition import partition
from ..circuits.quicksort import batch_in_comparisons
from ..circuits.row_numbers import number_width
from ..circuits.rows import slice_rows
from ..circuits.smallest import plan_selection, smallest
from ..circuits.sort import sort
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share, as_bits, stack
from .table import SecretColumn, SecretTable, cleaned_bits, need_bits


def sort_rows(p: SharingProtocol, node: Sort, table: SecretTable) -> SecretTable:
    """Valid rows first, ordered; then the public slice of LIMIT and OFFSET."""
    kept = {c.id: table.columns[c.id] for c in node.columns}
    needed = {**kept, **{k.column: table.columns[k.column] for k in node.keys}}
    need_bits(p, [table.columns[k.column] for k in node.keys])
    shuffled = shuffle_rows(p, SecretTable(table.rows, needed, table.valid))
    stop = table.rows if node.limit is None else min(table.rows, node.offset + node.limit)
    if node.keys:
        ordered = _by_keys(p, node, shuffled, stop)
    else:
        flag = shuffled.valid
        parted = partition(p, flag, [flag, *flatten(p, shuffled.columns)])
        first, *rest = parted.columns
        ordered = SecretTable(table.rows, rebuild(shuffled.columns, rest), as_bits(first))
    start = min(node.offset, stop)
    columns = {c.id: sliced(ordered.columns[c.id], start, stop) for c in node.columns}
    return SecretTable(stop - start, columns, slice_rows(ordered.valid, start, stop))


def _by_keys(p: SharingProtocol, node: Sort, table: SecretTable, stop: int) -> SecretTable:
    """The rows in order, the first `stop` of them at least."""
    key = stack([sort_key(p, node.keys, table), p.invert(table.valid)])
    columns = flatten(p, table.columns)
    selection = None
    if node.sort == "select":
        width = key.width + number_width(table.rows)
        batch = batch_in_comparisons(p, table.rows, width)
        selection = plan_selection(table.rows, stop, batch)
    if selection is not None:
        first, *rest = smallest(p, key, columns, selection)
        sorted_key = as_bits(first)
    else:
        algorithm = "quick" if node.sort == "select" else node.sort
        ordered = sort(p, key, columns, algorithm=algorithm, stable=True)
        sorted_key, rest = ordered.keys, ordered.columns
    invalid = sorted_key.planes(key.width - 1, key.width)
    return SecretTable(sorted_key.rows, rebuild(table.columns, rest), p.invert(invalid))


def sort_key(p: SharingProtocol, keys: Sequence[SortKey], table: SecretTable) -> Bits:
    """All keys as one unsigned number: complemented where descending, NULLs placed as asked."""
    columns = [table.columns[key.column] for key in keys]
    cleaned = cleaned_bits(p, columns)
    pieces: list[Bits] = []
    for key, column, planes in reversed(list(zip(keys, columns, cleaned, strict=True))):
        pieces.append(p.invert(planes) if key.descending else planes)
        if column.null is not None:
            pieces.append(p.invert(column.null) if key.nulls_first else column.null)
    return stack(pieces)


def shuffle_rows(p: SharingProtocol, table: SecretTable) -> SecretTable:
    """All rows in a uniformly random order that nobody knows. 2 rounds, 4/3 of the row's bits."""
    shares, _ = circuits.shuffle_rows(p, [table.valid, *flatten(p, table.columns)])
    return SecretTable(table.rows, rebuild(table.columns, shares[1:]), as_bits(shares[0]))


def flatten(p: SharingProtocol, columns: dict[int, SecretColumn]) -> list[Share]:
    """One share per column (planes if it has them, else the ring vector), and the null planes."""
    shares: list[Share] = []
    for column in columns.values():
        column.force("bits")
        if column.bits is not None:
            shares.append(column.bits)
        elif column.ring is not None:
            shares.append(column.ring)
        else:
            shares.append(need_bits(p, [column])[0])
        if column.null is not None:
            shares.append(column.null)
    return shares


def rebuild(columns: dict[int, SecretColumn], shares: Sequence[Share]) -> dict[int, SecretColumn]:
    """The columns that `flatten` took apart, after their rows have moved."""
    remaining = iter(shares)
    rebuilt: dict[int, SecretColumn] = {}
    for identity, column in columns.items():
        share = next(remaining)
        new = SecretColumn(encoding=column.encoding, rows=share.rows)
        if isinstance(share, Bits):
            new.bits, new.clean_bits = share, column.clean_bits
        else:
            new.ring, new.clean_ring = share, column.clean_ring
        if column.null is not None:
            new.null = as_bits(next(remaining))
        rebuilt[identity] = new
    return rebuilt


def sliced(column: SecretColumn, start: int, stop: int) -> SecretColumn:
    """Rows [start, stop) of a column. Local."""
    column.force("bits")
    return SecretColumn(
        encoding=column.encoding,
        rows=stop - start,
        bits=None if column.bits is None else slice_rows(column.bits, start, stop),
        ring=None if column.ring is None else slice_rows(column.ring, start, stop),
        null=None if column.null is None else slice_rows(column.null, start, stop),
        clean_bits=column.clean_bits,
        clean_ring=column.clean_ring,
    )
