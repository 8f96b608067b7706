"""What a column's values sum up to at most, over any of the rows (Facts.totals).

The sums of the groups of n rows, taken together, are no more than the sum of the n rows, however
many groups there may be: merging partial sums needs no wider numbers than summing at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..query.bound import ColumnRef
from ..query.datatypes import Encoding
from .known import Facts, Total
from .logical import Aggregate, Project, Union

Totals = dict[int, Total]


def group_totals(node: Aggregate, below: Facts) -> Totals:
    """The sums of all groups together are the sum of all rows; so are the counts."""
    found: Totals = {}
    for aggregated in node.aggregates:
        match aggregated.function:
            case "count_star" | "count" | "count_distinct":
                found[aggregated.column.id] = (0, below.rows)
            case "sum" if aggregated.argument is not None:
                total = below.total(aggregated.argument)
                if total is not None:
                    found[aggregated.column.id] = total
    return found


def project_totals(node: Project, below: Facts) -> Totals:
    """Those of columns that pass."""
    return {
        column.id: below.totals[expression.id]
        for column, expression in zip(node.columns, node.expressions, strict=True)
        if isinstance(expression, ColumnRef) and expression.id in below.totals
    }


def join_totals(left: Facts, right: Facts, *, single: tuple[bool, bool]) -> Totals:
    """Those of the side whose rows stay single, as the other is unique. `single`: (left, right)."""
    return {**(left.totals if single[1] else {}), **(right.totals if single[0] else {})}


def union_totals(
    node: Union, inputs: tuple[Facts, ...], ranges: Mapping[int, Encoding | None]
) -> Totals:
    """Those of the inputs together, where all of them count in the same units."""
    found: Totals = {}
    for position, column in enumerate(node.columns):
        ids = [inner.columns[position].id for inner in node.inputs]
        common = ranges[column.id]
        if common is None or any(
            encoding is None or encoding.fraction_bits != common.fraction_bits
            for encoding in (f.ranges[i] for f, i in zip(inputs, ids, strict=True))
        ):
            continue
        totals = [f.total(i) for f, i in zip(inputs, ids, strict=True)]
        known = [total for total in totals if total is not None]
        found[column.id] = sum(low for low, _ in known), sum(high for _, high in known)
    return found
