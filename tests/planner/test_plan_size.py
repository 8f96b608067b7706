"""Any SQL may be sent: what would take too long to plan, or too much memory, is refused first."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tacit.query.errors import SessionError, UserError
from tacit.query.parser import parse

LOOK = "SELECT count(*) FROM patients WHERE length({}) > 5"


def chain(start: str, step: str, links: int) -> str:
    """Common table expressions, each over the one before."""
    parts = [f"a0 AS ({start})"]
    parts += [f"a{i} AS (SELECT {step} AS c FROM a{i - 1})" for i in range(1, links + 1)]
    return f"WITH {', '.join(parts)} SELECT count(c) AS n FROM a{links}"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (chain("SELECT cost AS c FROM visits", "c + c", 38), "30,000 terms"),
        (chain("SELECT born AS c FROM patients", "c * c", 38), "30,000 terms"),
        (chain("SELECT name AS c FROM patients", "c || c", 30), "30,000 terms|bytes"),
        (
            chain("SELECT born AS c FROM patients", "CASE WHEN c > 5 THEN c - 1 ELSE c END", 38),
            "30,000 terms",
        ),
        (
            "SELECT count(*) FROM patients WHERE " + " AND ".join(["born <> 7"] * 11_000),
            "30,000 terms",
        ),
        ("SELECT " + ", ".join(["born"] * 1_001) + " FROM patients", "1,001 columns"),
        ("SELECT count(*) FROM " + ", ".join(f"patients p{i}" for i in range(65)), "64 tables"),
        (LOOK.format("repeat(name, 100000000)"), r"up to [\d,]+ bytes .* at most 65,536"),
        (LOOK.format("repeat(name, born * 1000)"), "bytes"),
        (LOOK.format("lpad(name, 1000000, 'x')"), "bytes"),
        (LOOK.format(f"replace(name, 'a', '{'x' * 9_000}')"), "bytes"),
        (LOOK.format(f"regexp_replace(name, '.', '{'x' * 9_000}', 'g')"), "bytes"),
        (LOOK.format(f"name || '{'x' * 70_000}'"), "bytes"),
        (LOOK.format(" || ".join(["repeat(name, 2500)"] * 3)), "bytes"),
        ("SELECT round(sum(cost) / count(*), 1000000000) AS n FROM visits", "round"),
        ("SELECT sum(round(cost, -1000000000)) AS n FROM visits", "round"),
        ("SELECT 1e300 * 1e300 AS n", "range"),
        (f"SELECT {'9' * 5_000} AS n", "308 digits"),
        (f"SELECT cost FROM visits LIMIT {'9' * 5_000}", "308 digits"),
    ],
)
def test_what_would_take_too_much_is_refused_at_once(hospital: Any, sql: str, why: str) -> None:
    began = time.thread_time()
    with pytest.raises(UserError, match=why):
        hospital.plan(sql)
    assert time.thread_time() - began < 10


@pytest.mark.parametrize(
    "sql",
    [
        chain("SELECT cost AS c FROM visits", "c + 1", 30),
        "SELECT count(*) FROM patients WHERE born IN (" + ", ".join(map(str, range(9_000))) + ")",
        LOOK.format("repeat(name, 20)"),
        LOOK.format("lpad(name, 60, ' ') || ', ' || upper(name)"),
        LOOK.format(f"'{'x' * 100_000}'"),
    ],
)
def test_what_people_write_is_planned(hospital: Any, sql: str) -> None:
    assert hospital.plan(sql).root.rows == 1


def test_a_plan_is_admitted_before_it_is_priced(hospital: Any) -> None:
    from tacit.planner import plan_query
    from tacit.planner.cost import LINKS

    class NoPricer:
        def operator_cost(self, operator: object) -> object:
            raise AssertionError("priced before it was admitted")

    def refuse(root: Any) -> None:
        raise SessionError(f"{root.rows} rows")

    with pytest.raises(SessionError, match="rows"):
        plan_query(
            hospital.bound("SELECT patient_id, sum(cost) AS s FROM visits GROUP BY patient_id"),
            parties=hospital.parties,
            asker=hospital.parties[0],
            pricer=NoPricer(),  # type: ignore[arg-type]
            link=LINKS["loopback"],
            admit=refuse,
        )


def test_long_numbers_are_mistakes_of_the_text() -> None:
    with pytest.raises(UserError, match="digits"):
        parse("SELECT " + "1" * 309)
