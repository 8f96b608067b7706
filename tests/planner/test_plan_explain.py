"""EXPLAIN and EXPLAIN PRIVACY as people read them, against files in golden/.

To accept new texts, run these tests with --accept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golden import compare
from tacit.planner import explain_analyze, explain_plan, explain_privacy
from tacit.planner.cost import LINKS, Cost, Measured

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
QUERIES = (HERE / "spine.sql").read_text().splitlines()
SHOWN = {
    "vertical_q12": ("vertical", QUERIES[5]),
    "vertical_q14": ("vertical", QUERIES[6]),
    "horizontal_q06": ("horizontal", QUERIES[4]),
}


@pytest.mark.parametrize("name", SHOWN)
def test_explain(tpch_plans: Callable[[str], Any], pricer: Any, name: str, accept: bool) -> None:
    layout, sql = SHOWN[name]
    plan = tpch_plans(layout).plan(sql)
    text = explain_plan(plan, pricer.plan_cost(plan), LINKS["lan"])
    compare(GOLDEN / f"{name}.explain", text, accept=accept)


@pytest.mark.parametrize("name", SHOWN)
def test_explain_privacy(tpch_plans: Callable[[str], Any], name: str, accept: bool) -> None:
    layout, sql = SHOWN[name]
    planner = tpch_plans(layout)
    text = explain_privacy(planner.plan(sql), planner.catalog)
    compare(GOLDEN / f"{name}.privacy", text, accept=accept)


def test_analyze_puts_prediction_beside_measurement(
    tpch_plans: Callable[[str], Any], pricer: Any
) -> None:
    plan = tpch_plans("vertical").plan(QUERIES[5])
    predicted = pricer.plan_cost(plan)
    cost = Cost(rounds=221, sent_bytes=(10, 20, 3000), messages=(7, 8, 9))
    measured = Measured(cost=cost, busy_seconds=(0.2, 0.3, 0.25))
    text = explain_analyze(plan, predicted, measured, 1.25, LINKS["lan"])
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["predicted", "measured"]
    assert lines[1] == ["rounds", f"{predicted.total.rounds:,}", "221"]
    assert [line[-1] for line in lines[2:8]] == ["10", "20", "3,000", "7", "8", "9"]
    assert lines[8][0] == "processor"
    assert lines[8][-2:] == ["300", "ms"]
    assert lines[9][:3] == ["time", "on", "lan"]
    assert lines[9][-2:] == ["1.2", "s"]
