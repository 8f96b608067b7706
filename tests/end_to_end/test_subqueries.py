"""Subqueries used as values: a second row fails the query, wherever it is found."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.planner.privacy import explain_privacy
from tacit.query.errors import SECOND_ROW, SessionError


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT p.id, (SELECT nights FROM visits) AS nights FROM people p",
        "SELECT p.id, (SELECT d.dose FROM drugs d WHERE d.person_id = p.id) AS dose FROM people p",
        "SELECT p.id FROM people p WHERE p.income > (SELECT cost FROM visits WHERE nights < 5)",
    ],
)
def test_a_second_row_fails_the_query(clinic: Any, sql: str) -> None:
    with pytest.raises(SessionError, match=SECOND_ROW):
        clinic.query(sql)
    with pytest.raises(Exception, match="More than one row returned"):
        clinic.oracle(sql)


def test_a_second_row_at_one_owner_fails_the_query(clinic: Any) -> None:
    """The owner's DuckDB finds it: nothing was shared yet."""
    with pytest.raises(Exception, match=SECOND_ROW):
        clinic.query("SELECT p.id, (SELECT q.income FROM people q) AS income FROM people p")


def test_the_bit_that_opens_is_told(clinic: Any) -> None:
    plan = clinic.plan("SELECT p.id, (SELECT nights FROM visits) AS n FROM people p")
    assert f"one bit: whether {SECOND_ROW}" in explain_privacy(plan, clinic.catalog)
    plan = clinic.plan("SELECT p.id, (SELECT max(dose) FROM drugs) AS dose FROM people p")
    assert "one bit" not in explain_privacy(plan, clinic.catalog)
