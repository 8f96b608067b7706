"""Every algorithm that EXPLAIN (ALTERNATIVES) prices for a plan runs, and answers as DuckDB."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hand_built import assert_cost_is_exact
from in_memory import PARTIES, Federation, assert_same
from tacit.planner.alternatives import alternatives, variants
from tacit.planner.cost import LINKS
from tacit.planner.memory import every_operator
from tacit.planner.secure import SecurePlan

ROWS = 60
CATALOG = """
CREATE TABLE many (id INTEGER NOT NULL CHECK (id BETWEEN 0 AND 59), g INTEGER
    CHECK (g BETWEEN 0 AND 9), x INTEGER NOT NULL CHECK (x BETWEEN 0 AND 999)) OWNED BY {0} ROWS 60;
CREATE TABLE notes (g INTEGER UNIQUE NOT NULL CHECK (g BETWEEN 0 AND 9), w INTEGER NOT NULL
    CHECK (w BETWEEN 0 AND 99)) OWNED BY {0} ROWS 10;
CREATE TABLE middle (id INTEGER UNIQUE NOT NULL CHECK (id BETWEEN 0 AND 59), d INTEGER NOT NULL
    CHECK (d BETWEEN 0 AND 3), y INTEGER NOT NULL CHECK (y BETWEEN 0 AND 999)) OWNED BY {1} ROWS 60;
""".format(*PARTIES)

DATA = {
    PARTIES[0]: {
        "many": pa.table(
            {
                "id": [(7 * i) % 59 for i in range(ROWS)],
                "g": [None if i % 11 == 0 else i % 10 for i in range(ROWS)],
                "x": [(i * i) % 997 for i in range(ROWS)],
            }
        ),
        "notes": pa.table({"g": list(range(10)), "w": [9 * i for i in range(10)]}),
    },
    PARTIES[1]: {
        "middle": pa.table(
            {
                "id": list(range(0, 60, 2)),
                "d": [i % 4 for i in range(30)],
                "y": [31 * i for i in range(30)],
            }
        )
    },
}

JOINED = "FROM many a JOIN middle b ON a.id = b.id"
CASES = {
    f"SELECT sum(b.y + n.w) AS s {JOINED} LEFT JOIN notes n ON n.g = a.g": {
        "quick sort",
        "radix sort",
        "index",
        "domain",
        "cuckoo",
    },
    f"SELECT a.g, sum(b.y) AS s {JOINED} GROUP BY a.g": {"known keys", "dense sort", "cuckoo"},
    f"SELECT b.d, count(*) AS n {JOINED} GROUP BY b.d": {"dense sort", "quick sort"},
    f"SELECT a.x + b.y AS s {JOINED} ORDER BY s LIMIT 3": {"select sort", "radix sort"},
}


@pytest.mark.parametrize("sql", CASES)
def test_every_algorithm_answers(sql: str) -> None:
    federation = Federation(CATALOG, DATA)
    plan, expected = federation.plan(sql), federation.oracle(sql)
    priced = alternatives(plan.root, federation.pricer, LINKS["loopback"], PARTIES)
    seen: set[str] = set()
    for operator in every_operator(plan.root):
        for name, root in variants(plan.root, operator, PARTIES).items():
            assert name in {told for told, _ in priced[id(operator)]}
            given = {field: getattr(plan, field) for field in ("protocol", "parties", "asker")}
            made = SecurePlan(root=root, statement=sql, round_worth=plan.round_worth, **given)
            outcome = federation.query(sql, plan=made)
            assert_same(outcome.table, expected, ordered="ORDER BY" in sql)
            if not outcome.predicted.expected:
                assert_cost_is_exact(outcome)
            seen.add(name)
    assert CASES[sql] <= seen
