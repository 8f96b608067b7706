"""Operators that keep rows where they are: concatenation, filter, projection, aligned sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...planner.scalar_strings import knows_ascii_alone
from ...planner.secure import AlignedSum, Concat, Filter, Project
from ...query.bound import ColumnRef, Expression
from ...query.datatypes import Column, Encoding
from ..circuits.compare import all_of, any_of
from ..circuits.rows import concat_rows
from ..sharing.groups import on_disk
from ..sharing.pack import row_bytes, rows_to_planes
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, as_bits, as_ring, stack
from .expression import Evaluator
from .limbs import combined, limb_bits, limbs_of, null_free_limbs
from .table import (
    Execution,
    Form,
    SecretColumn,
    SecretTable,
    bits_in,
    definitions,
    encoding_of_column,
    need_bits,
    need_ring,
    null_of,
    null_or_never,
)


def filter_rows(execution: Execution, node: Filter, table: SecretTable) -> SecretTable:
    """valid &= predicate IS TRUE. 1 round after the predicate, 1 bit per row."""
    p = execution.protocol
    evaluator = _evaluator(execution, node, table)
    (truth,) = need_bits(p, evaluator.truths([node.predicate]))
    (valid,) = p.and_([(table.valid, truth)])
    kept = {column.id: table.columns[column.id] for column in node.columns}
    return SecretTable(table.rows, kept, valid)


def _evaluator(execution: Execution, node: Filter | Project, table: SecretTable) -> Evaluator:
    return Evaluator(
        execution.protocol,
        table.rows,
        table.columns,
        definitions(node.input.columns),
        table.valid,
        execution.failures,
    )


def project(execution: Execution, node: Project, table: SecretTable) -> SecretTable:
    """New columns from expressions, each computed when and in the form it is first needed.

    One that may fail the query is computed at once, before failures are looked at.
    """
    evaluator = _evaluator(execution, node, table)
    columns: dict[int, SecretColumn] = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        columns[column.id] = _deferred(evaluator, column, expression)
        if isinstance(expression, ColumnRef):
            source = table.columns[expression.id]
            if source.encoding == column.encoding:
                columns[column.id].known = source.known
        if knows_ascii_alone(expression):
            columns[column.id].force("bits")
    return SecretTable(table.rows, columns, table.valid)


def _deferred(evaluator: Evaluator, column: Column, expression: Expression) -> SecretColumn:
    encoding = encoding_of_column(column)

    def compute(form: Form) -> SecretColumn:
        p = evaluator.protocol
        value = in_encoding(p, evaluator.evaluate(expression, form, encoding), encoding)
        return _kept(p, value)

    return SecretColumn(encoding=encoding, rows=evaluator.rows, deferred=compute)


def _kept(p: SharingProtocol, column: SecretColumn) -> SecretColumn:
    """The column, its values on disk where memory is spared."""
    if column.ring is not None:
        column.ring = as_ring(*on_disk(p, [column.ring]))
    if column.bits is not None:
        column.bits = as_bits(*on_disk(p, [column.bits]))
    return column


def in_encoding(p: SharingProtocol, value: SecretColumn, target: Encoding) -> SecretColumn:
    """The same values under the encoding that the plan states."""
    if value.encoding == target:
        return value
    planes = None
    beyond = target.domain is None and target.text_bytes is None and not target.fits_ring
    if value.bits is not None or beyond:
        planes = bits_in(p, value, target)
    same = keeps_zero(value.encoding, target)
    return SecretColumn(
        encoding=target,
        rows=value.rows,
        bits=planes,
        ring=None if beyond else value.ring,
        null=value.null,
        clean_bits=value.clean_bits and same,
        clean_ring=value.clean_ring,
    )


def keeps_zero(before: Encoding, after: Encoding) -> bool:
    """Whether planes that are 0 under one encoding are 0 under the other."""
    return before.lo == after.lo and before.domain == after.domain


def concat(p: SharingProtocol, node: Concat, tables: Sequence[SecretTable]) -> SecretTable:
    """Rows of all inputs, one after the other. Local where encodings and forms agree."""
    columns: dict[int, SecretColumn] = {}
    for position, column in enumerate(node.columns):
        pieces = [list(table.columns.values())[position] for table in tables]
        columns[column.id] = _kept(p, _concat_column(p, column, pieces))
    valid = concat_rows([table.valid for table in tables])
    return SecretTable(node.rows, columns, valid)


def _concat_column(
    p: SharingProtocol, column: Column, pieces: Sequence[SecretColumn]
) -> SecretColumn:
    target = encoding_of_column(column)
    for piece in pieces:
        piece.force("bits")
    result = SecretColumn(encoding=target, rows=sum(piece.rows for piece in pieces))
    in_ring = all(piece.ring is not None or piece.is_constant for piece in pieces)
    in_ring = in_ring and target.fits_ring
    if in_ring and any(piece.ring is not None for piece in pieces):
        result.ring = concat_rows(need_ring(p, pieces))
        result.clean_ring = all(piece.clean_ring for piece in pieces)
    if result.ring is None or all(piece.bits is not None for piece in pieces):
        aligned = all(keeps_zero(piece.encoding, target) for piece in pieces)
        result.bits = concat_rows([bits_in(p, piece, target) for piece in pieces])
        result.clean_bits = aligned and all(piece.clean_bits for piece in pieces)
    if any(piece.null is not None for piece in pieces):
        result.null = concat_rows([null_or_never(p, piece) for piece in pieces])
    return result


def aligned_sum(p: SharingProtocol, node: AlignedSum, tables: Sequence[SecretTable]) -> SecretTable:
    """Adds aligned rows in the ring: local, but for the null planes."""
    keyed = len(node.keys)
    columns: dict[int, SecretColumn] = {}
    for position, column in enumerate(node.columns[:keyed]):
        codes = [values[position] for values in node.key_values]
        columns[column.id] = public_column(p, column, codes)
    for position, column in enumerate(node.columns[keyed:]):
        pieces = [list(table.columns.values())[position] for table in tables]
        columns[column.id] = _summed(p, column, pieces)
    if not node.keys:
        valid = p.constant_bits(1, 1, node.rows)
    else:
        (valid,) = any_of(p, [stack([table.valid for table in tables])])
    return SecretTable(node.rows, columns, valid)


def public_column(p: SharingProtocol, column: Column, codes: Sequence[int | None]) -> SecretColumn:
    """A column of public values, shared without communication."""
    encoding = encoding_of_column(column)
    values = np.array([0 if c is None else c - encoding.lo for c in codes], np.uint64)
    packed = values.view(np.uint8).reshape(-1, 8)[:, : row_bytes(encoding.width)]
    planes = rows_to_planes(np.ascontiguousarray(packed), encoding.width)
    result = SecretColumn(
        encoding=encoding,
        rows=len(codes),
        bits=p.public_bits(planes, len(codes)),
        clean_bits=True,
    )
    if column.nullable:
        missing = np.array([[c is None] for c in codes], np.uint8)
        result.null = p.public_bits(rows_to_planes(missing, 1), len(codes))
    return result


def _summed(p: SharingProtocol, column: Column, pieces: Sequence[SecretColumn]) -> SecretColumn:
    target = encoding_of_column(column)
    if not all(e.fits_ring for e in (target, *(piece.encoding for piece in pieces))):
        return _summed_limbs(p, target, pieces)
    rings = need_ring(p, pieces)
    dirty = [i for i, piece in enumerate(pieces) if piece.null is not None and not piece.clean_ring]
    if dirty:
        flags = p.flags_to_ring([p.invert(null_of(pieces[i])) for i in dirty], 64)
        products = p.multiply([(rings[i], flag) for i, flag in zip(dirty, flags, strict=True)])
        for i, product in zip(dirty, products, strict=True):
            rings[i] = product
    ring = rings[0]
    for other in rings[1:]:
        ring = ring + other
    return SecretColumn(
        encoding=target,
        rows=pieces[0].rows,
        ring=ring,
        null=_all_null(p, pieces),
        clean_ring=True,
    )


def _all_null(p: SharingProtocol, pieces: Sequence[SecretColumn]) -> Bits | None:
    if any(piece.null is None for piece in pieces):
        return None
    return all_of(p, [stack([null_of(piece) for piece in pieces])])[0]


def _summed_limbs(
    p: SharingProtocol, target: Encoding, pieces: Sequence[SecretColumn]
) -> SecretColumn:
    """The same sum where the ring does not hold it: limb by limb."""
    limbs = null_free_limbs(p, limbs_of(p, pieces, limb_bits(len(pieces))), pieces)
    every = [limb for given in limbs for limb in given]
    (planes,) = combined(p, [(every, target)])
    return SecretColumn(
        encoding=target, rows=pieces[0].rows, bits=planes, null=_all_null(p, pieces)
    )
