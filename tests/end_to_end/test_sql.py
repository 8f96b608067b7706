"""Every record of tests/sql gives DuckDB's answer on the union of the parties' data."""

from __future__ import annotations

from typing import Any

import pytest


def test_answer_is_duckdbs_and_cost_is_predicted(
    clinic: Any, record: tuple[str, str, bool]
) -> None:
    _, sql, ordered = record
    outcome = clinic.check(sql, ordered=ordered)
    if outcome.predicted.expected:
        for sent, predicted in zip(
            outcome.measured.sent_bytes, outcome.predicted.sent_bytes, strict=True
        ):
            assert sent == pytest.approx(predicted, rel=0.25)
        return
    assert outcome.measured.rounds == outcome.predicted.rounds
    assert outcome.measured.sent_bytes == outcome.predicted.sent_bytes
    assert outcome.measured.messages == outcome.predicted.messages
