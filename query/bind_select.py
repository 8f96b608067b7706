"""One SELECT block: items, WHERE, GROUP BY, HAVING, DISTINCT, ORDER BY."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from . import naming, operators, syntax
from .bind_expression import ExpressionBinder, QueryBinder
from .bind_groups import Groups, groups_of, has_sets
from .bind_order import (
    check_position,
    column_reference,
    order_key,
    output_named,
    written_position,
)
from .bind_windows import check_windows
from .bound import (
    Aggregate,
    ColumnRef,
    Expression,
    GroupingLevel,
    Literal,
    OrderKey,
    Relation,
    Select,
    Window,
)
from .datatypes import Column, IntervalType
from .errors import BindError, UnsupportedError
from .functions import AGGREGATES
from .ranges import encoding_of
from .scope import Scope
from .walking import contains, nodes_of
from .window_clauses import named_windows


@dataclass(slots=True, kw_only=True)
class SelectBinder:
    """Binds one SELECT whose FROM is bound already."""

    queries: QueryBinder
    columns: dict[int, Column]
    select: syntax.Select
    relation: Relation | None
    scope: Scope
    aliases: dict[str, syntax.Expression] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    names: list[str] = field(default_factory=list)
    items: list[Expression] = field(default_factory=list)
    written: list[syntax.Expression] = field(default_factory=list)
    keys: dict[Expression, syntax.Expression] = field(default_factory=dict)

    def bind(self, order_by: Sequence[syntax.OrderKey]) -> Select:
        """The bound SELECT with its order; LIMIT and OFFSET are the caller's."""
        for item in self.select.items:
            if item.alias is not None:
                self.aliases.setdefault(item.alias.lower(), item.expression)
        where = self._where()
        if has_sets(self.select.group_by):
            self.scope = self.scope.of_nullable_columns()
        self._bind_items()
        groups = self._groups()
        if groups.sets is not None:
            groups = self._nullable_keys(groups)
        keys = groups.keys
        having = self._having()
        qualify = self._qualify()
        outputs = self._outputs()
        order = [self._order_key(key, outputs) for key in order_by]
        first_of = [
            self._order_expression(node, outputs, "DISTINCT ON") for node in self.select.distinct_on
        ]
        conditions = [condition for condition in (having, qualify) if condition is not None]
        everything = [*self.items, *conditions, *(k.expression for k in order), *first_of]
        check_windows(self.scope, where, everything, qualify)
        grouped = bool(keys) or having is not None or any(map(_has_aggregate, everything))
        grouped = grouped or has_sets(self.select.group_by)
        if grouped:
            self._check_grouped(everything, keys)
        return Select(
            columns=outputs,
            order_by=tuple(order),
            relation=self.relation,
            where=where,
            group_by=keys,
            grouped=grouped,
            having=having,
            items=tuple(self.items),
            distinct=self.select.distinct and not first_of,
            distinct_on=tuple(first_of),
            qualify=qualify,
            grouping_sets=groups.sets,
        )

    def _binder(self, clause: str, *, aggregates: bool = False) -> ExpressionBinder:
        windows = clause in ("SELECT", "QUALIFY", "ORDER BY")
        return ExpressionBinder(
            queries=self.queries,
            scope=self.scope,
            clause=clause,
            aggregates=aggregates,
            windows=named_windows(self.select.windows) if windows else None,
            grouped_by_keys=self._has_keys(),
            alias=lambda name: self._alias(name, clause, aggregates),
            alias_names=tuple(item.alias for item in self.select.items if item.alias),
            keys=self.keys,
        )

    def _has_keys(self) -> bool:
        """Whether groups come from keys, and so have at least one row."""
        if self.select.group_by is None or has_sets(self.select.group_by):
            return False
        items = (item.expression for item in self.select.items)
        return bool(self.select.group_by) or not all(map(_calls_aggregate, items))

    def _alias(self, name: str, clause: str, aggregates: bool) -> Expression | None:
        """What an alias of the select list stands for, bound as if written here."""
        key = name.lower()
        expression = self.aliases.get(key)
        if expression is None or key in self.pending:
            return None
        self.pending.add(key)
        try:
            return self._binder(clause, aggregates=aggregates).bind(expression)
        finally:
            self.pending.discard(key)

    # Clauses

    def _where(self) -> Expression | None:
        if self.select.where is None:
            return None
        return operators.condition(self._binder("WHERE").bind(self.select.where), "WHERE")

    def _having(self) -> Expression | None:
        if self.select.having is None:
            return None
        bound = self._binder("HAVING", aggregates=True).bind(self.select.having)
        return operators.condition(bound, "HAVING")

    def _qualify(self) -> Expression | None:
        if self.select.qualify is None:
            return None
        bound = self._binder("QUALIFY", aggregates=True).bind(self.select.qualify)
        return operators.condition(bound, "QUALIFY")

    def _bind_items(self) -> None:
        for item in self.select.items:
            if isinstance(item.expression, syntax.Star):
                self._expand(item.expression)
                self.written += [item.expression] * (len(self.items) - len(self.written))
                continue
            if item.alias is not None:
                self.pending.add(item.alias.lower())
            bound = self._binder("SELECT", aggregates=True).bind(item.expression)
            self.pending.clear()
            if isinstance(bound.type, IntervalType):
                raise UnsupportedError(
                    "an interval as a result is not supported",
                    span=item.span,
                    hint="add it to a date, or write its number of days",
                )
            self.items.append(bound)
            self.written.append(item.expression)
            self.names.append(item.alias or self._natural_name(item.expression, bound))

    def _natural_name(self, node: syntax.Expression, bound: Expression) -> str:
        if isinstance(node, syntax.ColumnName) and isinstance(bound, ColumnRef):
            return bound.name
        return naming.column_name(node)

    def _expand(self, star: syntax.Star) -> None:
        """`*` and `t.*`, without the excluded columns."""
        sources = [s for s in self.scope.sources if star.table and s.answers_to(star.table)]
        if star.table and not sources:
            raise self.scope.unknown((*star.table, "*"), star.span, ())
        if not self.scope.sources:
            raise BindError("* needs a FROM", span=star.span)
        columns = [c for s in sources for c in s.columns] if star.table else self.scope.visible()
        excluded = {name.lower() for name in star.excluded}
        unknown = excluded - {column.name.lower() for column in columns}
        if unknown:
            raise BindError(f"there is no column {min(unknown)} to exclude", span=star.span)
        kept = [column for column in columns if column.name.lower() not in excluded]
        if not kept:
            raise BindError("nothing is left of *", span=star.span)
        for column in kept:
            self.items.append(column_reference(column, star.span))
            self.names.append(column.name)

    def _outputs(self) -> tuple[Column, ...]:
        made = []
        for name, item in zip(self.names, self.items, strict=True):
            column = Column(
                id=len(self.columns),
                name=name,
                type=item.type,
                encoding=encoding_of(item, self.columns),
                nullable=item.nullable,
            )
            self.columns[column.id] = column
            made.append(column)
        return tuple(made)

    # GROUP BY

    def _groups(self) -> Groups:
        if self.select.group_by is None:
            return Groups(keys=())
        if self.select.group_by:
            return groups_of(self.select.group_by, self._group_key)
        found = [i for i in self.items if not (_has_aggregate(i) or contains(i, Window))]
        return Groups(keys=tuple(dict.fromkeys(found)))

    def _nullable_keys(self, groups: Groups) -> Groups:
        """Binds once more, now that it is known what may be NULL for want of a key."""
        written = {key: self._key_as_written(node) for key, node in groups.written.items()}
        self.keys = {key: node for key, node in written.items() if not key.nullable}
        if not self.keys:
            return groups
        self.keys |= {dataclasses.replace(k, nullable=True): n for k, n in self.keys.items()}
        self.items, self.names, self.written = [], [], []
        self._bind_items()
        return self._groups()

    def _key_as_written(self, node: syntax.Expression) -> syntax.Expression:
        position = written_position(node)
        if position is not None:
            return self.written[position - 1]
        if isinstance(node, syntax.ColumnName):
            return self.aliases.get(node.parts[-1].lower(), node)
        return node

    def _group_key(self, node: syntax.Expression) -> Expression:
        position = written_position(node)
        if position is None:
            return self._binder("GROUP BY").bind(node)
        check_position(position, len(self.items), "GROUP BY", node.span)
        key = self.items[position - 1]
        if _has_aggregate(key):
            raise BindError(f"GROUP BY {position} is an aggregate", span=node.span)
        return key

    def _check_grouped(self, expressions: Sequence[Expression], keys: Sequence[Expression]) -> None:
        """Outside aggregates, only GROUP BY expressions and constants may stand."""
        local = {c.id for s in self.scope.sources for c in s.columns}
        local |= {c.id for c in self.scope.standing_in.values()}
        wanted = set(keys)
        for expression in expressions:
            for node in nodes_of(expression, skip=lambda n: _is_settled(n, wanted)):
                if isinstance(node, GroupingLevel):
                    _check_level(node, wanted)
                elif isinstance(node, ColumnRef) and node.id in local:
                    raise BindError(
                        f"{node.name} must stand in GROUP BY or inside an aggregate",
                        span=node.span,
                        hint=f"add {node.name} to GROUP BY, or write MIN({node.name})",
                    )

    # ORDER BY

    def _order_key(self, key: syntax.OrderKey, outputs: Sequence[Column]) -> OrderKey:
        return order_key(key, self._order_expression(key.expression, outputs, "ORDER BY"))

    def _order_expression(
        self, node: syntax.Expression, outputs: Sequence[Column], clause: str
    ) -> Expression:
        named = output_named(node, outputs)
        if named is not None:
            return named
        bound = self._binder(clause, aggregates=True).bind(node)
        for item, column in zip(self.items, outputs, strict=True):
            if item == bound:
                return column_reference(column, node.span)
        if isinstance(bound, Literal):
            raise BindError(
                f"{clause} a constant {'orders' if clause == 'ORDER BY' else 'tells'} nothing",
                span=node.span,
                hint="name a column, or its position in the select list",
            )
        if self.select.distinct and not self.select.distinct_on:
            raise UnsupportedError(
                "ORDER BY something that SELECT DISTINCT does not give",
                span=node.span,
                hint="add the expression to the select list",
            )
        return bound


def _has_aggregate(expression: Expression) -> bool:
    return contains(expression, Aggregate) or contains(expression, GroupingLevel)


def _check_level(node: GroupingLevel, keys: set[Expression]) -> None:
    """BindError unless GROUPING stands over GROUP BY expressions."""
    if not keys:
        raise BindError("GROUPING needs a GROUP BY", span=node.span)
    for key in node.keys:
        if key not in keys:
            raise BindError(
                "GROUPING takes GROUP BY expressions", span=key.span, hint="add it to GROUP BY"
            )


def _is_settled(node: object, keys: set[Expression]) -> bool:
    return isinstance(node, Aggregate) or (isinstance(node, Expression) and node in keys)


def _calls_aggregate(node: syntax.Expression) -> bool:
    """Whether the text of an expression calls an aggregate outside subqueries."""
    return any(
        isinstance(part, syntax.Call) and part.window is None and part.name.lower() in AGGREGATES
        for part in _syntax_nodes(node)
    )


def _syntax_nodes(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        for part in node:
            yield from _syntax_nodes(part)
    elif isinstance(node, syntax.Node) and not isinstance(node, syntax.Query):
        yield node
        for entry in dataclasses.fields(node):
            yield from _syntax_nodes(getattr(node, entry.name))
