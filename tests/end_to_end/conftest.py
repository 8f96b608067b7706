"""A whole federation in memory: SQL text through parser, binder, planner and three parties."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
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
from tacit.planner.secure import SecurePlan
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
        return self.connection.execute(sql).fetch_arrow_table()

    def tables(self) -> tuple[str, ...]:
        return self.names

    def close(self) -> None:
        self.connection.close()


@dataclass
class Outcome:
    """What one query gave: each party's table, and what each party sent."""

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

    def query(self, sql: str, *, asker: str | None = None) -> Outcome:
        """Runs one query at all parties, in threads over in-memory channels."""
        plan = self.plan(sql, asker=asker)
        predicted = self.pricer.plan_cost(plan).total
        count = len(self.parties)
        channels = memory_channels(count, deadline_seconds=120, record=self.record)
        tables: list[pa.Table | None] = [None] * count
        failures: list[BaseException] = []
        starts = [(0, 0)] * count

        def work(index: int) -> None:
            try:
                keys = agree_keys(channels[index], b"test session")
                counters = channels[index].counters
                starts[index] = (counters.sent_bytes, counters.sent_messages)
                counters.depth = 0
                barrier.wait()
                if counters.transcript is not None:
                    counters.transcript.clear()
                tables[index] = run_plan(
                    plan,
                    protocol=ReplicatedProtocol(channels[index], keys),
                    party=self.parties[index],
                    source=self.sources[self.parties[index]],
                    watch=lambda number, step: None,
                )
            except BaseException as error:
                failures.append(error)
                barrier.abort()
                for channel in channels:
                    channel.close()

        barrier = threading.Barrier(count)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        counted = [c.counters for c in channels]
        return Outcome(
            plan=plan,
            tables=tables,
            measured=Cost(
                rounds=max(c.depth for c in counted),
                sent_bytes=tuple(c.sent_bytes - s[0] for c, s in zip(counted, starts, strict=True)),
                messages=tuple(
                    c.sent_messages - s[1] for c, s in zip(counted, starts, strict=True)
                ),
            ),
            predicted=predicted,
            transcripts=[c.transcript or [] for c in counted],
            captured=[list(getattr(c, "captured", [])) for c in channels],
        )

    def oracle(self, sql: str) -> pa.Table:
        """DuckDB's answer on the union of all parties' data."""
        connection = duckdb.connect()
        for name, table in self.catalog.tables.items():
            owners = table.owners or (self.parties[0],)
            parts = [self.data[o][name] for o in owners if name in self.data.get(o, {})]
            union = pa.concat_tables(parts)
            connection.register(f"_{name}", union)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "_{name}"')
        return connection.execute(sql.split(" REVEAL ", maxsplit=1)[0]).fetch_arrow_table()

    def check(self, sql: str, *, ordered: bool = False) -> Outcome:
        """Runs the query and compares with the oracle."""
        outcome = self.query(sql)
        assert_same(outcome.table, self.oracle(sql), ordered=ordered)
        return outcome


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
    assert actual.column_names == expected.column_names
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


@pytest.fixture(scope="session")
def federate() -> Callable[..., Federation]:
    """Makes in-memory federations."""
    return Federation
