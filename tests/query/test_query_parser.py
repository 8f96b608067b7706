"""Text to syntax: names and keywords, places, mistakes and their cures."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tacit.query import parse, syntax
from tacit.query.errors import Span, SqlSyntaxError

QUERIES = sorted((Path(__file__).parents[2] / "examples" / "tpch").glob("q*.sql"))


def the_select(text: str) -> syntax.Select:
    """The SELECT block of a text with one query."""
    (statement,) = parse(text)
    assert isinstance(statement, syntax.QueryStatement)
    assert isinstance(statement.query.body, syntax.Select)
    return statement.query.body


def the_item(text: str) -> syntax.Expression:
    """The first expression of a select list."""
    return the_select(f"SELECT {text}").items[0].expression


def test_statements_know_their_text_and_place() -> None:
    """Each statement has its exact text, without the semicolon and what surrounds it."""
    text = "-- first\nselect 1 ;\n\n/* second */ explain select 'a;b' -- end\n;;"
    first, second = parse(text)
    assert first.text == "select 1"
    assert second.text == "explain select 'a;b'"
    assert text[second.span.start : second.span.stop] == second.text


def test_no_statement() -> None:
    """Nothing, spaces and comments are no statement."""
    assert parse("") == parse(" -- nothing\n ; ;") == ()


def test_spans_mark_expressions() -> None:
    """A span covers its expression, parentheses around operands included."""
    text = "SELECT (a + b) * c, sum(x)  FILTER (WHERE y) FROM t"
    first, second = (item.expression for item in the_select(text).items)
    assert text[first.span.start : first.span.stop] == "(a + b) * c"
    assert text[second.span.start : second.span.stop] == "sum(x)  FILTER (WHERE y)"


@pytest.mark.parametrize(
    "word", str.split("date rows filter year privacy model public first key over tables trim row")
)
def test_unreserved_words_are_names(word: str) -> None:
    """Columns, aliases and tables may have the names of most keywords."""
    select = the_select(f"SELECT {word}, t.{word}, {word} AS {word} FROM {word} WHERE {word} > 1")
    assert [item.expression.parts[-1] for item in select.items] == [word] * 3
    assert select.items[2].alias == word
    assert select.sources[0].parts == (word,)


def test_reserved_words_are_names_in_quotes_and_behind_as() -> None:
    """As in DuckDB."""
    select = the_select('SELECT a AS select, t.from, "where" FROM t')
    assert select.items[0].alias == "select"
    assert select.items[1].expression.parts == ("t", "from")
    assert select.items[2].expression.parts == ("where",)


def test_functions_with_keyword_names() -> None:
    """LEFT and RIGHT are functions before a parenthesis, DATE is a name but before a string."""
    assert isinstance(the_item("left(a, 2)"), syntax.Call)
    assert isinstance(the_item("date"), syntax.ColumnName)
    assert isinstance(the_item("date '2020-01-01'"), syntax.Moment)
    assert isinstance(the_item("interval + 1"), syntax.Binary)
    assert isinstance(the_item("filter(a)"), syntax.Call)
    assert isinstance(the_item("count(*) filter"), syntax.Call)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and not c = d", "(a or (b and (not (c = d))))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("-a ^ b", "((- a) ^ b)"),
        ("a || b + c", "(a || (b + c))"),
        ("a < b + c and d", "((a < (b + c)) and d)"),
        ("a between b and c and d", "((a between b c) and d)"),
        ("a in (b, c) = d", "((a in b c) = d)"),
        ("a = b is null", "((a = b) is null)"),
        ("not a is null", "(not (a is null))"),
        ("-a::integer", "(- (a as integer))"),
        ("a // b % c", "((a // b) % c)"),
    ],
)
def test_precedence(text: str, tree: str) -> None:
    """Operators bind as in DuckDB."""

    def show(node: object) -> str:
        match node:
            case syntax.ColumnName(parts=parts):
                return ".".join(parts)
            case syntax.Unary(operator=operator, operand=operand):
                return f"({operator} {show(operand)})"
            case syntax.Junction(operator=operator, operands=operands):
                return f"({f' {operator} '.join(map(show, operands))})"
            case syntax.Binary(operator=operator, left=left, right=right):
                return f"({show(left)} {operator} {show(right)})"
            case syntax.Between(operand=operand, low=low, high=high):
                return f"({show(operand)} between {show(low)} {show(high)})"
            case syntax.InList(operand=operand, items=items):
                return f"({show(operand)} in {' '.join(map(show, items))})"
            case syntax.IsTest(operand=operand, test=test):
                return f"({show(operand)} is {test})"
            case syntax.Cast(operand=operand, type=kind):
                return f"({show(operand)} as {kind.name})"
        raise AssertionError(node)

    assert show(the_item(text)) == tree


@pytest.mark.parametrize(
    ("text", "message", "hint", "marked"),
    [
        ("select a, from t", "nothing follows the comma before FROM", "remove the comma", "from"),
        ("select from t", "SELECT names no columns", "write SELECT *", "from"),
        ("select * form t", "unexpected 'form'", "did you mean FROM instead of form?", "form"),
        ("select a frm t", "unexpected 't'", "did you mean FROM instead of frm?", "t"),
        ("select a from t where a =< 3", "=< is not an operator", "write <=", "<"),
        ("select 1 < a < 3", "comparisons cannot be chained", "write a < b AND b < c", "<"),
        ("selct a from t", "unexpected 'selct'", "SELECT instead of selct?", "selct"),
        ("select a from t reveal p", "REVEAL needs TO", "REVEAL TO ALL", "p"),
        ("select a from t group a", "GROUP needs BY", "write GROUP BY", "a"),
        ("select a from t where b where c", "a second WHERE clause", "join the", "where"),
        ("select a from t group by a where b", "WHERE stands behind GROUP", "the order", "where"),
        ("select a from t join u where b", "JOIN needs a condition", "write JOIN t ON", "where"),
        ("select case when a then b from t", "CASE is not closed before FROM", "END", "from"),
        ("select case when a then b", "CASE is never closed", "END", ""),
        ("select (a + 1 from t", "a parenthesis is not closed before FROM", "with )", "from"),
        ("select a from (select 1", "a parenthesis is never closed", "with )", ""),
        ("select a) from t", "this parenthesis was never opened", None, ")"),
        ("select lag(a ignore nulls) over ()", "IGNORE NULLS is not", "leave it out", "ignore"),
        ("select sum(a where b)", "WHERE cannot stand inside a call", "FILTER", "where"),
        ("select top 10 a from t", "TOP is not SQL that tacit knows", "LIMIT n", "10"),
        ("select a limit 5, 10", "LIMIT takes one number", "OFFSET", ","),
        ("select a between 1, 2", "BETWEEN joins its bounds with AND", "AND high", ","),
        ("select a is 5", "IS takes NULL, TRUE, FALSE", "compare with =", "5"),
        ("select a is not 5", "IS takes NULL, TRUE, FALSE", "compare with <>", "5"),
        ("insert into t values (1)", "INSERT is not a statement of tacit", "sources", "insert"),
        ("create view v as select 1", "CREATE VIEW is not a statement", "WITH", "view"),
        ("select a b c from t", "unexpected 'c'", "is a comma or an operator missing", "c"),
        ("select a from where b", "WHERE is a reserved word", '"where"', "where"),
        ("select date 2020", "DATE takes a string", "DATE '2020-01-31'", "2020"),
        ("select 'x", "this string is never closed", "close it with '", "'"),
        ("select 1 /* x", "this comment is never closed", "close it with */", "/*"),
        ("select ‘x’", "unexpected character '‘'", "straight single quotes", "‘"),
        ("select ?", "unexpected character '?'", "there are no parameters", "?"),
        ("select a from t where", "the text ends too early: expected an expression", None, ""),
        ("select a in 1, 2", "unexpected '1': expected '('", None, "1"),
        ("create table t (a integer) owned by p rows many", "expected a number", None, "many"),
        ("create table t (a integer) owned by p rows 1.5", "a whole number", None, "1.5"),
        ("explain", "expected a statement", None, ""),
        ("select 1 union all", "expected a query", None, ""),
        ("select 1 reveal to a reveal to b", "REVEAL TO twice", None, "reveal to b"),
    ],
)
def test_mistakes(text: str, message: str, hint: str | None, marked: str) -> None:
    """Typical mistakes are named, marked, and cured."""
    with pytest.raises(SqlSyntaxError) as caught:
        parse(text)
    error = caught.value
    assert message in error.message
    assert (hint in (error.hint or "")) if hint else error.hint is None
    assert isinstance(error.span, Span)
    assert text[error.span.start : error.span.stop] == marked
    assert "^" in str(error)


def test_errors_show_the_line() -> None:
    """Line and column, the line of text, and a caret under the place."""
    with pytest.raises(SqlSyntaxError) as caught:
        parse("SELECT a\nFROM t\nWHERE a = * 1")
    assert str(caught.value).splitlines() == [
        "unexpected '*': expected an expression (line 3, column 11)",
        "line 3: WHERE a = * 1",
        "                  ^",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "1 + " * 20000 + "1",
        "SELECT " + "NOT " * 20000 + "a",
        "SELECT " + "- " * 20000 + "a",
        "EXPLAIN " * 5000 + "SELECT 1",
    ],
    ids=["parentheses", "sums", "not", "minus", "explain"],
)
def test_deep_nesting_is_refused_not_crashed_on(text: str) -> None:
    """Whatever stands in the text, the answer is an error of ours."""
    with pytest.raises(SqlSyntaxError, match="nested"):
        parse(text)


def test_long_lists_are_fine() -> None:
    """Lists, AND and OR do not nest."""
    junction = the_select("SELECT a FROM t WHERE " + " OR ".join(["a = 1"] * 5000)).where
    assert isinstance(junction, syntax.Junction)
    assert len(junction.operands) == 5000
    items = ", ".join(map(str, range(5000)))
    in_list = the_select(f"SELECT a FROM t WHERE a IN ({items})").where
    assert isinstance(in_list, syntax.InList)
    assert len(in_list.items) == 5000


def test_parsing_is_quick() -> None:
    """A few milliseconds for a query once the parser stands."""
    texts = [path.read_text(encoding="utf-8") for path in QUERIES]
    for text in texts:
        parse(text)
    start = time.process_time()
    for text in texts:
        parse(text)
    assert (time.process_time() - start) / len(texts) < 0.02


def test_importing_builds_no_parser() -> None:
    """The parser's tables are made when the first text is parsed, not before."""
    program = (
        "import tacit.query.parser as p; assert p._grammar.cache_info().currsize == 0; "
        "p.parse('select 1'); assert p._grammar.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
