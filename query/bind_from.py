"""FROM: tables, derived tables, common table expressions and joins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from . import operators, syntax
from .bound import BoundDerived, BoundJoin, BoundTable, ColumnRef, Expression, Query, Relation
from .catalog import Catalog, Table
from .datatypes import Column
from .errors import BindError, Span, UnsupportedError
from .operators import Operand
from .ranges import encoding_of
from .scope import Definition, Definitions, Scope, Source, suggestion, unique_names

MAX_TABLES = 64
"""Tables in one query, with common table expressions counted wherever they are used."""

BindQuery = Callable[[syntax.Query, Scope | None, Definitions], Query]
BindCondition = Callable[[syntax.Expression, Scope], Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonQuery:
    """A common table expression, bound once for all its uses, and how many tables it reads."""

    definition: Definition
    query: Query
    tables: int


@dataclass(slots=True, kw_only=True)
class FromBinder:
    """Binds FROM items; every column it makes has an id of its own, kept in `columns`."""

    catalog: Catalog
    columns: dict[int, Column]
    bind_query: BindQuery
    bind_condition: BindCondition
    tables: int = 0
    common: dict[int, CommonQuery] = field(default_factory=dict)

    def bind(
        self, sources: Sequence[syntax.FromItem], outer: Scope | None, definitions: Definitions
    ) -> tuple[Relation | None, Scope]:
        """The relation of a FROM list (commas are cross joins), and the scope that it opens."""
        if not sources:
            return None, Scope(outer=outer, definitions=definitions)
        relation, scope = self._item(sources[0], outer, definitions)
        for item in sources[1:]:
            right, right_scope = self._item(item, outer, definitions)
            scope = _merged(scope, right_scope, item.span)
            relation = self._join("cross", relation, right, None, item.span)
        return relation, scope

    def fresh(self, column: Column, **changes: object) -> Column:
        """A copy of a column under a new id."""
        renewed = dataclasses.replace(column, id=len(self.columns), **changes)  # type: ignore[arg-type]
        self.columns[renewed.id] = renewed
        return renewed

    def _item(
        self, item: syntax.FromItem, outer: Scope | None, definitions: Definitions
    ) -> tuple[Relation, Scope]:
        match item:
            case syntax.Join():
                return self._joined(item, outer, definitions)
            case syntax.TableName():
                relation = self._table(item, definitions)
            case syntax.Derived():
                relation = self._derived(item, outer, definitions)
            case _:
                raise _refused(item)
        self._count(1, item.span)
        owner = relation.owner if isinstance(relation, BoundTable) else None
        source = Source(name=relation.alias, columns=relation.columns, owner=owner)
        if isinstance(item, syntax.TableName) and item.alias is not None:
            source = dataclasses.replace(source, owner=None)
        return relation, Scope(sources=[source], outer=outer, definitions=definitions)

    # Tables and derived tables

    def _table(self, item: syntax.TableName, definitions: Definitions) -> BoundTable | BoundDerived:
        name = item.parts[-1]
        if len(item.parts) == 1 and name.lower() in definitions:
            return self._common_table(item, definitions)
        table = self.catalog.tables.get(name.lower())
        if table is None or len(item.parts) > 2:
            known = [*self.catalog.tables, *(d.table.name for d in definitions.values())]
            raise BindError(
                f"there is no table {'.'.join(item.parts)}",
                span=item.span,
                hint=suggestion(name, known),
            )
        owner = _owner(table, item) if len(item.parts) == 2 else None
        made = [
            Column(
                id=0,
                name=definition.name,
                type=definition.type,
                encoding=definition.encoding,
                nullable=definition.nullable,
            )
            for definition in table.columns
        ]
        columns = self._renamed(made, item.alias, item.span)
        alias = item.alias.name if item.alias else table.name
        return BoundTable(columns=columns, table=table, alias=alias, owner=owner, span=item.span)

    def _common_table(self, item: syntax.TableName, definitions: Definitions) -> BoundDerived:
        definition = definitions[item.parts[0].lower()]
        query = self._common_query(definition, item.span)
        inner = syntax.Alias(
            name=definition.table.name,
            columns=definition.table.columns,
            span=definition.table.span,
        )
        named = self._renamed(query.columns, inner, inner.span)
        columns = self._renamed(named, item.alias, item.span)
        alias = item.alias.name if item.alias else definition.table.name
        return BoundDerived(columns=columns, query=query, alias=alias, common=True, span=item.span)

    def _common_query(self, definition: Definition, span: Span) -> Query:
        """The same bound query at every use; each use counts all the tables that it reads."""
        known = self.common.get(id(definition))
        if known is None:
            before = self.tables
            query = self.bind_query(definition.table.query, None, definition.visible)
            known = CommonQuery(definition=definition, query=query, tables=self.tables - before)
            self.common[id(definition)] = known
        else:
            self._count(known.tables, span)
        return known.query

    def _count(self, tables: int, span: Span | None) -> None:
        self.tables += tables
        if self.tables > MAX_TABLES:
            raise UnsupportedError(f"more than {MAX_TABLES} tables in one query", span=span)

    def _derived(
        self, item: syntax.Derived, outer: Scope | None, definitions: Definitions
    ) -> BoundDerived:
        if item.lateral:
            raise _refused(item)
        del outer
        query = self.bind_query(item.query, None, definitions)
        columns = self._renamed(query.columns, item.alias, item.span)
        alias = item.alias.name if item.alias else f"unnamed_subquery_{self.tables}"
        return BoundDerived(columns=columns, query=query, alias=alias, span=item.span)

    def _renamed(
        self, columns: Sequence[Column], alias: syntax.Alias | None, span: Span
    ) -> tuple[Column, ...]:
        """Fresh columns, under the alias's column names as far as it has some."""
        names = unique_names(column.name for column in columns)
        given = alias.columns if alias is not None else ()
        if len(given) > len(names):
            raise BindError(
                f"{len(given)} column names for {len(names)} columns",
                span=alias.span if alias else span,
            )
        names[: len(given)] = given
        return tuple(
            self.fresh(column, name=name) for column, name in zip(columns, names, strict=True)
        )

    # Joins

    def _joined(
        self, item: syntax.Join, outer: Scope | None, definitions: Definitions
    ) -> tuple[Relation, Scope]:
        if item.kind not in _JOIN_HINTS:
            return self._plain_join(item, outer, definitions)
        raise UnsupportedError(
            f"{item.kind.upper()} JOIN is not supported",
            span=item.kind_span,
            hint=_JOIN_HINTS[item.kind],
        )

    def _plain_join(
        self, item: syntax.Join, outer: Scope | None, definitions: Definitions
    ) -> tuple[Relation, Scope]:
        left, left_scope = self._item(item.left, outer, definitions)
        right, right_scope = self._item(item.right, outer, definitions)
        scope = _merged(left_scope, right_scope, item.right.span)
        pairs = self._shared_columns(item, left_scope, right_scope)
        if item.condition is not None:
            condition: Expression | None = self.bind_condition(item.condition, scope)
        else:
            condition = _equalities(pairs, item.span)
        relation = self._join(item.kind, left, right, condition, item.span)
        scope.update(relation.columns)
        for pair in pairs:
            relation = self._merge(relation, scope, pair, (left_scope, right_scope), item.span)
        return relation, scope

    def _shared_columns(
        self, item: syntax.Join, left: Scope, right: Scope
    ) -> list[tuple[Column, Column]]:
        """The columns of both sides that USING or NATURAL compares."""
        names = list(item.using)
        if item.natural:
            others = {column.name.lower() for column in right.visible()}
            names = [c.name for c in left.visible() if c.name.lower() in others]
            if not names:
                raise BindError("the two sides share no column name", span=item.kind_span)
        return [(_side(name, left, item), _side(name, right, item)) for name in names]

    def _merge(
        self,
        relation: BoundJoin,
        scope: Scope,
        pair: tuple[Column, Column],
        sides: tuple[Scope, Scope],
        span: Span,
    ) -> BoundJoin:
        """Shows one column for both: the preserved side's, or in a FULL JOIN whichever is there."""
        left, right = (self.columns[column.id] for column in pair)
        places = [side.place_of(column) for side, column in zip(sides, pair, strict=True)]
        scope.hidden.add(places[1])
        if relation.kind == "right":
            scope.standing_in[places[0]] = right
        if relation.kind != "full":
            return relation
        operands = [Operand(expression=_reference(c, span)) for c in (left, right)]
        values = operators.unify(operands, span, "USING")
        value = operators.make_call("coalesce", values, values[0].type, span)
        column = Column(
            id=len(self.columns),
            name=left.name,
            type=value.type,
            encoding=encoding_of(value, self.columns),
            nullable=value.nullable,
        )
        self.columns[column.id] = column
        scope.standing_in[places[0]] = column
        return dataclasses.replace(
            relation,
            columns=(*relation.columns, column),
            merged=(*relation.merged, (column, value)),
        )

    def _join(
        self,
        kind: str,
        left: Relation,
        right: Relation,
        condition: Expression | None,
        span: Span,
    ) -> BoundJoin:
        columns: list[Column] = []
        for side, extended in ((left, ("right", "full")), (right, ("left", "full"))):
            may_miss = kind in extended
            columns += [
                dataclasses.replace(c, nullable=c.nullable or may_miss) for c in side.columns
            ]
        self.columns.update((column.id, column) for column in columns)
        return BoundJoin(
            kind=kind,
            left=left,
            right=right,
            condition=condition,
            columns=tuple(columns),
            span=span,
        )


_JOIN_HINTS = {
    "semi": "write WHERE EXISTS (SELECT ...)",
    "anti": "write WHERE NOT EXISTS (SELECT ...)",
}


def _side(name: str, scope: Scope, item: syntax.Join) -> Column:
    """The column that USING or NATURAL means on one side. BindError if there is none."""
    alone = dataclasses.replace(scope, outer=None)
    column = alone.find([name], item.span)
    if column is None:
        raise alone.unknown([name], item.span, ())
    return column


def _equalities(pairs: Sequence[tuple[Column, Column]], span: Span) -> Expression | None:
    """The condition of USING and NATURAL; None of no columns."""
    tests = []
    for pair in pairs:
        a, b = (Operand(expression=_reference(column, span)) for column in pair)
        tests.append(operators.comparison("=", a, b, span))
    if len(tests) < 2:
        return tests[0] if tests else None
    return operators.junction("and", tests, span)


def _reference(column: Column, span: Span) -> ColumnRef:
    return ColumnRef(
        id=column.id, name=column.name, type=column.type, nullable=column.nullable, span=span
    )


def _merged(left: Scope, right: Scope, span: Span) -> Scope:
    scope = Scope(
        sources=list(left.sources),
        hidden=left.hidden | right.hidden,
        standing_in=left.standing_in | right.standing_in,
        outer=left.outer,
        definitions=left.definitions,
    )
    for source in right.sources:
        scope.add(source, span)
    return scope


def _owner(table: Table, item: syntax.TableName) -> str:
    """The owner that `owner.table` names. BindError if the table is not theirs."""
    wanted = item.parts[0]
    for owner in table.owners:
        if owner.lower() == wanted.lower():
            return owner
    if table.sharing is not None:
        raise BindError(f"the table {table.name} is shared and has no owner", span=item.span)
    if table.is_public:
        raise BindError(f"the table {table.name} is public and has no owner", span=item.span)
    raise BindError(
        f"{wanted} does not own a part of {table.name}",
        span=item.span,
        hint=suggestion(wanted, table.owners),
    )


def _refused(item: syntax.FromItem) -> UnsupportedError:
    if isinstance(item, syntax.TableFunction):
        return UnsupportedError(
            f"table functions are not supported: {item.name}",
            span=item.span,
            hint="declare the file as a table in catalog.sql and attach it in sources.sql",
        )
    return UnsupportedError(
        "LATERAL is not supported",
        span=item.span,
        hint="join with a derived table that is grouped by the join's columns",
    )
