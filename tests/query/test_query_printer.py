"""Printing a syntax tree and parsing the text gives the tree again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.query import format_statement, parse, syntax

EXAMPLES = Path(__file__).parents[2] / "examples"

NAMES = st.one_of(
    st.sampled_from(["a", "b_1", "Größe", "T", "x9"]),
    st.sampled_from(["select", "date", "rows", "year", "filter", "all", "interval", "left", "to"]),
    st.sampled_from(["two words", 'quo"te', "1st", "a.b", "é-è"]),
)
WORDS = st.sampled_from(["sum", "count", "f", "coalesce", "date_trunc", "substring", "left", "Mod"])
TEXTS = st.sampled_from(["", "a", "it's", "--", "/*", '"', "ä\n;"])
NUMBERS = st.sampled_from(["0", "7", "0.50", ".5", "3.", "1e5", "2.5E-3", "99999999999999999999"])
UNITS = st.sampled_from(["year", "month", "day", "hour", "second", None])
PARTS = st.sampled_from(["year", "dow", "epoch", "select"])


def opaque(strategy: st.SearchStrategy) -> st.SearchStrategy:
    """The same strategy with a short repr: nested ones grow beyond what Hypothesis prints."""

    @st.composite
    def drawn(draw: st.DrawFn) -> object:
        return draw(strategy)

    return drawn()


def tuples(elements: st.SearchStrategy[object], low: int = 1, high: int = 2) -> st.SearchStrategy:
    return st.lists(elements, min_size=low, max_size=high).map(tuple)


TYPES = st.builds(
    syntax.TypeName,
    name=st.sampled_from(["integer", "decimal", "varchar", "double", "date", "interval"]),
    parameters=st.sampled_from([(), (5,), (12, 2)]),
)

LEAVES = opaque(
    st.one_of(
        st.builds(syntax.ColumnName, parts=tuples(NAMES, 1, 3)),
        st.builds(syntax.Number, text=NUMBERS),
        st.builds(syntax.Text, value=TEXTS),
        st.builds(syntax.Boolean, value=st.booleans()),
        st.builds(syntax.Null),
        st.builds(syntax.Moment, type=st.sampled_from(["date", "timestamp"]), text=TEXTS),
        st.builds(syntax.Interval, amount=st.builds(syntax.Text, value=TEXTS), unit=UNITS),
        st.builds(
            syntax.Interval,
            amount=st.builds(syntax.Number, text=NUMBERS),
            unit=st.sampled_from(["day", "month"]),
        ),
    )
)


def order_keys(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        syntax.OrderKey,
        expression=inner,
        descending=st.sampled_from([None, True, False]),
        nulls_first=st.sampled_from([None, True, False]),
    )


def windows(inner: st.SearchStrategy) -> st.SearchStrategy:
    bounds = st.one_of(
        st.sampled_from(["unbounded preceding", "unbounded following", "current row"]).map(
            lambda kind: syntax.FrameBound(kind=kind)
        ),
        st.builds(
            syntax.FrameBound, kind=st.sampled_from(["preceding", "following"]), offset=inner
        ),
    )
    frames = st.builds(
        syntax.Frame,
        unit=st.sampled_from(["rows", "range", "groups"]),
        start=bounds,
        stop=st.none() | bounds,
        exclusion=st.sampled_from([None, "current row", "group", "ties", "no others"]),
    )
    return st.builds(
        syntax.Window,
        partition_by=tuples(inner, 0),
        order_by=tuples(order_keys(inner), 0),
        frame=st.none() | frames,
        base=st.none() | NAMES,
    )


def calls(inner: st.SearchStrategy) -> st.SearchStrategy:
    ordinary = st.builds(
        syntax.Call,
        name=WORDS,
        arguments=tuples(inner),
        distinct=st.booleans(),
        order_by=tuples(order_keys(inner), 0, 1),
        filter=st.none() | inner,
        within_group=tuples(order_keys(inner), 0, 1),
        window=st.none() | NAMES | windows(inner),
    )
    return ordinary | st.builds(syntax.Call, name=WORDS, arguments=st.just(()), star=st.booleans())


def queries(inner: st.SearchStrategy, depth: int = 1) -> st.SearchStrategy:
    """Queries over given expressions; bodies nest `depth` levels."""
    nested = opaque(queries(inner, depth - 1)) if depth else None
    alias = st.none() | st.builds(syntax.Alias, name=NAMES, columns=tuples(NAMES, 0))
    sources = st.one_of(
        st.builds(syntax.TableName, parts=tuples(NAMES), alias=alias),
        st.builds(syntax.TableFunction, name=WORDS, arguments=tuples(inner, 0), alias=alias),
        *(
            [st.builds(syntax.Derived, query=nested, alias=alias, lateral=st.booleans())]
            if nested is not None
            else []
        ),
    )
    sources = st.recursive(sources, joins, max_leaves=3)
    star = st.builds(syntax.Star, table=tuples(NAMES, 0), excluded=tuples(NAMES, 0))
    items = st.builds(syntax.Item, expression=inner, alias=st.none() | NAMES)
    groups = inner | st.builds(
        syntax.GroupingSets,
        kind=st.sampled_from(["rollup", "cube"]),
        items=tuples(inner),
    )
    sets = st.builds(
        syntax.GroupingSets, kind=st.just("grouping sets"), items=tuples(groups | st.none())
    )
    select = st.builds(
        syntax.Select,
        items=tuples(items | st.builds(syntax.Item, expression=star)),
        sources=tuples(sources, 0),
        where=st.none() | inner,
        group_by=st.none() | tuples(groups | sets, 0),
        having=st.none() | inner,
        windows=tuples(st.builds(syntax.NamedWindow, name=NAMES, window=windows(inner)), 0, 1),
        qualify=st.none() | inner,
        distinct=st.booleans(),
    )
    bodies = select | st.builds(syntax.Values, rows=tuples(tuples(inner)))
    bodies = st.recursive(
        bodies,
        lambda below: st.builds(
            syntax.SetOperation,
            operator=st.sampled_from(["union", "except", "intersect"]),
            all=st.booleans(),
            left=below,
            right=below,
        ),
        max_leaves=3,
    )
    tables = (
        st.just(())
        if nested is None
        else tuples(
            st.builds(syntax.CommonTable, name=NAMES, columns=tuples(NAMES, 0), query=nested), 0, 1
        )
    )
    if nested is not None:
        bodies |= nested.filter(lambda query: not query.is_plain)
    return st.builds(
        lambda recursive, **parts: syntax.Query(
            recursive=recursive and bool(parts["common_tables"]), **parts
        ),
        recursive=st.booleans(),
        body=bodies,
        common_tables=tables,
        order_by=tuples(order_keys(inner), 0),
        limit=st.none() | inner,
        offset=st.none() | inner,
    ).map(
        lambda query: (
            query.body if isinstance(query.body, syntax.Query) and query.is_plain else query
        )
    )


def joins(below: st.SearchStrategy) -> st.SearchStrategy:
    kinds = st.sampled_from(["inner", "left", "right", "full", "semi", "anti"])
    return st.one_of(
        st.builds(syntax.Join, kind=st.just("cross"), left=below, right=below),
        st.builds(syntax.Join, kind=kinds, left=below, right=below, using=tuples(NAMES)),
        st.builds(syntax.Join, kind=kinds, left=below, right=below, natural=st.just(True)),
        st.builds(syntax.Join, kind=kinds, left=below, right=below, condition=LEAVES),
    )


def operators(below: st.SearchStrategy) -> st.SearchStrategy:
    flags = st.booleans()
    binary = [
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "||",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "^",
    ]
    return st.one_of(
        st.builds(syntax.Unary, operator=st.sampled_from(["not", "-", "+"]), operand=below),
        st.builds(syntax.Binary, operator=st.sampled_from(binary), left=below, right=below),
        st.builds(
            syntax.Junction, operator=st.sampled_from(["or", "and"]), operands=tuples(below, 2, 3)
        ),
        st.builds(
            syntax.IsTest,
            operand=below,
            test=st.sampled_from(["null", "true", "false", "unknown"]),
            negated=flags,
        ),
        st.builds(syntax.IsDistinct, left=below, right=below, negated=flags),
        st.builds(syntax.Between, operand=below, low=below, high=below, negated=flags),
        st.builds(syntax.InList, operand=below, items=tuples(below), negated=flags),
        st.builds(
            syntax.Like,
            operand=below,
            pattern=below,
            kind=st.sampled_from(["like", "ilike", "similar"]),
            escape=st.none() | below,
            negated=flags,
        ),
        st.builds(
            syntax.Case,
            operand=st.none() | below,
            branches=tuples(st.tuples(below, below)),
            otherwise=st.none() | below,
        ),
        st.builds(syntax.Cast, operand=below, type=TYPES, safe=flags),
        st.builds(syntax.Extract, part=PARTS, operand=below),
        st.builds(syntax.Row, items=tuples(below, 2, 3)),
        calls(below),
    )


EXPRESSIONS = opaque(st.recursive(LEAVES, operators, max_leaves=6))

SMALL_QUERIES = opaque(queries(LEAVES, 0))

SUBQUERIES = st.one_of(
    st.builds(syntax.Exists, query=SMALL_QUERIES),
    st.builds(syntax.Subquery, query=SMALL_QUERIES),
    st.builds(syntax.InQuery, operand=EXPRESSIONS, query=SMALL_QUERIES, negated=st.booleans()),
    st.builds(
        syntax.Quantified,
        left=EXPRESSIONS,
        operator=st.sampled_from(["=", "<"]),
        quantity=st.sampled_from(["any", "all"]),
        query=SMALL_QUERIES,
    ),
)

OPTIONS = tuples(st.builds(syntax.Option, name=NAMES, value=LEAVES))

COPY_OPTIONS = tuples(
    st.builds(
        syntax.Option,
        name=NAMES,
        value=st.builds(syntax.Text, value=TEXTS) | st.builds(syntax.Boolean, value=st.booleans()),
    ),
    0,
)

QUERY_STATEMENTS = st.builds(
    syntax.QueryStatement,
    query=opaque(queries(opaque(st.recursive(LEAVES, operators, max_leaves=2)))),
    recipients=st.none() | tuples(NAMES, 0),
    privacy=st.none() | OPTIONS,
)

COLUMN_CONSTRAINTS = st.one_of(
    st.sampled_from(["not_null", "may_be_null", "primary_key", "unique"]).map(
        lambda kind: syntax.ColumnConstraint(kind=kind)
    ),
    st.builds(syntax.ColumnConstraint, kind=st.just("check"), expression=EXPRESSIONS),
    st.builds(
        syntax.ColumnConstraint, kind=st.just("references"), table=NAMES, columns=tuples(NAMES, 0)
    ),
)

TABLE_CONSTRAINTS = st.one_of(
    st.builds(
        syntax.TableConstraint,
        kind=st.sampled_from(["primary_key", "unique"]),
        columns=tuples(NAMES),
    ),
    st.builds(syntax.TableConstraint, kind=st.just("check"), expression=EXPRESSIONS),
    st.builds(
        syntax.TableConstraint,
        kind=st.just("foreign_key"),
        columns=tuples(NAMES),
        table=NAMES,
        referenced=tuples(NAMES, 0),
    ),
)

TABLE_ELEMENTS = tuples(
    st.builds(
        syntax.ColumnDeclaration,
        name=NAMES,
        type=TYPES,
        constraints=tuples(COLUMN_CONSTRAINTS, 0, 3),
    )
    | TABLE_CONSTRAINTS
)

ROWS = st.none() | st.integers(0, 10**6)

STATEMENTS = st.one_of(
    QUERY_STATEMENTS,
    st.builds(
        syntax.Explain,
        kind=st.sampled_from(["plan", "privacy", "analyze"]),
        statement=QUERY_STATEMENTS,
    ),
    st.builds(
        syntax.CreateTable,
        name=NAMES,
        elements=TABLE_ELEMENTS,
        owners=tuples(NAMES, 0),
        rows=ROWS,
        revealing=tuples(NAMES, 0),
    ),
    st.builds(syntax.CreateTable, name=NAMES, elements=TABLE_ELEMENTS, file=TEXTS, rows=ROWS),
    st.builds(
        syntax.CreateSharedTable, name=NAMES, query=SMALL_QUERIES, if_not_exists=st.booleans()
    ),
    st.builds(syntax.CreateSharedTable, name=NAMES, query=SMALL_QUERIES, replace=st.booleans()),
    st.builds(
        syntax.CreateModel,
        name=NAMES,
        algorithm=NAMES,
        options=OPTIONS,
        query=st.builds(syntax.QueryStatement, query=SMALL_QUERIES),
    ),
    st.builds(syntax.Drop, what=st.just("table"), name=NAMES, if_exists=st.booleans()),
    st.builds(syntax.Drop, what=st.just("model"), name=NAMES),
    st.builds(syntax.Show, model=st.none() | NAMES),
    st.builds(syntax.Describe, parts=tuples(NAMES)),
    st.builds(syntax.Evaluate, model=NAMES, query=st.none() | SMALL_QUERIES),
    st.builds(syntax.Copy, source=NAMES, file=TEXTS, options=COPY_OPTIONS),
    st.builds(
        syntax.Copy,
        source=SMALL_QUERIES,
        file=TEXTS,
        recipients=st.none() | st.just(()) | tuples(NAMES),
        options=COPY_OPTIONS,
    ),
    st.builds(syntax.Attach, file=TEXTS, table=NAMES),
)


def reparsed(text: str) -> syntax.Statement:
    """The one statement of a text, which knows that text."""
    (statement,) = parse(text)
    assert statement.text == text
    return statement


@settings(deadline=None, max_examples=100)
@given(STATEMENTS)
def test_statements_survive_printing(statement: syntax.Statement) -> None:
    """print, then parse: the identity."""
    assert reparsed(format_statement(statement)) == statement


@settings(deadline=None, max_examples=150)
@given(EXPRESSIONS | SUBQUERIES)
def test_expressions_survive_printing(expression: syntax.Expression) -> None:
    """Parentheses stand where the tree needs them."""
    select = syntax.Select(items=(syntax.Item(expression=expression),))
    statement = syntax.QueryStatement(query=syntax.Query(body=select))
    assert reparsed(format_statement(statement)) == statement


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.sql")), ids=lambda path: path.stem)
def test_examples_survive_printing(path: Path) -> None:
    """parse, print, parse: the same tree, and the printed text is stable."""
    for statement in parse(path.read_text(encoding="utf-8")):
        text = format_statement(statement)
        assert reparsed(text) == statement
        assert format_statement(reparsed(text)) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("select 1", "SELECT 1"),
        ("SELECT (a + b) * c - (d - (e))", "SELECT (a + b) * c - (d - e)"),
        ("select - -1, -(-x), +a", "SELECT - -1, - -x, +a"),
        ("select not (a = 1 and b) or c", "SELECT NOT (a = 1 AND b) OR c"),
        ("select a != 1, b == 2, c ** 2", "SELECT a <> 1, b = 2, c ^ 2"),
        ("select x::decimal(5,2)", "SELECT CAST(x AS DECIMAL(5, 2))"),
        ("select a x from t u", "SELECT a AS x FROM t AS u"),
        ("select substring(a from 1 for 2)", 'SELECT "substring"(a, 1, 2)'),
        ("select trim(leading 'x' from a)", "SELECT ltrim(a, 'x')"),
        ("((select 1))", "SELECT 1"),
        ("(select 1) union all (select 2)", "SELECT 1 UNION ALL SELECT 2"),
        (
            "(select 1 union select 2) intersect select 3",
            "(SELECT 1 UNION SELECT 2) INTERSECT SELECT 3",
        ),
        ("(select a limit 1) limit 2", "(SELECT a LIMIT 1) LIMIT 2"),
        ("select a offset 1 limit 2", "SELECT a LIMIT 2 OFFSET 1"),
        ("select a limit all", "SELECT a"),
        ('select "A b", "select" from "t"', 'SELECT "A b", "select" FROM t'),
        ("select a reveal to mercy, grace", "SELECT a REVEAL TO mercy, grace"),
        ("select a from t reveal to all", "SELECT a FROM t REVEAL TO ALL"),
        (
            "select date '2020-01-01' - interval '90' days",
            "SELECT DATE '2020-01-01' - INTERVAL '90' DAY",
        ),
        (
            "select a from (b join c on d) left outer join e using (f)",
            "SELECT a FROM b JOIN c ON d LEFT JOIN e USING (f)",
        ),
        ("select a from b join (c join d on e) on f", "SELECT a FROM b JOIN (c JOIN d ON e) ON f"),
    ],
)
def test_canonical_text(text: str, printed: str) -> None:
    """What the canonical text looks like."""
    (statement,) = parse(text)
    assert format_statement(statement) == printed
