"""GROUP BY over shares: dense sums of the owners' parts, or a sort.

Aggregate(sum(x) by k, UNION ALL of parts), k of a small public domain
=>  Filter(count > 0, AlignedSum(one fragment per owner: every k in order, sum(x), count))
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from ..query.bound import Expression, Literal
from ..query.datatypes import BIGINT, Column, DoubleType
from ..query.errors import UserError
from .dense import dense_sql
from .expressions import call, reference
from .hashing import reads_key
from .known import Facts
from .logical import Aggregate, Aggregated, Node, Union
from .ownership import is_partitioned
from .rules.aggregate_parts import is_dense
from .scales import sum_type
from .secure import VALUES_OF_ROWS, AggregateSpec, AlignedSum, Fragment, Operator
from .secure import Aggregate as SecureAggregate
from .secure import Filter as SecureFilter
from .widths import check_ring, check_width, refused, total_encoding

if TYPE_CHECKING:
    from .lower import Lowering


def lower_aggregate(lowering: Lowering, node: Aggregate) -> Operator:
    """The secure operators of a grouping across owners."""
    union = node.input
    if isinstance(union, Union) and is_partitioned(union):
        facts = lowering.analysis.facts(union)
        if is_dense(node, _widened(lowering, facts)):
            return _dense(lowering, node, union, facts)
    arguments = frozenset(i for a in node.aggregates for i in a.reads)
    below = lowering.lower(node.input, frozenset(node.keys) | arguments)
    return _sorted(lowering, node, below)


def _widened(lowering: Lowering, facts: Facts) -> Facts:
    """The facts with the ranges that columns share with those that they meet elsewhere."""
    ranges = {i: lowering.encodings.of(i, own) for i, own in facts.ranges.items()}
    return dataclasses.replace(facts, ranges=ranges)


def _sorted(lowering: Lowering, node: Aggregate, below: Operator) -> SecureAggregate:
    by_id = {c.id: c for c in below.columns}
    keys = tuple(by_id[key] for key in node.keys)
    facts = lowering.analysis.facts(node)
    specs = tuple(
        AggregateSpec(
            column=_checked(
                aggregate_column(a, by_id, facts, grouped=bool(keys), rows=below.rows), a
            ),
            function=a.function,
            argument=a.argument,
            order=a.order,
        )
        for a in node.aggregates
    )
    rows = min(below.rows, facts.rows) if keys else 1
    return SecureAggregate(
        columns=keys + tuple(s.column for s in specs),
        rows=rows,
        input=below,
        keys=node.keys,
        aggregates=specs,
        sort="quick",
    )


def aggregate_column(
    aggregated: Aggregated, inputs: dict[int, Column], facts: Facts, *, grouped: bool, rows: int
) -> Column:
    """The result column of an aggregate of `rows` rows: type, nullability, range of the facts."""
    column = aggregated.column
    encoding = facts.ranges[column.id]
    if aggregated.argument is None or aggregated.function in ("count", "count_distinct"):
        return dataclasses.replace(column, type=BIGINT, nullable=False, encoding=encoding)
    argument = inputs[aggregated.argument]
    by = () if aggregated.order is None else (inputs[aggregated.order],)
    nullable = any(c.nullable for c in (argument, *by)) or not grouped
    if aggregated.function in VALUES_OF_ROWS:
        return dataclasses.replace(
            column, type=argument.type, nullable=nullable, encoding=argument.encoding
        )
    encoding = total_encoding(encoding, argument.encoding, rows)
    type = sum_type(argument.type)
    if not isinstance(type, DoubleType) and column.type != type:
        type = column.type
    return dataclasses.replace(column, type=type, nullable=nullable, encoding=encoding)


def _checked(column: Column, aggregated: Aggregated) -> Column:
    try:
        named = dataclasses.replace(column, name=column.name or aggregated.function)
        check_width(named)
        if aggregated.function == "sum_distinct":
            check_ring(named)
    except UserError as error:
        place: Expression = Literal(type=BIGINT, nullable=False, value=0, span=aggregated.span)
        raise refused(error, place) from None
    return column


def _dense(lowering: Lowering, node: Aggregate, union: Union, facts: Facts) -> Operator:
    """One row per possible group from every owner, added up; empty groups are dropped."""
    counted = next((a for a in node.aggregates if a.function == "count_star"), None)
    aggregates = node.aggregates
    if counted is None and node.keys:
        counted = Aggregated(
            column=Column(
                id=lowering.ids.fresh(), name="count", type=BIGINT, encoding=None, nullable=False
            ),
            function="count_star",
            argument=None,
        )
        aggregates = (*aggregates, counted)
        node = dataclasses.replace(
            node, aggregates=aggregates, columns=(*node.columns, counted.column)
        )
    union_columns = {c.id: c for c in union.columns}
    keys = tuple(
        dataclasses.replace(
            union_columns[key], encoding=lowering.encodings.of(key, facts.ranges[key])
        )
        for key in node.keys
    )
    values = tuple(_codes(key) for key in keys)
    groups = tuple(itertools.product(*values))
    inputs = tuple(
        _part(lowering, union, part, aggregates, keys=keys, groups=len(groups))
        for part in union.inputs
    )
    merged = lowering.analysis.facts(node)
    given = {c.id: dataclasses.replace(c, encoding=facts.ranges[c.id]) for c in union.columns}
    sums = tuple(
        _checked(
            _total(
                aggregate_column(a, given, merged, grouped=bool(keys), rows=facts.rows),
                inputs,
                place,
            ),
            a,
        )
        for place, a in enumerate(aggregates)
    )
    summed = AlignedSum(
        columns=keys + sums,
        rows=len(groups),
        inputs=inputs,
        keys=tuple(key.id for key in keys),
        key_values=groups,
    )
    if not keys or counted is None:
        return summed
    zero = Literal(type=BIGINT, nullable=False, value=0)
    present = call(">", [reference(sums[aggregates.index(counted)]), zero])
    return SecureFilter(columns=summed.columns, rows=summed.rows, input=summed, predicate=present)


def _total(column: Column, inputs: tuple[Fragment, ...], position: int) -> Column:
    nullable = all(fragment.columns[position].nullable for fragment in inputs)
    return dataclasses.replace(column, nullable=nullable)


def _codes(key: Column) -> tuple[int | None, ...]:
    """All encoded values of a key, in order; NULL last."""
    assert key.encoding is not None
    codes: tuple[int | None, ...] = tuple(range(key.encoding.lo, key.encoding.hi + 1))
    return (*codes, None) if key.nullable else codes


def _part(
    lowering: Lowering,
    union: Union,
    part: Node,
    aggregates: tuple[Aggregated, ...],
    *,
    keys: tuple[Column, ...],
    groups: int,
) -> Fragment:
    """One owner's dense partial aggregates."""
    own = dict(zip(union.ids, part.columns, strict=True))
    facts = lowering.analysis.facts(part)
    mine = tuple(
        dataclasses.replace(
            a,
            column=lowering.ids.copy(a.column),
            argument=None if a.argument is None else own[a.argument].id,
        )
        for a in aggregates
    )
    inputs = {c.id: dataclasses.replace(c, encoding=facts.ranges[c.id]) for c in part.columns}
    base = lowering.fragment(part, frozenset())
    grouped = Aggregate(
        columns=tuple(own[key.id] for key in keys) + tuple(a.column for a in mine),
        input=part,
        keys=tuple(own[key.id].id for key in keys),
        aggregates=mine,
    )
    made = lowering.analysis.facts(grouped)
    columns = tuple(
        _checked(aggregate_column(a, inputs, made, grouped=bool(keys), rows=facts.rows), a)
        for a in mine
    )
    return Fragment(
        columns=columns,
        rows=groups,
        owner=base.owner,
        sql=dense_sql(grouped, keys, columns),
        forms=tuple("bits" for _ in columns),
        keyed=reads_key(part),
        scanned=base.scanned,
    )
