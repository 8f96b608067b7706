"""Parties in memory: plans that they run, and whole federations from SQL text to result."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tacit.executor.operators.pricing import DryRunPricer
from tacit.executor.operators.run import run_plan
from tacit.executor.sharing.protocols import open_outside, open_protocol
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.sharing.shares import Bits
from tacit.executor.sharing.spilling import Spill
from tacit.executor.transport.memory import memory_channels
from tacit.planner import plan_query
from tacit.planner.cost import LINKS, Cost, PlanCost
from tacit.planner.secure import Operator, SecurePlan, SortAlgorithm, Store, Stored
from tacit.planner.shared_tables import with_version
from tacit.query import bind, load_catalog, parse
from tacit.query.catalog import Table
from tacit.query.commands import DropTable, bind_command

PARTIES = ("alice", "bob", "carol")


class MemorySource:
    """A TableSource over Arrow tables."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.connection = duckdb.connect()
        self.names = tuple(tables)
        for name, table in tables.items():
            self.connection.register(f"_{name}", table)
            self.connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "_{name}"')

    def execute(self, sql: str, parameters: Mapping[str, str] | None = None) -> pa.Table:
        named = self.connection.extract_statements(sql)[0].named_parameters
        given = {n: v for n, v in (parameters or {}).items() if n in named}
        return self.connection.sql(sql, params=given or None).to_arrow_table()

    def tables(self) -> tuple[str, ...]:
        return self.names

    def close(self) -> None:
        self.connection.close()


class MemoryShelf:
    """One party's shares of shared tables, in memory; `prepared` waits for its commit."""

    def __init__(self) -> None:
        self.tables: dict[str, tuple[Table, list[Bits]]] = {}
        self.prepared: tuple[Table, list[Bits]] | None = None

    def prepare(self, node: Store, shares: Sequence[Bits]) -> None:
        self.prepared = (node.table, list(shares))

    def vouch(self) -> None:
        assert self.prepared is not None

    def commit(self) -> None:
        assert self.prepared is not None
        table, shares = self.prepared
        self.tables[table.name] = (table, shares)

    def read(self, node: Stored) -> list[Bits]:
        table, shares = self.tables[node.table]
        remaining = iter(shares)
        found = [
            (next(remaining), next(remaining)) if c.nullable else (next(remaining),)
            for c in table.columns
        ]
        return [*(share for place in node.places for share in found[place]), next(remaining)]

    def copy(self) -> MemoryShelf:
        other = MemoryShelf()
        other.tables = dict(self.tables)
        return other


@dataclass
class Outcome:
    """What one query gave: each party's table, and what each party sent (aligned lists).

    `ahead`: what of that was sent before the plan ran.
    """

    plan: SecurePlan
    tables: list[pa.Table | None]
    measured: Cost
    predicted: Cost
    ahead: Cost
    predicted_ahead: Cost
    transcripts: list[list[tuple[int, int, int]]]
    captured: list[list[bytes]]

    @property
    def table(self) -> pa.Table:
        (only,) = [t for t in self.tables if t is not None]
        return only


@lru_cache(maxsize=64)
def texts_of(sql: str) -> tuple[str, ...]:
    """The statements of a text; kept, as tests ask for those of one text several times."""
    return tuple(statement.text for statement in parse(sql))


@lru_cache(maxsize=64)
def predicted_cost(plan: SecurePlan) -> PlanCost:
    """What a plan costs; kept, as tests run one plan over many data sets."""
    return DryRunPricer(plan.parties, plan.protocol, plan.outsiders).plan_cost(plan)


def run_in_memory(
    plan: SecurePlan,
    sources: Mapping[str, Any],
    *,
    record: bool = False,
    shelves: Mapping[str, MemoryShelf] | None = None,
    spills: Mapping[str, Spill] | None = None,
    watch_protocol: Callable[[Any], Any] = lambda protocol: protocol,
) -> Outcome:
    """Runs a plan at all its members, in threads over in-memory channels, and prices it.

    `spills`: where relations wait on disk. `watch_protocol` may put something of a test's own
    around each party's protocol.
    """
    count = len(plan.members)
    channels = memory_channels(
        len(plan.parties), outsiders=len(plan.outsiders), deadline_seconds=120, record=record
    )
    barrier = threading.Barrier(count)
    members = [
        Member(plan=plan, index=i, channel=c, together=barrier) for i, c in enumerate(channels)
    ]
    failures: list[BaseException] = []

    def work(member: Member) -> None:
        try:
            protocol = watch_protocol(member.opened())
            member.table = run_plan(
                plan,
                protocol=protocol,
                party=member.name,
                source=sources[member.name],
                watch=lambda number, step: None,
                shelf=None if shelves is None else shelves[member.name],
                spill=None if spills is None else spills[member.name],
            )
        except BaseException as error:
            failures.append(error)
            barrier.abort()
            for channel in channels:
                channel.close()

    threads = [threading.Thread(target=work, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return _outcome(plan, members)


@dataclass(slots=True, kw_only=True)
class Member:
    """One party's part in a run: where its counters stood, and what set-up and preparation took."""

    plan: SecurePlan
    index: int
    channel: Any
    together: threading.Barrier
    table: pa.Table | None = None
    start: tuple[int, int] = (0, 0)
    ahead: tuple[int, int, int] = (0, 0, 0)

    @property
    def name(self) -> str:
        return self.plan.members[self.index]

    @property
    def sent(self) -> tuple[int, int]:
        """Bytes and messages since the keys were agreed on."""
        counters = self.channel.counters
        return counters.sent_bytes - self.start[0], counters.sent_messages - self.start[1]

    def opened(self) -> Any:
        """The protocol, with what the plan needs prepared; keys are agreed on before it counts."""
        plan, channel = self.plan, self.channel
        outside = self.index >= len(plan.parties)
        keys = None if outside else agree_keys(channel, b"test session")
        counters = channel.counters
        self.start = (counters.sent_bytes, counters.sent_messages)
        counters.depth = 0
        self.together.wait()
        if counters.transcript is not None:
            counters.transcript.clear()
            channel.captured.clear()
        protocol: Any
        if keys is None:
            protocol = open_outside(plan.protocol, channel, outsiders=len(plan.outsiders))
        else:
            protocol = open_protocol(
                plan.protocol,
                channel,
                keys,
                context=b"test session",
                preparation=predicted_cost(plan).preparation,
            )
        self.ahead = (counters.depth, *self.sent)
        return protocol


def _outcome(plan: SecurePlan, members: Sequence[Member]) -> Outcome:
    predicted = predicted_cost(plan)
    counted = [member.channel.counters for member in members]
    nothing = (0,) * len(members)
    return Outcome(
        plan=plan,
        tables=[member.table for member in members],
        measured=Cost(
            rounds=max(c.depth for c in counted),
            sent_bytes=tuple(member.sent[0] for member in members),
            messages=tuple(member.sent[1] for member in members),
        ),
        predicted=predicted.total,
        ahead=Cost(
            rounds=max(member.ahead[0] for member in members),
            sent_bytes=tuple(member.ahead[1] for member in members),
            messages=tuple(member.ahead[2] for member in members),
        ),
        predicted_ahead=predicted.ahead or Cost(rounds=0, sent_bytes=nothing, messages=nothing),
        transcripts=[c.transcript or [] for c in counted],
        captured=[list(member.channel.captured) for member in members],
    )


@dataclass
class SharedState:
    """The shared tables that some statements leave: their schemas, and the parties' shares."""

    tables: dict[str, Table]
    shelves: dict[str, MemoryShelf]


@dataclass
class Federation:
    """`data[party][table]`: each party's part of each table (public tables at every party).

    A text of several statements is a query behind CREATE SHARED TABLE and DROP TABLE: these run
    first, once for all texts that begin with them. `preparation` stands in front of every text.
    """

    catalog_sql: str
    data: Mapping[str, Mapping[str, pa.Table]]
    parties: tuple[str, ...] = PARTIES
    outsiders: tuple[str, ...] = ()
    record: bool = False
    protocol: str = "replicated"
    public_directory: Any = None
    preparation: tuple[str, ...] = ()
    sources: dict[str, MemorySource] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    states: dict[tuple[str, ...], SharedState] = field(default_factory=dict)
    union: duckdb.DuckDBPyConnection | None = None

    def __post_init__(self) -> None:
        self.members = (*self.parties, *self.outsiders)
        self.catalog = load_catalog(
            self.catalog_sql, parties=self.members, directory=self.public_directory
        )
        self.sources = {p: MemorySource(self.data.get(p, {})) for p in self.members}
        self.pricer = DryRunPricer(self.parties, self.protocol, self.outsiders)

    def plan(self, sql: str, *, asker: str | None = None) -> SecurePlan:
        before, last = self._split(sql)
        return self._plan(last, self.after(before), asker)

    def _plan(self, sql: str, state: SharedState, asker: str | None) -> SecurePlan:
        (statement,) = parse(sql)
        catalog = self.catalog.with_shared(state.tables)
        bound = bind(statement, catalog, parties=self.members, text=sql)
        return plan_query(
            bound,
            parties=self.parties,
            asker=asker or self.parties[0],
            pricer=self.pricer,
            link=LINKS["loopback"].running(self.protocol),
            protocol=self.protocol,
            outsiders=self.outsiders,
        )

    def _split(self, sql: str) -> tuple[tuple[str, ...], str]:
        *before, last = texts_of(sql)
        return (*self.preparation, *before), last

    def after(self, statements: tuple[str, ...]) -> SharedState:
        """The shared tables after some statements, from none."""
        if not statements:
            return SharedState({}, {party: MemoryShelf() for party in self.members})
        if statements not in self.states:
            before = self.after(statements[:-1])
            self.states[statements] = self._changed(before, statements)
        return self.states[statements]

    def _changed(self, before: SharedState, statements: tuple[str, ...]) -> SharedState:
        """What the last of the statements makes of the state before it."""
        state = SharedState(dict(before.tables), {p: s.copy() for p, s in before.shelves.items()})
        catalog = self.catalog.with_shared(state.tables)
        (statement,) = parse(statements[-1])
        match bind_command(statement, catalog, text=statements[-1]):
            case DropTable(name=name):
                del state.tables[name]
                return state
            case None:
                plan = self._plan(statements[-1], state, None)
        assert isinstance(plan.root, Store)
        run_in_memory(plan, self.sources, shelves=state.shelves)
        version = hashlib.sha256("\n".join(statements).encode()).hexdigest()
        state.tables[plan.root.table.name] = with_version(plan.root.table, version)
        return state

    def query(
        self,
        sql: str,
        *,
        asker: str | None = None,
        sort: SortAlgorithm | None = None,
        plan: SecurePlan | None = None,
        spills: Mapping[str, Spill] | None = None,
    ) -> Outcome:
        """Runs one query at all parties, in threads over in-memory channels.

        `sort` forces one sort algorithm on every operator. `plan`: the text's, if it is known.
        """
        state = self.after(self._split(sql)[0])
        plan = plan or self.plan(sql, asker=asker)
        if sort is not None:
            plan = replace(plan, root=with_sort(plan.root, sort))
        return run_in_memory(
            plan, self.sources, record=self.record, shelves=state.shelves, spills=spills
        )

    def oracle(self, sql: str) -> pa.Table:
        """DuckDB's answer on the union of all parties' data; division by zero is NULL."""
        if self.union is None:
            self.union = self._united()
        before, last = self._split(sql)
        self.union.begin()
        try:
            for statement in before:
                self.union.execute(statement.replace(" SHARED TABLE ", " TABLE "))
            return self.union.sql(last.split(" REVEAL ", maxsplit=1)[0]).to_arrow_table()
        finally:
            self.union.rollback()

    def _united(self) -> duckdb.DuckDBPyConnection:
        """A database of the union of all parties' data, and of each party's part as PARTY.TABLE."""
        connection = connect_with_null_quotients()
        for name, table in self.catalog.tables.items():
            owners = table.owners or (self.parties[0],)
            parts = [self.data[o][name] for o in owners if name in self.data.get(o, {})]
            union = pa.concat_tables(parts)
            connection.register(f"_{name}", union)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "_{name}"')
            for owner, part in zip(owners, parts, strict=False) if table.owners else ():
                connection.register(f"_{owner}_{name}", part)
                connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{owner}"')
                connection.execute(f'CREATE VIEW "{owner}"."{name}" AS FROM "_{owner}_{name}"')
        return connection

    def check(self, sql: str, *, ordered: bool = False) -> Outcome:
        """Runs the query and compares with the oracle."""
        outcome = self.query(sql)
        assert_same(outcome.table, self.oracle(sql), ordered=ordered)
        return outcome


def connect_with_null_quotients() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory in which division by zero is NULL, of whichever release."""
    connection = duckdb.connect()
    for name in ("ieee_floating_point_ops", "error_on_division_by_zero"):
        with contextlib.suppress(duckdb.CatalogException):
            connection.execute(f"SET {name} = false")
    return connection


def with_sort(node: Any, sort: SortAlgorithm) -> Any:
    """The same plan tree with one sort algorithm wherever rows are sorted."""
    if isinstance(node, tuple):
        return tuple(with_sort(item, sort) for item in node)
    if not isinstance(node, Operator):
        return node
    changed = {f.name: with_sort(getattr(node, f.name), sort) for f in fields(node)}
    if changed.get("sort") in ("quick", "radix", "select"):
        changed["sort"] = sort
    return replace(node, **changed)


def plain(value: Any) -> Any:
    """A value for comparison: decimals and integers alike, floats to 9 digits."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, Decimal)):
        return Decimal(value).normalize() + 0
    return value


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    columns = [table.column(i).to_pylist() for i in range(table.num_columns)]
    return [tuple(plain(v) for v in row) for row in zip(*columns, strict=True)]


def _sort_key(row: Sequence[Any]) -> tuple[Any, ...]:
    """Rows that differ in what a double may be off by come in one order; others by all digits."""
    return tuple(
        (v is None, "" if v is None else type(v).__name__, 0 if v is None else _rounded(v, digits))
        for digits in (7, 10)
        for v in row
    )


def _rounded(value: Any, digits: int) -> Any:
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def assert_same(actual: pa.Table, expected: pa.Table, *, ordered: bool) -> None:
    """Exact for everything but doubles (1e-9 relative)."""
    assert actual.column_names == [n.replace('"', "") for n in expected.column_names]
    left, right = rows_of(actual), rows_of(expected)
    if not ordered:
        left, right = sorted(left, key=_sort_key), sorted(right, key=_sort_key)
    assert len(left) == len(right), (left[:20], right[:20])
    for mine, theirs in zip(left, right, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            if isinstance(b, float) and a is not None:
                assert float(a) == pytest.approx(b, rel=1e-9, abs=1e-15), (mine, theirs)
            else:
                assert a == b, (mine, theirs)
