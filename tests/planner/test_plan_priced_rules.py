"""A rule that does not pay everywhere is priced: its plan and the one without it both answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tacit.executor.operators.pricing import DryRunPricer
from tacit.executor.party.compiling import SqlCompiler
from tacit.planner.cost import LINKS
from tacit.planner.memory import every_operator
from tacit.planner.plan import plan_query, plans_in_question
from tacit.planner.secure import Aggregate, Join, SecurePlan
from tacit.query import bind, load_catalog, parse

BY_WARD = (
    "SELECT w.least, count(*) FROM visits v JOIN (SELECT ward, min(admitted) AS least FROM visits "
    "GROUP BY ward) w ON v.ward = w.ward GROUP BY w.least"
)

OWNERS = ("ann", "bea", "cat")
"""ann's rows reference bea's, whose rows reference few of cat's."""

CATALOG = """
CREATE TABLE many (id INTEGER NOT NULL CHECK (id BETWEEN 0 AND 9999)) OWNED BY ann ROWS 10000;
CREATE TABLE middle (id INTEGER UNIQUE NOT NULL CHECK (id BETWEEN 0 AND 9999),
    h INTEGER NOT NULL CHECK (h BETWEEN 0 AND 499)) OWNED BY bea ROWS 10000;
CREATE TABLE few (h INTEGER UNIQUE NOT NULL CHECK (h BETWEEN 0 AND 499),
    z INTEGER NOT NULL CHECK (z BETWEEN 0 AND 65535)) OWNED BY cat ROWS 500;
"""

CHAIN = (
    "SELECT c.h, c.z, count(*) AS n FROM many a JOIN middle b ON a.id = b.id "
    "JOIN few c ON b.h = c.h GROUP BY c.h, c.z"
)


def in_question() -> tuple[list[SecurePlan], list[float], SecurePlan]:
    """The plans of CHAIN, their seconds on `wan`, and the one that is taken."""
    catalog = load_catalog(CATALOG, parties=OWNERS)
    (statement,) = parse(CHAIN)
    link = LINKS["wan"].running("replicated")
    pricer = DryRunPricer(OWNERS, round_worth=link.round_worth(1))
    given = {"parties": OWNERS, "asker": "ann", "pricer": pricer, "link": link}
    bound = bind(statement, catalog, parties=OWNERS, text=CHAIN)
    plans = list(plans_in_question(bound, **given).values())  # type: ignore[arg-type]
    seconds = [link.seconds(pricer.plan_cost(plan).total) for plan in plans]
    return plans, seconds, plan_query(bound, **given)  # type: ignore[arg-type]


def grouped_below_a_join(plan: SecurePlan) -> bool:
    joins = [o for o in every_operator(plan.root) if isinstance(o, Join)]
    return any(isinstance(o, Aggregate) for join in joins for o in every_operator(join))


def test_rows_are_grouped_before_a_join_only_where_that_is_cheaper() -> None:
    """Where owners know the keys of a join it costs little, and its rows may as well be many."""
    plans, seconds, taken = in_question()
    assert [grouped_below_a_join(plan) for plan in plans] == [True, False]
    assert seconds[1] < seconds[0]
    assert taken == plans[1]


@pytest.mark.parametrize("sql", [BY_WARD, BY_WARD.replace("count(*)", "sum(cost), max(cost)")])
def test_all_plans_in_question_give_the_same_answer(hospital: Any, sql: str) -> None:
    plans = plans_in_question(
        hospital.bound(sql),
        parties=hospital.parties,
        asker=hospital.parties[0],
        pricer=DryRunPricer(hospital.parties),
        link=LINKS["loopback"],
    )
    assert len(plans) == 2
    expected = sorted(hospital.pooled.execute(sql).fetchall())
    assert [sorted(hospital.run(plan)) for plan in plans.values()] == [expected, expected]


def test_rejected_plans_are_told() -> None:
    compiler = SqlCompiler(CATALOG, parties=OWNERS, link=LINKS["wan"], public_directory=Path())
    statement = compiler.bind(f"EXPLAIN (ALTERNATIVES) {CHAIN}")
    text = compiler.explain(statement, compiler.plan(statement, "ann"))
    (told,) = (line for line in text.splitlines() if line.startswith("rejected, "))
    assert told.startswith("rejected, as usual: ")
