"""Two federations to plan over: TPC-H in two layouts, and a small one full of NULLs."""

from __future__ import annotations

import importlib.util
import itertools
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from tacit.planner import plan_query
from tacit.planner.cost import LINKS, Cost, PlanCost
from tacit.planner.secure import Operator, SecurePlan, children
from tacit.query import bind, load_catalog, parse
from tacit.query.bound import Statement
from tacit.query.catalog import Catalog

HERE = Path(__file__).parent
TPCH_PARTIES = ("p1", "p2", "p3")
HOSPITAL_PARTIES = ("mercy", "grace", "registry")
TABLES = ("customer", "orders", "lineitem", "part", "supplier", "partsupp", "nation", "region")


def sibling(name: str) -> ModuleType:
    """A module beside this file; the tests are no package."""
    key = f"planner_tests_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


class FixedPricer:
    """A deterministic stand-in for the executor's pricer: radix for narrow keys."""

    def operator_cost(self, operator: Operator) -> Cost:
        width = sum(c.encoding.width for c in operator.columns if c.encoding is not None)
        quick = getattr(operator, "sort", "quick") == "quick"
        sent = operator.rows * (40 if quick else 2 * width)
        return Cost(rounds=100 if quick else width, sent_bytes=(sent,) * 3, messages=(1,) * 3)

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        def visit(operator: Operator) -> list[Cost]:
            inner = list(itertools.chain.from_iterable(map(visit, children(operator))))
            return [*inner, self.operator_cost(operator)]

        costs = tuple(visit(plan.root))
        total = Cost(
            rounds=sum(c.rounds for c in costs),
            sent_bytes=(sum(c.sent_bytes[0] for c in costs),) * 3,
            messages=(len(costs),) * 3,
        )
        return PlanCost(total=total, operators=costs)


@dataclass
class Planner:
    """A catalog to plan over, and where there is data, the owners' databases and their union."""

    catalog: Catalog
    parties: tuple[str, ...]
    databases: dict[str, Any]
    pooled: Any

    def bound(self, sql: str) -> Statement:
        (statement,) = parse(sql)
        return bind(statement, self.catalog, parties=self.parties, text=sql)

    def plan(self, sql: str, asker: str | None = None) -> SecurePlan:
        return plan_query(
            self.bound(sql),
            parties=self.parties,
            asker=asker or self.parties[0],
            pricer=FixedPricer(),
            link=LINKS["loopback"],
        )

    def run(self, plan: SecurePlan) -> list[tuple[Any, ...]]:
        """The plan's rows, without cryptography."""
        rows: list[tuple[Any, ...]] = sibling("plain_run").PlainRun(self.databases)(plan)
        return rows

    def check(self, sql: str) -> int:
        """The plan's rows equal DuckDB's on the pooled tables; returns how many there are."""
        got = self.run(self.plan(sql))
        want = self.pooled.execute(sql).fetchall()
        if "order by" not in sql.lower():
            got, want = sorted(got, key=_order), sorted(want, key=_order)
        assert len(got) == len(want), (len(got), len(want), got[:3], want[:3])
        for mine, theirs in zip(got, want, strict=True):
            assert all(map(_close, mine, theirs)), (mine, theirs)
        return len(got)


def _order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is None, str(value)) for value in row)


def _close(mine: Any, theirs: Any) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    if isinstance(mine, float | Decimal) or isinstance(theirs, float | Decimal):
        return math.isclose(float(mine), float(theirs), rel_tol=1e-9, abs_tol=1e-12)
    return bool(mine == theirs)


def tpch_catalog(layout: str) -> Catalog:
    text = (HERE / "tpch.sql").read_text()
    if layout == "horizontal":
        owners = ", ".join(TPCH_PARTIES)
        text = re.sub(r"OWNED BY p\d", f"OWNED BY {owners}", text)
    return load_catalog(text, parties=TPCH_PARTIES)


@pytest.fixture(scope="session")
def tpch_pool(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All of TPC-H at scale 0.001 in one DuckDB database."""
    target = tmp_path_factory.mktemp("tpch")
    tool = Path(sys.executable).parent / "tpchgen-cli"
    command = [str(tool), "parquet", "-s", "0.001", "--output-dir", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    database = duckdb.connect()
    for table in TABLES:
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM '{target / table}.parquet'")
    database.execute(  # with so few suppliers the generator repeats some keys
        "CREATE OR REPLACE TABLE partsupp AS SELECT DISTINCT ON (ps_partkey, ps_suppkey) * "
        "FROM partsupp ORDER BY ps_partkey, ps_suppkey, ps_availqty"
    )
    return database


@pytest.fixture(scope="session")
def tpch(tpch_pool: Any) -> Callable[[str], Planner]:
    """TPC-H by layout: vertical or horizontal."""
    made: dict[str, Planner] = {}

    def planner(layout: str) -> Planner:
        if layout not in made:
            catalog = tpch_catalog(layout)
            databases = split(catalog, TPCH_PARTIES, tpch_pool)
            made[layout] = Planner(catalog, TPCH_PARTIES, databases, tpch_pool)
        return made[layout]

    return planner


def split(catalog: Catalog, parties: tuple[str, ...], pool: Any) -> dict[str, Any]:
    """A database for each party with its tables; parts of partitioned tables are random."""
    databases = {party: duckdb.connect() for party in parties}
    for name, table in catalog.tables.items():
        rows = pool.sql(f"SELECT * FROM {name}").to_arrow_table()
        draw = random.Random(name)
        home = [draw.choice(table.owners or parties) for _ in range(rows.num_rows)]
        for party, database in databases.items():
            mine = table.is_public or table.owners == (party,)
            part = rows if mine else rows.filter([h == party for h in home])
            if mine or party in table.owners:
                database.register("given", part)
                database.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')
                database.unregister("given")
    return databases


@pytest.fixture(scope="session")
def hospital() -> Planner:
    """Two hospitals and a registry; every column that may be NULL sometimes is."""
    text = (HERE / "hospital.sql").read_text()
    catalog = load_catalog(text, parties=HOSPITAL_PARTIES)
    pool = duckdb.connect()
    draw = random.Random(7)

    def maybe(value: Any) -> Any:
        return None if draw.random() < 0.2 else value

    wards = ("heart", "skin", "bones")
    fill: dict[str, list[tuple[Any, ...]]] = {
        "patients": [
            (i, draw.randint(1930, 2020), maybe(draw.choice("FMX")), maybe(f"P{i % 7}"))
            for i in range(1, 61)
        ],
        "visits": [
            (
                i,
                maybe(draw.randint(1, 80)),
                f"20{draw.randint(15, 24)}-0{draw.randint(1, 9)}-11",
                maybe(Decimal(draw.randint(-500, 99999)).scaleb(-2)),
                maybe(draw.choice(wards)),
            )
            for i in range(1, 121)
        ],
        "labs": [
            (i, draw.randint(1, 70), maybe(round(draw.uniform(-5, 5), 3))) for i in range(1, 50)
        ],
        "staff": [(i, maybe(draw.choice(wards)), draw.randint(1, 3)) for i in range(1, 13)],
        "drugs": [(f"drug {i}", maybe(f"maker {i % 3}"), 7 * i) for i in range(1, 8)],
        "orders": [(maybe(f"drug {draw.randint(1, 9)}"), draw.randint(1, 90)) for _ in range(40)],
        "rooms": [(ward, floor) for floor, ward in enumerate(wards[:2])],
    }
    columns = {
        "patients": "patient_id BIGINT, born SMALLINT, sex VARCHAR, name VARCHAR",
        "visits": "visit_id BIGINT, patient_id BIGINT, admitted DATE, cost DECIMAL(9,2), "
        "ward VARCHAR",
        "labs": "lab_id INTEGER, patient_id BIGINT, value DOUBLE",
        "staff": "staff_id INTEGER, ward VARCHAR, level TINYINT",
        "drugs": "drug VARCHAR, maker VARCHAR, price SMALLINT",
        "orders": "drug VARCHAR, amount SMALLINT",
        "rooms": "ward VARCHAR, floor INTEGER",
    }
    for name, rows in fill.items():
        pool.execute(f"CREATE TABLE {name} ({columns[name]})")
        marks = ", ".join("?" * len(rows[0]))
        pool.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return Planner(catalog, HOSPITAL_PARTIES, split(catalog, HOSPITAL_PARTIES, pool), pool)


@pytest.fixture(scope="session")
def tpch_plans() -> Callable[[str], Planner]:
    """TPC-H by layout without data, for looking at plans only."""
    return lambda layout: Planner(tpch_catalog(layout), TPCH_PARTIES, {}, None)


@pytest.fixture
def pricer() -> FixedPricer:
    return FixedPricer()
