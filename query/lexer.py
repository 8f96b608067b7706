"""Characters to tokens: one regular expression, then keywords by what the parser can take next.

SQL has many words and reserves few. A word is a keyword where the parser's state accepts that
keyword (and, for some, where the following token fits), and a name everywhere else. Reserved words
are names only after AS or a dot, or in front of a parenthesis (`left(x, 2)`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lark import Token
from lark.common import LexerConf
from lark.lexer import Lexer

from .errors import Span, SqlSyntaxError

MAX_NESTING = 100
"""Parentheses deeper than this are refused: nobody writes them, and parsers recurse."""

MAX_DIGITS = 308
"""Characters of one number: what is longer is no number that any type holds."""

RESERVED = frozenset(
    str.split(
        """
        ALL AND ANY AS ASC BETWEEN CASE CAST CHECK CREATE CROSS DESC DISTINCT DROP ELSE END
        EXCEPT EXISTS FALSE FROM FULL GROUP HAVING IN INNER INTERSECT IS JOIN LEFT LIKE LIMIT
        NATURAL NOT NULL OFFSET ON OR ORDER OUTER QUALIFY REFERENCES RIGHT SELECT SOME TABLE
        THEN TRUE UNION USING VALUES WHEN WHERE WINDOW WITH
        """
    )
)

UNITS = {
    form: unit
    for unit, forms in {
        "year": "year years",
        "quarter": "quarter quarters",
        "month": "month months",
        "week": "week weeks",
        "day": "day days",
        "hour": "hour hours",
        "minute": "minute minutes",
        "second": "second seconds",
        "millisecond": "millisecond milliseconds",
        "microsecond": "microsecond microseconds",
    }.items()
    for form in forms.split()
}

_TOKEN = re.compile(
    r"""(?P<SPACE>(?:\s+|--[^\n]*|/\*.*?\*/)+)
    |(?P<NAME>[^\W\d]\w*)
    |(?P<NUMBER>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |'(?P<STRING>(?:[^']|'')*)'
    |"(?P<QUOTED>(?:[^"]|"")+)"
    |(?P<OPEN>/\*|['"])
    |(?P<SYMBOL>::|\|\||<=|>=|<>|!=|==|//|\*\*|[-+*/%^()=<>,.;])
    |(?P<OTHER>.)""",
    re.VERBOSE | re.DOTALL,
)

_SYMBOLS = {
    **dict.fromkeys(("=", "==", "<>", "!=", "<", "<=", ">", ">="), "COMPARISON"),
    **dict.fromkeys(("/", "//", "%"), "FACTOR"),
    **dict.fromkeys(("^", "**"), "POWER"),
    **dict.fromkeys(("+", "-"), "SIGN"),
    "*": "STAR",
    "||": "CONCAT",
}

_FOLLOWED_BY: dict[str, frozenset[str]] = {
    **dict.fromkeys(("DATE", "TIMESTAMP"), frozenset({"STRING"})),
    **dict.fromkeys(
        ("EXTRACT", "TRY_CAST", "SUBSTRING", "POSITION", "TRIM", "FILTER", "ROLLUP", "CUBE"),
        frozenset({"("}),
    ),
    "INTERVAL": frozenset({"STRING", "NUMBER", "("}),
    "REVEAL": frozenset({"TO"}),
    "IF": frozenset({"NOT", "EXISTS"}),
    "GROUPING": frozenset({"SETS"}),
    "NULLS": frozenset({"FIRST", "LAST"}),
    **dict.fromkeys(("SEMI", "ANTI"), frozenset({"JOIN"})),
    "WITHIN": frozenset({"GROUP"}),
    "CURRENT": frozenset({"ROW"}),
    "UNBOUNDED": frozenset({"PRECEDING", "FOLLOWING"}),
    **dict.fromkeys(("PRIMARY", "FOREIGN"), frozenset({"KEY"})),
}
"""Keywords that are keywords only in front of these."""

_TRIM_SIDES = frozenset({"BOTH", "LEADING", "TRAILING"})

_OPENED = {"/*": "comment", "'": "string", '"': "quoted name"}


class RawToken(NamedTuple):
    """A token before keywords are told from names. `kind` is the upper-case word for words."""

    kind: str
    value: str
    start: int
    stop: int
    word: bool


def scan(text: str) -> list[RawToken]:
    """Splits a text into raw tokens, without spaces and comments.

    Errors: SqlSyntaxError for an unfinished string, comment or quoted name, for a character that
    SQL does not use, for parentheses nested deeper than MAX_NESTING, and for longer numbers than
    MAX_DIGITS.
    """
    tokens: list[RawToken] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        start, stop = match.span()
        if kind == "SPACE":
            continue
        value = match[kind or 0]
        if kind == "NAME":
            tokens.append(RawToken(value.upper(), value, start, stop, True))
        elif kind == "STRING":
            tokens.append(RawToken("STRING", value.replace("''", "'"), start, stop, False))
        elif kind == "QUOTED":
            tokens.append(RawToken("NAME", value.replace('""', '"'), start, stop, False))
        elif kind == "NUMBER":
            if len(value) > MAX_DIGITS:
                raise SqlSyntaxError(
                    f"a number of more than {MAX_DIGITS} digits",
                    text=text,
                    span=Span(start, stop),
                )
            tokens.append(RawToken("NUMBER", value.replace("_", ""), start, stop, False))
        elif kind == "SYMBOL":
            depth += (value == "(") - (value == ")")
            if depth > MAX_NESTING:
                raise SqlSyntaxError(
                    f"parentheses are nested deeper than {MAX_NESTING} levels",
                    text=text,
                    span=Span(start, stop),
                )
            tokens.append(RawToken(value, value, start, stop, False))
        else:
            raise _character_error(text, value, start)
    return tokens


def _character_error(text: str, value: str, start: int) -> SqlSyntaxError:
    if value in _OPENED:
        what = _OPENED[value]
        closing = "*/" if value == "/*" else value
        return SqlSyntaxError(
            f"this {what} is never closed",
            text=text,
            span=Span(start, start + len(value)),
            hint=f"close it with {closing}",
        )
    hint = None
    if value in "‘’“”´`":
        hint = "strings take straight single quotes ('...'), names double quotes (\"...\")"
    if value in "$?@:":
        hint = "there are no parameters: write the value itself"
    return SqlSyntaxError(
        f"unexpected character {value!r}", text=text, span=Span(start, start + 1), hint=hint
    )


class KeywordLexer(Lexer):
    """The lexer that lark drives; it sees which terminals the parser's state accepts."""

    __future_interface__ = 2

    def __init__(self, lexer_conf: LexerConf) -> None:
        literals = {
            terminal.pattern.value: terminal.name
            for terminal in lexer_conf.terminals
            if terminal.pattern.type == "str"
        }
        self.keywords = {word: name for word, name in literals.items() if word[0].isalpha()}
        self.symbols = {**literals, **_SYMBOLS}

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """Yields one token at a time; the parser moves on between two."""
        states = parser_state.parse_conf.states
        text = lexer_state.text
        raw = scan(text if isinstance(text, str) else text.text)  # a slice since lark 1.3
        for index, token in enumerate(raw):
            if token.word:
                accepted = states[parser_state.position]
                kind = self._word_kind(raw, index, accepted)
            else:
                kind = self.symbols.get(token.kind, token.kind)
            yield Token(kind, token.value, token.start, None, None, None, None, token.stop)

    def _word_kind(self, raw: list[RawToken], index: int, accepted: dict[str, Any]) -> str:
        word = raw[index].kind
        following = raw[index + 1].kind if index + 1 < len(raw) else ""
        keyword = self.keywords.get(word)
        if keyword is None:
            is_unit = "UNIT" in accepted and word.lower() in UNITS
            return "UNIT" if is_unit else "NAME"
        if keyword in accepted and _fits(raw, index):
            return keyword
        if "NAME" not in accepted or word not in RESERVED:
            return keyword if "NAME" not in accepted else "NAME"
        previous = raw[index - 1].kind if index else ""
        as_name = previous in ("AS", ".") or (following == "(" and word in ("LEFT", "RIGHT"))
        return "NAME" if as_name else keyword


def _fits(raw: list[RawToken], index: int) -> bool:
    """Whether the tokens after a word let it be a keyword."""
    word = raw[index].kind
    following = raw[index + 1].kind if index + 1 < len(raw) else ""
    needed = _FOLLOWED_BY.get(word)
    if needed is not None and following not in needed:
        return False
    if word == "TRIM":
        return index + 2 < len(raw) and raw[index + 2].kind in _TRIM_SIDES
    return True
