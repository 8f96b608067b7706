"""Three parties in memory: plans that they run, and whole federations from SQL text to result."""

from __future__ import annotations

import contextlib
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
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.sharing.replicated import ReplicatedProtocol
from tacit.executor.transport.memory import memory_channels
from tacit.planner import plan_query
from tacit.planner.cost import LINKS, Cost
from tacit.planner.secure import Operator, SecurePlan, SortAlgorithm
from tacit.query import bind, load_catalog, parse

PARTIES = ("alice", "bob", "carol")


class MemorySource:
    """A TableSource over Arrow tables."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.connection = duckdb.connect()
        self.names = tuple(tables)
        for name, table in tables.items():
            self.connection.register(f"_{name}", table)
            self.connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "_{name}"')

    def execute(self, sql: str) -> pa.Table:
        return self.connection.sql(sql).to_arrow_table()

    def tables(self) -> tuple[str, ...]:
        return self.names

    def close(self) -> None:
        self.connection.close()


@dataclass
class Outcome:
    """What one query gave: each party's table, and what each party sent (aligned lists)."""

    plan: SecurePlan
    tables: list[pa.Table | None]
    measured: Cost
    predicted: Cost
    transcripts: list[list[tuple[int, int, int]]]
    captured: list[list[bytes]]

    @property
    def table(self) -> pa.Table:
        (only,) = [t for t in self.tables if t is not None]
        return only


@lru_cache(maxsize=64)
def predicted_cost(plan: SecurePlan) -> Cost:
    """What a plan costs in all; kept, as tests run one plan over many data sets."""
    return DryRunPricer(plan.parties).plan_cost(plan).total


def run_in_memory(
    plan: SecurePlan,
    sources: Mapping[str, Any],
    *,
    record: bool = False,
    watch_protocol: Callable[[ReplicatedProtocol], Any] = lambda protocol: protocol,
) -> Outcome:
    """Runs a plan at all its parties, in threads over in-memory channels, and prices it.

    `watch_protocol` may put something of a test's own around each party's protocol.
    """
    predicted = predicted_cost(plan)
    count = len(plan.parties)
    channels = memory_channels(count, deadline_seconds=120, record=record)
    tables: list[pa.Table | None] = [None] * count
    failures: list[BaseException] = []
    starts = [(0, 0)] * count
    barrier = threading.Barrier(count)

    def work(index: int) -> None:
        try:
            keys = agree_keys(channels[index], b"test session")
            counters = channels[index].counters
            starts[index] = (counters.sent_bytes, counters.sent_messages)
            counters.depth = 0
            barrier.wait()
            if counters.transcript is not None:
                counters.transcript.clear()
                channels[index].captured.clear()
            tables[index] = run_plan(
                plan,
                protocol=watch_protocol(ReplicatedProtocol(channels[index], keys)),
                party=plan.parties[index],
                source=sources[plan.parties[index]],
                watch=lambda number, step: None,
            )
        except BaseException as error:
            failures.append(error)
            barrier.abort()
            for channel in channels:
                channel.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    counted = [c.counters for c in channels]
    sent = zip(counted, starts, strict=True)
    return Outcome(
        plan=plan,
        tables=tables,
        measured=Cost(
            rounds=max(c.depth for c in counted),
            sent_bytes=tuple(c.sent_bytes - s[0] for c, s in zip(counted, starts, strict=True)),
            messages=tuple(c.sent_messages - s[1] for c, s in sent),
        ),
        predicted=predicted,
        transcripts=[c.transcript or [] for c in counted],
        captured=[list(c.captured) for c in channels],
    )


@dataclass
class Federation:
    """`data[party][table]`: each party's part of each table (public tables at every party)."""

    catalog_sql: str
    data: Mapping[str, Mapping[str, pa.Table]]
    parties: tuple[str, ...] = PARTIES
    record: bool = False
    public_directory: Any = None
    sources: dict[str, MemorySource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catalog = load_catalog(
            self.catalog_sql, parties=self.parties, directory=self.public_directory
        )
        self.sources = {p: MemorySource(self.data.get(p, {})) for p in self.parties}
        self.pricer = DryRunPricer(self.parties)

    def plan(self, sql: str, *, asker: str | None = None) -> SecurePlan:
        (statement,) = parse(sql)
        bound = bind(statement, self.catalog, parties=self.parties, text=sql)
        return plan_query(
            bound,
            self.catalog,
            parties=self.parties,
            asker=asker or self.parties[0],
            pricer=self.pricer,
            link=LINKS["loopback"],
        )

    def query(
        self, sql: str, *, asker: str | None = None, sort: SortAlgorithm | None = None
    ) -> Outcome:
        """Runs one query at all parties, in threads over in-memory channels.

        `sort` forces one sort algorithm on every operator.
        """
        plan = self.plan(sql, asker=asker)
        if sort is not None:
            plan = replace(plan, root=with_sort(plan.root, sort))
        return run_in_memory(plan, self.sources, record=self.record)

    def oracle(self, sql: str) -> pa.Table:
        """DuckDB's answer on the union of all parties' data; division by zero is NULL."""
        connection = connect_with_null_quotients()
        for name, table in self.catalog.tables.items():
            owners = table.owners or (self.parties[0],)
            parts = [self.data[o][name] for o in owners if name in self.data.get(o, {})]
            union = pa.concat_tables(parts)
            connection.register(f"_{name}", union)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "_{name}"')
        return connection.sql(sql.split(" REVEAL ", maxsplit=1)[0]).to_arrow_table()

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
    """The same plan tree with one sort algorithm everywhere."""
    if isinstance(node, tuple):
        return tuple(with_sort(item, sort) for item in node)
    if not isinstance(node, Operator):
        return node
    changed = {f.name: with_sort(getattr(node, f.name), sort) for f in fields(node)}
    if "sort" in changed:
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
    return tuple(
        (v is None, "" if v is None else type(v).__name__, 0 if v is None else _rough(v))
        for v in row
    )


def _rough(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float) else value


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
