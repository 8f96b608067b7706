"""Whatever text arrives, the answer is a bound statement or an error of ours, with its place."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tacit.query import bind, format_statement, load_catalog, parse
from tacit.query.catalog import Catalog
from tacit.query.errors import CatalogError, SqlError, SqlSyntaxError

PARTIES = ("mercy", "grace", "registry")

WORDS = str.split(
    """
    SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET UNION ALL DISTINCT AS ON USING JOIN LEFT
    CROSS AND OR NOT IN IS NULL EXISTS BETWEEN LIKE CASE WHEN THEN ELSE END CAST WITH REVEAL TO
    EXPLAIN ( ( ( ) ) ) , , . * * + - / % = < > <> || :: ; 'a' 'ab' '2000-01-01' 1 2.5 0 1e3
    things things people codes t num num dec kind day ok id name tiny fine note seen due count sum
    avg min max coalesce extract year DATE INTERVAL MONTH integer decimal OVER FILTER ROWS mercy
    TIMESTAMP TRUE FALSE substring abs round DESC ASC NULLS LAST VALUES nullif greatest
    """
)

SOUPS = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)

CLAUSES = st.sampled_from(
    [
        "SELECT {e}, {e} FROM things",
        "SELECT kind, {e} FROM things t WHERE {e} GROUP BY kind",
        "SELECT {e} AS a, sum({e}) FROM things, people GROUP BY {e} HAVING {e}",
        "SELECT DISTINCT {e} FROM things ORDER BY {e} DESC LIMIT {e}",
        "SELECT {e} FROM things JOIN people ON {e} WHERE id IN (SELECT {e} FROM codes)",
        "WITH w AS (SELECT {e} AS a FROM things) SELECT {e} FROM w UNION ALL SELECT {e}",
        "SELECT 1 FROM things WHERE EXISTS (SELECT 1 FROM people WHERE {e} AND people.num = {e})",
        "SELECT x.* FROM (SELECT {e}, {e} FROM things) x",
    ]
)

LEAVES = str.split(
    "num dec kind day ok things.id name a 1 2.5 'x' '2000-01-01' NULL TRUE seen 7e2 count(*)"
)
LEAVES += ["DATE '2000-01-01'", "INTERVAL '1' DAY", "INTERVAL 3 MONTH"]

OPERATORS = str.split("+ - * / // % || = < >= <> AND OR")

UNARY = [
    "sum({})", "max({})", "avg({})", "count(DISTINCT {})", "abs({})", "(NOT ({}))", "(- ({}))",
    "upper({})", "extract(month FROM {})", "CAST({} AS DATE)", "CAST({} AS DECIMAL(9,3))",
    "(({}) IS NULL)", "round({}, 1)", "length({})", "CAST({} AS VARCHAR)", "CAST({} AS BOOLEAN)",
    "CASE WHEN {} THEN 1 END", "date_trunc('month', {})", "(({}) IS NOT TRUE)",
    "CAST({} AS INTEGER)", "sum({}) FILTER (WHERE ok)",
]  # fmt: skip

BINARY = [
    "coalesce({}, {})", "greatest({}, {})", "nullif({}, {})", "(({}) IN ({}, 1))",
    "(({}) BETWEEN ({}) AND 9)", "CASE WHEN ok THEN {} ELSE {} END", "(({}) LIKE ({}))",
    "(({}) IS DISTINCT FROM ({}))", "CASE {} WHEN {} THEN 'a' END", "power({}, {})",
    *(f"({{}} {operator} {{}})" for operator in OPERATORS),
]  # fmt: skip

EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda e: st.one_of(
        st.builds(str.format, st.sampled_from(UNARY), e),
        st.builds(str.format, st.sampled_from(BINARY), e, e),
    ),
    max_leaves=5,
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """The text of a query that parses, but need not make sense."""
    text = draw(CLAUSES)
    while "{e}" in text:
        text = text.replace("{e}", draw(EXPRESSIONS), 1)
    return text


def check_error(error: SqlError, text: str) -> None:
    """The error says something, and marks a place of the text."""
    assert error.message
    assert error.span is not None
    assert 0 <= error.span.start < error.span.stop <= len(text) + 1
    assert str(error)


def check_shown(text: str) -> None:
    """The error shows the place."""
    assert "^" in text


@settings(deadline=None, max_examples=250)
@given(SOUPS | st.text(max_size=40))
@example("")
@example("''''")
@example("a.")
@example("SELECT \x00")
@example("SELECT /**/ --")
def test_any_text_parses_or_is_refused(text: str) -> None:
    """Word soups and arbitrary characters."""
    try:
        statements = parse(text)
    except SqlSyntaxError as error:
        check_error(error, text)
    else:
        for statement in statements:
            assert parse(format_statement(statement)) == (statement,)


@settings(deadline=None, max_examples=250)
@given(queries())
def test_any_query_binds_or_is_refused(catalog: Catalog, text: str) -> None:
    """Queries of mismatching types and misplaced aggregates."""
    (statement,) = parse(text)
    try:
        bind(statement, catalog, parties=PARTIES, text=text)
    except SqlError as error:
        check_error(error, text)


@settings(deadline=None, max_examples=100)
@given(EXPRESSIONS)
def test_any_check_bounds_or_is_refused(expression: str) -> None:
    """A CHECK of anything."""
    text = (
        "CREATE TABLE things (id INTEGER, num INTEGER, dec DECIMAL(5,2), day DATE, kind TEXT, "
        f"ok BOOLEAN, seen TIMESTAMP CHECK ({expression})) OWNED BY mercy ROWS 9"
    )
    try:
        load_catalog(text, parties=PARTIES)
    except CatalogError as error:
        check_shown(str(error))


def test_errors_know_their_text() -> None:
    """Also for the second statement of a text."""
    text = "SELECT 1;\nSELECT nothing FROM things"
    second = parse(text)[1]
    with pytest.raises(SqlError, match="line 2: SELECT nothing FROM things"):
        bind(second, Catalog(), parties=PARTIES, text=text)
