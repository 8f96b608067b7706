"""What is refused still: before anything runs, with the clause, its place and an alternative."""

from __future__ import annotations

from typing import Any

import pytest
from in_memory import Federation
from tacit.query.errors import UnsupportedError

JOINED = "FROM visits v JOIN people p ON v.person_id = p.id"

REFUSED = [
    # (SQL, what the message names, what is marked)
    ("SELECT id FROM people WITH PRIVACY (epsilon = 1.0)", "WITH PRIVACY", "WITH PRIVACY"),
    ("WITH RECURSIVE w AS (SELECT 1 AS a) SELECT a FROM w", "WITH RECURSIVE", "w AS"),
    ("SELECT 1 FROM people p, LATERAL (SELECT 1) l", "LATERAL", "LATERAL"),
    ("SELECT 1 FROM read_csv('a.csv')", "table functions", "read_csv"),
    ("SELECT 1 FROM people SEMI JOIN visits ON id = person_id", "SEMI JOIN", "SEMI"),
    ("SELECT 1 FROM people ANTI JOIN visits ON id = person_id", "ANTI JOIN", "ANTI"),
    (f"SELECT 1 {JOINED} WHERE (v.nights, p.id) = (1, 2)", "a row of several values", "(v.nights"),
    ("SELECT sum(nights ORDER BY day) FROM visits", "ORDER BY inside an aggregate", "sum(nights"),
    ("SELECT count_if(DISTINCT urgent) FROM visits", "COUNT_IF with DISTINCT", "count_if"),
    ("SELECT avg(day) FROM visits", "AVG of dates", "avg(day)"),
    ("SELECT string_agg(drug, ',') FROM drugs", "the aggregate string_agg", "string_agg"),
    ("SELECT ttest_ind(nights, cost) FROM visits", "the aggregate ttest_ind", "ttest_ind"),
    ("SELECT predict(m, nights) FROM visits", "models are not supported", "predict"),
    ("SELECT TRY_CAST(name AS INTEGER) FROM people", "TRY_CAST", "TRY_CAST"),
    ("SELECT CAST(nights AS REAL) FROM visits", "the type REAL", "REAL"),
    ("SELECT now() FROM visits", "now is not supported", "now()"),
    ("SELECT INTERVAL 1 DAY", "an interval as a result", "INTERVAL"),
    (
        "SELECT sum(nights) OVER (ORDER BY day GROUPS 1 PRECEDING) FROM visits",
        "a GROUPS frame",
        "GROUPS",
    ),
    (
        "SELECT DISTINCT ward FROM visits ORDER BY nights",
        "ORDER BY something that SELECT DISTINCT does not give",
        "nights",
    ),
    ("CREATE MODEL m USING kmeans (k = 3) AS SELECT nights FROM visits", "CREATE MODEL", "CREATE"),
    ("EVALUATE MODEL m ON SELECT 1", "EVALUATE MODEL", "EVALUATE"),
    (f"SELECT sqrt(v.nights + p.id) {JOINED}", "over columns of several owners", "sqrt"),
    ("SELECT sum(sqrt(cost)) FROM visits", "no public bound", "sum(sqrt"),
]


class Untouched:
    """A source that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a refused query reached a source: {name}")


@pytest.mark.parametrize(("sql", "named", "marked"), REFUSED)
def test_a_refusal_says_what_where_and_what_instead(
    clinic: Federation, sql: str, named: str, marked: str
) -> None:
    planner = Federation(clinic.catalog_sql, clinic.data)
    planner.sources = dict.fromkeys(planner.parties, Untouched())  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError) as caught:
        planner.query(sql)
    error = caught.value
    assert named in error.message
    assert error.hint
    assert error.span is not None
    assert sql[error.span.start :].startswith(marked)
    assert "^" in str(error)
