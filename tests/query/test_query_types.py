"""Types, nullability, ranges, constants and values of random expressions, against DuckDB."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.planner.sql import expression_sql, quoted
from tacit.query.bound import Literal, Select
from tacit.query.datatypes import DecimalType, DoubleType, Encoding, SqlType
from tacit.query.errors import UnsupportedError
from tacit.query.typerules import unparameterised

EPOCH = datetime.datetime(1970, 1, 1)

COLUMNS = {
    "number": ["id", "tiny", "big", "num", "dec", "fine", "dbl"],
    "truth": ["ok"],
    "text": ["kind", "note"],
    "date": ["day", "due"],
}

CONSTANTS = {
    "number": [
        "0",
        "1",
        "7",
        "300",
        "3000000000",
        "0.5",
        "2.50",
        "1.",
        "-2",
        "- 1.25",
        "1e1",
        "2 + 3",
    ],
    "truth": ["TRUE", "FALSE", "NULL", "1 = 1"],
    "text": ["''", "'ab'", "'c'", "'zz'", "NULL"],
    "date": ["DATE '2000-02-29'", "DATE '2001-01-01' - INTERVAL '1' YEAR", "DATE '2003-05-05' + 3"],
}

FORMS = {
    "number": [
        "({number} + {number})", "({number} - {number})", "({number} * {small})",
        "({number} / {divisor})", "({number} // {divisor})", "({number} % {divisor})",
        "(- {number})", "abs({number})", "sign({number})", "round({number}, 1)", "round({number})",
        "floor({number})", "ceil({number})", "greatest({number}, {number})",
        "least({number}, {number}, {number})", "coalesce({number}, {number})",
        "nullif({number}, {number})", "CASE WHEN {truth} THEN {number} ELSE {number} END",
        "CASE {number} WHEN {number} THEN {number} END", "CAST({small} AS DECIMAL(14, 3))",
        "CAST({small} AS BIGINT)", "CAST({truth} AS INTEGER)", "{small}::DOUBLE",
        "extract(year FROM {date})", "extract(dow FROM {date})", "month({date})", "length({text})",
        "({date} - {date})", "round({small}, -1)",
    ],
    "truth": [
        "({number} < {number})", "({number} = {number})", "({number} >= {number})",
        "({text} = {text})", "({text} < {text})", "({date} <= {date})",
        "({date} < {date} + INTERVAL '1' MONTH)", "({truth} AND {truth})", "({truth} OR {truth})",
        "(NOT {truth})", "({number} IS NULL)", "({text} IS NOT NULL)", "({truth} IS NOT TRUE)",
        "({number} IN ({number}, {number}))", "({text} NOT IN ('ab', 'x'))",
        "({number} BETWEEN {number} AND {number})", "({date} NOT BETWEEN {date} AND '2001-05-05')",
        "({number} IS DISTINCT FROM {number})", "({text} LIKE '%b%')", "({text} NOT LIKE 'a_')",
        "({date} > '2000-06-01')", "(seen >= {date})", "(num = '5')",
    ],
    "text": [
        "upper({text})", "trim({text})", "substring({text} FROM 1 FOR 1)", "({text} || {text})",
        "concat({text}, {text})", "CASE WHEN {truth} THEN {text} END", "coalesce({text}, {text})",
        "nullif({text}, {text})", "CAST({date} AS VARCHAR)",
        "CASE WHEN {truth} THEN 'q' ELSE 'rst' END",
    ],
    "date": [
        "({date} + 1)", "CAST({date} AS DATE)", "coalesce({date}, {date})", "least({date}, {date})",
        "CASE WHEN {truth} THEN {date} ELSE {date} END", "CAST({date} - INTERVAL '2' DAY AS DATE)",
    ],
}  # fmt: skip

SMALL = st.sampled_from(["tiny", "num", "dec", "fine", "2", "0.5", "NULL", "1e1", "-1.25"])
DIVISORS = st.sampled_from(["2", "7", "-3", "0.25", "1e1"])


@st.composite
def texts(draw: st.DrawFn, kind: str, depth: int) -> str:
    """The SQL of a random expression of a kind."""
    if kind == "small":
        return draw(SMALL)
    if kind == "divisor":
        return draw(DIVISORS)
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(COLUMNS[kind] + CONSTANTS[kind]))
    form = draw(st.sampled_from(FORMS[kind]))
    result = ""
    for piece in form.split("{"):
        name, closed, rest = piece.partition("}")
        result += draw(texts(name, depth - 1)) + rest if closed else piece
    return result


EXPRESSIONS = st.sampled_from(list(FORMS)).flatmap(lambda kind: texts(kind, 3))


def encoded(value: object, sql_type: SqlType) -> int:
    """The encoded integer of a value that is not a string."""
    match value:
        case bool() | int():
            return int(value)
        case datetime.datetime():
            return (value - EPOCH) // datetime.timedelta(microseconds=1)
        case datetime.date():
            return (value - EPOCH.date()).days
        case Decimal():
            assert isinstance(sql_type, DecimalType)
            return int(value.scaleb(sql_type.scale))
        case float():
            assert isinstance(sql_type, DoubleType)
            assert sql_type.scale is not None
            return round(Decimal(repr(value)).scaleb(sql_type.scale))
    raise AssertionError(value)


def contains(encoding: Encoding, value: object, sql_type: SqlType) -> bool:
    """Whether an encoding holds a value."""
    if isinstance(value, str):
        if encoding.domain is not None:
            return value in encoding.domain
        assert encoding.text_bytes is not None
        return len(value.encode()) <= encoding.text_bytes
    return encoding.lo <= encoded(value, sql_type) <= encoding.hi


NEWEST = {"-2147483648": "BIGINT"}
"""Types that the newest release of DuckDB gives, where releases differ."""


def check(text: str, select: Callable[[str], Select], twin: duckdb.DuckDBPyConnection) -> None:
    """Our binding of an expression against DuckDB's binding and its values."""
    sql = f"SELECT {text} AS x FROM things"
    try:
        described = twin.execute(f"DESCRIBE {sql}").fetchone()
    except duckdb.BinderException:
        return
    assert described is not None
    try:
        bound = select(sql)
    except UnsupportedError:
        return
    (column,), (item,) = bound.columns, bound.items
    theirs = NEWEST.get(text, described[1])
    assert unparameterised(column.type) == ("INTEGER" if theirs == '"NULL"' else theirs)
    try:
        values = [row[0] for row in twin.execute(sql).fetchall()]
    except duckdb.Error:
        return
    assert column.nullable or None not in values
    known = [value for value in values if value is not None]
    if column.encoding is not None and column.encoding.fraction_bits is None:
        assert all(contains(column.encoding, value, column.type) for value in known)
    if isinstance(item, Literal):
        assert all(matches(item, value) for value in values)
    if not bound.grouped:
        assert all(map(same, values, evaluated(bound, twin)))


def evaluated(select: Select, twin: duckdb.DuckDBPyConnection) -> list[object]:
    """The values of the bound expression, as the planner writes it for an owner's DuckDB."""
    assert select.relation is not None
    names = {column.id: quoted(column.name) for column in select.relation.columns}
    text = expression_sql(select.items[0], names)
    return [row[0] for row in twin.execute(f"SELECT {text} FROM things").fetchall()]


def same(first: object, second: object) -> bool:
    """Equality, of floats up to rounding."""
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-12, abs_tol=1e-12)
    return first == second


def matches(literal: Literal, value: object) -> bool:
    """Whether a folded constant is DuckDB's value."""
    if literal.value is None or value is None:
        return literal.value is None and value is None
    if isinstance(value, float):
        assert isinstance(literal.value, float)
        return math.isclose(literal.value, value, rel_tol=1e-12)
    if isinstance(value, str):
        return literal.value == value
    if isinstance(literal.value, Decimal):
        return literal.value == value
    return literal.value == encoded(value, literal.type)


@settings(deadline=None, max_examples=250)
@given(EXPRESSIONS)
def test_random_expressions(
    select: Callable[[str], Select], twin: duckdb.DuckDBPyConnection, text: str
) -> None:
    """DuckDB's type and values; NULL only where nullable; every value within the range."""
    check(text, select, twin)


@pytest.mark.parametrize(
    "text",
    [
        # literals
        "1", "2147483648", "-2147483648", "9223372036854775808", "0.06", ".5", "1.", "00.5",
        "1e3", "'x'", "NULL", "TRUE", "DATE '1992-02-29'", "TIMESTAMP '2020-01-01 10:00'",
        # integers and literals beside them
        "tiny + 1", "tiny + 1000", "tiny + (1 + 1)", "tiny + 3000000000", "tiny + -1",
        "big + num", "tiny // 2", "5 // tiny", "num % 5", "big % tiny", "num / 2", "-tiny",
        "tiny + NULL",
        # decimals
        "1 - dec", "dec * (1 - fine)", "dec * (1 - fine) * (1 + dec)", "dec + 1.50000", "dec * 2",
        "big * dec", "dec + NULL", "dec // 2", "dec % 2", "fine % dec", "dec / 3", "-dec",
        "CAST(dec AS DECIMAL(30,2)) * CAST(dec AS DECIMAL(15,2))",
        "CAST(dec AS DECIMAL(38,2)) + dec", "CAST(dec AS DECIMAL)", "CAST(dec AS DECIMAL(5))",
        # doubles
        "dbl * 2", "dbl + dec", "dbl / 3", "dbl // 2", "dbl % 2",
        # dates
        "day + 1", "1 + day", "day - 1", "day - due", "day + INTERVAL '1' DAY",
        "day - INTERVAL 3 MONTH", "INTERVAL '1' YEAR + day", "seen + INTERVAL (1 + 1) HOUR",
        "day + NULL", "day - NULL", "DATE '1994-01-31' + INTERVAL '1' MONTH",
        "DATE '2000-01-01' + INTERVAL '1 year 2 months -3 days'",
        "TIMESTAMP '2000-01-01 00:00' + INTERVAL '1:30'",
        "DATE '2000-01-01' + INTERVAL '1' DAY * 3", "EXTRACT(epoch FROM day)",
        "date_part('quarter', seen)", "week(day)", "dayofyear(day)", "date_trunc('month', day)",
        "date_trunc('hour', seen)", "last_day(day)", "dayname(day)", "monthname(day)",
        "strftime(day, '%Y')", "make_date(2000, 1, 2)", "datediff('day', due, day)",
        "date_add(day, INTERVAL 1 DAY)", "CAST(seen AS DATE)", "CAST(day AS TIMESTAMP)",
        # casts of constants round as DuckDB does
        "CAST(2.5 AS INTEGER)", "CAST(-2.5 AS INTEGER)", "CAST(3.5::DOUBLE AS INTEGER)",
        "CAST(2.5::DOUBLE AS INTEGER)", "CAST(1.255 AS DECIMAL(5,2))",
        "CAST(-1.255 AS DECIMAL(5,2))", "CAST('1.5' AS INTEGER)",
        "CAST('12.345' AS DECIMAL(5,2))", "CAST(1.50 AS VARCHAR)", "CAST(TRUE AS INTEGER)",
        "CAST(2 AS BOOLEAN)", "CAST('t' AS BOOLEAN)", "CAST(day AS VARCHAR)",
        "CAST('2000-01-01 10:00:00' AS DATE)", "'2000-01-01'::TIMESTAMP", "CAST(7 AS VARCHAR)",
        # choices
        "coalesce(tiny, 1)", "coalesce(tiny, 1000)", "coalesce(dec, 2)", "coalesce(num, dbl)",
        "coalesce(ok, 1)", "coalesce(day, seen)", "coalesce(num, '1')", "coalesce(NULL, NULL)",
        "CASE WHEN ok THEN dec * dec ELSE 0 END", "CASE WHEN ok THEN 1 ELSE 1.50 END",
        "CASE WHEN ok THEN day ELSE '2020-01-01' END", "CASE WHEN num THEN 1 END",
        "CASE kind WHEN 'c' THEN 1.5 WHEN 'ab' THEN 2 ELSE NULL END", "if(ok, 1, 2.5)",
        "greatest(num, dec)", "least(day, '2001-05-01')", "greatest(tiny, 1, NULL)",
        "ifnull(num, 0)", "nullif(num, 1.5)", "nullif(dec, 0)", "nullif(note, 'c')",
        "nullif(num, '1')",
        # comparisons across types
        "num = 1.5", "num < '7'", "day = '2001-01-01'", "seen >= day",
        "day < DATE '2001-01-01' + INTERVAL '1' YEAR", "ok = 1", "num IN (1, 2.5)",
        "day IN ('2001-01-01', DATE '1999-12-31')", "num IN (1, NULL)",
        "num IS DISTINCT FROM 1.5", "ok IS UNKNOWN", "num BETWEEN 1 AND '5'", "note ILIKE 'AB%'",
        "note LIKE 'ab''!%%' ESCAPE '!'", "note SIMILAR TO 'a.*'", "num NOT IN (num, 7)",
        # functions
        "abs(tiny)", "round(dec, 1)", "round(dec)", "round(dec, -1)", "round(125, -1)",
        "round(fine, 6)", "trunc(dec)", "floor(num)", "floor(dec)", "ceiling(dbl)", "sqrt(big)",
        "ln(fine + 1)", "power(2, 3)", "tiny ^ 2", "mod(num, 7)", "sign(dec)", "upper(kind)",
        "length(kind)", "left(kind, 1)", "right(kind, 1)", "lpad(note, 3, '-')",
        "replace(note, 'b', 'x')", "reverse(note)", "repeat(kind, 2)", "position('b' IN note)",
        "strpos(note, 'b')", "trim(BOTH 'a' FROM note)", "ltrim(note)", "starts_with(note, 'a')",
        "contains(note, 'b')", "regexp_matches(note, 'b')", "split_part(note, 'b', 1)",
        "concat(kind, num, NULL)", "concat_ws('-', kind, note)", "kind || num", "note || 'x'",
        "ascii(kind)", "md5(note)", "gcd(num, 6)", "pi()", "levenshtein(kind, note)",
        "translate(kind, 'a', 'b')",
        # aggregates
        "sum(tiny)", "sum(dec)", "sum(dbl)", "sum(ok)", "sum(dec * (1 - fine))", "avg(num)",
        "avg(dec)", "min(dec)", "max(day)", "min(kind)", "max(ok)", "count(*)", "count(num)",
        "count(DISTINCT kind)", "sum(DISTINCT num)", "sum(num) FILTER (WHERE num > 0)",
        "sum(num) / sum(dec)", "sum(num) + 1", "sum(dec) * 1.5", "100.00 * sum(dec) / sum(fine)",
        "sum(NULL)", "min(seen)", "avg(DISTINCT dec)",
    ],
)  # fmt: skip
def test_expressions(
    select: Callable[[str], Select], twin: duckdb.DuckDBPyConnection, text: str
) -> None:
    """The same, for what the language names."""
    check(text, select, twin)
