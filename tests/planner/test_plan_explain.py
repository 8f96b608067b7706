"""EXPLAIN and EXPLAIN PRIVACY as people read them, against files in golden/.

To accept new texts, delete the file under golden/ and run the test once: it writes it and fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tacit.planner import explain_analyze, explain_plan, explain_privacy
from tacit.planner.cost import LINKS, Cost

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
QUERIES = (HERE / "spine.sql").read_text().splitlines()
SHOWN = {
    "vertical_q12": ("vertical", QUERIES[5]),
    "vertical_q14": ("vertical", QUERIES[6]),
    "horizontal_q06": ("horizontal", QUERIES[4]),
}


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    text = re.sub(r"\b[0-9a-f]{16}\b", "DIGEST", text)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
        pytest.fail(f"{path.name} was missing and has been written: look at it")
    assert text + "\n" == path.read_text()


@pytest.mark.parametrize("name", SHOWN)
def test_explain(tpch_plans: Callable[[str], Any], pricer: Any, name: str) -> None:
    layout, sql = SHOWN[name]
    plan = tpch_plans(layout).plan(sql)
    compare(f"{name}.explain", explain_plan(plan, pricer.plan_cost(plan), LINKS["lan"]))


@pytest.mark.parametrize("name", SHOWN)
def test_explain_privacy(tpch_plans: Callable[[str], Any], name: str) -> None:
    layout, sql = SHOWN[name]
    planner = tpch_plans(layout)
    compare(f"{name}.privacy", explain_privacy(planner.plan(sql), planner.catalog))


def test_analyze_puts_prediction_beside_measurement(
    tpch_plans: Callable[[str], Any], pricer: Any
) -> None:
    plan = tpch_plans("vertical").plan(QUERIES[5])
    predicted = pricer.plan_cost(plan)
    measured = Cost(rounds=221, sent_bytes=(10, 20, 3000), messages=(7, 8, 9))
    text = explain_analyze(plan, predicted, measured, 1.25)
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["predicted", "measured"]
    assert lines[1] == ["rounds", f"{predicted.total.rounds:,}", "221"]
    assert lines[6][-1] == "9" or "3,000" in text
    assert "time: 1.2 s" in text
