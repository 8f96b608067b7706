"""Records of tests/sql where owners may learn which of their keys match: the same answers.

A sample by default. Every record that has such a join:

    pytest -m "slow or not slow" tests/end_to_end/test_revealed.py
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from in_memory import Federation
from records import read_records
from tacit.planner import intersections
from tacit.planner.secure import Intersection, Operator, children

REVEALING = {
    "people": "id, name",
    "drugs": "person_id, drug",
    "readings": "person_id",
    "courses": "patient, slot, drug",
    "empty_table": "id, note",
    "employers": "employer",
}

FILES = str.split(
    "cross dependencies distinct_on grouping_sets having join join_keys left_join many_to_many "
    "not_in partitioned right_full semi_anti set_operations strings strings_shared timestamps "
    "types union using_natural windows windows_frames "
)

SAMPLE = str.split(
    "dependencies-8 distinct_on-7 grouping_sets-18 join-9 join_keys-22 left_join-8 "
    "right_full-3 semi_anti-2 strings-4 timestamps-6 types-9 using_natural-5 "
    "windows-48 "
)

QUESTIONS = [
    pytest.param(r, id=r.name, marks=() if r.name in SAMPLE else pytest.mark.slow)
    for r in read_records()
    if r.kind == "query" and r.file in FILES
]


@pytest.fixture(scope="module")
def revealing_clinic(clinic: Federation) -> Federation:
    catalog = clinic.catalog_sql
    for table, columns in REVEALING.items():
        declared = rf"(CREATE TABLE {table} \(.*?ROWS \d+);"
        clause = rf"\1 REVEALING INTERSECTION ({columns});"
        catalog = re.sub(declared, clause, catalog, count=1, flags=re.DOTALL)
    return Federation(catalog, clinic.data)


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer_is_duckdbs_and_cost_is_predicted(
    revealing_clinic: Federation, question: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the planner may reveal an intersection, it does."""
    monkeypatch.setattr(
        intersections._Revealing,
        "_seconds",
        lambda _, operator: -(isinstance(operator, Intersection) and operator.by == "points"),
    )
    outcome = revealing_clinic.check(question.script, ordered=question.remark == "ordered")
    assert reveals(outcome.plan.root) or question.name not in SAMPLE
    assert outcome.predicted.expected or outcome.measured == outcome.predicted


def reveals(operator: Operator) -> bool:
    return isinstance(operator, Intersection) or any(map(reveals, children(operator)))
