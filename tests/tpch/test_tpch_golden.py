"""EXPLAIN and EXPLAIN PRIVACY of all of TPC-H in every layout, against files in golden/.

They show who runs what, which operators with how many rows and bits, and who learns what. The
figures of cost are not in them: they belong to the circuits, and other tests hold them. To accept
new texts:

    pytest tests/tpch/test_tpch_golden.py --accept
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from golden import compare
from in_memory import Federation
from tacit.planner import explain_plan, explain_privacy
from tacit.planner.cost import LINKS, Cost, PlanCost
from tacit.planner.secure import Join, Operator, SecurePlan, children

GOLDEN = Path(__file__).parent / "golden"
SCALE = 0.001


class RowsPricer:
    """Prices an operator by rows and bits, so that no circuit decides what a plan looks like.

    Joins that need no sort cost nothing but their inputs.
    """

    def operator_cost(self, operator: Operator) -> Cost:
        bits = sum(c.encoding.width for c in operator.columns if c.encoding is not None)
        sent = operator.rows * (bits + 1)
        if isinstance(operator, Join) and operator.by != "sort":
            sent = 0
        return Cost(rounds=1, sent_bytes=(sent,) * 3, messages=(1,) * 3)

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        def visit(operator: Operator) -> list[Cost]:
            inner = [cost for child in children(operator) for cost in visit(child)]
            return [*inner, self.operator_cost(operator)]

        costs = tuple(visit(plan.root))
        return PlanCost(total=costs[-1], operators=costs)


def without_costs(text: str) -> str:
    """An explanation without its figures of rounds, bytes and time."""
    text = re.sub(r"  \[[^\]]*per party[^\]]*\]", "", text)
    return "\n".join(line for line in text.splitlines() if not line.startswith("total:"))


def test_a_plan_and_what_it_tells(
    layout: str,
    number: int,
    *,
    tpch_in_memory: Callable[[str, float], Federation],
    tpch_data: ModuleType,
    accept: bool,
) -> None:
    federation = tpch_in_memory(layout, SCALE)
    state = federation.after(federation.preparation)
    before, federation.pricer = federation.pricer, RowsPricer()  # type: ignore[assignment]
    try:
        plan = federation.plan(tpch_data.query_text(number))
    finally:
        federation.pricer = before
    catalog = federation.catalog.with_shared(state.tables)
    cost = RowsPricer().plan_cost(plan)
    explained = without_costs(explain_plan(plan, cost, LINKS["lan"]))
    text = f"{explained}\n\n{explain_privacy(plan, catalog)}"
    compare(GOLDEN / f"{layout}_q{number:02}.txt", text, accept=accept)
