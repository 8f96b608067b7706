"""Logical plan -> secure plan: what one owner can do alone becomes a Fragment, the rest operators.

Joins are lower_join.py, aggregates lower_aggregate.py; sort algorithms and the forms in which
fragments enter are chosen afterwards (algorithms.py, forms.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..query.bound import Call, ColumnRef, Expression
from ..query.bounds import NOTHING
from ..query.datatypes import BOOLEAN, Column, DoubleType, Encoding
from ..query.errors import UnsupportedError, UserError
from .expressions import TRUE, columns_of, reference, walk
from .facts import Analysis, smallest_magnitude
from .fixed_point import PRECISION, fixed_encoding
from .fragments import fragment_sql
from .hashing import reads_key
from .known import Facts
from .local_work import scanned_cells
from .logical import (
    Aggregate,
    Check,
    Filter,
    Ids,
    Join,
    Node,
    Once,
    Project,
    Scan,
    Sort,
    Union,
    Window,
)
from .lower_fixed import is_rational, with_parts
from .origins import origin
from .ownership import is_local
from .quotients import quotient_encoding, smallest_quotient
from .ranging import expression_range
from .ratios import as_ratio, has_quotient, product
from .rounding import is_rounded, lower_rounded
from .scalars import Scalars
from .scales import rescaled, scale_of
from .secure import Aggregate as SecureAggregate
from .secure import AlignedSum, Fragment, Operator, SortKey
from .secure import Check as SecureCheck
from .secure import Filter as SecureFilter
from .secure import Project as SecureProject
from .secure import Sort as SecureSort
from .shared_encodings import SharedEncodings
from .statistics import QUOTIENTS, statistic_encoding
from .widths import check_parts, check_width, holding, refused


class Lowering:
    """Lowers one plan; `first_party` runs what is public when others must join it."""

    def __init__(
        self, plan: Node, *, ids: Ids, analysis: Analysis, parties: tuple[str, ...], asker: str
    ) -> None:
        self.ids = ids
        self.analysis = analysis
        self.parties = parties
        self.asker = asker if asker in parties else parties[0]
        self.encodings = SharedEncodings(plan, analysis)
        self.smallest: dict[int, int] = {}
        self._shared: dict[tuple[int, ...], Operator] = {}

    def lower(self, node: Node, needed: frozenset[int]) -> Operator:
        """The operator for `node` whose columns include the needed ones."""
        from .lower_aggregate import lower_aggregate
        from .lower_join import lower_join
        from .lower_stored import lower_stored
        from .lower_union import lower_union
        from .lower_window import lower_window

        if is_local(node):
            return self.fragment(node, needed)
        match node:
            case Scan():
                return lower_stored(self, node, needed)
            case Filter():
                return self._filter(node, needed)
            case Check():
                return self._check(node, needed)
            case Project():
                return self._project(node, needed)
            case Join():
                return lower_join(self, node, needed)
            case Aggregate():
                return lower_aggregate(self, node)
            case Sort():
                return self._sort(node, needed)
            case Window():
                return lower_window(self, node, needed)
            case Union():
                return lower_union(self, node, needed)
            case Once():
                return self._once(node)
            case _:
                raise AssertionError(type(node).__name__)

    def fragment(
        self, node: Node, needed: frozenset[int], *, ordered: bool = False, owner: str | None = None
    ) -> Fragment:
        """One owner's work; public tables alone are the first party's."""
        facts = self.analysis.facts(node)
        kept = tuple(c for c in node.columns if c.id in needed)
        columns = tuple(self._leaving(node, c, facts.ranges.get(c.id)) for c in kept)
        sql = fragment_sql(node, columns, ordered=ordered)
        if not columns:
            columns = (self.presence(),)
        (name,) = node.owners or {owner or self.parties[0]}
        return Fragment(
            columns=columns,
            rows=facts.rows,
            owner=name,
            sql=sql,
            forms=tuple("bits" for _ in columns),
            keyed=reads_key(node),
            unique=_unique(facts, frozenset(c.id for c in columns)),
            scanned=scanned_cells(node),
        )

    def presence(self) -> Column:
        """A constant column where nothing but the rows themselves is needed."""
        return Column(
            id=self.ids.fresh(),
            name="",
            type=BOOLEAN,
            encoding=Encoding(lo=1, hi=1),
            nullable=False,
        )

    def _leaving(self, node: Node, column: Column, own: Encoding | None) -> Column:
        """A column on its way out of its owner; a refusal marks the place that computes it."""
        try:
            return self.encoded(column, own)
        except UserError as error:
            place = origin(node, column.id)
            raise error if place is None else refused(error, place) from None

    def encoded(self, column: Column, own: Encoding | None) -> Column:
        """The column under its encoding in the secure plan. UserError if it has none."""
        encoding = self.encodings.of(column.id, own)
        if own is not None and own.fraction_bits is None and scale_of(column.type) is not None:
            encoding = own if encoding is None or encoding.fraction_bits is not None else encoding
        type = column.type
        if isinstance(type, DoubleType) and encoding is not None and encoding.fraction_bits:
            type = DoubleType(None)
        if type == DoubleType(None) and encoding == NOTHING:
            type = DoubleType(0)
        type = holding(type, encoding)
        column = dataclasses.replace(column, type=type, encoding=encoding)
        check_width(column)
        return column

    def scalars(self, operator: Operator) -> Scalars:
        return Scalars({c.id: c for c in operator.columns})

    def _once(self, node: Once) -> Operator:
        """The same operator for every place where the columns stand; equal operators run once."""
        if node.ids not in self._shared:
            self._shared[node.ids] = self.lower(node.input, frozenset(node.ids))
        return self._shared[node.ids]

    def _filter(self, node: Filter, needed: frozenset[int]) -> Operator:
        below = self.lower(node.input, needed | columns_of(node.predicate))
        return self.filter(below, node.predicate, self.analysis.facts(node.input))

    def _check(self, node: Check, needed: frozenset[int]) -> Operator:
        below = self.lower(node.input, needed | columns_of(node.condition))
        condition = self.scalars(below).rewrite(node.condition)
        check_parts(condition, {c.id: c.encoding for c in below.columns})
        return SecureCheck(
            columns=below.columns,
            rows=below.rows,
            input=below,
            condition=condition,
            message=node.message,
        )

    def filter(
        self, below: Operator, predicate: Expression, facts: Facts | None = None
    ) -> Operator:
        """Valid rows that satisfy the predicate."""
        given = below
        facts = facts or Facts(rows=below.rows, keys=(), ranges={}, smallest={})
        below, (predicate,) = with_parts(self, below, [predicate], facts, computed=False)
        rewritten = self.scalars(below).rewrite(predicate)
        if rewritten == TRUE:
            return below
        check_parts(rewritten, {c.id: c.encoding for c in below.columns})
        made = SecureFilter(
            columns=below.columns, rows=below.rows, input=below, predicate=rewritten
        )
        return made if below is given else self.arranged(made, given.columns, facts)

    def _project(self, node: Project, needed: frozenset[int]) -> Operator:
        items = [
            (c, e) for c, e in zip(node.columns, node.expressions, strict=True) if c.id in needed
        ]
        below = self.lower(node.input, columns_of(*(e for _, e in items)))
        if all(isinstance(e, ColumnRef) and e.id == c.id for c, e in items):
            return below
        facts = self.analysis.facts(node.input)
        below, computed = with_parts(self, below, [e for _, e in items], facts, computed=True)
        items = [(column, e) for (column, _), e in zip(items, computed, strict=True)]
        if any(is_rounded(e) for _, e in items):
            return lower_rounded(self, below, items, facts)
        return self.project(below, items, facts)

    def project(
        self, below: Operator, items: list[tuple[Column, Expression]], facts: Facts
    ) -> SecureProject:
        """Computes expressions; every result's range is stated."""
        columns, expressions = [], []
        ranges = {c.id: c.encoding for c in below.columns}
        for column, expression in items:
            rewritten = self._computed(expression, below, column)
            columns.append(self._result(column, rewritten, below, facts))
            check_parts(rewritten, ranges)
            expressions.append(rewritten)
        return SecureProject(
            columns=tuple(columns), rows=below.rows, input=below, expressions=tuple(expressions)
        )

    def _computed(self, expression: Expression, below: Operator, column: Column) -> Expression:
        scalars = self.scalars(below)
        if isinstance(expression, Call) and expression.function in QUOTIENTS:
            *exact, limit = expression.arguments
            operands = (*map(scalars.rewrite, exact), limit)
            return dataclasses.replace(expression, arguments=operands)
        if not has_quotient(expression) or not is_rational(expression, scalars.fixed):
            return scalars.fixed.computed(expression, scalars.rewrite)
        top, bottom = as_ratio(expression)
        numerator = scalars.rewrite(top)
        denominator = scalars.rewrite(product(bottom, None) or top)
        scales = scale_of(numerator.type), scale_of(denominator.type)
        if scales[0] is None or scales[1] is None:
            raise UnsupportedError("a quotient of quotients is not supported", span=expression.span)
        scale = max(scales[0], scales[1])
        arguments = (rescaled(numerator, scale), rescaled(denominator, scale))
        return Call(
            type=DoubleType(None),
            nullable=True,
            function="/",
            arguments=arguments,
            span=expression.span,
        )

    def _result(
        self, column: Column, expression: Expression, below: Operator, facts: Facts
    ) -> Column:
        """The output column: type, range and nullability as computed."""
        ranges = {c.id: c.encoding for c in below.columns}
        facts = dataclasses.replace(facts, smallest=facts.smallest | self.smallest)
        if isinstance(expression, Call) and expression.function in QUOTIENTS:
            own = statistic_encoding(expression, ranges)
            if own is None:
                raise _too_wide(expression)
        elif isinstance(expression, Call) and expression.function == "/":
            own = _quotient_range(expression, ranges, facts)
        elif isinstance(expression, Call) and expression.function == "fixed":
            own = fixed_encoding(expression, ranges)
            if own is None:
                raise _too_wide(expression)
        elif isinstance(expression, ColumnRef):
            own = ranges[expression.id]
        else:
            own = expression_range(expression, ranges)
        type = expression.type if scale_of(expression.type) is not None else column.type
        exact = scale_of(column.type) == scale_of(expression.type)
        type = column.type if exact and not isinstance(column.type, DoubleType) else type
        made = dataclasses.replace(column, type=type, nullable=expression.nullable, encoding=None)
        self._note_smallest(column.id, expression, own, ranges, facts)
        try:
            return self.encoded(made, own)
        except UserError as error:
            raise refused(error, expression) from None

    def _note_smallest(
        self,
        column_id: int,
        expression: Expression,
        own: Encoding | None,
        ranges: Mapping[int, Encoding | None],
        facts: Facts,
    ) -> None:
        """How small a computed DOUBLE can be, unless it is 0: it bounds what is divided by it."""
        match expression:
            case ColumnRef(id=source) if source in self.smallest:
                self.smallest[column_id] = self.smallest[source]
            case Call(function=function, arguments=(top, bottom, *_)) if (
                function == "/" or function in QUOTIENTS
            ):
                divisor = expression_range(bottom, ranges)
                if own is None or divisor is None:
                    return
                smallest = smallest_magnitude(top, facts) if function == "/" else 1
                largest = max(abs(divisor.lo), abs(divisor.hi))
                self.smallest[column_id] = smallest_quotient(expression, own, smallest, largest)

    def _sort(self, node: Sort, needed: frozenset[int]) -> Operator:
        below = self.lower(node.input, needed | frozenset(k.column for k in node.keys))
        if node.limit is None and not node.offset and _ordered_already(below, node):
            return below
        rows = self.analysis.facts(node).rows
        constant = {c.id for c in below.columns if _is_constant(c)}
        keys = tuple(
            SortKey(column=k.column, descending=k.descending, nulls_first=k.nulls_first)
            for k in node.keys
            if k.column not in constant
        )
        return SecureSort(
            columns=below.columns,
            rows=min(rows, max(0, below.rows - node.offset)),
            input=below,
            keys=keys,
            limit=node.limit,
            offset=node.offset,
            sort="quick",
        )

    def arranged(self, below: Operator, wanted: tuple[Column, ...], facts: Facts) -> Operator:
        """The operator with exactly the wanted columns in order."""
        if tuple(c.id for c in below.columns) == tuple(c.id for c in wanted):
            return below
        return self.project(below, [(c, reference(c)) for c in wanted], facts)


def _unique(facts: Facts, ids: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    """The smallest keys among the columns that the owner can check by itself."""
    keys = {key.ids for key in facts.keys if key.ids <= ids and not key.by_contract}
    least = [key for key in keys if not any(other < key for other in keys)]
    return tuple(sorted(tuple(sorted(key)) for key in least))


def _ordered_already(operator: Operator, node: Sort) -> bool:
    """True if the rows stand in the order of the sort keys as they are."""
    wanted = [key.column for key in node.keys]
    if not wanted or any(key.descending or key.nulls_first for key in node.keys):
        return False
    while isinstance(operator, SecureProject):
        by = {
            c.id: e.id
            for c, e in zip(operator.columns, operator.expressions, strict=True)
            if isinstance(e, ColumnRef)
        }
        if not all(i in by for i in wanted):
            return False
        wanted, operator = [by[i] for i in wanted], operator.input
    if isinstance(operator, SecureFilter) and isinstance(operator.input, AlignedSum):
        operator = operator.input
    if not isinstance(operator, AlignedSum | SecureAggregate):
        return False
    return list(operator.keys[: len(wanted)]) == wanted


def _too_wide(expression: Expression) -> UserError:
    return UnsupportedError(
        "this DOUBLE needs more bits than a share holds",
        span=expression.span,
        hint="declare tighter CHECK bounds for its columns or a smaller ROWS",
    )


def _is_constant(column: Column) -> bool:
    encoding = column.encoding
    return encoding is not None and encoding.width == 0 and not column.nullable


def _quotient_range(
    quotient: Call, ranges: Mapping[int, Encoding | None], facts: Facts
) -> Encoding | None:
    top, bottom = quotient.arguments
    smallest = smallest_magnitude(top, facts)
    if any(isinstance(e, Call) and e.function == "units" for e in walk(top)):
        smallest = max(smallest, 1 << PRECISION)
    return quotient_encoding(
        quotient, ranges, smallest, smallest_magnitude(bottom, facts), facts.averages
    )
