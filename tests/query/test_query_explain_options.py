"""The options of EXPLAIN are read, printed back, and refused where they contradict each other."""

from __future__ import annotations

import pytest
from tacit.query import bind, load_catalog, parse
from tacit.query.errors import SqlError
from tacit.query.printer import format_statement

PARTIES = ("mercy", "grace")
CATALOG = """
CREATE TABLE visits (
    visit BIGINT PRIMARY KEY CHECK (visit BETWEEN 1 AND 4000),
    patient INTEGER CHECK (patient BETWEEN 1 AND 500) REFERENCES patients (patient),
    cost INTEGER CHECK (cost BETWEEN 0 AND 99)
) OWNED BY mercy, grace ROWS 1000;
CREATE TABLE patients (
    patient INTEGER PRIMARY KEY CHECK (patient BETWEEN 1 AND 500),
    area INTEGER CHECK (area BETWEEN 1 AND 20)
) OWNED BY grace ROWS 500;
CREATE TABLE stays (
    patient INTEGER CHECK (patient BETWEEN 1 AND 500) REFERENCES patients (patient),
    number INTEGER CHECK (number BETWEEN 1 AND 3),
    PRIMARY KEY (patient, number)
) OWNED BY grace ROWS 1200;
"""


def bound(sql):
    (statement,) = parse(sql)
    catalog = load_catalog(CATALOG, parties=PARTIES)
    return bind(statement, catalog, parties=PARTIES, text=sql)


def ranges(statement):
    """The greatest encoded values of the columns of the FROM clause, by name."""
    return {c.name: c.encoding.hi for c in statement.query.columns if c.encoding is not None}


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("explain (rows 1e9) select 1", "EXPLAIN (ROWS 1000000000) SELECT 1"),
        (
            "EXPLAIN (ROWS 5, ROWS visits 1_000, NETWORK wan, alternatives) SELECT 1",
            "EXPLAIN (ROWS 5, ROWS visits 1000, NETWORK wan, ALTERNATIVES) SELECT 1",
        ),
        ("EXPLAIN (PRIVACY) SELECT 1", "EXPLAIN PRIVACY SELECT 1"),
        ("EXPLAIN (ANALYZE) SELECT 1", "EXPLAIN ANALYZE SELECT 1"),
        (
            "EXPLAIN (NETWORK lan, PRIVACY) SELECT 1",
            "EXPLAIN (PRIVACY, NETWORK lan) SELECT 1",
        ),
        ("EXPLAIN (SELECT 1)", "EXPLAIN SELECT 1"),
    ],
)
def test_options_are_read_and_printed(written, printed):
    (statement,) = parse(written)
    assert format_statement(statement) == printed
    (again,) = parse(printed)
    assert format_statement(again) == printed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("ROWS", "ROWS takes a whole number"),
        ("ROWS 1.5", "ROWS takes a whole number"),
        ("ROWS 1e10", "ROWS takes a whole number from 1 to 2147483647"),
        ("ROWS 5, ROWS 6", "ROWS is written twice"),
        ("NETWORK", "NETWORK takes a name"),
        ("ALTERNATIVES 3", "ALTERNATIVES takes no value"),
        ("SPEED", "EXPLAIN has no option SPEED"),
        ("ANALYZE, ROWS 5", "ANALYZE runs the query"),
        ("PRIVACY, ANALYZE", "two questions"),
        ("PRIVACY, ALTERNATIVES", "PRIVACY tells nothing of prices"),
        ("ROWS people 5", "there is no table people"),
    ],
)
def test_options_that_say_nothing_sensible_are_refused(options, words):
    with pytest.raises(SqlError, match=words):
        bound(f"EXPLAIN ({options}) SELECT cost FROM visits")


def test_keys_grow_with_the_rows_of_their_tables():
    plain = ranges(bound("SELECT * FROM visits v JOIN patients p ON v.patient = p.patient"))
    grown = bound("EXPLAIN (ROWS 2e6) SELECT * FROM visits v JOIN patients p USING (patient)")
    assert grown.supposed == (("patients", 500_000), ("visits", 2_000_000))
    wide = ranges(grown)
    assert (plain["visit"], plain["patient"]) == (4000, 500)
    assert (wide["visit"], wide["patient"]) == (4_000_000, 500_000)
    assert (wide["cost"], wide["area"]) == (99, 20)


def test_one_table_alone_grows_and_composite_keys_make_room():
    statement = bound("EXPLAIN (ROWS stays 120000) SELECT patient, number FROM stays")
    assert statement.supposed == (("stays", 120_000),)
    widened = ranges(statement)
    assert (widened["patient"], widened["number"]) == (40_000, 3)
