"""The bound query: every name resolved, every expression typed. The planner's input.

Expressions compare structurally: `span` takes no part in equality, so that a GROUP BY expression
is found again in the select list.

Canonical function names of `Call` (arguments in order):
  comparison   = <> < <= > >=   is_distinct is_not_distinct
  logic        and or not  is_null is_not_null      (and/or are n-ary)
  arithmetic   + - * / // % negate abs round floor ceil sign greatest least
  conditional  coalesce nullif          (CASE is its own node)
  membership   in (first argument, then literals)
  strings      like not_like upper lower trim length concat substring
  dates        extract (literal part name, value), date_trunc, + and - with interval literals
  cast         cast (target is the node's type)
Any other DuckDB scalar function keeps its name; only an owner can run it on its own columns.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from .catalog import Table
from .datatypes import Column, SqlType
from .errors import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A constant interval; months, days and microseconds are independent, as in SQL."""

    months: int = 0
    days: int = 0
    microseconds: int = 0


type_of_value = int | bool | str | Decimal | float | Interval | None
"""Literals: int for integers, DATE (days) and TIMESTAMP (microseconds); Decimal for DECIMAL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """Base of bound scalar expressions."""

    type: SqlType
    nullable: bool
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRef(Expression):
    """A column by its query-wide id; also a correlated reference to an outer query's column."""

    id: int
    name: str = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Expression):
    value: type_of_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Expression):
    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Expression):
    """Searched CASE (the simple form is rewritten to it)."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Expression):
    """An aggregate of functions.AGGREGATES (or count_star), with DISTINCT and FILTER.

    `second`: the other argument of those that take two, as the order of arg_min(value, order).
    """

    function: str
    argument: Expression | None
    second: Expression | None = None
    distinct: bool = False
    filter: Expression | None = None


FrameUnit: TypeAlias = typing.Literal["rows", "range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which rows of its partition a window function reads at a row, relative to that row.

    unit "rows": from `start` to `stop` rows further on (negative: back). unit "range": 0 stands
    for the row's peers, and there are no other offsets. None: the partition's first or last row.
    """

    unit: FrameUnit
    start: int | None
    stop: int | None

    @property
    def has_current_row(self) -> bool:
        """Whether the frame of every row has the row itself in it."""
        return (self.start is None or self.start <= 0) and (self.stop is None or self.stop >= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Expression):
    """A window function: one value per row, from the rows of its partition.

    row_number rank dense_rank percent_rank cume_dist ntile     (`number`: how many tiles)
    lag lead      `argument` some `number` >= 0 of rows away; `default` where there is no such row
    first_value last_value nth_value                            (`number`: which row of the frame)
    count_star count sum avg min max                            over the frame, with FILTER
    """

    function: str
    argument: Expression | None
    number: int
    default: Expression | None
    filter: Expression | None
    partition_by: tuple[Expression, ...]
    order_by: tuple[OrderKey, ...]
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingLevel(Expression):
    """GROUPING(keys): a bit for each key, the last one lowest: 1 where it is not grouped by.

    Of no keys: of all of them.
    """

    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists(Expression):
    query: Query
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InSubquery(Expression):
    """(arguments) IN (query); `values[i]`, over the query's output, is compared with the i-th."""

    arguments: tuple[Expression, ...]
    values: tuple[Expression, ...]
    query: Query
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantifiedSubquery(Expression):
    """argument operator ANY|ALL (query); `value` is over the query's output; quantity: any, all.

    = ANY and <> ALL are IN and NOT IN, and never stand here.
    """

    argument: Expression
    operator: str
    quantity: str
    value: Expression
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarSubquery(Expression):
    """The one value of a query of one column; NULL where it gives no row."""

    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Base of FROM items. `columns` are what the item exposes, with fresh ids."""

    columns: tuple[Column, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTable(Relation):
    """A catalog table, or (`owner` given) one owner's part of a partitioned table.

    `columns` stand in the order of `table.columns`.
    """

    table: Table
    alias: str
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundDerived(Relation):
    """A derived table or a use of a common table expression; columns align with the query's.

    All uses of a common table expression (`common`) hold the same query object.
    """

    query: Query
    alias: str
    common: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundJoin(Relation):
    """kind: inner, left, right, full, cross. Columns: left's, right's, then those of `merged`.

    `merged`: the columns that USING and NATURAL make of both sides' in a FULL JOIN.
    """

    kind: str
    left: Relation
    right: Relation
    condition: Expression | None
    merged: tuple[tuple[Column, Expression], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """`expression` is over the query's output columns, its inputs, or aggregates."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Base of queries. `columns` are the output columns (fresh ids)."""

    columns: tuple[Column, ...]
    order_by: tuple[OrderKey, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Query):
    """One SELECT block. `items[i]` computes `columns[i]`.

    Items, HAVING, QUALIFY and ORDER BY hold `Aggregate` nodes in place; `grouped` is true if there
    is a GROUP BY or any aggregate. Items, QUALIFY and ORDER BY hold `Window` nodes in place. ORDER
    BY expressions may use ColumnRefs to output columns.
    `distinct_on`: of the rows that agree on these, the first by ORDER BY stays (`distinct` is then
    false); they may use ColumnRefs to output columns.
    `grouping_sets`: the sets of keys to group by, None for the one set of all of them; a key is
    NULL in the rows of a set without it, and expressions over keys are typed so.
    """

    relation: Relation | None
    where: Expression | None
    group_by: tuple[Expression, ...]
    grouped: bool
    having: Expression | None
    items: tuple[Expression, ...]
    distinct: bool
    qualify: Expression | None = None
    distinct_on: tuple[Expression, ...] = ()
    grouping_sets: tuple[tuple[Expression, ...], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOperation(Query):
    """Base: the inputs' columns align with `columns` by position, cast to their types."""

    inputs: tuple[Query, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionAll(SetOperation):
    """Bag union."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination(SetOperation):
    """operator: "union" (of any number of inputs), "intersect" or "except" (of two); NULL is NULL.

    Without `all` a row comes once; with it (not for a union), as often as in both inputs, or as
    often as the first has it more than the second.
    """

    operator: str
    all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Into:
    """The shared table that a query makes instead of revealing its result; `replace` an old one."""

    name: str
    replace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One query statement, ready to plan. `recipients`: party names; () means the asking party.

    With `into` nobody receives anything: the result becomes a shared table.
    `explain` is None, "plan", "privacy" or "analyze". `text` is the exact SQL of this statement.
    `supposed`, `network` and `alternatives` are options of EXPLAIN: tables with the rows that they
    are taken to have, the network and its place, and whether rejected algorithms are priced.
    """

    query: Query
    recipients: tuple[str, ...]
    explain: str | None
    text: str
    into: Into | None = None
    supposed: tuple[tuple[str, int], ...] = ()
    network: tuple[str, Span] | None = None
    alternatives: bool = False
