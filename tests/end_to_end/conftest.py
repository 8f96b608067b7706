"""A whole federation in memory: SQL text through parser, binder, planner and three parties."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
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

    def query(
        self, sql: str, *, asker: str | None = None, sort: SortAlgorithm | None = None
    ) -> Outcome:
        """Runs one query at all parties, in threads over in-memory channels.

        `sort` forces one sort algorithm on every operator.
        """
        plan = self.plan(sql, asker=asker)
        if sort is not None:
            plan = replace(plan, root=with_sort(plan.root, sort))
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
        return connection.sql(sql.split(" REVEAL ", maxsplit=1)[0]).to_arrow_table()

    def check(self, sql: str, *, ordered: bool = False) -> Outcome:
        """Runs the query and compares with the oracle."""
        outcome = self.query(sql)
        assert_same(outcome.table, self.oracle(sql), ordered=ordered)
        return outcome


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
    assert actual.column_names == [n.replace("\"", "") for n in expected.column_names]
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


CATALOG = """
CREATE TABLE people (
    id BIGINT CHECK (id BETWEEN 1 AND 500) PRIMARY KEY,
    region VARCHAR CHECK (region IN ('north', 'south', 'east', 'west')) NOT NULL,
    born DATE CHECK (born BETWEEN DATE '1930-01-01' AND DATE '2020-12-31'),
    income DECIMAL(9,2) CHECK (income BETWEEN -5000 AND 200000),
    name VARCHAR(12)
) OWNED BY carol ROWS 50;

CREATE TABLE visits (
    person_id BIGINT CHECK (person_id BETWEEN 1 AND 600),
    day DATE CHECK (day BETWEEN DATE '2019-01-01' AND DATE '2021-12-31') NOT NULL,
    cost DECIMAL(7,2) CHECK (cost BETWEEN 0 AND 9999.99),
    ward VARCHAR CHECK (ward IN ('surgery', 'medicine', 'emergency')),
    urgent BOOLEAN NOT NULL,
    nights SMALLINT CHECK (nights BETWEEN -3 AND 40) NOT NULL
) OWNED BY alice, bob ROWS 40;

CREATE TABLE drugs (
    person_id BIGINT CHECK (person_id BETWEEN 1 AND 500) NOT NULL,
    drug VARCHAR(10) NOT NULL,
    dose INTEGER CHECK (dose BETWEEN 0 AND 1000)
) OWNED BY bob ROWS 64;

CREATE TABLE empty_table (
    id INTEGER CHECK (id BETWEEN 1 AND 9),
    note VARCHAR(4)
) OWNED BY alice ROWS 3;
"""


def _some(values: list[Any], generator: np.random.Generator, share: float) -> list[Any]:
    """The values, a share of them replaced by NULL."""
    return [None if generator.random() < share else v for v in values]


def _days(start: str, count: int, spread: int, generator: np.random.Generator) -> list[Any]:
    days = np.datetime64(start) + generator.integers(0, spread, count)
    return [d.astype(object) for d in days]


def _visits(count: int, generator: np.random.Generator) -> pa.Table:
    cents = generator.integers(0, 999999, count)
    wards = np.array(["surgery", "medicine", "emergency"])[generator.integers(0, 3, count)]
    people = generator.integers(1, 60, count)
    return pa.table(
        {
            "person_id": pa.array(_some(people.tolist(), generator, 0.1), pa.int64()),
            "day": pa.array(_days("2019-01-01", count, 1095, generator), pa.date32()),
            "cost": pa.array(
                _some([Decimal(int(c)) / 100 for c in cents], generator, 0.15),
                pa.decimal128(7, 2),
            ),
            "ward": pa.array(_some(wards.tolist(), generator, 0.2), pa.string()),
            "urgent": pa.array((generator.random(count) < 0.4).tolist(), pa.bool_()),
            "nights": pa.array(generator.integers(-3, 12, count).tolist(), pa.int16()),
        }
    )


def make_data(seed: int = 7) -> dict[str, dict[str, pa.Table]]:
    """Small tables with NULLs, duplicates, unmatched keys and an empty one."""
    generator = np.random.default_rng(seed)
    ids = generator.permutation(np.arange(1, 56))[:45]
    regions = np.array(["north", "south", "east"])[generator.integers(0, 3, 45)]
    names = [None if i % 9 == 0 else f"n{i % 13}" + ("é" if i % 5 == 0 else "") for i in ids]
    incomes = [Decimal(int(c)) / 100 for c in generator.integers(-500000, 20000000, 45)]
    people = pa.table(
        {
            "id": pa.array(ids.tolist(), pa.int64()),
            "region": pa.array(regions.tolist(), pa.string()),
            "born": pa.array(
                _some(_days("1930-01-01", 45, 32000, generator), generator, 0.1), pa.date32()
            ),
            "income": pa.array(_some(incomes, generator, 0.2), pa.decimal128(9, 2)),
            "name": pa.array(names, pa.string()),
        }
    )
    drugs = pa.table(
        {
            "person_id": pa.array(generator.integers(1, 50, 60).tolist(), pa.int64()),
            "drug": pa.array(
                [["aspirin", "statin", "b", "insulin"][k] for k in generator.integers(0, 4, 60)]
            ),
            "dose": pa.array(
                _some(generator.integers(0, 1001, 60).tolist(), generator, 0.2), pa.int32()
            ),
        }
    )
    nothing = pa.table({"id": pa.array([], pa.int32()), "note": pa.array([], pa.string())})
    return {
        "alice": {"visits": _visits(40, generator), "empty_table": nothing},
        "bob": {"visits": _visits(33, generator), "drugs": drugs},
        "carol": {"people": people},
    }


def make_monotone_data() -> dict[str, dict[str, pa.Table]]:
    """The same row counts as `make_data`, every row of a table alike (but for primary keys)."""
    alike = {}
    for party, tables in make_data().items():
        alike[party] = {name: _alike(table) for name, table in tables.items()}
    return alike


def _alike(table: pa.Table) -> pa.Table:
    if table.num_rows == 0:
        return table
    first = table.slice(5, 1)
    columns = [
        table.column(name)
        if name == "id"
        else pa.chunked_array([first.column(name).chunk(0)] * len(table))
        for name in table.column_names
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


@pytest.fixture(scope="session")
def federate() -> Callable[..., Federation]:
    """Makes in-memory federations."""
    return Federation


@pytest.fixture(scope="session")
def clinic() -> Federation:
    """Three parties, partitioned and unpartitioned tables, NULLs everywhere."""
    return Federation(CATALOG, make_data())


@pytest.fixture(scope="session")
def recorded_clinics() -> list[Federation]:
    """Federations with the same public facts and different rows, their frames recorded."""
    datasets = [make_data(), make_data(8), make_monotone_data()]
    return [Federation(CATALOG, data, record=True) for data in datasets]


def read_records() -> list[tuple[str, str, bool]]:
    """(name, SQL, ordered) of every record of tests/sql."""
    found = []
    for path in sorted(Path(__file__).parent.parent.glob("sql/*.slt")):
        for number, block in enumerate(path.read_text().split("\n\n")):
            lines = [line for line in block.splitlines() if not line.startswith("#")]
            if lines and lines[0].startswith("query"):
                sql = "\n".join(lines[1:]).strip().rstrip(";")
                found.append((f"{path.stem}-{number}", sql, "ordered" in lines[0]))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrises tests that take `record` with every record of tests/sql."""
    if "record" in metafunc.fixturenames:
        records = read_records()
        metafunc.parametrize("record", records, ids=[name for name, _, _ in records])
