"""Whole plans with one operator by each of its algorithms, for choices.py.

Three owners: ann's many rows reference bea's, and bea's reference few of cat's. The planner plans
each query once; then the operator in question is forced to each of the algorithms that EXPLAIN
(ALTERNATIVES) prices, and all else stays. Where whole plans come into question (a grouping before
or after a join, wide columns fetched at the end), each of them runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from tacit.connectors.duckdb_source import DuckDbSource
from tacit.executor.operators.pricing import DryRunPricer
from tacit.executor.operators.run import post_order, run_plan
from tacit.executor.sharing.protocol import SharingProtocol
from tacit.planner.alternatives import variants
from tacit.planner.cost import Cost, Link
from tacit.planner.plan import plans_in_question
from tacit.planner.secure import (
    Aggregate,
    Join,
    Operator,
    SecurePlan,
    Sort,
    Window,
)
from tacit.query import bind, load_catalog, parse

PARTIES = ("ann", "bea", "cat")
WIDE = 1 << 32
FEWER = 16
"""How many rows of bea's reference one of cat's."""

Call = Callable[[], object]


def tables(rows: int) -> dict[str, tuple[str, int, dict[str, tuple[str, int]]]]:
    """Owner, rows, and columns: how they are filled, and how many values they may have."""
    few, value = max(rows // FEWER, 16), 1 << 16
    return {
        "many": (
            "ann",
            rows,
            {
                "k": ("unique", WIDE),
                "id": ("any", rows),
                "id8": ("any", 8 * rows),
                "g": ("any", few),
                "x": ("any", value),
            },
        ),
        "notes": ("ann", few, {"g": ("unique", few), "w": ("any", value)}),
        "middle": (
            "bea",
            rows,
            {
                "k": ("unique", WIDE),
                "id": ("unique", rows),
                "id8": ("unique", 8 * rows),
                "h": ("any", few),
                "y": ("any", value),
                "d": ("any", 8),
                "e": ("any", 4),
            },
        ),
        "few": (
            "cat",
            few,
            {"h": ("unique", few), "z": ("any", value), **{f"n{i}": ("any", WIDE) for i in "123"}},
        ),
    }


def catalog_sql(rows: int) -> str:
    """The public contract of all tables."""
    statements = []
    for name, (owner, count, columns) in tables(rows).items():
        parts = [
            f"{column} BIGINT {'UNIQUE ' * (fill == 'unique')}NOT NULL "
            f"CHECK ({column} BETWEEN 0 AND {size - 1})"
            for column, (fill, size) in columns.items()
        ]
        statements.append(f"CREATE TABLE {name} ({', '.join(parts)}) OWNED BY {owner} ROWS {count}")
    return ";\n".join(statements) + ";"


def data(name: str, rows: int) -> pa.Table:
    """A table's rows. Unique columns are the first multiples of an odd number."""
    _, count, columns = tables(rows)[name]
    generator = np.random.default_rng(len(name))
    filled = {}
    for column, (fill, size) in columns.items():
        if fill == "unique":
            odd = 0x9E3779B1 if size == WIDE else 5 if size % 5 else 7
            filled[column] = np.arange(count, dtype=np.uint64) * np.uint64(odd) % np.uint64(size)
        else:
            filled[column] = generator.integers(0, size, count, dtype=np.uint64)
    return pa.table({column: values.astype(np.int64) for column, values in filled.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTrial:
    rows: int
    plan: SecurePlan

    def prepare(self, protocol: SharingProtocol, party: str) -> Call:
        """Opens the party's database; what is to be timed."""
        source = DuckDbSource(load_catalog(catalog_sql(self.rows), parties=PARTIES))
        for name, (owner, *_) in tables(self.rows).items():
            if owner == party:
                source.register_table(name, data(name, self.rows))
        return partial(
            run_plan, self.plan, protocol=protocol, party=party, source=source, watch=_no_watch
        )

    def cost(self) -> Cost:
        """By a dry run."""
        return DryRunPricer(PARTIES).plan_cost(self.plan).total


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCase:
    """`operator`: the kind of the operator in question, the topmost of it; None for whole plans."""

    sql: str
    rows: int
    operator: type[Operator] | None

    def trials(self, link: Link) -> tuple[dict[str, PlanTrial], str]:
        """Every algorithm by name, and the one that is chosen on a network."""
        plans, pricer = self._plans(link), self._pricer(link)
        seconds = {name: link.seconds(pricer.plan_cost(plan).total) for name, plan in plans.items()}
        chosen = min(seconds, key=lambda name: seconds[name])
        if self.operator is not None:
            plan, kind = plans[chosen], self.operator
            (*_, one) = (o for o in post_order(plan.root) if isinstance(o, kind))
            plans = {
                name: dataclasses.replace(plan, root=root)
                for name, root in variants(plan.root, one, PARTIES).items()
            }
            (chosen,) = (name for name, made in plans.items() if made == plan)
        return {n: PlanTrial(rows=self.rows, plan=p) for n, p in plans.items()}, chosen

    def _plans(self, link: Link) -> dict[str, SecurePlan]:
        catalog = load_catalog(catalog_sql(self.rows), parties=PARTIES)
        (statement,) = parse(self.sql)
        return plans_in_question(
            bind(statement, catalog, parties=PARTIES, text=self.sql),
            parties=PARTIES,
            asker=PARTIES[0],
            pricer=self._pricer(link),
            link=link,
        )

    def _pricer(self, link: Link) -> DryRunPricer:
        return DryRunPricer(PARTIES, round_worth=link.round_worth(1))


def _no_watch(number: int, step: str) -> None:
    """Nobody follows the steps."""


JOINED = "FROM many a JOIN middle b ON a.id = b.id"
SECRET = f"(SELECT CASE WHEN a.x < b.y THEN a.g ELSE b.h END AS h, a.x {JOINED})"
"""Rows with a key that nobody knows."""

QUERIES: dict[str, tuple[type[Operator] | None, str, tuple[int, ...]]] = {
    "join on 32 bits": (
        Join,
        "SELECT sum(b.y) AS s FROM many a JOIN middle b ON a.k = b.k",
        (10, 14, 17),
    ),
    "join on a dense key": (Join, f"SELECT sum(b.y) AS s {JOINED}", (10, 14, 17)),
    "join on one key of eight": (
        Join,
        "SELECT sum(b.y) AS s FROM many a JOIN middle b ON a.id8 = b.id8",
        (10, 14),
    ),
    "join of an owner's tables": (
        Join,
        f"SELECT sum(b.y + n.w) AS s {JOINED} LEFT JOIN notes n ON n.g = a.g",
        (14,),
    ),
    "join on a secret key": (
        Join,
        f"SELECT sum(c.z) AS s FROM {SECRET} t JOIN few c ON t.h = c.h",
        (10, 14, 17),
    ),
    "semi-join": (
        Join,
        "SELECT count(*) AS n FROM many a WHERE a.k IN (SELECT k FROM middle WHERE y > 30000)",
        (14,),
    ),
    "group by a known key": (
        Aggregate,
        f"SELECT a.g, sum(b.y) AS s {JOINED} GROUP BY a.g",
        (10, 14, 17),
    ),
    "group by a secret key": (
        Aggregate,
        f"SELECT b.h, sum(a.x) AS s {JOINED} GROUP BY b.h",
        (10, 14, 17),
    ),
    "8 groups": (Aggregate, f"SELECT b.d, sum(a.x) AS s {JOINED} GROUP BY b.d", (14,)),
    "32 groups": (
        Aggregate,
        f"SELECT b.d, b.e, sum(a.x) AS s {JOINED} GROUP BY b.d, b.e",
        (14, 17),
    ),
    "first 10": (
        Sort,
        f"SELECT a.id, a.x + b.y AS s {JOINED} ORDER BY s DESC, a.id LIMIT 10",
        (10, 14, 17),
    ),
    "window": (
        Window,
        f"SELECT max(r) AS m FROM (SELECT rank() OVER (PARTITION BY b.h ORDER BY a.x) AS r "
        f"{JOINED}) t",
        (14,),
    ),
    "group before a join": (
        None,
        f"SELECT c.h, c.z, sum(a.x) AS s {JOINED} JOIN few c ON b.h = c.h GROUP BY c.h, c.z",
        (10, 14, 17),
    ),
    "group before a join on a secret key": (
        None,
        f"SELECT c.h, c.z, sum(t.x) AS s FROM {SECRET} t JOIN few c ON t.h = c.h GROUP BY c.h, c.z",
        (14,),
    ),
    "wide columns": (
        None,
        f"SELECT a.id, c.h, c.n1, c.n2, c.n3 {JOINED} JOIN few c ON b.h = c.h "
        "ORDER BY a.x + b.y DESC, a.id LIMIT 10",
        (14,),
    ),
}

CASES = {
    f"{name}, 2^{exponent}": PlanCase(sql=sql, rows=1 << exponent, operator=operator)
    for name, (operator, sql, exponents) in QUERIES.items()
    for exponent in exponents
}
