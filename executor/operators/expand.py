"""Equi-joins of two sides whose keys may repeat: all pairs, up to a bound that the plan states.

Setting: any sharing protocol; which rows match, how often, and how many pairs there are in all
stay secret. Inputs: left (n rows), right (m rows). Output: B rows, the pairs of the first left row
first; the rest is not valid.

1. Stack right over left; sort by (unusable, key). Running counts of usable right rows, less what
   stands at the head of the key, are the number of matches of a left row; the count at the head is
   the rank of the first match among all usable right rows. Undo the sort.
2. Prefix sums of the matches say at which output row every left row begins. A left row without
   matches begins where the next one does. After the last left row ends the result: B public rows
   and the n + 1 beginnings are sorted together, and every output row takes the last left row that
   begins at or before it, with the difference between the rank of its first match and where it
   begins. That difference plus the number of the output row is the rank of the match.
3. An equi-join on the rank, which is unique among the right rows, brings the right row.

Whether the pairs fit B rows is one secret flag. Where they do not, what is computed means nothing,
and nothing is revealed; sizes and messages are the same.

Cost: three sorts: n + m rows by key + 1 bits (no columns move), n + B + 1 rows by log2 B bits with
the left columns, m + B rows by log2 m bits with the right ones; one `copy_down` of n + m rows.
Source: Krastnikov, Kerschbaum, Stebila, "Efficient oblivious database joins" (VLDB 2020) for
expanding by beginnings; finding the right rows by rank replaces their second expansion.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...planner.secure import Expand, Join
from ...query.datatypes import BIGINT, BOOLEAN, Column, Encoding
from ..circuits.compare import less_than_constant
from ..circuits.convert import ring_to_word
from ..circuits.copy_down import copy_down
from ..circuits.row_numbers import ring_numbers, row_numbers
from ..circuits.rows import concat_rows, pad_rows, prefix_sum, slice_rows
from ..circuits.sort import sort
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, as_bits, as_ring, stack
from .counting_rows import changes
from .join import Stacked, carry, join, key_planes
from .payload import Payload, usable_rows
from .table import (
    Execution,
    FailureFlag,
    SecretColumn,
    SecretTable,
    need_bits,
    padded,
    planes_of,
    ring_of,
)

RANK, PAIRED = -1, -2
"""Ids of columns that no plan has: the rank of a right row; whether an output row is a pair."""


def expand(run: Execution, node: Expand, left: SecretTable, right: SecretTable) -> SecretTable:
    """All pairs of rows with equal keys (see the module's docstring)."""
    p = run.protocol
    right_key, left_key = key_planes(p, (right, node.right_keys), (left, node.left_keys))
    usable = usable_rows(p, right, node.right_keys)
    asking = usable_rows(p, left, node.left_keys)
    key = stack([concat_rows([right_key, left_key]), p.invert(concat_rows([usable, asking]))])
    found = _count(p, node, key, usable)
    ends = prefix_sum(found.counts)
    if node.overflow is not None:
        _check_bound(run, ends, left.rows * right.rows, node.rows, node.overflow)
    slots = _slots(run, node, left, found, ends)
    ranks = _rank_column(right.rows, right.rows, found.ranks)
    ranked = SecretTable(right.rows, right.columns | {RANK: ranks}, usable)
    by_rank = Join(
        columns=node.columns,
        rows=node.rows,
        kind="inner",
        probe=node.left,
        build=node.right,
        probe_keys=(RANK,),
        build_keys=(RANK,),
        check_unique=False,
        sort=node.sort,
    )
    return join(run, by_rank, slots, ranked)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Of left rows the number of matches and the rank of the first; the ranks of right rows."""

    counts: Ring
    first: Ring
    ranks: Ring


def _count(p: SharingProtocol, node: Expand, key: Bits, usable: Bits) -> _Found:
    """Step 1. Rows that are not usable stand apart and count nothing."""
    m, rows = usable.rows, key.rows
    ordered = sort(p, key, [pad_rows(usable, rows)], algorithm=node.sort)
    (heads,) = changes(p, [ordered.keys])
    (one,) = p.flags_to_ring([as_bits(ordered.columns[0])], 64)
    upto = prefix_sum(one)
    (before,) = copy_down(p, heads, [upto - one])
    upto, before = (as_ring(x) for x in ordered.order.undo(p, [upto, before]))
    first = slice_rows(before, m, rows)
    ranks = p.add_public(slice_rows(upto, 0, m), -1)
    return _Found(slice_rows(upto, m, rows) - first, first, ranks)


def _check_bound(run: Execution, ends: Ring, most: int, bound: int, message: str) -> None:
    """Adds a failure flag: there are more than `bound` pairs, of `most` that are possible."""
    if most <= bound:
        return
    p = run.protocol
    total = slice_rows(ends, ends.rows - 1, ends.rows)
    (word,) = ring_to_word(p, [total], most.bit_length())
    (fits,) = less_than_constant(p, [(word, bound + 1)])
    run.failures.append(FailureFlag(p.invert(fits), message))


def _slots(
    run: Execution, node: Expand, left: SecretTable, found: _Found, ends: Ring
) -> SecretTable:
    """Step 2: the output rows with their left columns and the rank of their match."""
    p, n = run.protocol, left.rows
    begins = ends - found.counts
    (begin,) = ring_to_word(
        p, [concat_rows([begins, slice_rows(ends, n - 1, n)])], node.rows.bit_length()
    )
    everyone = p.constant_bits(1, 1, n + 1)
    kept = [c for c in node.columns if c.id in left.columns]
    need_bits(p, [left.columns[c.id] for c in kept if _is_empty(left.columns[c.id])])
    table = SecretTable(n + 1, {c.id: padded(left.columns[c.id], n + 1) for c in kept}, everyone)
    table.columns[RANK] = _rank_column(n + 1, node.right.rows, found.first - begins)
    table.columns[PAIRED] = _paired_column(p, n)
    payload = Payload.of(p, table, [*kept, *_EXTRA])
    numbers = row_numbers(p, node.rows, width=node.rows.bit_length())
    rows = Stacked(numbers, begin, everyone, payload)
    _, _, columns = carry(run, rows, sort_by=node.sort, check_unique=False)
    rank = ring_of(columns[RANK]) + ring_numbers(p, node.rows)
    valid = planes_of(columns.pop(PAIRED))
    columns[RANK] = _rank_column(node.rows, node.right.rows, rank)
    return SecretTable(node.rows, columns, valid)


def _is_empty(column: SecretColumn) -> bool:
    """Computes a column that is deferred; whether it then has neither form."""
    column.force("bits")
    return column.bits is None and column.ring is None


def _rank_column(rows: int, ranks: int, values: Ring) -> SecretColumn:
    """Ranks of right rows; shorter than `rows`, zeros follow."""
    return SecretColumn(
        encoding=Encoding(lo=0, hi=max(1, ranks - 1)), rows=rows, ring=pad_rows(values, rows)
    )


def _paired_column(p: SharingProtocol, rows: int) -> SecretColumn:
    """1 for every left row, 0 for the end of the result behind them."""
    flags = pad_rows(p.constant_bits(1, 1, rows), rows + 1)
    return SecretColumn(encoding=Encoding(lo=0, hi=1), rows=rows + 1, bits=flags)


_EXTRA = (
    Column(id=RANK, name="rank", type=BIGINT, encoding=None, nullable=False),
    Column(id=PAIRED, name="paired", type=BOOLEAN, encoding=None, nullable=False),
)
