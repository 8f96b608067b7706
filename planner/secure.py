"""The secure plan: immutable data that running, pricing, explaining and checking all visit.

A plan is a tree of relational operators. Every operator yields a relation: `rows` (public bound),
`columns`, and a secret valid bit per row (a filter clears it; rows are never dropped by a secret
condition). Expressions are bound expressions whose ColumnRefs name the input's column ids.

A plan's `text()` is canonical and stable; its digest is what the parties compare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import Literal

from ..query.bound import Expression, Frame
from ..query.catalog import Table
from ..query.datatypes import Column
from ..query.errors import InternalError

Form = Literal["bits", "ring", "both", "clear"]
SortAlgorithm = Literal["quick", "radix"]
GroupAlgorithm = Literal["quick", "radix", "dense", "known"]
"""How GROUP BY runs: `dense` adds up for every possible group (planner/public_groups.py); `known`
has the party put rows in order that knows their keys (planner/known_groups.py)."""
OrderAlgorithm = Literal["quick", "radix", "select"]
"""How ORDER BY runs: `select` sorts no more rows than a LIMIT needs."""
JoinKind = Literal["inner", "left", "semi", "anti"]
JoinAlgorithm = Literal["sort", "index", "domain", "cuckoo"]
TableOfKeys = Literal["domain", "cuckoo"]
IntersectionAlgorithm = Literal["points", "transfers"]
AttachKind = Literal["cross", "inner", "left"]
ProductKind = Literal["inner", "left", "full", "semi", "anti"]
AggregateFunction = Literal[
    "count_star",
    "count",
    "sum",
    "min",
    "max",
    "count_distinct",
    "sum_distinct",
    "any_value",
    "constant",
    "arg_min",
    "arg_max",
    "var_pop",
    "var_samp",
    "stddev_pop",
    "stddev_samp",
    "covar_pop",
    "covar_samp",
    "corr",
    "regr_slope",
    "regr_intercept",
    "regr_r2",
    "regr_sxx",
    "regr_syy",
    "regr_sxy",
]

VALUES_OF_ROWS: frozenset[AggregateFunction] = frozenset(
    {"min", "max", "any_value", "constant", "arg_min", "arg_max"}
)
"""Functions whose result is the argument of one of the rows: its type, encoding and domain."""

WindowFunction = Literal[
    "row_number",
    "rank",
    "dense_rank",
    "ntile",
    "count_star",
    "count",
    "sum",
    "min",
    "max",
    "nth_value",
    "last_value",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Base. `columns`: the output schema; `rows`: the public bound on the output's rows."""

    columns: tuple[Column, ...]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment(Operator):
    """Work that `owner` does alone, in clear, in DuckDB; its rows enter as shares.

    `sql` is one DuckDB SELECT over the owner's bound tables (by catalog name) and public tables,
    yielding `columns` in order, in their SQL types (a `DOUBLE(s)` column as DOUBLE). Values are
    encoded by `columns[i].encoding` (a value outside it is the owner's DataError) and shared as
    `forms[i]`: "bits" (planes), "ring" (for columns that are only summed), or "both"; "clear" ones
    are not shared, as only their owner reads them, for joins. At most `rows` rows; the rest is
    padding with valid = 0. Rows enter in the order that the SQL gives (an ORDER BY at its end is
    the order of the relation), padding last. A DOUBLE column whose encoding has `fraction_bits` is
    encoded as floor(value * 2^fraction_bits).
    `keyed`: the SQL may name the parameter `hash_key`, which every run draws afresh (hashing.py).
    `held`: the rows stay with the owner; the Intersection above shares what it needs of them.
    `unique`: sets of columns that no two rows agree on, unless one of them is NULL.
    `placed`: the rows stand at the places of their keys instead; rows with a NULL key are left out.
    `scanned`: how many cells of tables the SQL reads at most, which is for prices alone.
    """

    owner: str
    sql: str
    forms: tuple[Form, ...]
    keyed: bool = False
    held: bool = False
    unique: tuple[tuple[int, ...], ...] = ()
    placed: Placement | None = None
    scanned: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a fragment's rows stand: each at the place of its `keys`, and none in the last row.

    domain: every possible key has a place, in their order. cuckoo: a key has one of three bins
    (cuckoo_size.py), by the run's seed. `rows`: the public bound on the rows that the SQL gives. Of
    rows with equal keys one enters.
    """

    by: TableOfKeys
    keys: tuple[int, ...]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Operator):
    """Columns of a shared table, as the compute parties hold it: every one has its shares at hand.

    `places[i]` is the position of `columns[i]` in the stored table, whose encodings they have.
    Reading costs nothing; the rows' valid bits come along.
    """

    table: str
    version: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Operator):
    """UNION ALL. Inputs' columns align by position; encodings may differ and are rebased.

    rows = sum of the inputs' rows.
    """

    inputs: tuple[Operator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedSum(Operator):
    """Merges dense partial aggregates: row r of every input belongs to the same public group.

    `columns` begins with the ids in `keys`, which are public per row: `key_values` holds one tuple
    of encoded values per row, in the order of `keys` (None for NULL). The inputs do NOT have these
    columns: their columns are the remaining ones, aligned by position, and are added across the
    inputs in the ring, NULL counting as 0 (the result is NULL where every input's is).
    A row is valid if any input's row is valid (global aggregates: always valid if `keys` is ()).
    The fragments that the planner puts below are dense, one row per group in the order of
    `key_values`, with all rows present: groups that no owner has are removed by a Filter on the
    summed count above (that count is one of the columns).
    """

    inputs: tuple[Operator, ...]
    keys: tuple[int, ...]
    key_values: tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Operator):
    """valid &= (predicate IS TRUE). Three-valued logic."""

    input: Operator
    predicate: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Operator):
    """The same rows; the query fails with `message` if `condition` is not TRUE for a valid one."""

    input: Operator
    condition: Expression
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Operator):
    """`expressions[i]` computes `columns[i]` (the range stated there contains every value).

    The planner leaves the executor exact integers alone: operands of + - and of comparisons, the
    branches of CASE and the arguments of coalesce, greatest, least, nullif and in have one decimal
    scale (casts were put in), a product's scale is the sum of its factors'. Strings with a domain
    that meet in one expression have the same domain.
    A quotient `/` stands only at the top of an expression, over exact arguments a and b of one
    scale: the encoded value is sign * floor(|a| * 2^f / |b|), f the encoding's fraction_bits, NULL
    where b is 0 or either is NULL. The range is that of the non-NULL quotients.
    `ratio`, `root_ratio` and `ratio_to_root` stand at the top only, too: a / b, sqrt(a / b) and
    a / sqrt(b), off by a relative 2^-32 or less at most (statistics.py).
    A plain reference to a column of fraction bits 0 may restate its integers as a number of
    another type with decimals (a rounded quotient).
    """

    input: Operator
    expressions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealedKey:
    """The columns of an owner's table by which its rows are matched with another owner's.

    `values`: the key values of the whole table, each once.
    """

    owner: str
    table: str
    columns: tuple[str, ...]
    values: Fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealable:
    """What an intersection reveals: of `probe`'s values to its owner, and of `build`'s to its own.

    `probe_unique`: no key value stands twice in the probe.
    """

    probe: RevealedKey
    build: RevealedKey
    probe_unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Operator):
    """Equi-join. Output rows = probe rows, in the probe's order.

    inner, left: `build` is unique on its keys; columns = probe's columns kept, then build's kept
    (nullable for left). semi, anti: `build` may hold duplicates; columns = probe's kept.
    NULL keys match nothing (anti keeps rows whose key is NULL). If `check_unique`, two valid build
    rows with equal keys fail the query loudly (for keys that no single owner can check).
    `kept` semantics: `columns` lists by id which columns of either input survive.
    `revealable`: the catalog lets both owners learn which of their keys match.

    `by` says how (known_joins.py says when): by one sort of the shared keys; by an index, which the
    party makes that knows the keys of both sides; or through a table where the party that knows
    the build's keys puts its rows, and the one that knows the probe's fetches them: a table of the
    public domain of the build's keys, or a cuckoo table.
    """

    kind: JoinKind
    probe: Operator
    build: Operator
    probe_keys: tuple[int, ...]
    build_keys: tuple[int, ...]
    check_unique: bool
    sort: SortAlgorithm
    revealable: Revealable | None = None
    by: JoinAlgorithm = "sort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intersection(Operator):
    """Equi-join of two owners' fragments, to both of whom it reveals which of their keys match.

    Either owner learns which of its table's key values occur in the other's table, and nobody else
    learns anything; which rows the fragments keep stays secret. Then the owners share the rows of
    common keys; no key is compared over shares. `kind`, keys and `columns` as in Join; `build` is
    unique on its keys (for "semi", it loses duplicates). All fragments are held by their owners,
    who are compute parties.
    """

    kind: Literal["inner", "semi"]
    probe: Fragment
    build: Fragment
    probe_keys: tuple[int, ...]
    build_keys: tuple[int, ...]
    reveals: Revealable
    by: IntersectionAlgorithm

    @property
    def common(self) -> int:
        """How many common key values there are at most."""
        return min(self.reveals.probe.values.rows, self.reveals.build.values.rows)

    @property
    def aligned(self) -> bool:
        """Whether there is a row of the result for each common value, so that both owners can put
        theirs there; else the probe's owner looks the build's rows up."""
        return self.reveals.probe_unique and self.common <= self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach(Operator):
    """Every probe row takes along the one row of `build` (at most one row, public).

    cross: that row is there for sure; inner: without it no probe row is valid; left: without it
    its columns are NULL (they are nullable). rows = probe rows, in the probe's order. `columns`
    lists by id which columns of either input survive.
    """

    kind: AttachKind
    probe: Operator
    build: Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Operator):
    """Join on any predicate over both inputs (None: always TRUE), by trying all pairs of rows.

    inner: rows = left rows times right rows. left, full: those, and one row for each row of the
    preserved sides, valid if it matches nothing, with NULLs for the other side (whose columns are
    nullable). semi, anti: rows = left rows, in the left's order. `columns` lists by id which
    columns of either input survive (semi, anti: of the left one).
    """

    kind: ProductKind
    left: Operator
    right: Operator
    predicate: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand(Operator):
    """Equi-join of two sides whose keys may repeat: every pair of rows with equal keys, once.

    `rows` is a bound on the pairs that the plan states. With `overflow`, the query fails loudly
    with this message if there are more; without it (None) there cannot be more. NULL keys match
    nothing. Both sides have at least one row, and so has the result. `columns` lists by id which
    columns of either input survive.
    """

    left: Operator
    right: Operator
    left_keys: tuple[int, ...]
    right_keys: tuple[int, ...]
    overflow: str | None
    sort: SortAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateSpec:
    """One aggregate of an Aggregate operator over input column `argument` (None: count_star).

    any_value: the argument of some row of the group where it is not NULL, NULL if there is none.
    constant: the argument of a column that is the same in all rows of a group, NULL included (it
    follows from the keys). Its value is moved, never compared; what a group gets whose rows differ
    is the value of one of them.
    arg_min, arg_max: the argument of a row where the column `order` is least (largest) among the
    rows where it is not NULL (any of them among equals); NULL if there is none.
    Statistics do not stand here: they have become sums (planner/rules/expand_statistics.py).
    """

    column: Column
    function: AggregateFunction
    argument: int | None
    order: int | None = None

    @property
    def reads(self) -> tuple[int, ...]:
        """The input columns that it reads."""
        return tuple(i for i in (self.argument, self.order) if i is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Operator):
    """GROUP BY `keys` (ids of input columns, which come first in `columns`), then the aggregates.

    No keys: exactly one row, always valid. With keys: rows = min(input rows, public bound on
    groups); valid rows come first, in ascending key order (NULL last); where the algorithm is
    `dense` or `known`, all groups stand in that order, valid or not. DISTINCT is an Aggregate
    without aggregates. NULLs are skipped by aggregates and form one group as keys; SUM, MIN, MAX
    and ANY_VALUE of nothing are NULL.
    """

    input: Operator
    keys: tuple[int, ...]
    aggregates: tuple[AggregateSpec, ...]
    sort: GroupAlgorithm

    @property
    def sorting(self) -> SortAlgorithm:
        """The algorithm of an aggregation that does sort."""
        if self.sort == "dense" or self.sort == "known":  # noqa: PLR1714 (mypy narrows by ==)
            raise InternalError("an aggregation over groups that are known sorts nothing")
        return self.sort


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    column: int
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Operator):
    """Valid rows first, ordered by the keys; ties in uniformly random order.

    With `keys` () it only brings the valid rows to the front (in random order). Afterwards rows
    [offset, offset + limit) are kept (public slice); rows = the length of that slice.
    """

    input: Operator
    keys: tuple[SortKey, ...]
    limit: int | None
    offset: int
    sort: OrderAlgorithm


def tells_ties_apart(function: WindowFunction, frame: Frame) -> bool:
    """Whether a window function may differ between rows that tie."""
    if function in ("rank", "dense_rank"):
        return False
    if function in ("row_number", "ntile", "nth_value", "last_value"):
        return True
    return frame.unit == "rows" and not (frame.start is None and frame.stop is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """One window function over input column `argument` (None: it reads row numbers alone).

    `number`: of nth_value, which row of the frame (1 is the first); of ntile, how many tiles.
    """

    column: Column
    function: WindowFunction
    argument: int | None
    number: int
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Operator):
    """Every row keeps the input columns that `columns` lists, and gains one column per call.

    Valid rows come first, ordered by the partition keys (NULL is one group), then by `order`; rows
    that tie are in uniformly random order where a call can tell. Calls read valid rows alone; NULLs
    are skipped by count, sum, min and max, which of nothing are NULL (counts are 0).
    """

    input: Operator
    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    calls: tuple[WindowSpec, ...]
    sort: SortAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal(Operator):
    """Opens the relation to `recipients` (party names) and nobody else.

    Rows that are not valid are zeroed first. If `shuffle`, rows are put into a uniformly random
    order first (needed unless the row order depends on the revealed values alone). `columns` is
    what the recipients see, in order, with the names of the result; their ids are columns of the
    input, and one may occur twice.
    """

    input: Operator
    recipients: tuple[str, ...]
    shuffle: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Store(Operator):
    """Keeps the relation as shares at the compute parties; nobody receives anything.

    `columns` are as in Reveal and align with `table.columns`. The version that `table` states is
    empty: the session gives it, so that no two runs of one plan are taken for each other.
    """

    input: Operator
    table: Table
    replace: bool

    @property
    def recipients(self) -> tuple[str, ...]:
        return ()


Root = Reveal | Store

DEFAULT_ROUND_WORTH = 1 << 17


@dataclass(frozen=True, kw_only=True)
class SecurePlan:
    """A whole query. `parties` are the compute parties by index; `asker` proposed the query.

    `outsiders` compute nothing: they may own fragments, receive, and ask. Their positions follow
    those of the compute parties. `round_worth`: the circuits take a round to last as long as the
    ANDs of so many bytes of planes. `side_by_side`: operators that do not need each other share
    their rounds. It has no slots, so that its digest is worked out once.
    """

    root: Root
    protocol: str  # "replicated"
    parties: tuple[str, ...]
    asker: str
    statement: str  # the SQL text
    outsiders: tuple[str, ...] = ()
    round_worth: int = DEFAULT_ROUND_WORTH
    side_by_side: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody, by position."""
        return (*self.parties, *self.outsiders)

    @property
    def linked(self) -> tuple[str, ...]:
        """The outsiders that give or receive something: owners, recipients, and all of them where
        a shared table is made, as everybody keeps what is public of it."""
        if isinstance(self.root, Store):
            return self.outsiders
        active = {*self.root.recipients, *_fragment_owners(self.root)}
        return tuple(party for party in self.outsiders if party in active)

    def text(self) -> str:
        """Canonical text of everything that all parties must agree on."""
        return "\n".join(
            [
                f"protocol {self.protocol}",
                f"parties {' '.join(self.parties)}",
                *([f"outsiders {' '.join(self.outsiders)}"] if self.outsiders else []),
                f"asker {self.asker}",
                f"round worth {self.round_worth}",
                f"side by side {self.side_by_side}",
                f"statement {self.statement!r}",
                canonical(self.root),
            ]
        )

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of `text()`."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def children(operator: Operator) -> tuple[Operator, ...]:
    """The inputs of an operator, in order."""
    match operator:
        case Concat(inputs=inputs) | AlignedSum(inputs=inputs):
            return inputs
        case Join() | Attach():
            return (operator.probe, operator.build)
        case Intersection(probe=probe, build=build, reveals=reveals):
            return (probe, build, reveals.probe.values, reveals.build.values)
        case Product(left=left, right=right) | Expand(left=left, right=right):
            return (left, right)
        case Filter() | Check() | Project() | Aggregate() | Sort() | Window() | Reveal() | Store():
            return (operator.input,)
        case _:
            return ()


def _fragment_owners(operator: Operator) -> Iterator[str]:
    if isinstance(operator, Fragment):
        yield operator.owner
    for child in children(operator):
        yield from _fragment_owners(child)


def canonical(node: object) -> str:
    """A stable one-line text of any plan or expression node: every field that equality sees."""
    if hasattr(node, "__dataclass_fields__"):
        names = _compared(type(node))  # type: ignore[arg-type]  # mypy: its instances' hash
        inner = " ".join([f"{name}={canonical(getattr(node, name))}" for name in names])
        return f"({type(node).__name__} {inner})"
    if isinstance(node, tuple):
        return "[" + " ".join([canonical(item) for item in node]) + "]"
    return repr(node)


@cache
def _compared(node_type: type) -> tuple[str, ...]:
    """The names of the fields that equality sees."""
    return tuple(field.name for field in fields(node_type) if field.compare)
