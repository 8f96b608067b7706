"""The records of tests/sql under `additive`, between two to five parties, as under `replicated`.

A sample by default. Every record between two and between three parties, and some between more:

    pytest -m "slow or not slow" tests/end_to_end/test_additive.py
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from in_memory import Federation
from records import Record


def text_for(parties: int, sql: str) -> str:
    """A record's text; where there is no carol, what is hers is alice's."""
    return sql.replace("carol", "alice") if parties == 2 else sql


def test_answer_is_duckdbs_and_cost_is_predicted(
    additive_clinics: Callable[[int], Federation], parties: int, record: Record
) -> None:
    """Rounds, bytes and messages, of all and of what is made ahead."""
    sql = text_for(parties, record.script)
    outcome = additive_clinics(parties).check(sql, ordered=record.remark == "ordered")
    assert outcome.ahead == outcome.predicted_ahead
    assert outcome.measured.rounds == outcome.predicted.rounds
    assert outcome.measured.messages == outcome.predicted.messages
    tolerance = 0.05 if outcome.predicted.expected else 0
    sent = pytest.approx(outcome.predicted.sent_bytes, rel=tolerance, abs=0)
    assert outcome.measured.sent_bytes == sent


def test_transcripts_do_not_depend_on_the_rows(
    recorded_pairs: list[Federation], record: Record
) -> None:
    """Kinds and sizes of all frames of both parties, set-up and preparation included."""
    sql = text_for(2, record.script)
    first, second = (clinic.query(sql, sort="radix").transcripts for clinic in recorded_pairs)
    assert all(first)
    assert first == second
