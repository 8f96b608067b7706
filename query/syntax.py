"""The syntax tree: what the text says, before any name is looked up.

Nodes are immutable and compare by structure; `span` (the place in the text) takes no part in it.
Names keep their spelling; SQL compares them without regard to case, quoted ones too (as DuckDB
does). Parentheses leave no trace but in the shape of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Base of all nodes."""

    span: Span = field(default=Span(0, 0), compare=False, repr=False)


# Expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression(Node):
    """Base of expressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnName(Expression):
    """`a`, `t.a` or `owner.t.a`."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Star(Expression):
    """`*` or `t.*` in a select list, with DuckDB's EXCLUDE."""

    table: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Expression):
    """An unsigned number as written, without underscores."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Expression):
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(Expression):
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Null(Expression):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(Expression):
    """DATE '...' or TIMESTAMP '...'; `type` is "date" or "timestamp"."""

    type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Expression):
    """INTERVAL '1 day', INTERVAL '1' DAY, INTERVAL 1 DAY, INTERVAL (expression) DAY.

    `amount` is a Text, or any expression if `unit` (singular, lower case) is given.
    """

    amount: Expression
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Expression):
    """operator: "not", "-" or "+"."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction(Expression):
    """a AND b AND c, or a OR b OR c: at least two operands; operator: "and" or "or"."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Expression):
    """operator: = <> < <= > >= || + - * / // % ^"""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class IsTest(Expression):
    """IS [NOT] NULL / TRUE / FALSE / UNKNOWN; `test` in lower case."""

    operand: Expression
    test: str
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsDistinct(Expression):
    left: Expression
    right: Expression
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(Expression):
    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InList(Expression):
    operand: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InQuery(Expression):
    operand: Expression
    query: Query
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Like(Expression):
    """kind: "like", "ilike" or "similar"."""

    operand: Expression
    pattern: Expression
    kind: str
    escape: Expression | None
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantified(Expression):
    """left operator ANY|ALL (query); quantity: "any" or "all"."""

    left: Expression
    operator: str
    quantity: str
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Expression):
    """Searched, or simple if `operand` is given."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast(Expression):
    operand: Expression
    type: TypeName
    safe: bool = False  # TRY_CAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract(Expression):
    """EXTRACT(part FROM operand); `part` in lower case."""

    part: str
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Expression):
    """A function or aggregate call.

    SUBSTRING(x FROM a FOR n), POSITION(a IN b) and TRIM(BOTH y FROM x) become ordinary calls of
    substring, position (b, a) and trim, ltrim or rtrim. `star` is for count(*).
    """

    name: str
    arguments: tuple[Expression, ...]
    star: bool = False
    distinct: bool = False
    order_by: tuple[OrderKey, ...] = ()
    within_group: tuple[OrderKey, ...] = ()
    filter: Expression | None = None
    window: Window | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists(Expression):
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Subquery(Expression):
    """A query used as one value."""

    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Expression):
    """(a, b, ...): at least two."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingSets(Expression):
    """ROLLUP, CUBE or GROUPING SETS in GROUP BY; `kind` in lower case; an empty set is None."""

    kind: str
    items: tuple[Expression | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeName(Node):
    """A type as written; `name` in lower case."""

    name: str
    parameters: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey(Node):
    """`descending` and `nulls_first` are None where nothing is written."""

    expression: Expression
    descending: bool | None = None
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBound(Node):
    """kind: "unbounded preceding", "preceding", "current row", "following" or
    "unbounded following"."""

    kind: str
    offset: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Node):
    """unit: "rows", "range" or "groups"; `stop` is None for the short form.

    exclusion: the words behind EXCLUDE in lower case, None without it.
    """

    unit: str
    start: FrameBound
    stop: FrameBound | None
    exclusion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Node):
    """`base`: the name of the window that this one extends, in front of everything else."""

    partition_by: tuple[Expression, ...]
    order_by: tuple[OrderKey, ...]
    frame: Frame | None
    base: str | None = None


# FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class FromItem(Node):
    """Base of what stands in FROM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias(Node):
    name: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName(FromItem):
    """`t` or `owner.t`."""

    parts: tuple[str, ...]
    alias: Alias | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(FromItem):
    query: Query
    alias: Alias | None = None
    lateral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFunction(FromItem):
    name: str
    arguments: tuple[Expression, ...]
    alias: Alias | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(FromItem):
    """kind: inner, left, right, full, cross, semi, anti; exactly one of the last three, or none.

    `kind_span` marks the words of the join itself.
    """

    kind: str
    left: FromItem
    right: FromItem
    condition: Expression | None = None
    using: tuple[str, ...] = ()
    natural: bool = False
    kind_span: Span = field(default=Span(0, 0), compare=False, repr=False)


# Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Node):
    """One entry of a select list."""

    expression: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedWindow(Node):
    name: str
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Node):
    """One SELECT block. `group_by` is None without the clause and () for GROUP BY ALL."""

    items: tuple[Item, ...]
    distinct: bool = False
    distinct_on: tuple[Expression, ...] = ()
    sources: tuple[FromItem, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] | None = None
    having: Expression | None = None
    windows: tuple[NamedWindow, ...] = ()
    qualify: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(Node):
    rows: tuple[tuple[Expression, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOperation(Node):
    """operator: "union", "except" or "intersect"."""

    operator: str
    all: bool
    left: Body
    right: Body
    operator_span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonTable(Node):
    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Node):
    """A body with its WITH, ORDER BY, LIMIT and OFFSET.

    A body is a Query itself only where it has clauses of its own: `(SELECT ... LIMIT 5)`.
    """

    body: Body
    common_tables: tuple[CommonTable, ...] = ()
    recursive: bool = False
    order_by: tuple[OrderKey, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None

    @property
    def is_plain(self) -> bool:
        """Nothing but a body."""
        return not (self.common_tables or self.order_by or self.limit or self.offset)


Body = Select | Values | SetOperation | Query


# Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Node):
    """Base of statements. `text` is the exact SQL, without the semicolon."""

    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Node):
    name: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryStatement(Statement):
    """A query and who receives its result.

    `recipients` is None where nothing is written and () for ALL. `privacy` holds the options of
    WITH PRIVACY, None without it.
    """

    query: Query
    recipients: tuple[str, ...] | None = None
    privacy: tuple[Option, ...] | None = None
    delivery_span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOption(Node):
    """One option of EXPLAIN (...), as it is written: a name, and perhaps a word and a number."""

    name: str
    word: str | None
    number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupposedRows(Node):
    """ROWS n: as if a table had so many rows; without a table the largest one, and the others in
    proportion."""

    table: str | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedNetwork(Node):
    """NETWORK name: as if the parties were linked by it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain(Statement):
    """kind: "plan", "privacy" or "analyze". The other fields are its options."""

    kind: str
    statement: Statement
    rows: tuple[SupposedRows, ...] = ()
    network: NamedNetwork | None = None
    alternatives: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnConstraint(Node):
    """kind: not_null, may_be_null, primary_key, unique, check, references."""

    kind: str
    expression: Expression | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDeclaration(Node):
    name: str
    type: TypeName
    constraints: tuple[ColumnConstraint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableConstraint(Node):
    """kind: primary_key, unique, check, foreign_key."""

    kind: str
    columns: tuple[str, ...] = ()
    expression: Expression | None = None
    table: str | None = None
    referenced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable(Statement):
    """A table of the catalog; public if `file` is given."""

    name: str
    elements: tuple[ColumnDeclaration | TableConstraint, ...]
    owners: tuple[str, ...] = ()
    rows: int | None = None
    file: str | None = None
    revealing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSharedTable(Statement):
    """At most one of `replace` (OR REPLACE) and `if_not_exists` makes sense."""

    name: str
    query: Query
    replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateModel(Statement):
    name: str
    algorithm: str
    options: tuple[Option, ...]
    query: QueryStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Statement):
    """what: "table" or "model"; IF EXISTS is for tables."""

    what: str
    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Statement):
    """SHOW TABLES, or SHOW MODEL name."""

    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe(Statement):
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate(Statement):
    model: str
    query: Query | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Statement):
    """`source` is a query or the name of a table; `recipients` as in a QueryStatement."""

    source: Query | str
    file: str
    recipients: tuple[str, ...] | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach(Statement):
    """ATTACH 'file' AS table, in a party's sources.sql."""

    file: str
    table: str
