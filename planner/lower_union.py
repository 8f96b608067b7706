"""UNION ALL: the rows of every input, each column under one encoding.

Computed DOUBLEs are whole numbers over a power of two. They meet over a common one:

    avg / 2^34 UNION ALL var / 2^60  =>  units(avg) * 2^26 / 2^60 UNION ALL var / 2^60

It is the largest that any input has, which changes no value of the others. Where the largest value
would then be beyond what a share holds, bits are dropped from the end, as long as the smallest
value that is not 0 keeps 33 of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from ..query.bound import Call, Expression
from ..query.datatypes import DOUBLE, Column, Encoding
from ..query.errors import Span, UnsupportedError
from .expressions import TRUE, call, reference
from .fixed_point import WIDTH, fixed_encoding
from .known import common_range
from .logical import Union
from .origins import origin
from .quotients import RELATIVE_BITS
from .scales import scale_of
from .secure import Concat, Operator
from .secure import Project as SecureProject
from .whole_numbers import shift_right, times, units, whole_literal

if TYPE_CHECKING:
    from .lower import Lowering


def lower_union(lowering: Lowering, node: Union, needed: frozenset[int]) -> Operator:
    """The needed columns of all inputs' rows."""
    kept = [p for p, c in enumerate(node.columns) if c.id in needed]
    if not kept:
        return _union_of_rows(lowering, node)
    inputs = []
    for inner in node.inputs:
        wanted = tuple(inner.columns[p] for p in kept)
        below = lowering.lower(inner, frozenset(c.id for c in wanted))
        inputs.append(lowering.arranged(below, wanted, lowering.analysis.facts(inner)))
    bits: dict[int, int] = {}
    for place, position in enumerate(kept):
        met = [below.columns[place] for below in inputs]
        if len({_behind(c) for c in met}) > 1 and any(_behind(c) is not None for c in met):
            bits[place] = _common_bits(lowering, node, position, met)
    if bits:
        inputs = [_aligned(lowering, below, bits) for below in inputs]
    return _stacked(lowering, node, [node.columns[p] for p in kept], inputs, frozenset(bits))


def _stacked(
    lowering: Lowering,
    node: Union,
    columns: list[Column],
    inputs: list[Operator],
    aligned: frozenset[int],
) -> Concat:
    """`aligned`: the places whose encodings are known from the inputs alone."""
    ranges = lowering.analysis.facts(node).ranges
    made = []
    for place, column in enumerate(columns):
        met = [below.columns[place] for below in inputs]
        own = common_range([c.encoding for c in met]) if place in aligned else ranges[column.id]
        nullable = any(c.nullable for c in met)
        given = dataclasses.replace(column, nullable=nullable, type=met[0].type)
        made.append(lowering.encoded(given, own))
        if all(c.id in lowering.smallest for c in met):
            lowering.smallest[column.id] = min(lowering.smallest[c.id] for c in met)
    return Concat(columns=tuple(made), rows=sum(i.rows for i in inputs), inputs=tuple(inputs))


def _behind(column: Column) -> int | None:
    return None if column.encoding is None else column.encoding.fraction_bits


def _common_bits(lowering: Lowering, node: Union, position: int, met: Sequence[Column]) -> int:
    """The bits behind the point under which one column of every input is within its promise."""
    known = [c for c in met if c.encoding != Encoding(lo=0, hi=0)]
    smallest = {c.id: _smallest(lowering, c) for c in known}
    exact = [c for c in known if _behind(c) is None and scale_of(c.type)]
    wanted = [_behind(c) or 0 for c in known if c not in exact]
    wanted += [RELATIVE_BITS + _bits_of(1 / smallest[c.id]) for c in exact]
    room = [WIDTH - 1 - _bits_of(_largest(c)) for c in known]
    bits = min(max(wanted), *room)
    for column in known:
        cut = column in exact or (_behind(column) or 0) > bits
        if bits < 0 or (cut and smallest[column.id] * 2**bits < 1 << RELATIVE_BITS):
            raise UnsupportedError(
                "this DOUBLE and what it meets in a union need more bits than a share holds",
                span=_place(node, position),
                hint="declare tighter CHECK bounds for their columns or a smaller ROWS, "
                "or CAST both to DECIMAL(p,s)",
            )
    return bits


def _bits_of(value: Fraction) -> int:
    return (value.numerator // value.denominator).bit_length()


def _unit(column: Column) -> Fraction:
    behind = _behind(column)
    return Fraction(1, 10 ** (scale_of(column.type) or 0) if behind is None else 2**behind)


def _smallest(lowering: Lowering, column: Column) -> Fraction:
    """A lower bound on the magnitude of what is not 0."""
    known = 1 if _behind(column) is None else lowering.smallest.get(column.id, 1)
    return known * _unit(column)


def _largest(column: Column) -> Fraction:
    assert column.encoding is not None
    return max(abs(column.encoding.lo), abs(column.encoding.hi)) * _unit(column)


def _aligned(lowering: Lowering, below: Operator, bits: dict[int, int]) -> Operator:
    """The operator with the columns at some places over powers of two."""
    ranges = {c.id: c.encoding for c in below.columns}
    columns = list(below.columns)
    expressions: list[Expression] = [reference(column) for column in columns]
    for place, behind in bits.items():
        column = below.columns[place]
        whole = _over(column, behind)
        own = fixed_encoding(whole, ranges)
        expressions[place] = whole
        columns[place] = dataclasses.replace(lowering.ids.copy(column), type=DOUBLE, encoding=own)
        smallest = int(_smallest(lowering, column) * 2**behind)
        lowering.smallest[columns[place].id] = max(1, smallest - 1)
    return SecureProject(
        columns=tuple(columns), rows=below.rows, input=below, expressions=tuple(expressions)
    )


def _over(column: Column, bits: int) -> Call:
    """The column's values as whole numbers over 2^bits, off by less than one."""
    behind, whole = _behind(column), units(reference(column))
    scaled: Expression
    if behind is not None:
        drop = behind - bits
        scaled = shift_right(whole, drop) if drop > 0 else times(whole, 1 << -drop)
    else:
        beyond = _bits_of(_largest(column) / _unit(column))
        scale = scale_of(column.type) or 0
        factor = -(-(1 << bits + beyond) // 10**scale)
        scaled = shift_right(times(whole, factor), beyond) if scale else times(whole, 1 << bits)
    parts = [scaled, whole_literal(bits), whole_literal(1)]
    return call("fixed", parts, type=DOUBLE, nullable=column.nullable)


def _place(node: Union, position: int) -> Span | None:
    """Where a column of the union is computed."""
    for inner in node.inputs:
        expression = origin(inner, inner.ids[position])
        if expression is not None and expression.span is not None:
            return expression.span
    return node.span


def _union_of_rows(lowering: Lowering, node: Union) -> Concat:
    """UNION ALL where nothing but the rows themselves is needed: a constant column each."""
    presence = lowering.presence()
    inputs = tuple(
        lowering.project(
            lowering.lower(inner, frozenset()), [(presence, TRUE)], lowering.analysis.facts(inner)
        )
        for inner in node.inputs
    )
    return Concat(columns=(presence,), rows=sum(i.rows for i in inputs), inputs=inputs)
