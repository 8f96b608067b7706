"""A small catalog with a column of every type, its twin in DuckDB, and a binder for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import duckdb
import pytest
from tacit.query import bind, load_catalog, parse
from tacit.query.bound import Select, Statement
from tacit.query.catalog import Catalog

PARTIES = ("mercy", "grace", "registry")

CATALOG = """
CREATE TABLE things (
    id   INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 1000),
    tiny TINYINT CHECK (tiny BETWEEN -3 AND 5) NOT NULL,
    big  BIGINT CHECK (big BETWEEN 0 AND 1000000),
    num  INTEGER CHECK (num BETWEEN -100 AND 100),
    dec  DECIMAL(7,2) CHECK (dec BETWEEN -50 AND 99.99) NOT NULL,
    fine DECIMAL(12,4) CHECK (fine BETWEEN 0 AND 2.5),
    dbl  DOUBLE(2) CHECK (dbl BETWEEN -10 AND 10),
    ok   BOOLEAN,
    day  DATE CHECK (day BETWEEN DATE '1999-12-31' AND DATE '2004-02-29') NOT NULL,
    due  DATE CHECK (due BETWEEN DATE '2000-01-01' AND DATE '2001-12-31'),
    seen TIMESTAMP,
    kind VARCHAR(2) CHECK (kind IN ('ab', 'c', 'ä')) NOT NULL,
    note VARCHAR(5)
) OWNED BY mercy, grace ROWS 100;

CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, num INTEGER)
OWNED BY registry ROWS 50;

CREATE PUBLIC TABLE codes (code VARCHAR(3) PRIMARY KEY, label VARCHAR(9)) FROM 'codes.csv' ROWS 9;
"""

TWIN = """
CREATE TABLE things (
    id INTEGER, tiny TINYINT, big BIGINT, num INTEGER, "dec" DECIMAL(7,2), fine DECIMAL(12,4),
    dbl DOUBLE, ok BOOLEAN, "day" DATE, due DATE, seen TIMESTAMP, kind VARCHAR, note VARCHAR
);
CREATE TABLE people (id INTEGER, name VARCHAR, num INTEGER);
CREATE TABLE codes (code VARCHAR, label VARCHAR);
INSERT INTO things VALUES
    (1, -3, 0, -100, -50, 0, -10, true, '1999-12-31', '2000-01-01', '2000-01-01', 'ab', ''),
    (2, 5, 1000000, 100, 99.99, 2.5, 10, false, '2004-02-29', '2001-12-31',
     '2001-02-03 04:05:06', 'ä', 'ab''%_'),
    (3, 0, NULL, NULL, 0, NULL, NULL, NULL, '2000-02-29', NULL, NULL, 'c', NULL),
    (4, 1, 7, -1, 0.01, 1.2345, -0.01, true, '2003-06-15', '2001-06-30',
     '1999-12-31 23:59:59.999999', 'c', 'äb'),
    (5, -1, 999, 42, -0.5, 0.0001, 2.25, false, '2001-01-01', '2000-12-31', '2001-01-01',
     'ab', 'c');
"""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The small catalog."""
    return load_catalog(CATALOG, parties=PARTIES)


@pytest.fixture(scope="session")
def twin() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the catalog's tables and a few rows that reach the bounds."""
    with duckdb.connect() as connection:
        connection.execute(TWIN)
        for setting in ("ieee_floating_point_ops", "error_on_division_by_zero"):
            with suppress(duckdb.CatalogException):  # a setting of newer versions
                connection.execute(f"SET {setting} = false")
        yield connection


@pytest.fixture(scope="session")
def bound(catalog: Catalog) -> Callable[[str], Statement]:
    """Binds a text of one statement."""

    def bind_text(text: str) -> Statement:
        (statement,) = parse(text)
        return bind(statement, catalog, parties=PARTIES, text=text)

    return bind_text


@pytest.fixture(scope="session")
def select(bound: Callable[[str], Statement]) -> Callable[[str], Select]:
    """Binds a text of one SELECT."""

    def bind_select(text: str) -> Select:
        query = bound(text).query
        assert isinstance(query, Select)
        return query

    return bind_select
