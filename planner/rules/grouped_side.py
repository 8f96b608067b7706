"""An aggregate over a join, rewritten over the join with one side grouped by its key.

    count(*)     =>  sum(n)                  n = count(*) of the grouped side, by key
    sum(x)       =>  sum(x * n)              x of the kept side
    count(x)     =>  sum(CASE WHEN x IS NULL THEN 0 ELSE n END)
    sum(y)       =>  sum(s)                  s = sum(y) by key; count, min and max likewise
    sum(x * y)   =>  sum(x * s)
    min(x)       =>  min(x)                  repeated rows change nothing

Where the join sets the grouped side to NULL (no match), n counts as 1, and y must be NULL there.
"""

from __future__ import annotations

import dataclasses

from ...query.bound import Call, Case, ColumnRef, Expression, Literal
from ...query.datatypes import (
    BIGINT,
    HUGEINT,
    Column,
    DecimalType,
    DoubleType,
    IntegerType,
    SqlType,
)
from ..expressions import call, column_pair, columns_of, reference
from ..logical import Aggregate, Aggregated, Join, Node, Project, join, project
from ..scales import scale_of, sum_type
from ..secure import AggregateFunction
from .context import Context

INSENSITIVE: frozenset[AggregateFunction] = frozenset(
    {"min", "max", "count_distinct", "sum_distinct", "any_value", "arg_min", "arg_max"}
)
"""Aggregates that a repeated row does not change."""
ZERO = Literal(type=BIGINT, nullable=False, value=0)
ONE = Literal(type=BIGINT, nullable=False, value=1)


class Sides:
    """An aggregate over a join, one side of which is to be grouped and the other kept."""

    def __init__(self, node: Aggregate, below: Project, joined: Join, position: int) -> None:
        self.node = node
        self.below = below
        self.joined = joined
        self.position = position
        self.grouped = (joined.left, joined.right)[position]
        self.kept = (joined.left, joined.right)[1 - position]
        self.given = dict(zip(below.ids, below.expressions, strict=True))
        mine = frozenset(self.grouped.ids)
        self.key_ids = columns_of(*joined.condition) & mine
        self.visible = frozenset(self.kept.ids) | self.key_ids

    def condition_fits(self) -> bool:
        """Equalities of both sides' columns, and conditions on the kept side."""
        kept = frozenset(self.kept.ids)
        return all(
            column_pair(condition) is not None or columns_of(condition) <= kept
            for condition in self.joined.condition
        )

    def keys_fit(self) -> bool:
        return all(columns_of(self.given[key]) <= self.visible for key in self.node.keys)

    @property
    def extended(self) -> bool:
        """Whether the join sets the grouped side to NULL in rows without a match."""
        kind = self.joined.kind
        return kind == "full" or (kind == "left" and self.position == 1)

    def without_repeats(self) -> Node | None:
        """The join as a mere restriction: repeated rows change nothing, nothing else is read."""
        if any(a.function not in INSENSITIVE for a in self.node.aggregates):
            return None
        if not columns_of(*self.below.expressions) <= frozenset(self.kept.ids):
            return None
        if self.joined.kind == "inner":
            condition = self.joined.condition
            kept: Node = join("semi", self.kept, self.grouped, condition, self.joined.span)
        elif self.joined.kind == "left" and self.position == 1:
            kept = self.kept
        else:
            return None
        return dataclasses.replace(self.node, input=dataclasses.replace(self.below, input=kept))


class GroupedSide:
    """Builds the grouped side's aggregates and the new ones above the join."""

    def __init__(self, sides: Sides, context: Context) -> None:
        self._sides = sides
        self._ids = context.ids
        self._arguments: list[tuple[Column, Expression]] = []
        self._partial: list[Aggregated] = []

    def plan(self) -> Node | None:
        node, below = self._sides.node, self._sides.below
        items = [(c, e) for c, e in zip(below.columns, below.expressions, strict=True)]
        inputs = [(c, e) for c, e in items if c.id in node.keys]
        known = {column.id for column, _ in inputs}
        merged: list[Aggregated] = []
        outputs: list[tuple[Column, Expression]] = []
        keys = tuple(c for c in node.columns if c.id in node.keys)
        outputs += [(key, reference(key)) for key in keys]
        for aggregated in node.aggregates:
            found = self._over_join(aggregated)
            if found is None:
                return None
            changed, needed = found
            inputs += [(c, e) for c, e in needed if c.id not in known]
            known |= {column.id for column, _ in needed}
            merged.append(changed)
            outputs.append((aggregated.column, _restored(aggregated, changed.column)))
        above = Aggregate(
            columns=keys + tuple(m.column for m in merged),
            input=dataclasses.replace(project(self._joined(), tuple(inputs)), span=below.span),
            keys=node.keys,
            aggregates=tuple(merged),
            span=node.span,
        )
        return project(above, tuple(outputs))

    def _joined(self) -> Join:
        """The join with the grouped side in the place of the whole one."""
        sides = self._sides
        by_id = {column.id: column for column in sides.grouped.columns}
        keys = tuple(by_id[i] for i in sorted(sides.key_ids))
        items = [(key, reference(key)) for key in keys] + self._arguments
        grouped = Aggregate(
            columns=keys + tuple(a.column for a in self._partial),
            input=project(sides.grouped, tuple(items)),
            keys=tuple(key.id for key in keys),
            aggregates=tuple(self._partial),
        )
        pair = [sides.kept, grouped] if sides.position else [grouped, sides.kept]
        joined = sides.joined
        return join(joined.kind, pair[0], pair[1], joined.condition, joined.span)

    def _over_join(
        self, aggregated: Aggregated
    ) -> tuple[Aggregated, list[tuple[Column, Expression]]] | None:
        """The aggregate over the new join, and the columns that it reads; None if there is none."""
        sides = self._sides
        read = [i for i in (aggregated.argument, aggregated.order) if i is not None]
        by_kept = all(columns_of(sides.given[i]) <= sides.visible for i in read)
        if aggregated.function in INSENSITIVE and by_kept:
            columns = {c.id: c for c in sides.below.columns}
            return aggregated, [(columns[i], sides.given[i]) for i in read]
        value = self._value(aggregated)
        if value is None:
            return None
        column = Column(
            id=self._ids.fresh(), name="", type=value.type, encoding=None, nullable=value.nullable
        )
        function = aggregated.function if aggregated.function in ("min", "max") else "sum"
        total = dataclasses.replace(
            aggregated.column,
            id=self._ids.fresh(),
            nullable=value.nullable or not sides.node.keys,
        )
        changed = dataclasses.replace(
            aggregated, column=total, function=function, argument=column.id
        )
        return changed, [(column, value)]

    def _value(self, aggregated: Aggregated) -> Expression | None:
        """What is to be summed (or compared) over the rows of the new join."""
        sides = self._sides
        if aggregated.argument is None:
            return self._weight() if aggregated.function == "count_star" else None
        argument = sides.given[aggregated.argument]
        if aggregated.function not in ("sum", "count", "min", "max"):
            return None
        if columns_of(argument) <= sides.visible:
            return self._weighted(aggregated, argument)
        if columns_of(argument) <= frozenset(sides.grouped.ids):
            if sides.extended and not _null_of_null(argument):
                return None
            column = self._part(aggregated.function, argument, aggregated.column)
            if aggregated.function == "count" and column.nullable:
                return call("coalesce", [reference(column), ZERO], type=BIGINT, nullable=False)
            return reference(column)
        if aggregated.function != "sum":
            return None
        return self._product(argument, aggregated.column)

    def _weighted(self, aggregated: Aggregated, argument: Expression) -> Expression | None:
        """A value of the kept side as often as rows of the other side stand beside it."""
        if aggregated.function in ("min", "max"):
            return argument
        weight = self._weight()
        if aggregated.function == "count":
            missing = call("is_null", [argument], nullable=False)
            return Case(type=BIGINT, nullable=False, branches=((missing, ZERO),), otherwise=weight)
        return _times(argument, weight)

    def _product(self, argument: Expression, total: Column) -> Expression | None:
        """SUM(x * y): x times the sum of y."""
        factors = _factors(argument)
        mine = frozenset(self._sides.grouped.ids)
        theirs = [f for f in factors if columns_of(f) <= self._sides.visible]
        ours = [f for f in factors if f not in theirs and columns_of(f) <= mine]
        if len(theirs) + len(ours) < len(factors) or not ours or not theirs:
            return None
        if self._sides.extended and not any(map(_null_of_null, ours)):
            return None
        inner = _all_times(ours)
        outer = _all_times(theirs)
        if inner is None or outer is None:
            return None
        column = self._part("sum", inner, dataclasses.replace(total, type=sum_type(inner.type)))
        made = _times(outer, reference(column))
        same = made is not None and scale_of(made.type) == scale_of(argument.type)
        return made if same else None

    def _weight(self) -> Expression:
        """How many rows of the grouped side a row of the new join stands for."""
        counted = self._part("count_star", None, None)
        if not self._sides.extended:
            return reference(counted)
        return call("coalesce", [reference(counted), ONE], type=BIGINT, nullable=False)

    def _part(
        self, function: AggregateFunction, argument: Expression | None, like: Column | None
    ) -> Column:
        """A column of the grouped side, as the join shows it."""
        argument_id = None if argument is None else self._argument(argument).id
        for known in self._partial:
            if (known.function, known.argument) == (function, argument_id):
                return self._shown(known.column)
        counts = function in ("count_star", "count")
        column = Column(
            id=self._ids.fresh(),
            name="",
            type=BIGINT if like is None or counts else like.type,
            encoding=None,
            nullable=not counts,
        )
        self._partial.append(Aggregated(column=column, function=function, argument=argument_id))
        return self._shown(column)

    def _shown(self, column: Column) -> Column:
        return dataclasses.replace(column, nullable=column.nullable or self._sides.extended)

    def _argument(self, expression: Expression) -> Column:
        for column, known in self._arguments:
            if known == expression:
                return column
        column = Column(
            id=self._ids.fresh(),
            name="",
            type=expression.type,
            encoding=None,
            nullable=expression.nullable,
        )
        self._arguments.append((column, expression))
        return column


def _restored(aggregated: Aggregated, column: Column) -> Expression:
    """The original aggregate from the new one: a count of nothing is 0."""
    if aggregated.function not in ("count_star", "count") or not column.nullable:
        return reference(column)
    return call("coalesce", [reference(column), ZERO], type=column.type, nullable=False)


_STRICT = frozenset({"+", "-", "*", "negate", "abs", "cast", "units", "shift_right"})
"""Functions that are NULL wherever an argument is."""


def _null_of_null(expression: Expression) -> bool:
    """Whether a value is surely NULL in a row without a match, where its columns are."""
    match expression:
        case ColumnRef():
            return True
        case Call(function=function, arguments=arguments) if function in _STRICT:
            return any(map(_null_of_null, arguments))
        case _:
            return False


def _factors(expression: Expression) -> list[Expression]:
    if isinstance(expression, Call) and expression.function == "*":
        return [factor for argument in expression.arguments for factor in _factors(argument)]
    return [expression]


def _all_times(factors: list[Expression]) -> Expression | None:
    product: Expression | None = factors[0]
    for factor in factors[1:]:
        product = None if product is None else _times(product, factor)
    return product


def _times(left: Expression, right: Expression) -> Expression | None:
    """The exact product, at the sum of the scales; None where a factor has no scale."""
    scales = scale_of(left.type), scale_of(right.type)
    if scales[0] is None or scales[1] is None:
        return None
    return call("*", [left, right], type=_product_type(left.type, right.type))


def _product_type(left: SqlType, right: SqlType) -> SqlType:
    scale = (scale_of(left) or 0) + (scale_of(right) or 0)
    match left, right:
        case (DoubleType(), _) | (_, DoubleType()):
            return DoubleType(scale)
        case (IntegerType(), IntegerType()):
            return HUGEINT
        case _:
            return DecimalType(38, scale)
