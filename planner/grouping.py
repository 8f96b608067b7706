"""GROUP BY and aggregates: one Aggregate over a Project of its keys and arguments.

    SELECT k + 1, avg(x) ... GROUP BY k + 1
    =>  Project(g, s / n)  over  Aggregate(key g; s = sum(a), n = count(*))
        over  Project(g = k + 1, a = x)

FILTER becomes a CASE in the argument; AVG becomes SUM divided by COUNT, exact integers both.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import Aggregate as BoundAggregate
from ..query.bound import Case, Expression, GroupingLevel, Literal
from ..query.datatypes import (
    BIGINT,
    DOUBLE,
    INTEGER,
    Column,
    DoubleType,
    SqlType,
)
from ..query.errors import Span, UnsupportedError
from ..query.functions import OF_ONE, OF_TWO
from .expressions import call, reference, transform
from .extending import computed_column, input_column
from .logical import Aggregate, Aggregated, Ids, Node, project
from .modes import with_mode
from .quantiles import (
    QUANTILES,
    Ranks,
    between,
    chosen,
    fraction_of,
    is_discrete,
    ranked,
    ranks,
    weighed,
)
from .scales import scale_of, sum_type, without_casts
from .secure import VALUES_OF_ROWS, AggregateFunction
from .statistics import STATISTICS


class Grouping:
    """Collects what one grouped SELECT needs while its expressions are rewritten."""

    def __init__(self, group_by: tuple[Expression, ...], ids: Ids) -> None:
        self._ids = ids
        self._inputs: list[tuple[Column, Expression]] = []
        self._aggregates: list[Aggregated] = []
        self._modes: dict[int, tuple[Column, Span | None]] = {}
        self._ranks: dict[int, Ranks] = {}
        self._of_ranks: list[tuple[Column, Expression]] = []
        self._group_by = group_by
        self._keys = tuple(dict.fromkeys(self._input(key).id for key in group_by))

    def rewrite(self, expression: Expression) -> Expression:
        """An expression over the groups: keys and aggregates become columns of the Aggregate."""
        return transform(expression, self._rewritten)

    def node(self, input: Node) -> Node:
        """The Aggregate over `input`, once every expression has been rewritten."""
        below: Node = project(input, tuple(self._inputs))
        keys = tuple(column for column, _ in self._inputs if column.id in self._keys)
        below = self._ranked(below, tuple(column.id for column in keys))
        node = Aggregate(
            columns=keys + tuple(a.column for a in self._aggregates),
            input=below,
            keys=tuple(column.id for column in keys),
            aggregates=tuple(self._aggregates),
        )
        return with_mode(node, self._modes, self._ids) if self._modes else node

    def _ranked(self, below: Node, keys: tuple[int, ...]) -> Node:
        """The rows with what quantiles need to know of their ranks."""
        if not self._ranks:
            return below
        return ranked(below, keys, tuple(self._ranks.values()), tuple(self._of_ranks))

    def _rewritten(self, expression: Expression) -> Expression | None:
        if expression in self._group_by:
            return dataclasses.replace(reference(self._input(expression)), span=expression.span)
        if isinstance(expression, BoundAggregate):
            return self._aggregate(expression)
        if isinstance(expression, GroupingLevel):
            return Literal(type=BIGINT, nullable=False, value=0, span=expression.span)
        return None

    def _input(self, expression: Expression) -> Column:
        """The input column that computes `expression`; the same one for the same expression."""
        for column, known in (*self._inputs, *self._of_ranks):
            if known == expression:
                return column
        column = input_column(expression, self._ids)
        self._inputs.append((column, expression))
        return column

    def _aggregate(self, node: BoundAggregate) -> Expression:
        argument = _filtered(node)
        if node.function == "avg" and argument is not None:
            return self._average(node, argument)
        if node.function in ("arg_min", "arg_max"):
            return self._picked(node, argument)
        if node.function == "mode" and argument is not None:
            return self._mode(node, argument)
        if node.argument is not None and node.function in OF_ONE | OF_TWO:
            second = None if node.second is None else without_casts(node.second)
            exact = dataclasses.replace(node, argument=without_casts(node.argument), second=second)
            return self._statistic(exact, _filtered(exact))
        if node.argument is not None and node.function in QUANTILES:
            exact = dataclasses.replace(node, argument=without_casts(node.argument))
            return self._quantile(node, _filtered(exact))
        nullable = node.function in ("sum", "min", "max", "any_value")
        return self._column(node, node.function, argument, node.type, nullable=nullable)

    def _mode(self, node: BoundAggregate, argument: Expression) -> Expression:
        """The most frequent value: a column that with_mode() adds to the grouping."""
        source = self._input(argument)
        if source.id not in self._modes:
            if self._modes:
                raise UnsupportedError(
                    "MODE of two different expressions in one SELECT is not supported",
                    span=node.span,
                    hint="compute one of them in a derived table of its own, and join the two",
                )
            column = Column(
                id=self._ids.fresh(), name="mode", type=source.type, encoding=None, nullable=True
            )
            self._modes[source.id] = (column, node.span)
        column, _ = self._modes[source.id]
        return dataclasses.replace(reference(column), span=node.span)

    def _statistic(self, node: BoundAggregate, argument: Expression | None) -> Expression:
        """Variances and the like; those of pairs take the rows where both are known."""
        assert argument is not None
        second = node.second
        if second is None:
            return self._column(node, node.function, argument, DOUBLE, nullable=True)
        first = _where_known(argument, second)
        second = _where_known(second, first)
        if node.function == "regr_count":
            return self._column(node, "count", first, BIGINT, nullable=False)
        if node.function in ("regr_avgx", "regr_avgy"):
            return self._average(node, first if node.function == "regr_avgy" else second)
        return self._column(node, node.function, first, DOUBLE, nullable=True, order=second)

    def _quantile(self, node: BoundAggregate, argument: Expression | None) -> Expression:
        """A quantile: one of the ranked values, or the sum of two weighed ones."""
        assert argument is not None
        fraction = fraction_of(node)
        source = self._input(argument)
        one = self._ranks.setdefault(source.id, ranks(source, self._ids))
        discrete = is_discrete(node)
        if scale_of(source.type) is None and not discrete:
            raise UnsupportedError(
                f"{node.function.upper()} of a DOUBLE without a scale is not supported",
                span=node.span,
                hint="CAST its argument to DECIMAL(p,s)",
            )
        value = chosen(one, fraction) if discrete else weighed(one, fraction)
        if all(known != value for _, known in self._of_ranks):
            self._of_ranks.append((computed_column(value, self._ids), value))
        if discrete:
            return self._column(node, "any_value", value, node.type, nullable=True)
        total = self._column(node, "sum", value, value.type, nullable=True)
        return dataclasses.replace(between(total, fraction, node.type), span=node.span)

    def _average(self, node: BoundAggregate, argument: Expression) -> Expression:
        """AVG: SUM divided by COUNT, exact integers both."""
        total = self._column(node, "sum", argument, sum_type(argument.type), nullable=True)
        count = self._column(node, "count", argument, BIGINT, nullable=False)
        return call("/", [total, count], type=DOUBLE, nullable=True, like=node)

    def _picked(self, node: BoundAggregate, argument: Expression | None) -> Expression:
        """ARG_MIN and ARG_MAX: rows where the value or the order is NULL do not count."""
        assert argument is not None
        assert node.second is not None
        order = _where_known(node.second, argument)
        return self._column(node, node.function, argument, node.type, nullable=True, order=order)

    def _column(
        self,
        node: BoundAggregate,
        function: str,
        argument: Expression | None,
        type: SqlType,
        *,
        nullable: bool,
        order: Expression | None = None,
    ) -> Expression:
        """The output column of an aggregate; the same one for the same aggregate."""
        name = self._function(node, function, argument)
        uses_argument = argument is not None and name != "count_star"
        argument_id = self._input(argument).id if argument is not None and uses_argument else None
        order_id = None if order is None else self._input(order).id
        if name == "sum" and isinstance(type, DoubleType) and argument is not None:
            type = sum_type(argument.type)
        if name in VALUES_OF_ROWS and argument is not None:
            type = argument.type
        for known in self._aggregates:
            if (known.function, known.argument, known.order) == (name, argument_id, order_id):
                return dataclasses.replace(reference(known.column), span=node.span)
        column = Column(
            id=self._ids.fresh(), name=function, type=type, encoding=None, nullable=nullable
        )
        self._aggregates.append(
            Aggregated(
                column=column, function=name, argument=argument_id, order=order_id, span=node.span
            )
        )
        return dataclasses.replace(reference(column), span=node.span)

    def _function(
        self, node: BoundAggregate, function: str, argument: Expression | None
    ) -> AggregateFunction:
        match function, node.distinct:
            case ("count_star", _) | ("count", False):
                return "count" if argument is not None and argument.nullable else "count_star"
            case "count", True:
                return "count_distinct"
            case "sum", False:
                return "sum"
            case "sum", True:
                return "sum_distinct"
            case "min", _:
                return "min"
            case "max", _:
                return "max"
            case "any_value", _:
                return "any_value"
            case "arg_min", _:
                return "arg_min"
            case "arg_max", _:
                return "arg_max"
            case name, False if name in STATISTICS:
                return name  # type: ignore[return-value]
            case _:
                raise UnsupportedError(
                    f"the aggregate {function} is not supported",
                    span=node.span,
                    hint="sum, count, avg, min and max are",
                )


def _where_known(value: Expression, other: Expression) -> Expression:
    """The value where the other one is not NULL."""
    if not other.nullable:
        return value
    known = call("is_not_null", [other], nullable=False)
    return Case(type=value.type, nullable=True, branches=((known, value),), otherwise=None)


def _filtered(node: BoundAggregate) -> Expression | None:
    """The argument with FILTER as a CASE: count(*) FILTER (f) counts CASE WHEN f THEN 1 END."""
    if node.filter is None:
        if node.function in ("count_star",):
            return None
        return node.argument
    value = node.argument or Literal(type=INTEGER, nullable=False, value=1, span=node.span)
    return Case(
        type=value.type,
        nullable=True,
        branches=((node.filter, value),),
        otherwise=None,
        span=node.span,
    )
