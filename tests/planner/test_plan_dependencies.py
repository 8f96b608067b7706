"""What is known to follow from what, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.planner.build import build, highest_id
from tacit.planner.dependencies import Dependency, closure, independent
from tacit.planner.facts import Analysis
from tacit.planner.logical import Ids
from tacit.query import bind, load_catalog, parse


def follows(hospital: Any, sql: str, *names: str) -> set[str]:
    """The names of a query's columns that follow from the named ones."""
    query = hospital.bound(sql).query
    node = build(query, Ids(highest_id(query) + 1))
    facts = Analysis().facts(node)
    by_name = {column.name: column.id for column in node.columns}
    known = closure([by_name[name] for name in names], facts.dependencies)
    return {name for name, identity in by_name.items() if identity in known} - set(names)


@pytest.mark.parametrize(
    ("sql", "names", "expected"),
    [
        ("SELECT * FROM patients", ["patient_id"], {"born", "sex", "name"}),
        ("SELECT * FROM patients", ["name"], set()),
        ("SELECT born, name FROM patients", ["born"], set()),
        ("SELECT * FROM patients WHERE sex = 'F'", [], {"sex"}),
        ("SELECT patient_id + 1 AS n, patient_id FROM labs", ["patient_id"], {"n"}),
        ("SELECT value * 2 AS n, value FROM labs", ["value"], set()),
        ("SELECT * FROM visits", ["visit_id"], {"patient_id", "admitted", "cost", "ward"}),
        (
            "SELECT l.lab_id, l.patient_id AS k, p.name FROM labs l "
            "JOIN patients p ON l.patient_id = p.patient_id",
            ["k"],
            {"name"},
        ),
        (
            "SELECT l.patient_id AS k, p.name, p.sex FROM labs l "
            "LEFT JOIN patients p ON l.patient_id = p.patient_id",
            ["k"],
            {"name", "sex"},
        ),
        (
            "SELECT l.patient_id AS k, p.name FROM labs l "
            "LEFT JOIN patients p ON l.patient_id = p.patient_id AND l.value > 3",
            ["k"],
            set(),
        ),
        (
            "SELECT v.ward, v.cost, r.floor FROM visits v LEFT JOIN rooms r ON v.ward = r.ward",
            ["ward"],
            {"floor"},
        ),
        (
            "SELECT born, count(*) AS n, min(name) AS m FROM patients GROUP BY born",
            ["born"],
            {"n", "m"},
        ),
        ("SELECT patient_id AS k, born FROM patients UNION ALL SELECT 1, 2000", ["k"], set()),
    ],
)
def test_what_follows(hospital: Any, sql: str, names: list[str], expected: set[str]) -> None:
    assert follows(hospital, sql, *names) == expected


def test_the_costliest_columns_are_left_out() -> None:
    both = (
        Dependency(ids=frozenset({1}), determines=frozenset({2, 3})),
        Dependency(ids=frozenset({2}), determines=frozenset({1})),
    )
    assert independent((1, 2, 3), both, lambda i: i) == (1,)
    assert independent((3, 2, 1), both, lambda i: -i) == (2,)
    assert independent((3, 4), both, lambda i: 1) == (3, 4)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT lab_id, value, count(*) FROM labs GROUP BY lab_id, value", 60),
        ("SELECT v.patient_id, p.name, p.born FROM visits v JOIN patients p "
         "ON v.patient_id = p.patient_id GROUP BY v.patient_id, p.name, p.born", 100),
        ("SELECT ward, count(*) FROM visits GROUP BY ward", 4),
        ("SELECT ward, ward = 'skin' AS s FROM visits GROUP BY ward, s", 4),
        ("SELECT DISTINCT sex, sex FROM patients", 4),
    ],
)  # fmt: skip
def test_groups_are_no_more_than_the_keys_allow(hospital: Any, sql: str, rows: int) -> None:
    query = hospital.bound(sql).query
    node = build(query, Ids(highest_id(query) + 1))
    assert Analysis().facts(node).rows == rows


REFERRING = """
CREATE TABLE orders (id INTEGER CHECK (id BETWEEN 1 AND 9999) PRIMARY KEY) OWNED BY a, b ROWS 30;
CREATE TABLE lines (
    order_id INTEGER CHECK (order_id BETWEEN 1 AND 9999) REFERENCES orders, n TINYINT,
    PRIMARY KEY (order_id, n)
) OWNED BY c ROWS 500;
CREATE TABLE parts (
    order_id INTEGER CHECK (order_id BETWEEN 1 AND 9999), n TINYINT, kind BOOLEAN NOT NULL,
    weight INTEGER REFERENCES orders, FOREIGN KEY (order_id, n) REFERENCES lines
) OWNED BY c ROWS 4000;
"""


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT order_id, count(*) FROM lines GROUP BY order_id", 60),
        ("SELECT order_id, n, count(*) FROM parts GROUP BY order_id, n", 501),
        ("SELECT n, kind, order_id FROM parts GROUP BY n, kind, order_id", 1002),
        ("SELECT weight, count(*) FROM parts WHERE n = 3 GROUP BY weight", 61),
        ("SELECT n, count(*) FROM parts GROUP BY n", 257),
        ("SELECT o.id, count(*) FROM lines l JOIN orders o ON o.id = l.order_id GROUP BY o.id", 60),
    ],
)
def test_one_owners_groups_are_no_more_than_what_they_refer_to(sql: str, rows: int) -> None:
    catalog = load_catalog(REFERRING, parties=("a", "b", "c"))
    (parsed,) = parse(sql)
    query = bind(parsed, catalog, parties=("a", "b", "c"), text=sql).query
    node = build(query, Ids(highest_id(query) + 1))
    assert Analysis().facts(node).rows == rows
