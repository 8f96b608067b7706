"""SQL text to syntax trees.

The grammar is grammar.lark (LALR). Its tables are built when the first text is parsed, once per
process.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lark import Lark, Token
from lark.exceptions import UnexpectedToken, VisitError

from . import syntax
from .build_statements import StatementBuilder
from .errors import Span, SqlSyntaxError, TacitError
from .lexer import KeywordLexer, scan
from .mistakes import explain_mistake


def parse(text: str) -> tuple[syntax.Statement, ...]:
    """Parses statements separated by semicolons; each one knows its own exact text.

    Errors: SqlSyntaxError with the place, and where the mistake is a typical one, its cure.
    """
    try:
        tree = _grammar().parse(text)
        statements: tuple[syntax.Statement, ...] = StatementBuilder(text).transform(tree)
    except UnexpectedToken as error:
        raise _syntax_error(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, TacitError):
            raise error.orig_exc from None
        if isinstance(error.orig_exc, RecursionError):
            raise _too_long(text) from None
        raise
    except RecursionError:
        raise _too_long(text) from None
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


def _too_long(text: str) -> SqlSyntaxError:
    return SqlSyntaxError(
        "an expression is nested too deeply", text=text, hint="split it with WITH or use IN (...)"
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
