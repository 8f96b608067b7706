"""What does not run says so at planning: by name, with its place, and what to do instead."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.query.errors import UnsupportedError

JOINED = "FROM visits v JOIN patients p ON v.patient_id = p.patient_id"

REFUSALS = [
    ("SELECT count(*) FROM visits a, visits b, labs c", "pairs of rows", "visits b"),
    (
        "SELECT count(*) FROM visits a, visits b JOIN patients p ON b.cost < p.born",
        "pairs of rows",
        "visits b",
    ),
    (f"SELECT sqrt(v.cost + p.born) {JOINED}", "sqrt over columns", "sqrt(v.cost + p.born)"),
    (
        f"SELECT replace(p.name || v.ward, 'a', 'b') {JOINED}",
        "replace over columns",
        "replace(p.name || v.ward, 'a', 'b')",
    ),
    (
        f"SELECT p.name || v.ward LIKE p.name {JOINED}",
        "like over columns",
        "p.name || v.ward LIKE p.name",
    ),
    (
        f"SELECT substring(p.name || v.ward, -2) {JOINED}",
        "substring over columns",
        "substring(p.name || v.ward, -2)",
    ),
    (f"SELECT sin(v.cost + p.born) {JOINED}", "sin over columns", "sin(v.cost + p.born)"),
    (
        "SELECT count(*) FROM patients p WHERE EXISTS (SELECT ward FROM visits v "
        "WHERE v.cost < p.born GROUP BY ward HAVING count(*) > 2)",
        "may be correlated by equalities only",
        "v.cost < p.born",
    ),
    (
        "SELECT (SELECT max(v.cost) FROM labs l LEFT JOIN visits v "
        "ON v.patient_id = l.patient_id AND v.cost < p.born) FROM patients p",
        "not supported at this place of a subquery",
        "v.cost < p.born",
    ),
    (
        "SELECT (SELECT max(cost) FROM visits v WHERE v.cost IS DISTINCT FROM p.born) "
        "FROM patients p",
        "between a value of its own",
        "v.cost IS DISTINCT FROM p.born",
    ),
    (
        "SELECT (born, patient_id) NOT IN (SELECT patient_id, cost FROM visits) FROM patients",
        "may be NULL",
        "(born, patient_id) NOT IN",
    ),
    (
        f"SELECT sum({' * '.join(['p.born'] * 12)} * v.visit_id) {JOINED}",
        "beyond 126 bits",
        "p.born * p.born",
    ),
    (
        "WITH r AS (SELECT value, row_number() OVER (ORDER BY patient_id) AS n FROM labs) "
        "SELECT a.value FROM r a JOIN r b ON a.n = b.n + 1",
        "an order that leaves rows tied",
        "row_number()",
    ),
    (
        "SELECT regexp_replace(name, 'a', 'b') FROM patients",
        "no public bound",
        "regexp_replace(name, 'a', 'b')",
    ),
    ("SELECT sqrt(value) FROM labs", "no public bound", "sqrt(value)"),
    ("SELECT sum(sqrt(cost)) FROM visits", "no public bound", "sum(sqrt(cost))"),
    (
        f"SELECT CAST(avg(v.cost) AS VARCHAR) {JOINED}",
        "of a computed DOUBLE is not supported",
        "CAST(avg(v.cost)",
    ),
    (f"SELECT avg(v.cost) % 2 {JOINED}", "% of a computed DOUBLE", "avg(v.cost) % 2"),
]


@pytest.mark.parametrize(("sql", "message", "place"), REFUSALS)
def test_refusals_name_the_clause_and_its_place(
    hospital: Any, sql: str, message: str, place: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        hospital.plan(sql)
    error = caught.value
    assert message in error.message
    assert error.hint
    assert error.span is not None
    assert sql[error.span.start :].startswith(place)
    assert "^" in str(error)


def test_an_owner_alone_may_do_what_shares_cannot(hospital: Any) -> None:
    assert hospital.check("SELECT count(*) FROM labs a, labs b WHERE a.value < b.value") == 1
    assert hospital.check("SELECT born % 7, length(name) FROM patients ORDER BY patient_id") > 9
