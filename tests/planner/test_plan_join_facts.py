"""What a join is known to give: a bound on its rows, and what stays unique."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.planner.build import build, highest_id
from tacit.planner.facts import Analysis
from tacit.planner.known import Facts
from tacit.planner.logical import Ids

# patients: 100 rows, unique on patient_id; staff: 20, unique on staff_id; labs: 60, on lab_id
BOUNDS = [
    ("labs l JOIN patients p ON l.patient_id = p.patient_id", 60),
    ("patients p JOIN labs l ON l.patient_id = p.patient_id", 60),
    ("staff s JOIN patients p ON s.staff_id = p.patient_id", 20),
    ("patients p JOIN staff s ON s.staff_id = p.patient_id", 20),
    ("labs l JOIN labs m ON l.patient_id = m.patient_id", 3600),
    ("labs l LEFT JOIN patients p ON l.patient_id = p.patient_id", 60),
    ("patients p LEFT JOIN labs l ON l.patient_id = p.patient_id", 160),
    ("labs l RIGHT JOIN patients p ON l.patient_id = p.patient_id", 160),
    ("labs l LEFT JOIN labs m ON l.patient_id = m.patient_id", 3600),
    ("labs l FULL JOIN patients p ON l.patient_id = p.patient_id", 160),
    ("patients p FULL JOIN labs l ON l.patient_id = p.patient_id", 160),
    ("labs l FULL JOIN labs m ON l.patient_id = m.patient_id", 3720),
    ("labs l FULL JOIN staff s ON l.patient_id = s.level AND s.staff_id = s.level", 1280),
]


def facts_of(planner: Any, source: str, *columns: str) -> tuple[Facts, frozenset[int]]:
    query = planner.bound(f"SELECT {', '.join(columns or ('1 AS one',))} FROM {source}").query
    node = build(query, Ids(highest_id(query) + 1))
    return Analysis().facts(node), frozenset(node.ids)


@pytest.mark.parametrize(("source", "rows"), BOUNDS)
def test_the_bound_on_the_rows_of_a_join(hospital: Any, source: str, rows: int) -> None:
    assert facts_of(hospital, source)[0].rows == rows


UNIQUE = [
    ("labs l JOIN patients p ON l.patient_id = p.patient_id", "lab_id", True),
    ("labs l JOIN patients p ON l.patient_id = p.patient_id", "p.patient_id", False),
    ("staff s JOIN patients p ON s.staff_id = p.patient_id", "p.patient_id", True),
    ("staff s LEFT JOIN patients p ON s.staff_id = p.patient_id", "staff_id", True),
    ("staff s LEFT JOIN patients p ON s.staff_id = p.patient_id", "p.patient_id", False),
    ("patients p LEFT JOIN labs l ON l.patient_id = p.patient_id", "p.patient_id", False),
    ("labs l FULL JOIN patients p ON l.patient_id = p.patient_id", "lab_id", False),
]


@pytest.mark.parametrize(("source", "column", "unique"), UNIQUE)
def test_what_stays_unique_in_a_join(hospital: Any, source: str, column: str, unique: bool) -> None:
    facts, ids = facts_of(hospital, source, column)
    assert (facts.unique_on(ids) is not None) == unique
