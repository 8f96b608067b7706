"""Wide columns that are only output: fetched for the rows that remain, where that is cheaper."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.planner import plan_query
from tacit.planner.cost import LINKS, Cost, PlanCost
from tacit.planner.late_fetch import fetch_late
from tacit.planner.plan import logical_plans
from tacit.planner.rules import USUAL
from tacit.planner.secure import Aggregate, Join, Operator, SecurePlan, Sort, children

TPCH_10 = """
SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, c_acctbal, n_name
FROM customer, orders, lineitem, nation
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_returnflag = 'R'
    AND o_orderdate >= DATE '1993-10-01' AND c_nationkey = n_nationkey
GROUP BY c_custkey, c_name, c_acctbal, n_name ORDER BY revenue DESC LIMIT 20
"""

FETCHED = [
    "SELECT l.lab_id, p.name FROM labs l JOIN patients p ON l.patient_id = p.patient_id "
    "ORDER BY l.lab_id DESC LIMIT 5",
    "SELECT p.name, p.patient_id, sum(l.lab_id) AS s FROM labs l JOIN patients p "
    "ON l.patient_id = p.patient_id GROUP BY p.patient_id, p.name ORDER BY s, p.patient_id LIMIT 7",
    "SELECT p.name, l.lab_id FROM labs l LEFT JOIN patients p ON l.patient_id = p.patient_id "
    "ORDER BY l.lab_id",
    "SELECT v.visit_id, p.name, p.sex FROM visits v JOIN patients p ON v.patient_id = p.patient_id "
    "WHERE v.cost > p.born ORDER BY v.visit_id LIMIT 9",
    "SELECT p.name, l.value FROM patients p JOIN labs l ON l.patient_id = p.patient_id "
    "WHERE l.lab_id < 9 AND p.name IS NOT NULL ORDER BY l.lab_id",
]

KEPT = [
    "SELECT lower(p.name || l.lab_id) FROM labs l JOIN patients p ON l.patient_id = p.patient_id",
    "SELECT p.name, count(*) FROM labs l JOIN patients p ON l.patient_id = p.patient_id GROUP BY 1",
    "SELECT p.name FROM labs l JOIN patients p ON l.patient_id = p.patient_id ORDER BY p.name, 1",
    "SELECT p.name, max(p.name) FROM labs l JOIN patients p ON l.patient_id = p.patient_id "
    "GROUP BY p.patient_id, p.name",
    "SELECT name, born FROM patients",
]


class ByWidth:
    """Prices the bits that operators move."""

    def operator_cost(self, operator: Operator) -> Cost:
        given = sum(_bits(child) for child in children(operator))
        moves = isinstance(operator, Join | Sort | Aggregate)
        return Cost(rounds=1, sent_bytes=(given if moves else 0,) * 3, messages=(1,) * 3)

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        costs = tuple(self.operator_cost(operator) for operator in _all(plan.root))
        sent = sum(cost.sent_bytes[0] for cost in costs)
        total = Cost(rounds=len(costs), sent_bytes=(sent,) * 3, messages=(1,) * 3)
        return PlanCost(total=total, operators=costs)


def _bits(operator: Operator) -> int:
    return operator.rows * sum(c.encoding.width for c in operator.columns if c.encoding)


def _all(operator: Operator) -> list[Operator]:
    return [operator, *(inner for child in children(operator) for inner in _all(child))]


@pytest.mark.parametrize("sql", FETCHED)
def test_what_is_only_output_is_fetched(hospital: Any, sql: str) -> None:
    statement = hospital.bound(sql)
    nodes, context = logical_plans(statement, hospital.parties)
    assert fetch_late(nodes[USUAL], context) is not None
    plan = plan_query(
        statement,
        parties=hospital.parties,
        asker=hospital.parties[0],
        pricer=ByWidth(),
        link=LINKS["lan"],
    )
    assert not plan.root.shuffle
    assert hospital.run(plan) == hospital.pooled.execute(sql).fetchall()


@pytest.mark.parametrize("sql", KEPT)
def test_what_is_read_stays(hospital: Any, sql: str) -> None:
    nodes, context = logical_plans(hospital.bound(sql), hospital.parties)
    assert fetch_late(nodes[USUAL], context) is None


@pytest.mark.parametrize("layout", ["vertical", "horizontal"])
def test_tpch_10_carries_a_key(tpch_plans: Any, layout: str) -> None:
    """The customer's strings do not go through the join with lineitem."""
    planner = tpch_plans(layout)
    plan = plan_query(
        planner.bound(TPCH_10),
        parties=planner.parties,
        asker=planner.parties[0],
        pricer=ByWidth(),
        link=LINKS["lan"],
    )
    (top,) = (o for o in _all(plan.root) if isinstance(o, Join) and o.rows == 20)
    assert isinstance(top.probe, Sort)
    grouped = [o for o in _all(plan.root) if isinstance(o, Aggregate)]
    assert grouped
    for one in grouped:
        assert sum(c.encoding.width for c in one.input.columns if c.encoding) <= 64
