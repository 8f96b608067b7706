"""Names, scopes, grouping, ordering, joins and set operations; errors with cures."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from tacit.query.bound import (
    Aggregate,
    BoundDerived,
    BoundJoin,
    BoundTable,
    Call,
    ColumnRef,
    Exists,
    InSubquery,
    Literal,
    Select,
    Statement,
    UnionAll,
)
from tacit.query.datatypes import DATE, TIMESTAMP, DecimalType
from tacit.query.errors import BindError, SqlError
from tacit.query.typerules import unparameterised
from tacit.query.walking import nodes_of

SELECTS = [
    "SELECT * FROM things",
    "SELECT t.*, p.name FROM things t, people AS p",
    'SELECT NUM, Things.Dec AS "Big Name", kind k FROM THINGS',
    "SELECT * EXCLUDE (seen, note) FROM things",
    "SELECT things.num, name FROM things JOIN people USING (id)",
    "SELECT * FROM things JOIN people USING (id, num)",
    "SELECT * FROM things NATURAL JOIN people",
    "SELECT * FROM people NATURAL LEFT JOIN things",
    "SELECT * FROM people NATURAL RIGHT JOIN things",
    "SELECT * FROM people NATURAL FULL JOIN things",
    "SELECT id, things.id, people.id FROM things FULL JOIN people USING (id)",
    "SELECT * FROM things a RIGHT JOIN people b USING (id) FULL JOIN things c USING (id)",
    "SELECT * FROM things a JOIN (things b FULL JOIN people c USING (id)) USING (id)",
    "SELECT * EXCLUDE (id) FROM things FULL JOIN people USING (id)",
    "SELECT id FROM things LEFT JOIN people USING (id)",
    "SELECT t.id, people.* FROM things t LEFT JOIN people ON t.num = people.num AND tiny > 1",
    "SELECT a.num, b.num FROM things a JOIN things b ON a.id = b.id CROSS JOIN codes",
    "SELECT t.id FROM (things t JOIN people p ON t.id = p.id) JOIN codes ON code = kind",
    "SELECT kind, count(*), sum(dec) FROM things GROUP BY kind",
    "SELECT kind AS k, count(*) n FROM things GROUP BY k HAVING n > 1 ORDER BY n DESC, k",
    "SELECT num + 1, max(dec) FROM things GROUP BY 1 ORDER BY 2",
    "SELECT (num + 1) * 2 AS x FROM things GROUP BY num + 1",
    "SELECT kind, num, sum(dec) FROM things GROUP BY ALL",
    "SELECT sum(num) FROM things GROUP BY ALL",
    "SELECT extract(year FROM day) y, avg(dec) FROM things GROUP BY y, kind ORDER BY kind",
    "SELECT sum(dec) FILTER (WHERE num > 0) / count(*) AS mean FROM things HAVING count(*) > 1",
    "SELECT num AS a, a + 1 AS b, b * 2 AS c FROM things WHERE a > 1",
    "SELECT dec AS num FROM things ORDER BY num",
    "SELECT DISTINCT kind, num FROM things ORDER BY num DESC NULLS FIRST, 1",
    "SELECT num FROM things ORDER BY dec, -num LIMIT 2 + 3 OFFSET 1",
    "SELECT num FROM things LIMIT NULL",
    "SELECT 1, 'x' AS y, NULL",
    "SELECT 1 AS one WHERE FALSE",
    "SELECT x.num FROM (SELECT num FROM things) x",
    "SELECT * FROM (SELECT num, num, count(*) FROM things GROUP BY num)",
    "SELECT b FROM (SELECT num, kind FROM things) AS x(a, b)",
    "SELECT * FROM (SELECT num + 1 FROM things) ORDER BY 1",
    "WITH w AS (SELECT num, id FROM things) SELECT a.num, b.id FROM w a, w b WHERE a.num = b.num",
    "WITH v(a) AS (SELECT num FROM things), w AS (SELECT a + 1 AS b FROM v) SELECT * FROM w, v",
    "WITH things AS (SELECT name FROM people) SELECT * FROM things",
    "WITH w AS (SELECT 1 AS a) SELECT * FROM (WITH w AS (SELECT 2 AS b) SELECT * FROM w), w",
    "SELECT num FROM things UNION ALL SELECT dec FROM things",
    "SELECT num, kind FROM things UNION ALL SELECT 1, NULL UNION ALL SELECT big, note FROM things",
    "SELECT day FROM things UNION ALL SELECT seen FROM things ORDER BY day LIMIT 3",
    "SELECT num a FROM things UNION ALL SELECT id FROM people ORDER BY a + 1 DESC",
    "(SELECT num FROM things ORDER BY dec LIMIT 1) UNION ALL SELECT id FROM people",
    "(SELECT num FROM things ORDER BY dec LIMIT 1) LIMIT 2",
    "SELECT NULL UNION ALL SELECT NULL",
    "SELECT num FROM things UNION SELECT big FROM things EXCEPT SELECT id FROM people",
    "SELECT dec FROM things INTERSECT SELECT num FROM things ORDER BY dec LIMIT 2",
    "SELECT num FROM things INTERSECT ALL SELECT dec FROM things EXCEPT ALL SELECT NULL",
    "SELECT DISTINCT ON (kind, num + 1) dec, num AS n FROM things ORDER BY kind, n DESC",
    "SELECT num, kind, count(*), grouping(kind) FROM things GROUP BY ROLLUP (num, kind)",
    "SELECT num + 1 AS n, sum(id) FROM things GROUP BY CUBE (num, kind) HAVING num > 1 ORDER BY n",
    "SELECT * FROM (VALUES (1, 'a'), (2.5, NULL)) AS v(x, y)",
    "VALUES (1, 2)",
    "SELECT num FROM things WHERE EXISTS (SELECT * FROM people WHERE people.id = things.id)",
    "SELECT num FROM things WHERE id NOT IN (SELECT id FROM people WHERE name = kind)",
    "SELECT num FROM things t WHERE id IN (SELECT id FROM people WHERE num IN (SELECT t.num))",
    "SELECT count(*) FROM things WHERE ok",
    "SELECT sum(1)",
]


@pytest.mark.parametrize("text", SELECTS)
def test_result_columns(
    bound: Callable[[str], Statement], twin: duckdb.DuckDBPyConnection, text: str
) -> None:
    """The names and types of DuckDB's result."""
    columns = bound(text).query.columns
    ours = [(column.name.lower(), unparameterised(column.type)) for column in columns]
    described = twin.execute(f"DESCRIBE {text}").fetchall()
    theirs = [
        (row[0].replace('"', "").lower(), row[1].replace('"NULL"', "INTEGER")) for row in described
    ]
    assert ours == theirs


@pytest.mark.parametrize("text", SELECTS)
def test_column_ids(bound: Callable[[str], Statement], text: str) -> None:
    """Every reference names a column that the query knows, with its type and nullability."""
    query = bound(text).query
    known = {}

    def collect(node: object) -> None:
        for name in ("relation", "left", "right", "query"):
            if hasattr(node, name):
                collect(getattr(node, name))
        for part in getattr(node, "inputs", ()):
            collect(part)
        for column in getattr(node, "columns", ()):
            known[column.id] = column
        for expression in nodes_of(getattr(node, "where", None)):
            if isinstance(expression, Exists | InSubquery):
                collect(expression.query)

    collect(query)
    for node in nodes_of(query):
        if isinstance(node, ColumnRef):
            column = known[node.id]
            assert node.type == column.type
            assert column.nullable or not node.nullable or "GROUP BY" in text


@pytest.mark.parametrize(
    ("text", "message", "hint", "marked"),
    [
        ("SELECT nmu FROM things", "there is no column nmu", "did you mean num?", "nmu"),
        ("SELECT t.nmu FROM things t", "no column nmu in t", "did you mean num?", "t.nmu"),
        ("SELECT x.num FROM things", "there is no table x in FROM", "things", "x.num"),
        ("SELECT things.num FROM things t", "no table things", "there is t", "things.num"),
        ("SELECT 1 FROM thigns", "there is no table thigns", "did you mean things?", "thigns"),
        ("SELECT num", "there is no column num", "this query has no FROM", "num"),
        ('SELECT 1 FROM people WHERE name = "Ann"', "no column Ann", "single quotes", '"Ann"'),
        (
            "SELECT id FROM things, people",
            "the name id is ambiguous",
            "things.id or people.id",
            "id",
        ),
        ("SELECT 1 FROM things, things", "things stands twice in FROM", "AS other", "things"),
        ("SELECT num FROM things GROUP BY kind", "num must stand in GROUP BY", "MIN(num)", "num"),
        ("SELECT num, count(*) FROM things", "num must stand in GROUP BY", "add num", "num"),
        ("SELECT kind FROM things GROUP BY kind ORDER BY num", "num must stand", "add num", "num"),
        ("SELECT kind FROM things GROUP BY kind HAVING num > 1", "num must stand", "add", "num"),
        (
            "SELECT 1 FROM things WHERE sum(num) > 1",
            "WHERE cannot hold an aggregate",
            "HAVING",
            "sum(num)",
        ),
        ("SELECT sum(max(num)) FROM things", "cannot stand inside another", None, "max(num)"),
        ("SELECT num FROM things GROUP BY count(*)", "GROUP BY cannot hold", None, "count(*)"),
        ("SELECT num FROM things GROUP BY 2", "GROUP BY 2 is out of range", "1 columns", "2"),
        ("SELECT count(*) FROM things GROUP BY 1", "GROUP BY 1 is an aggregate", None, "1"),
        ("SELECT num FROM things ORDER BY 3", "ORDER BY 3 is out of range", "1 columns", "3"),
        ("SELECT num FROM things ORDER BY 'x'", "ORDER BY a constant", "position", "'x'"),
        ("SELECT num FROM things LIMIT num", "there is no column num", None, "num"),
        ("SELECT num FROM things LIMIT -1", "LIMIT cannot be negative", None, "-1"),
        ("SELECT num FROM things LIMIT 1.5", "LIMIT takes a constant whole number", None, "1.5"),
        ("SELECT num FROM things OFFSET 'a'", "OFFSET takes a constant", None, "'a'"),
        (
            "SELECT num + kind FROM things",
            "+ does not take INTEGER and VARCHAR",
            "||",
            "num + kind",
        ),
        (
            "SELECT 1 FROM things WHERE day > 5",
            "cannot compare DATE and INTEGER",
            "CAST",
            "day > 5",
        ),
        ("SELECT 1 FROM things WHERE num = kind", "cannot compare", "CAST", "num = kind"),
        (
            "SELECT 1 FROM things WHERE day > 'soon'",
            "'soon' is not a value of type DATE",
            "'2025-01-31'",
            "'soon'",
        ),
        ("SELECT 1 FROM things WHERE num = 'a'", "'a' is not a value of type INTEGER", None, "'a'"),
        (
            "SELECT cont(*) FROM things",
            "cont is not an aggregate",
            "did you mean COUNT?",
            "cont(*)",
        ),
        ("SELECT 1 FROM things WHERE kind", "WHERE must be a condition", None, "kind"),
        (
            "SELECT coalesce(num, kind) FROM things",
            "cannot mix INTEGER and VARCHAR",
            "CAST",
            "kind",
        ),
        (
            "SELECT CAST(num AS DATE) FROM things",
            "INTEGER cannot be cast to DATE",
            None,
            "CAST(num AS DATE)",
        ),
        (
            "SELECT CAST('x' AS INTEGER)",
            "'x' is not a value of type INTEGER",
            None,
            "CAST('x' AS INTEGER)",
        ),
        ("SELECT CAST(1 AS INTEGR)", "there is no type integr", "did you mean integer?", "INTEGR"),
        ("SELECT CAST(1 AS DECIMAL(50,2))", "DECIMAL(p, s) needs", None, "DECIMAL(50,2)"),
        (
            "SELECT DATE '2020-13-01'",
            "'2020-13-01' is not a date",
            "YYYY-MM-DD",
            "DATE '2020-13-01'",
        ),
        ("SELECT INTERVAL 'soon'", "this is not an interval", "MONTH", "INTERVAL 'soon'"),
        (
            "SELECT DATE '9999-12-01' + INTERVAL '1' MONTH",
            "leaves the range",
            None,
            "DATE '9999-12-01' + INTERVAL '1' MONTH",
        ),
        ("SELECT 2147483647 + 1", "leaves the range of INTEGER", None, "2147483647 + 1"),
        ("SELECT sum(kind) FROM things", "SUM does not take VARCHAR", "CAST", "sum(kind)"),
        ("SELECT sum(num, 1) FROM things", "SUM takes one argument", None, "sum(num, 1)"),
        ("SELECT count(DISTINCT *) FROM things", "", None, "*"),
        ("SELECT upper(num) FROM things", "upper does not take (INTEGER)", "CAST", "upper(num)"),
        (
            "SELECT upper(kind, 1) FROM things",
            "upper takes 1 arguments, not 2",
            None,
            "upper(kind, 1)",
        ),
        (
            "SELECT extract(yaer FROM day) FROM things",
            "EXTRACT knows no part yaer",
            "year",
            "extract(yaer FROM day)",
        ),
        (
            "SELECT abs(DISTINCT num) FROM things",
            "abs is not an aggregate",
            None,
            "abs(DISTINCT num)",
        ),
        ("SELECT num FROM things UNION ALL SELECT 1, 2", "have 1 and 2 columns", None, None),
        (
            "SELECT num FROM things UNION ALL SELECT kind FROM things",
            "mixes INTEGER and VARCHAR",
            "CAST",
            None,
        ),
        ("SELECT grouping(num) FROM things", "GROUPING needs a GROUP BY", None, "grouping(num)"),
        (
            "SELECT grouping(kind) FROM things GROUP BY ROLLUP (num)",
            "GROUPING takes GROUP BY expressions",
            "GROUP BY",
            "kind",
        ),
        (
            "SELECT 1 FROM things WHERE grouping(num) = 1 GROUP BY CUBE (num)",
            "grouping does not stand here",
            "HAVING",
            "grouping(num)",
        ),
        (
            "SELECT 1 FROM things WHERE id IN (SELECT 1, 2)",
            "gives 2 columns, not one",
            None,
            "SELECT 1, 2",
        ),
        (
            "SELECT 1 FROM (SELECT num FROM things) AS x(a, b)",
            "2 column names for 1 columns",
            None,
            None,
        ),
        ("WITH w AS (SELECT 1), w AS (SELECT 2) SELECT 1", "w is defined twice", None, None),
        ("SELECT 1 FROM things JOIN people USING (kind)", "there is no column kind", None, None),
        ("SELECT 1 FROM things NATURAL JOIN codes", "share no column name", None, "NATURAL JOIN"),
        ("SELECT nobody.things.id FROM things", "there is no table nobody.things", None, None),
        (
            "SELECT 1 FROM registry.things",
            "registry does not own a part",
            "mercy",
            "registry.things",
        ),
        ("SELECT 1 FROM mercy.codes", "the table codes is public", None, "mercy.codes"),
        ("SELECT * EXCLUDE (nothing) FROM things", "no column nothing to exclude", None, None),
        ("SELECT *", "* needs a FROM", None, "*"),
        (
            "SELECT 1 REVEAL TO mery",
            "there is no party mery",
            "did you mean mercy?",
            "REVEAL TO mery",
        ),
        ("VALUES (1), (2, 3)", "the rows of VALUES differ", None, None),
    ],
)
def test_errors(
    bound: Callable[[str], Statement], text: str, message: str, hint: str | None, marked: str | None
) -> None:
    """What is wrong, where, and what to write instead."""
    with pytest.raises(SqlError) as caught:
        bound(text)
    error = caught.value
    if message:
        assert isinstance(error, BindError)
        assert message in error.message
    if hint is not None:
        assert hint in (error.hint or "")
    assert error.text == text
    assert error.span is not None
    if marked is not None:
        assert text[error.span.start : error.span.stop] == marked


def test_owner_parts(select: Callable[[str], Select]) -> None:
    """owner.table is one owner's part; two parts of one table stand side by side."""
    query = select("SELECT mercy.things.num, grace.things.num FROM mercy.things, grace.things")
    assert isinstance(query.relation, BoundJoin)
    left, right = query.relation.left, query.relation.right
    assert isinstance(left, BoundTable)
    assert isinstance(right, BoundTable)
    assert (left.owner, right.owner) == ("mercy", "grace")
    assert [item.id for item in query.items] == [left.columns[3].id, right.columns[3].id]


def test_left_join_makes_the_right_side_nullable(select: Callable[[str], Select]) -> None:
    """In what the join exposes, in items, and not in its own condition."""
    query = select(
        "SELECT p.id, t.id FROM things t LEFT JOIN people p ON t.id = p.id WHERE p.id > 0"
    )
    assert isinstance(query.relation, BoundJoin)
    assert [item.nullable for item in query.items] == [True, False]
    assert query.columns[0].nullable
    assert query.where is not None
    assert query.where.nullable
    assert query.relation.condition is not None
    assert not query.relation.condition.nullable
    assert all(column.nullable for column in query.relation.columns[-3:])


def test_equal_group_expressions_are_equal(select: Callable[[str], Select]) -> None:
    """Items repeat the GROUP BY expression structurally, wherever it stands in the text."""
    query = select("SELECT (num + 1) * 2, sum(dec) FROM things GROUP BY num + 1 HAVING num + 1 > 2")
    item = query.items[0]
    assert isinstance(item, Call)
    assert item.arguments[0] == query.group_by[0]
    assert query.grouped


def test_order_by_refers_to_outputs(select: Callable[[str], Select]) -> None:
    """By alias, position or the same expression; inputs otherwise. NULLs last, as in DuckDB."""
    query = select(
        "SELECT num + 1 AS a, kind FROM things ORDER BY a, 2 DESC, num + 1, dec NULLS FIRST"
    )
    ids = [key.expression.id for key in query.order_by if isinstance(key.expression, ColumnRef)]
    outputs = [column.id for column in query.columns]
    assert ids[:3] == [outputs[0], outputs[1], outputs[0]]
    assert ids[3] not in outputs
    assert [key.descending for key in query.order_by] == [False, True, False, False]
    assert [key.nulls_first for key in query.order_by] == [False, False, False, True]


def test_uses_of_a_common_table_have_columns_of_their_own(select: Callable[[str], Select]) -> None:
    """Two uses hold the same query."""
    query = select("WITH w AS (SELECT num FROM things) SELECT * FROM w a, w b")
    assert isinstance(query.relation, BoundJoin)
    left, right = query.relation.left, query.relation.right
    assert isinstance(left, BoundDerived)
    assert isinstance(right, BoundDerived)
    assert left.query is right.query
    assert len({column.id for column in query.relation.columns}) == 2


def test_correlated_references_use_the_outer_ids(select: Callable[[str], Select]) -> None:
    """A subquery names the outer query's column by its id."""
    query = select("SELECT 1 FROM things t WHERE NOT EXISTS (SELECT 1 FROM people WHERE id = t.id)")
    assert isinstance(query.where, Call)
    (exists,) = query.where.arguments
    assert isinstance(exists, Exists)
    assert query.relation is not None
    inner = exists.query
    assert isinstance(inner, Select)
    used = {node.id for node in nodes_of(inner.where) if isinstance(node, ColumnRef)}
    assert query.relation.columns[0].id in used


def test_dates_compare_as_dates(select: Callable[[str], Select]) -> None:
    """date + interval is a TIMESTAMP when shown, a DATE beside a DATE if it is a midnight."""
    query = select(
        "SELECT day + INTERVAL 1 DAY FROM things WHERE day < DATE '2000-01-01' + INTERVAL 1 YEAR"
    )
    assert query.columns[0].type == TIMESTAMP
    assert isinstance(query.where, Call)
    left, right = query.where.arguments
    assert isinstance(left, ColumnRef)
    assert isinstance(right, Literal)
    assert (right.type, right.value) == (DATE, 11323)


def test_constants_take_the_columns_scale(select: Callable[[str], Select]) -> None:
    """A literal is cast; a column with fewer decimals gets an explicit cast."""
    first = select("SELECT 1 FROM things WHERE dec < 24").where
    assert isinstance(first, Call)
    assert isinstance(first.arguments[0], ColumnRef)
    assert first.arguments[1].type == DecimalType(12, 2)
    second = select("SELECT 1 FROM things WHERE dec = 0.125").where
    assert isinstance(second, Call)
    assert isinstance(second.arguments[0], Call)
    assert second.arguments[0].function == "cast"


def test_between_and_in_and_case_are_lowered(select: Callable[[str], Select]) -> None:
    """BETWEEN is two comparisons, NOT IN the negation of IN, a simple CASE a searched one."""
    where = select("SELECT 1 FROM things WHERE num BETWEEN 1 AND 5 AND kind NOT IN ('c')").where
    assert isinstance(where, Call)
    assert [part.function for part in where.arguments if isinstance(part, Call)] == [
        ">=",
        "<=",
        "not",
    ]
    case = select("SELECT CASE num WHEN 1 THEN 2 END FROM things").items[0]
    assert case.branches[0][0].function == "="


def test_aggregates(select: Callable[[str], Select]) -> None:
    """FILTER stays in the aggregate; nullability follows from keys, filters and arguments."""
    query = select(
        "SELECT kind, sum(tiny), sum(num), sum(tiny) FILTER (WHERE num > 1), count(num), max(tiny)"
        " FROM things GROUP BY kind"
    )
    assert [item.nullable for item in query.items] == [False, False, True, True, False, False]
    assert isinstance(query.items[3], Aggregate)
    assert query.items[3].filter is not None
    whole = select("SELECT sum(tiny), count(*), avg(tiny) FROM things")
    assert [item.nullable for item in whole.items] == [True, False, True]


def test_union_casts_inside_its_inputs(bound: Callable[[str], Statement]) -> None:
    """Every input has the union's types; encodings span all inputs."""
    union = bound("SELECT num FROM things UNION ALL SELECT fine FROM things").query
    assert isinstance(union, UnionAll)
    assert {part.columns[0].type for part in union.inputs} == {union.columns[0].type}
    encoding = union.columns[0].encoding
    assert encoding is not None
    assert (encoding.lo, encoding.hi) == (-1000000, 1000000)


def test_recipients(bound: Callable[[str], Statement]) -> None:
    """Nobody named: the asker (). ALL: every party. Names in any case, in the parties' order."""
    assert bound("SELECT 1").recipients == ()
    assert bound("SELECT 1 REVEAL TO ALL").recipients == ("mercy", "grace", "registry")
    assert bound("SELECT 1 REVEAL TO Registry, MERCY, mercy").recipients == ("mercy", "registry")


def test_explain(bound: Callable[[str], Statement]) -> None:
    """The kind of EXPLAIN, and the exact text of the whole statement."""
    for words, kind in (
        ("", None),
        ("EXPLAIN", "plan"),
        ("explain  privacy", "privacy"),
        ("EXPLAIN ANALYZE", "analyze"),
    ):
        statement = bound(f"{words} SELECT 1".strip())
        assert (statement.explain, statement.text) == (kind, f"{words} SELECT 1".strip())


def test_bound_trees_do_not_see_places(bound: Callable[[str], Statement]) -> None:
    """The same query in another layout is the same query."""
    first = bound("SELECT num, sum(dec) FROM things WHERE ok GROUP BY num").query
    second = bound("select num ,  sum( dec )\nfrom things -- all\nwhere (ok) group by NUM").query
    assert first == second
    assert hash(first) == hash(second)


def test_deep_chains_of_common_tables_do_not_crash(bound: Callable[[str], Statement]) -> None:
    """Neither long chains nor doubling ones."""
    doubling = ", ".join(f"w{i} AS (SELECT * FROM w{i - 1} a, w{i - 1} b)" for i in range(1, 30))
    with pytest.raises(SqlError, match="more than 64 tables"):
        bound(f"WITH w0 AS (SELECT 1 AS a), {doubling} SELECT 1 FROM w29")
    chain = ", ".join(f"w{i} AS (SELECT * FROM w{i - 1})" for i in range(1, 190))
    with pytest.raises(SqlError, match="nested too deeply"):
        bound(f"WITH w0 AS (SELECT 1 AS a), {chain} SELECT 1 FROM w189")
