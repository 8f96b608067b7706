"""Joins on any condition: every left row beside every right row, tested one by one.

Setting: any sharing protocol; which rows match, and how many, stays secret. n left and m right rows
give n * m pairs; pair (i, j) is row i * m + j. Making the pairs is local: every output column is
its input's column under a public selection of rows. A row that matches nothing is told by an OR
over its m (or n) pairs; LEFT and FULL joins append such rows with NULLs for the other side.

Cost: the predicate over n * m rows, 2 rounds and 2 bits per pair for the valid bits; where rows
without a match matter, one AND per pair in ceil(log2) rounds. No sort.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...planner.secure import Product
from ..circuits.compare import all_of, any_of
from ..circuits.rows import concat_rows, permute_rows
from ..sharing.pack import planes_to_rows, rows_to_planes
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Words, stack
from .expression import Evaluator
from .table import (
    Execution,
    Form,
    SecretColumn,
    SecretTable,
    definitions,
    need_bits,
    need_ring,
    null_or_never,
    padded,
)


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Input rows by output row; the number past the last input row means NULL.

    In a dry run there is no `source`, only how many `rows` it has.
    """

    rows: int
    source: NDArray[np.intp] | None

    def followed_by(self, rows: int, first: int, step: int) -> Selection:
        """Then first, first + step, ...: so many rows."""
        if self.source is None:
            return Selection(self.rows + rows, None)
        more = first + step * np.arange(rows)
        return Selection(self.rows + rows, np.concatenate([self.source, more]))


def product(run: Execution, node: Product, left: SecretTable, right: SecretTable) -> SecretTable:
    """The pairs that satisfy the predicate, and what the join's kind adds (see above)."""
    p = run.protocol
    sizes = (left.rows, right.rows)
    pairs = _all_pairs(p, sizes)
    found = _found(run, node, (left, right), pairs)
    if node.kind in ("semi", "anti"):
        matched = _matched(p, found, sizes, 0)
        kept = {c.id: left.columns[c.id] for c in node.columns}
        return SecretTable(
            left.rows, kept, matched if node.kind == "semi" else left.valid ^ matched
        )
    valid = [found]
    for side, table in enumerate((left, right)):
        if node.kind == "full" or (node.kind == "left" and side == 0):
            valid.append(table.valid ^ _matched(p, found, sizes, side))
            pairs[side] = pairs[side].followed_by(table.rows, 0, 1)
            pairs[1 - side] = pairs[1 - side].followed_by(table.rows, sizes[1 - side], 0)
    columns = {}
    for column in node.columns:
        side = 0 if column.id in left.columns else 1
        source = (left, right)[side].columns[column.id]
        columns[column.id] = _selected(p, source, pairs[side], extended=column.nullable)
    return SecretTable(node.rows, columns, concat_rows(valid))


def _all_pairs(p: SharingProtocol, sizes: tuple[int, int]) -> list[Selection]:
    """The left and the right rows of all pairs."""
    rows = sizes[0] * sizes[1]
    if p.counts_only:
        return [Selection(rows, None)] * 2
    left, right = np.divmod(np.arange(rows), max(1, sizes[1]))
    return [Selection(rows, left), Selection(rows, right)]


def _found(
    run: Execution,
    node: Product,
    tables: tuple[SecretTable, SecretTable],
    pairs: list[Selection],
) -> Bits:
    """Valid pairs that satisfy the predicate."""
    p, rows = run.protocol, pairs[0].rows
    planes = [
        permute_rows(table.valid, selection.source, rows=rows)
        for table, selection in zip(tables, pairs, strict=True)
    ]
    (valid,) = all_of(p, [stack(planes)])
    if node.predicate is not None:
        columns = {
            identity: _selected(p, column, selection, extended=False)
            for table, selection in zip(tables, pairs, strict=True)
            for identity, column in table.columns.items()
        }
        known = definitions((*node.left.columns, *node.right.columns))
        evaluator = Evaluator(p, rows, columns, known, valid, run.failures)
        (truth,) = need_bits(p, evaluator.truths([node.predicate]))
        (valid,) = p.and_([(valid, truth)])
    return valid


def _matched(p: SharingProtocol, found: Bits, sizes: tuple[int, int], side: int) -> Bits:
    """For every row of one side whether any of its pairs was found."""
    rows, width = sizes[side], sizes[1 - side]

    def by_row(part: Words) -> Words:
        flags = planes_to_rows(part, found.rows).reshape(sizes)
        flags = flags if side == 0 else flags.T
        packed = np.packbits(flags.astype(np.bool_), axis=1, bitorder="little")
        return rows_to_planes(np.ascontiguousarray(packed), width)

    if not found.rows:
        return p.constant_bits(0, 1, rows)
    (any_pair,) = any_of(p, [found.map(by_row, rows=rows, width=width)])
    return any_pair


def _selected(
    p: SharingProtocol, column: SecretColumn, selection: Selection, *, extended: bool
) -> SecretColumn:
    """The column's rows as selected; brought to the form first needed before they multiply."""

    def compute(form: Form) -> SecretColumn:
        if form == "ring":
            need_ring(p, [column])
        else:
            need_bits(p, [column])
        one_more = _with_missing(p, column) if extended else padded(column, column.rows + 1)
        return _picked(selection, one_more, column)

    return SecretColumn(encoding=column.encoding, rows=selection.rows, deferred=compute)


def _with_missing(p: SharingProtocol, column: SecretColumn) -> SecretColumn:
    """The column with a row that is NULL at its end."""
    longer = padded(column, column.rows + 1)
    longer.null = concat_rows([null_or_never(p, column), p.constant_bits(1, 1, 1)])
    return longer


def _picked(selection: Selection, column: SecretColumn, original: SecretColumn) -> SecretColumn:
    """Rows of shares under a public selection. Local."""
    never = original.null is None
    rows, source = selection.rows, selection.source
    result = SecretColumn(
        encoding=column.encoding,
        rows=rows,
        clean_bits=original.clean_bits or never,
        clean_ring=original.clean_ring or never,
    )
    if column.bits is not None:
        result.bits = permute_rows(column.bits, source, rows=rows)
    if column.ring is not None:
        result.ring = permute_rows(column.ring, source, rows=rows)
    if column.null is not None:
        result.null = permute_rows(column.null, source, rows=rows)
    return result
