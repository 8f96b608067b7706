"""SQL text to syntax trees.

The grammar is grammar.lark (LALR). Its tables are built when the first text is parsed, once per
process.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken, VisitError

from . import syntax
from .build_expressions import span_of
from .build_statements import StatementBuilder
from .errors import Span, SqlSyntaxError, TacitError
from .lexer import KeywordLexer, scan
from .mistakes import explain_mistake

MAX_DEPTH = 120
"""How deep operators, calls and queries nest at most; AND and OR of many conditions do not."""


def parse(text: str) -> tuple[syntax.Statement, ...]:
    """Parses statements separated by semicolons; each one knows its own exact text.

    Errors: SqlSyntaxError with the place, and where the mistake is a typical one, its cure.
    """
    try:
        tree = _grammar().parse(text)
        _check_depth(tree, text)
        statements: tuple[syntax.Statement, ...] = StatementBuilder(text).transform(tree)
    except UnexpectedToken as error:
        raise _syntax_error(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, TacitError):
            raise error.orig_exc from None
        raise
    return statements


@cache
def _grammar() -> Lark:
    """The parser; about a third of a second to build."""
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer=KeywordLexer,
        start="script",
        propagate_positions=True,
        maybe_placeholders=True,
    )


def _check_depth(tree: Tree[Token], text: str) -> None:
    """Refuses trees that later, recursive stages could not walk. SqlSyntaxError."""
    level: list[Tree[Token]] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in parent.children if isinstance(child, Tree)]
        if not level:
            return
    raise SqlSyntaxError(
        f"this is nested deeper than {MAX_DEPTH} levels",
        text=text,
        span=span_of(level[0].meta),
        hint="name parts of the query with WITH, or write IN (...) for chains of comparisons",
    )


def _syntax_error(text: str, error: UnexpectedToken) -> SqlSyntaxError:
    token = error.token
    tokens = scan(text)
    if isinstance(token, Token) and token.type != "$END":
        index = next(i for i, raw in enumerate(tokens) if raw.start == token.start_pos)
        span = Span(tokens[index].start, tokens[index].stop)
    else:
        index = len(tokens)
        end = tokens[-1].stop if tokens else 0
        span = Span(end, end + 1)
    message, hint = explain_mistake(tokens, index, frozenset(error.expected))
    return SqlSyntaxError(message, text=text, span=span, hint=hint)
