"""The bound on the pairs of joins whose keys repeat on both sides, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tacit.planner import explain_plan, explain_privacy
from tacit.planner.build import build, highest_id
from tacit.planner.cost import LINKS
from tacit.planner.facts import Analysis
from tacit.planner.logical import Ids
from tacit.planner.secure import Expand, Operator, Product, children

# 15,000 orders; 61,000 lineitems, at most 7 of an order; 1,500 customers; 100 suppliers


def operators(operator: Operator) -> Iterator[Operator]:
    yield operator
    for child in children(operator):
        yield from operators(child)


def kinds(plan: Any) -> list[Operator]:
    return [o for o in operators(plan.root) if isinstance(o, Expand | Product)]


def rows_of(planner: Any, sql: str) -> int:
    query = planner.bound(sql).query
    return Analysis().facts(build(query, Ids(highest_id(query) + 1))).rows


ROWS = [
    ("vertical", "lineitem a JOIN lineitem b ON a.l_orderkey = b.l_orderkey", 7 * 61_000),
    ("vertical", "orders a LEFT JOIN lineitem b ON a.o_orderkey = b.l_orderkey", 15_000 + 61_000),
    ("vertical", "lineitem a LEFT JOIN lineitem b ON a.l_orderkey = b.l_orderkey", 7 * 61_000),
    ("vertical", "lineitem a JOIN lineitem b ON a.l_tax = b.l_tax", 61_000 * 61_000),
    (
        "vertical",
        "lineitem a JOIN lineitem b ON a.l_orderkey = b.l_orderkey "
        "JOIN lineitem c ON c.l_orderkey = b.l_orderkey",
        49 * 61_000,
    ),
    (
        "vertical",
        "(SELECT l_orderkey FROM lineitem) a JOIN (SELECT l_orderkey AS k FROM lineitem) b "
        "ON a.l_orderkey = b.k",
        7 * 61_000,
    ),
    ("vertical", "part JOIN partsupp ON p_size = ps_suppkey", 2_000 * 2_000),
    ("vertical", "supplier JOIN partsupp ON s_nationkey = ps_partkey", 100 * 100),
    ("vertical", "part LEFT JOIN partsupp ON p_partkey = ps_partkey", 2_000 + 8_000),
]


@pytest.mark.parametrize(("layout", "source", "rows"), ROWS)
def test_rows_of_one_key_bound_the_rows_of_a_join(
    tpch_plans: Callable[[str], Any], layout: str, source: str, rows: int
) -> None:
    assert rows_of(tpch_plans(layout), f"SELECT count(*) OVER () FROM {source}") == rows


HORIZONTAL = "SELECT a.l_tax + b.l_tax AS t FROM lineitem a JOIN lineitem b ON a."


def test_each_owner_may_have_so_many_rows_of_a_key(tpch_plans: Callable[[str], Any]) -> None:
    """What owners promise together nobody checks: 3 owners, 7 lines each."""
    plan = tpch_plans("horizontal").plan(f"{HORIZONTAL}l_orderkey = b.l_orderkey")
    (found,) = kinds(plan)
    assert isinstance(found, Expand)
    assert (found.rows, found.overflow) == (21 * 3 * 61_000, None)


def test_a_join_without_a_bound_states_one(tpch_plans: Callable[[str], Any], pricer: Any) -> None:
    planner = tpch_plans("horizontal")
    plan = planner.plan(f"{HORIZONTAL}l_partkey = b.l_suppkey")
    (found,) = kinds(plan)
    assert isinstance(found, Expand)
    assert found.rows == 4 * 6 * 61_000
    assert found.overflow is not None
    assert found.overflow.startswith(
        "the join on l_partkey = l_suppkey has more than 1,464,000 pairs of rows"
    )
    told = explain_plan(plan, pricer.plan_cost(plan), LINKS["lan"])
    assert "join of repeated keys on l_partkey = l_suppkey" in told
    assert "fails if there are more than 1,464,000 pairs" in told
    privacy = explain_privacy(plan, planner.catalog)
    assert "the stated bound on a join of repeated keys: 1,464,000 rows" in privacy
    assert "one bit: whether the pairs of a join fit the 1,464,000 rows that" in privacy


ANSWERS = [
    "SELECT s_suppkey, l_shipdate, s_acctbal FROM supplier JOIN lineitem ON s_nationkey = "
    "l_linenumber + 10",
    "SELECT o_orderkey, s_suppkey FROM orders LEFT JOIN supplier ON o_custkey = s_nationkey "
    "AND o_totalprice < s_acctbal * 20",
    "SELECT a.l_shipdate, b.o_totalprice FROM orders b JOIN lineitem a ON a.l_orderkey + 1 = "
    "b.o_custkey AND a.l_tax > 0.05",
    "SELECT l_orderkey, ps_availqty FROM lineitem JOIN partsupp ON l_partkey = ps_partkey AND "
    "l_quantity * ps_supplycost > 45000.0",
    "SELECT o_orderkey FROM orders WHERE EXISTS (SELECT 1 FROM lineitem WHERE l_suppkey = "
    "o_custkey AND l_quantity * o_totalprice > 5000000.0)",
    "SELECT o_orderkey, l_tax FROM orders FULL JOIN lineitem ON l_suppkey = o_custkey AND "
    "l_quantity * o_totalprice > 5000000.0",
]


@pytest.mark.parametrize("layout", ["vertical", "horizontal"])
@pytest.mark.parametrize("sql", ANSWERS)
def test_expanded_joins_give_duckdbs_answers(
    tpch: Callable[[str], Any], layout: str, sql: str
) -> None:
    planner = tpch(layout)
    assert any(isinstance(o, Expand) for o in kinds(planner.plan(sql)))
    planner.check(sql)
