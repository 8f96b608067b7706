"""GROUP BY ROLLUP, CUBE, GROUPING SETS: a grouping for each set of keys, all over one input.

SELECT a, b, sum(x) ... GROUP BY ROLLUP (a, b)
=>  UNION ALL of
    Project(a, b, s)        over  Aggregate(keys a, b; s = sum(x))  over  Once(input)
    Project(a, NULL, s)     over  Aggregate(key a; s = sum(x))      over  Once(input)
    Project(NULL, NULL, s)  over  Aggregate(s = sum(x))             over  Once(input)
"""

from __future__ import annotations

import dataclasses

from ..query.bound import ColumnRef, Expression, GroupingLevel, Literal
from ..query.datatypes import BIGINT, Column
from ..query.errors import UnsupportedError
from .expressions import reference
from .grouping import Grouping
from .logical import Aggregate, Ids, Node, Once, Union, once, project
from .modes import with_mode


class SetGrouping(Grouping):
    """Collects what a SELECT with several grouping sets needs."""

    def __init__(
        self,
        group_by: tuple[Expression, ...],
        sets: tuple[tuple[Expression, ...], ...],
        ids: Ids,
    ) -> None:
        super().__init__(group_by, ids)
        self._sets = tuple(tuple(self._input(key).id for key in one) for one in sets)
        self._outputs = {
            column.id: dataclasses.replace(ids.copy(column), nullable=True)
            for column, _ in self._inputs
        }
        self._levels: dict[tuple[int, ...], Column] = {}

    def node(self, input: Node) -> Node:
        """The groups of every set, once every expression has been rewritten."""
        if self._ranks:
            raise UnsupportedError(
                "quantiles beside GROUPING SETS, ROLLUP or CUBE are not supported",
                hint="compute them in a SELECT with a plain GROUP BY for each set",
            )
        given = {column.id: column for column in input.columns}
        below = once(project(input, tuple(_as_given(c, e, given) for c, e in self._inputs)))
        columns = [*self._outputs.values(), *self._levels.values()]
        columns += [aggregated.column for aggregated in self._aggregates]
        columns += [column for column, _ in self._modes.values()]
        branches = tuple(self._branch(below, keys, tuple(columns)) for keys in self._sets)
        return Union(columns=tuple(columns), inputs=branches)

    def _rewritten(self, expression: Expression) -> Expression | None:
        if expression in self._group_by:
            column = self._outputs[self._input(expression).id]
            return dataclasses.replace(reference(column), span=expression.span)
        if isinstance(expression, GroupingLevel):
            return dataclasses.replace(reference(self._level(expression)), span=expression.span)
        return super()._rewritten(expression)

    def _level(self, expression: GroupingLevel) -> Column:
        keys = tuple(self._input(key).id for key in expression.keys) or self._keys
        if keys not in self._levels:
            self._levels[keys] = Column(
                id=self._ids.fresh(), name="level", type=BIGINT, encoding=None, nullable=False
            )
        return self._levels[keys]

    def _branch(self, below: Once, keys: tuple[int, ...], columns: tuple[Column, ...]) -> Node:
        """The groups of one set, under columns of their own that align with the union's."""
        same = {column_id: column_id for column_id in below.ids}
        made = tuple(a.renamed(self._ids.copy(a.column), same) for a in self._aggregates)
        modes = {i: (self._ids.copy(c), span) for i, (c, span) in self._modes.items()}
        by_id = {column.id: column for column in below.columns}
        grouped = Aggregate(
            columns=tuple(by_id[key] for key in keys) + tuple(a.column for a in made),
            input=below,
            keys=keys,
            aggregates=made,
        )
        counted = with_mode(grouped, modes, self._ids) if modes else grouped
        values = [self._key(source, keys) for source in self._outputs]
        values += [_bits(level, keys) for level in self._levels]
        values += [reference(a.column) for a in made]
        values += [reference(column) for column, _ in modes.values()]
        own = tuple(self._ids.copy(column) for column in columns)
        return project(counted, tuple(zip(own, values, strict=True)))

    def _key(self, source: int, keys: tuple[int, ...]) -> Expression:
        """The value of a key in the rows of one set: NULL if the set is without it."""
        column = next(column for column, _ in self._inputs if column.id == source)
        if source in keys:
            return reference(column)
        return Literal(type=column.type, nullable=True, value=None)


def _as_given(
    column: Column, expression: Expression, given: dict[int, Column]
) -> tuple[Column, Expression]:
    """A plain column is never NULL if it is not before the groups, whatever it is behind them."""
    if not isinstance(expression, ColumnRef) or expression.id not in given:
        return column, expression
    source = given[expression.id]
    return dataclasses.replace(column, nullable=source.nullable), reference(source)


def _bits(level: tuple[int, ...], keys: tuple[int, ...]) -> Literal:
    """GROUPING for one set."""
    value = 0
    for key in level:
        value = 2 * value + (key not in keys)
    return Literal(type=BIGINT, nullable=False, value=value)
