"""What the language knows and tacit does not run: refused by name, at its place, with a way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tacit.query.bound import Statement
from tacit.query.errors import UnsupportedError

REFUSED = [
    ("SELECT sum(num) OVER (ORDER BY id RANGE 2 PRECEDING) FROM things", "a RANGE frame", None),
    ("SELECT sum(num) OVER (ORDER BY id GROUPS 2 PRECEDING) FROM things", "a GROUPS frame", None),
    (
        "SELECT sum(num) OVER (ORDER BY id ROWS 2 PRECEDING EXCLUDE CURRENT ROW) FROM things",
        "EXCLUDE CURRENT ROW is not supported",
        None,
    ),
    ("SELECT sum(num) OVER (ROWS 2 PRECEDING EXCLUDE TIES) FROM things", "EXCLUDE TIES", None),
    ("SELECT sum(num) OVER (ROWS num PRECEDING) FROM things", "a constant whole number", None),
    ("SELECT lag(num, id) OVER (ORDER BY id) FROM things", "a constant whole number", "id"),
    ("SELECT sum(DISTINCT num) OVER () FROM things", "DISTINCT of a window function", None),
    ("SELECT first_value(num ORDER BY id) OVER () FROM things", "ORDER BY inside the call", None),
    ("SELECT median(num) OVER () FROM things", "median is not supported as a window", None),
    ("SELECT abs(num) OVER () FROM things", "abs is not supported as a window function", None),
    (
        "SELECT 1 FROM things t WHERE id IN (SELECT lag(id) OVER () FROM people WHERE num = t.num)",
        "a window function in a correlated subquery",
        None,
    ),
    (
        "SELECT 1 FROM things GROUP BY CUBE (num, kind, day, note, big, dec, id, fine)",
        "more than 128 grouping sets",
        "CUBE (num, kind, day, note, big, dec, id, fine)",
    ),
    ("SELECT 1 FROM things SEMI JOIN people USING (id)", "SEMI JOIN", "SEMI"),
    ("SELECT 1 FROM things ANTI JOIN people USING (id)", "ANTI JOIN", "ANTI"),
    ("SELECT 1 FROM things WHERE (num, id) = (1, 2)", "a row of several values", "(num, id)"),
    ("SELECT DISTINCT kind FROM things ORDER BY num", "SELECT DISTINCT does not give", "num"),
    ("SELECT 1 FROM things, LATERAL (SELECT 1)", "LATERAL", "LATERAL (SELECT 1)"),
    ("SELECT 1 FROM read_csv('a.csv')", "table functions", "read_csv('a.csv')"),
    ("WITH RECURSIVE w AS (SELECT 1) SELECT 1 FROM w", "WITH RECURSIVE", None),
    ("SELECT stddev_samp(DISTINCT num) FROM things", "with DISTINCT", "stddev_samp(DISTINCT num)"),
    ("SELECT median(day) FROM things", "MEDIAN of dates", "median(day)"),
    ("SELECT median(DISTINCT num) FROM things", "with DISTINCT", None),
    ("SELECT kurtosis(num) FROM things", "the aggregate kurtosis", None),
    ("SELECT ttest_ind(num, dec) FROM things", "the aggregate ttest_ind", None),
    ("SELECT string_agg(kind, ',') FROM things", "the aggregate string_agg", None),
    ("SELECT first(kind) FROM things", "the aggregate first", None),
    ("SELECT every(ok) FROM things", "the aggregate every", None),
    ("SELECT count_if(DISTINCT ok) FROM things", "COUNT_IF with DISTINCT", None),
    ("SELECT quantile_cont(0.5) WITHIN GROUP (ORDER BY num) FROM things", "WITHIN GROUP", None),
    ("SELECT sum(num ORDER BY id) FROM things", "ORDER BY inside an aggregate", None),
    ("SELECT avg(day) FROM things", "AVG of dates", "avg(day)"),
    ("SELECT predict(model, num) FROM things", "models are not supported", None),
    ("SELECT 1 FROM things WHERE day < now()", "now is not supported", "now()"),
    ("SELECT 1 FROM things WHERE day < CURRENT_DATE", "CURRENT_DATE is not", "CURRENT_DATE"),
    ("SELECT nosuch(num) FROM things", "the function nosuch", "nosuch(num)"),
    ("SELECT uper(kind) FROM things", "the function uper", "uper(kind)"),
    ("SELECT TRY_CAST(kind AS INTEGER) FROM things", "TRY_CAST", None),
    ("SELECT CAST(num AS REAL) FROM things", "the type REAL", "REAL"),
    ("SELECT CAST(kind AS TIME) FROM things", "the type TIME", "TIME"),
    ("SELECT seen - seen FROM things", "the difference of timestamps", "seen - seen"),
    ("SELECT day + INTERVAL (num) DAY FROM things", "an interval of varying length", None),
    ("SELECT day + coalesce(INTERVAL 1 DAY, INTERVAL 2 DAY) FROM things", "varying length", None),
    ("SELECT 1 FROM things WHERE INTERVAL 1 DAY < INTERVAL 1 HOUR", "comparing intervals", None),
    ("SELECT INTERVAL 1 DAY", "an interval as a result", "INTERVAL 1 DAY"),
    ("SELECT num FROM things WITH PRIVACY (epsilon = 1.0)", "WITH PRIVACY", None),
    ("CREATE MODEL m USING kmeans (k = 3) AS SELECT num FROM things", "CREATE MODEL", None),
    ("CREATE TABLE t (a INTEGER) OWNED BY mercy ROWS 5", "CREATE TABLE does not run", None),
    ("DROP TABLE things", "DROP TABLE", "DROP TABLE things"),
    ("DROP MODEL m", "DROP MODEL", None),
    ("SHOW TABLES", "SHOW TABLES", "SHOW TABLES"),
    ("SHOW MODEL m", "SHOW MODEL", None),
    ("DESCRIBE things", "DESCRIBE", None),
    ("EVALUATE MODEL m ON SELECT 1", "EVALUATE MODEL", None),
    ("COPY (SELECT 1) TO 'a.parquet'", "COPY", None),
    ("COPY things TO 'a.csv'", "COPY", None),
    ("ATTACH 'a.csv' AS things", "ATTACH", None),
    ("EXPLAIN EXPLAIN SELECT 1", "EXPLAIN of an EXPLAIN", "EXPLAIN SELECT 1"),
    ("EXPLAIN SHOW TABLES", "SHOW TABLES", "SHOW TABLES"),
]


@pytest.mark.parametrize(("text", "name", "marked"), REFUSED)
def test_refused_by_name(
    bound: Callable[[str], Statement], text: str, name: str, marked: str | None
) -> None:
    """The message names the clause, the span marks it, the hint offers an alternative."""
    with pytest.raises(UnsupportedError) as caught:
        bound(text)
    error = caught.value
    assert name in error.message
    assert error.hint
    assert error.span is not None
    assert 0 <= error.span.start < error.span.stop <= len(text)
    if marked is not None:
        assert text[error.span.start : error.span.stop] == marked
    assert "^" in str(error)
