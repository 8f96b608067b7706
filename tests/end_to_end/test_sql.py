"""Every query of tests/sql gives DuckDB's answer on the union of the parties' data; every `error`
is refused."""

from __future__ import annotations

import pytest
from in_memory import Federation
from records import Record
from tacit.query.errors import UserError


def test_answer_is_duckdbs_and_cost_is_predicted(clinic: Federation, record: Record) -> None:
    outcome = clinic.check(record.script, ordered=record.remark == "ordered")
    if outcome.predicted.expected:
        for sent, predicted in zip(
            outcome.measured.sent_bytes, outcome.predicted.sent_bytes, strict=True
        ):
            assert sent == pytest.approx(predicted, rel=0.25)
        return
    assert outcome.measured.rounds == outcome.predicted.rounds
    assert outcome.measured.sent_bytes == outcome.predicted.sent_bytes
    assert outcome.measured.messages == outcome.predicted.messages


def test_a_refusal_says_why(clinic: Federation, error: Record) -> None:
    """At planning, with the text of the record and the place."""
    with pytest.raises(UserError) as caught:
        clinic.plan(error.script)
    assert error.remark in caught.value.message
    assert "^" in str(caught.value)
