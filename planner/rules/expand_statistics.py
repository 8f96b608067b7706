"""Statistics over several owners' rows are made of sums.

    Aggregate(var_samp(x) by k, R)
    =>  Project(k, ratio(n * q - s * s, n * (n - 1)),
            Aggregate(n = count(x), s = sum(x), q = sum(y) by k, Project(x, y = x * x, R)))

What one owner has alone stays: DuckDB computes it there. In parts of a table, the products are
computed by the owners, so that sums of them can be merged like any others.
"""

from __future__ import annotations

import dataclasses

from ...query.bound import Expression
from ...query.datatypes import BIGINT, HUGEINT, Column, IntegerType
from ...query.errors import Span, UnsupportedError
from ..expressions import call, reference
from ..extending import computed_column, extend
from ..known import Facts
from ..logical import Aggregate, Aggregated, Node, project
from ..ownership import is_local
from ..scales import at_scale, scale_of, sum_type
from ..statistics import (
    STATISTICS,
    Extent,
    Moments,
    bound_of,
    extent,
    statistic,
)
from .context import Context
from .rewriting import map_nodes


def expand_statistics(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Aggregate) or is_local(node):
            return node
        if not any(a.function in STATISTICS for a in node.aggregates):
            return node
        return _Expansion(node, context).made()

    return map_nodes(plan, visit)


class _Expansion:
    """Collects the products and sums that the statistics of one grouping are made of."""

    def __init__(self, node: Aggregate, context: Context) -> None:
        self.node = node
        self.context = context
        self.input = node.input
        self.facts: Facts = context.facts(node.input)
        self.products: dict[tuple[int, int], Column] = {}
        self.sums: dict[tuple[str, int | None], Aggregated] = {}
        self.span: Span | None = None

    def made(self) -> Node:
        kept = [a for a in self.node.aggregates if a.function not in STATISTICS]
        for a in kept:
            self.sums.setdefault((a.function, a.argument), a)
        outputs: list[tuple[Column, Expression]] = []
        for aggregated in self.node.aggregates:
            if aggregated.function in STATISTICS:
                outputs.append((aggregated.column, self._statistic(aggregated)))
            else:
                outputs.append((aggregated.column, reference(aggregated.column)))
        keys = tuple(c for c in self.node.columns if c.id in self.node.keys)
        new = [a for a in self.sums.values() if a not in kept]
        aggregates = (*kept, *new)
        grouped = dataclasses.replace(
            self.node,
            columns=(*keys, *(a.column for a in aggregates)),
            input=self.input,
            aggregates=aggregates,
        )
        return project(grouped, (*((key, reference(key)) for key in keys), *outputs))

    def _statistic(self, aggregated: Aggregated) -> Expression:
        self.span = aggregated.span
        y, x = self._arguments(aggregated)
        moments = Moments(n=self._count(x), sx=self._sum(x), sxx=self._sum(self._product(x, x)))
        if aggregated.order is not None:
            moments = dataclasses.replace(
                moments,
                sy=self._sum(y),
                syy=self._sum(self._product(y, y)),
                sxy=self._sum(self._product(x, y)),
            )
        smallest = 10 ** (scale_of(x.type) or 0)
        bound = bound_of(
            aggregated.function,
            self._extent(x, aggregated),
            self._extent(y, aggregated),
            self.facts.rows,
            smallest,
        )
        made = statistic(aggregated.function, moments, bound)
        return dataclasses.replace(made, span=aggregated.span)

    def _arguments(self, aggregated: Aggregated) -> tuple[Column, Column]:
        """y and x: the same column for statistics of one."""
        by_id = {c.id: c for c in self.node.input.columns}
        assert aggregated.argument is not None
        first = by_id[aggregated.argument]
        return first, first if aggregated.order is None else by_id[aggregated.order]

    def _extent(self, column: Column, aggregated: Aggregated) -> Extent:
        encoding, scale = self.facts.ranges[column.id], scale_of(column.type)
        if encoding is None or encoding.fraction_bits is not None or scale is None:
            raise UnsupportedError(
                f"{aggregated.function.upper()} of a DOUBLE without a scale is not supported",
                span=aggregated.span,
                hint="CAST its argument to DECIMAL(p,s)",
            )
        return extent(encoding, scale)

    def _product(self, left: Column, right: Column) -> Column:
        """The column of the products, added to the input."""
        key = (min(left.id, right.id), max(left.id, right.id))
        if key not in self.products:
            scale = (scale_of(left.type) or 0) + (scale_of(right.type) or 0)
            type = at_scale(sum_type(left.type), scale)
            times = call("*", [_roomy(left), reference(right)], type=type)
            column = computed_column(times, self.context.ids)
            self.input = extend(self.input, column, times, self.context.ids)
            self.products[key] = column
        return self.products[key]

    def _sum(self, column: Column) -> Expression:
        return self._aggregate("sum", column)

    def _count(self, column: Column) -> Expression:
        if column.nullable:
            return self._aggregate("count", column)
        return self._aggregate("count_star", None)

    def _aggregate(self, function: str, column: Column | None) -> Expression:
        """A sum or count of the grouping: one that is there, or a new one."""
        key = (function, None if column is None else column.id)
        if key not in self.sums:
            is_sum = column is not None and function == "sum"
            made = Column(
                id=self.context.ids.fresh(),
                name=function,
                type=sum_type(column.type) if column is not None and is_sum else BIGINT,
                encoding=None,
                nullable=is_sum,
            )
            self.sums[key] = Aggregated(
                column=made,
                function=function,  # type: ignore[arg-type]
                argument=key[1],
                span=self.span,
            )
        return reference(self.sums[key].column)


def _roomy(column: Column) -> Expression:
    """An integer as a HUGEINT: owners multiply in DuckDB, where a BIGINT would overflow."""
    if not isinstance(column.type, IntegerType):
        return reference(column)
    return call("cast", [reference(column)], type=HUGEINT, nullable=column.nullable)
