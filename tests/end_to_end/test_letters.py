"""UPPER and LOWER over shares know ASCII alone, and say so instead of answering wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from tacit.query.errors import SessionError

JOINED = "FROM people p JOIN drugs d ON p.id = d.person_id"


def test_a_letter_beyond_ascii_fails_the_query(clinic: Any) -> None:
    with pytest.raises(SessionError, match="ASCII"):
        clinic.query(f"SELECT upper(greatest(p.name, d.drug)) AS u {JOINED}")
    with pytest.raises(SessionError, match="ASCII"):
        clinic.query(f"SELECT count(*) {JOINED} WHERE lower(coalesce(p.name, d.drug)) = 'n1'")
