"""Typical mistakes in SQL, and what to say about them; else what was expected, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from .expectations import expected_words
from .lexer import RESERVED, RawToken

_Finding = tuple[str, str | None] | None
_Rule = Callable[["_Place"], _Finding]


def explain_mistake(
    tokens: Sequence[RawToken], index: int, expected: frozenset[str]
) -> tuple[str, str | None]:
    """A message and perhaps a hint for a token that does not fit.

    tokens: all tokens of the text; index: the one that does not fit, `len(tokens)` for the end;
    expected: the terminals that would fit.
    """
    place = _Place(tokens, index, expected)
    for rule in _RULES:
        found = rule(place)
        if found is not None:
            return found
    what = "the text ends too early" if index == len(tokens) else f"unexpected {place.shown}"
    words = expected_words(expected)
    return f"{what}: expected {words}" if words else what, None


class _Place:
    """The tokens around a mistake."""

    def __init__(self, tokens: Sequence[RawToken], index: int, expected: frozenset[str]) -> None:
        self.tokens = tokens
        self.index = index
        self.expected = expected

    def kind(self, offset: int = 0) -> str:
        """The kind of the token at an offset from the mistake; "" outside the text."""
        position = self.index + offset
        return self.tokens[position].kind if 0 <= position < len(self.tokens) else ""

    @property
    def shown(self) -> str:
        """The token as the user wrote it."""
        token = self.tokens[self.index]
        if token.kind == "STRING":
            return "string '" + token.value.replace("'", "''") + "'"
        return token.kind if token.word and token.kind in RESERVED else repr(token.value)

    @property
    def statement_start(self) -> int:
        """The index of the first token of the statement."""
        for position in range(min(self.index, len(self.tokens)) - 1, -1, -1):
            if self.tokens[position].kind == ";":
                return position + 1
        return 0

    def clauses(self) -> list[str]:
        """The clause words of the innermost SELECT before the mistake, in order."""
        found: list[str] = []
        depth = 0
        for position in range(self.index - 1, self.statement_start - 1, -1):
            kind = self.tokens[position].kind
            depth += (kind == ")") - (kind == "(")
            if depth < 0:
                break
            if depth == 0 and kind in _CLAUSES:
                found.append(kind)
            if depth == 0 and kind == "SELECT":
                break
        return found[::-1]

    def open_parentheses(self) -> int:
        """How many parentheses of the statement stand open before the mistake."""
        kinds = [t.kind for t in self.tokens[self.statement_start : self.index]]
        return kinds.count("(") - kinds.count(")")


_CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT")

_STARTING = ("SELECT", "WITH", "EXPLAIN")

_CONTINUING = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "UNION", "REVEAL")

_WRITES = frozenset(
    str.split("INSERT UPDATE DELETE MERGE TRUNCATE ALTER GRANT REVOKE BEGIN COMMIT ROLLBACK SET")
)


def _writing(place: _Place) -> _Finding:
    if place.index == place.statement_start and place.kind() in _WRITES:
        hint = "tables change at their owners, in their own sources"
        return f"{place.kind()} is not a statement of tacit, which only reads", hint
    return None


def _trailing_comma(place: _Place) -> _Finding:
    closers = (")", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", ";", "")
    if place.kind(-1) == "," and place.kind() in closers:
        before = place.kind() or "the end"
        return f"nothing follows the comma before {before}", "remove the comma"
    return None


def _chained_comparison(place: _Place) -> _Finding:
    if place.kind() not in ("=", "==", "<>", "!=", "<", "<=", ">", ">="):
        return None
    if place.kind(-1) in ("<", ">", "=", "!"):
        wrong = place.kind(-1) + place.kind()
        right = {"=<": "<=", "=>": ">="}.get(wrong, "=, <>, <, <=, > or >=")
        return f"{wrong} is not an operator", f"write {right}"
    if "AND" in place.expected and "COMPARISON" not in place.expected:
        return "comparisons cannot be chained", "write a < b AND b < c"
    return None


def _missing_by(place: _Place) -> _Finding:
    if place.kind(-1) in ("GROUP", "ORDER", "PARTITION", "OWNED") and "BY" in place.expected:
        return f"{place.kind(-1)} needs BY", f"write {place.kind(-1)} BY"
    if place.kind(-1) == "REVEAL":
        return "REVEAL needs TO", "write REVEAL TO and the parties, or REVEAL TO ALL"
    return None


def _clause_order(place: _Place) -> _Finding:
    kind = place.kind()
    if kind not in _CLAUSES or kind == "SELECT":
        return None
    later = [c for c in place.clauses() if _CLAUSES.index(c) > _CLAUSES.index(kind)]
    if later:
        order = "SELECT, FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT"
        return f"{kind} stands behind {later[0]}", f"the order of clauses is {order}"
    if kind in place.clauses():
        hint = "join the conditions with AND" if kind in ("WHERE", "HAVING") else None
        return f"a second {kind} clause", hint
    return None


def _join_without_on(place: _Place) -> _Finding:
    if "USING" in place.expected and "ON" in place.expected and "WHERE" not in place.expected:
        return "JOIN needs a condition", "write JOIN t ON a = b, JOIN t USING (a), or CROSS JOIN t"
    return None


def _misspelt_keyword(place: _Place) -> _Finding:
    """SELCT at the start; FORM for FROM, here or just before, where it passed for an alias."""
    for offset in (0, -1):
        position = place.index + offset
        if not 0 <= position < len(place.tokens) or not place.tokens[position].word:
            continue
        word = place.tokens[position].kind
        likely = _STARTING if position == place.statement_start else _CONTINUING
        close = get_close_matches(word, likely, n=1, cutoff=0.75)
        if close and word not in (*RESERVED, *likely):
            written = place.tokens[position].value
            return f"unexpected {place.shown}", f"did you mean {close[0]} instead of {written}?"
    return None


def _no_columns(place: _Place) -> _Finding:
    if place.kind() == "FROM" and place.kind(-1) in ("SELECT", "DISTINCT"):
        return "SELECT names no columns", "write SELECT * FROM ... for all of them"
    return None


def _moment_without_quotes(place: _Place) -> _Finding:
    if place.kind(-1) in ("DATE", "TIMESTAMP") and place.kind() == "NUMBER":
        example = (
            "DATE '2020-01-31'" if place.kind(-1) == "DATE" else "TIMESTAMP '2020-01-31 08:00'"
        )
        return f"{place.kind(-1)} takes a string", f"write {example}"
    return None


def _other_create(place: _Place) -> _Finding:
    if place.kind(-1) == "CREATE" and "MODEL" in place.expected:
        return f"CREATE {place.kind()} is not a statement of tacit", "name a query with WITH"
    return None


def _unclosed_before(place: _Place) -> _Finding:
    """A clause starts while a parenthesis or a CASE stands open."""
    if place.kind() not in _CLAUSES:
        return None
    if {"END", "WHEN"} <= place.expected:
        return f"CASE is not closed before {place.kind()}", "close it with END"
    if place.open_parentheses() > 0 and "RPAR" in place.expected and place.kind() != "WHERE":
        return f"a parenthesis is not closed before {place.kind()}", "close it with )"
    return None


def _unclosed(place: _Place) -> _Finding:
    if place.kind() not in ("", ";"):
        return None
    kinds = [t.kind for t in place.tokens[place.statement_start : place.index]]
    if kinds.count("CASE") > kinds.count("END") and place.open_parentheses() <= 0:
        return "CASE is never closed", "close it with END"
    if place.open_parentheses() > 0:
        return "a parenthesis is never closed", "close it with )"
    return None


def _extra_parenthesis(place: _Place) -> _Finding:
    if place.kind() == ")" and place.open_parentheses() <= 0:
        return "this parenthesis was never opened", None
    return None


def _top(place: _Place) -> _Finding:
    if place.kind() == "NUMBER" and place.kind(-1) == "TOP":
        return "TOP is not SQL that tacit knows", "write LIMIT n at the end of the query"
    return None


def _limit_comma(place: _Place) -> _Finding:
    if place.kind() == "," and place.kind(-2) == "LIMIT":
        return "LIMIT takes one number", "write LIMIT count OFFSET start"
    return None


def _between_comma(place: _Place) -> _Finding:
    before = [t.kind for t in place.tokens[max(0, place.index - 4) : place.index]]
    if place.kind() == "," and "BETWEEN" in before and "AND" in place.expected:
        return "BETWEEN joins its bounds with AND", "write x BETWEEN low AND high"
    return None


def _reserved_name(place: _Place) -> _Finding:
    if place.kind() in RESERVED and {"NAME"} <= place.expected <= {"NAME", "LPAR", "LATERAL"}:
        quoted = place.tokens[place.index].value
        return f"{place.kind()} is a reserved word", f'as a name it needs double quotes: "{quoted}"'
    return None


def _is_value(place: _Place) -> _Finding:
    if place.kind(-1) == "IS" or (place.kind(-2), place.kind(-1)) == ("IS", "NOT"):
        operator = "<>" if place.kind(-1) == "NOT" else "="
        return "IS takes NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM", f"compare with {operator}"
    return None


def _where_in_aggregate(place: _Place) -> _Finding:
    if place.kind() == "WHERE" and place.open_parentheses() > 0 and "RPAR" in place.expected:
        return "WHERE cannot stand inside a call", "write SUM(x) FILTER (WHERE condition)"
    return None


def _ignored_nulls(place: _Place) -> _Finding:
    for offset in (-1, 0):
        if place.kind(offset) in ("IGNORE", "RESPECT") and place.kind(offset + 1) == "NULLS":
            what = f"{place.kind(offset)} NULLS is not supported"
            return what, "leave it out; rows with NULL can be left out in a derived table before"
    return None


def _missing_comma(place: _Place) -> _Finding:
    starts = place.kind() in ("STRING", "NUMBER") or (
        place.tokens[place.index].kind not in RESERVED and place.tokens[place.index].word
        if place.index < len(place.tokens)
        else False
    )
    if starts and "COMMA" in place.expected and place.kind(-1) not in ("", "(", ","):
        return f"unexpected {place.shown}", "is a comma or an operator missing before it?"
    return None


_RULES: tuple[_Rule, ...] = (
    _writing,
    _other_create,
    _no_columns,
    _trailing_comma,
    _chained_comparison,
    _missing_by,
    _top,
    _limit_comma,
    _between_comma,
    _is_value,
    _where_in_aggregate,
    _ignored_nulls,
    _join_without_on,
    _clause_order,
    _unclosed_before,
    _unclosed,
    _extra_parenthesis,
    _reserved_name,
    _moment_without_quotes,
    _misspelt_keyword,
    _missing_comma,
)
"""Tried in order; the first that knows the mistake speaks."""
