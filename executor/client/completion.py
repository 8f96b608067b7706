"""What could stand at the cursor of a half-written query: a pure function of text and catalog.

The text need not be SQL yet, so this reads words and parentheses, not syntax. A table is in sight
where its FROM clause stands at the same parenthesis depth or around it; that is how names resolve
in correlated subqueries too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...query.catalog import Catalog, Table
from .vocabulary import FUNCTIONS, KEYWORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """`text` replaces the `replaces` characters before the cursor; `kind` says what it names.

    Kinds: table, column, alias, function, keyword, party.
    """

    text: str
    replaces: int
    kind: str


def completions(text: str, cursor: int, catalog: Catalog) -> list[Completion]:
    """What fits at `cursor` (a character offset), best first; empty inside strings and comments.

    After FROM and JOIN: tables, and tables of WITH. After `name.`: the columns of that table or
    alias. After REVEAL TO: parties. Elsewhere: columns of the tables in sight (of all tables while
    there are none), aliases, functions, keywords. Case does not matter; keywords follow the case of
    what was typed.
    """
    tokens = _statement(list(_tokens(text)), cursor)
    if any(t.kind in ("string", "comment") and t.start < cursor < t.end for t in tokens):
        return []
    typed = _typed(text, cursor)
    before = [t for t in tokens if t.end <= cursor - len(typed) and t.kind != "comment"]
    offers = _offers(before, _scope(tokens, cursor), catalog, typed)
    seen: set[str] = set()
    fitting = []
    for name, kind in offers:
        if name.lower().startswith(typed.lower()) and name.lower() not in seen:
            seen.add(name.lower())
            fitting.append(Completion(text=name, replaces=len(typed), kind=kind))
    return fitting


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # word, symbol, string, comment
    text: str
    start: int
    end: int
    path: tuple[int, ...]  # offsets of the parentheses that are open here


@dataclass(frozen=True, slots=True)
class _Mention:
    """A table named in a FROM clause."""

    table: str
    alias: str


_LEXEME = re.compile(
    r"""(?P<comment>--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))
      | (?P<string>'(?:[^']|'')*(?:'|\Z))
      | (?P<word>"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol>\d+(?:\.\d*)?|[^\s])""",
    re.VERBOSE | re.DOTALL,
)

_IN_FROM = frozenset(("as", "on", "using"))
_CLAUSES = _IN_FROM.union(
    ("select", "from", "where", "group", "order", "having", "limit", "offset"),
    ("union", "reveal", "with"),
)
_ENDS_MENTION = _CLAUSES.union(
    ("join", "inner", "left", "right", "full", "cross", "natural", "outer")
)


def _tokens(text: str) -> Iterator[_Token]:
    path: tuple[int, ...] = ()
    for match in _LEXEME.finditer(text):
        if match.group() == ")":
            path = path[:-1]
        yield _Token(match.lastgroup or "", match.group(), match.start(), match.end(), path)
        if match.group() == "(":
            path = (*path, match.start())


def _statement(tokens: list[_Token], cursor: int) -> list[_Token]:
    """The tokens of the statement around the cursor: between the semicolons at both sides."""
    ends = [t.start for t in tokens if t.text == ";"]
    first = max((e for e in ends if e < cursor), default=-1)
    last = min((e for e in ends if e >= cursor), default=len(tokens) and tokens[-1].end)
    return [t for t in tokens if first < t.start < last]


def _typed(text: str, cursor: int) -> str:
    match = re.search(r"[A-Za-z_][A-Za-z0-9_]*\Z", text[:cursor])
    return match.group() if match else ""


def _offers(
    before: list[_Token], scope: list[_Mention], catalog: Catalog, typed: str
) -> Iterator[tuple[str, str]]:
    """Every name that could stand after the tokens `before`, with its kind, best first."""
    previous = before[-1].text.lower() if before else ""
    if previous == ".":
        yield from _qualified(before, scope, catalog)
    elif _is_reveal(before):
        yield from ((name, "party") for name in (*_owners(catalog), "ALL"))
    elif _is_table_place(before):
        yield from ((name, "table") for name in (*_with_names(before), *sorted(catalog.tables)))
        yield from ((name, "party") for name in _owners(catalog))
    else:
        yield from _columns(scope, catalog)
        yield from ((mention.alias, "alias") for mention in scope)
        yield from ((name, "function") for name in _cased(FUNCTIONS, typed))
        yield from ((name, "keyword") for name in _cased(KEYWORDS, typed))


def _is_table_place(before: list[_Token]) -> bool:
    """True after FROM (but not EXTRACT's), JOIN, and a comma of a FROM clause."""
    previous = before[-1].text.lower() if before else ""
    if previous == "from" and before[-1].path:
        calls = [t.text.lower() for t in before if t.end <= before[-1].path[-1]]
        return calls[-1:] not in (["extract"], ["trim"], ["substring"])
    return previous in ("from", "join") or (previous == "," and _clause(before) == "from")


def _qualified(
    before: list[_Token], scope: list[_Mention], catalog: Catalog
) -> Iterator[tuple[str, str]]:
    """What follows `name.`: columns of a table or alias, or the parts that a party owns."""
    name = _plain(before[-2].text) if len(before) > 1 else ""
    named = [m.table for m in scope if m.alias == name] or [name]
    for table in (catalog.tables[t] for t in named if t in catalog.tables):
        yield from ((column.name, "column") for column in table.columns)
    yield from ((t.name, "table") for t in catalog.tables.values() if name in t.owners)


def _columns(scope: list[_Mention], catalog: Catalog) -> Iterator[tuple[str, str]]:
    known: Iterable[Table] = [catalog.tables[m.table] for m in scope if m.table in catalog.tables]
    for table in known if scope else catalog.tables.values():
        yield from ((column.name, "column") for column in table.columns)


def _scope(tokens: list[_Token], cursor: int) -> list[_Mention]:
    """The tables that a name at the cursor could belong to: innermost FROM clauses first."""
    path = _path_at(tokens, cursor)
    found: list[_Mention] = []
    for depth in range(len(path), -1, -1):
        level = [t for t in tokens if t.path == path[:depth] and t.kind != "comment"]
        found += _mentions(level)
    return found


def _path_at(tokens: list[_Token], cursor: int) -> tuple[int, ...]:
    path: tuple[int, ...] = ()
    for token in tokens:
        if token.start < cursor:
            path = token.path
            if token.text == "(":
                path = (*path, token.start)
    return path


def _mentions(level: list[_Token]) -> Iterator[_Mention]:
    """The tables of the FROM clauses among tokens of one parenthesis depth."""
    expected, in_from = False, False
    for index, token in enumerate(level):
        word = token.text.lower()
        if word in ("from", "join"):
            expected, in_from = True, True
        elif word in _CLAUSES:
            expected, in_from = False, in_from and word in _IN_FROM
        elif word == "," and in_from:
            expected = True
        elif expected and token.kind == "word" and not _follows(level, index, "."):
            expected = False
            yield _Mention(_plain(token.text), _alias(level[index + 1 :]) or _plain(token.text))


def _alias(after: list[_Token]) -> str | None:
    words = [t for t in after[:2] if not (t is after[0] and t.text.lower() == "as")][:1]
    if words and words[0].kind == "word" and words[0].text.lower() not in _ENDS_MENTION:
        return _plain(words[0].text)
    return None


def _follows(level: list[_Token], index: int, text: str) -> bool:
    return index + 1 < len(level) and level[index + 1].text == text


def _clause(before: list[_Token]) -> str:
    """The clause word that governs the end of the tokens, at their parenthesis depth."""
    for token in reversed(before):
        if token.path == before[-1].path and token.text.lower() in _CLAUSES - _IN_FROM:
            return token.text.lower()
    return ""


def _is_reveal(before: list[_Token]) -> bool:
    words = [t.text.lower() for t in before]
    while len(words) > 2 and words[-1] == ",":
        words = words[:-2]
    return words[-2:] == ["reveal", "to"]


def _with_names(before: list[_Token]) -> list[str]:
    """Names that WITH defines: a word, AS and an opening parenthesis."""
    triples = zip(before, before[1:], before[2:], strict=False)
    return [
        _plain(name.text)
        for name, as_word, bracket in triples
        if name.kind == "word" and as_word.text.lower() == "as" and bracket.text == "("
    ]


def _owners(catalog: Catalog) -> list[str]:
    return sorted({owner for table in catalog.tables.values() for owner in table.owners})


def _cased(words: Iterable[str], typed: str) -> Iterator[str]:
    lower = typed.islower()
    return (word.lower() if lower else word for word in words)


def _plain(name: str) -> str:
    """An identifier as the catalog spells it: without quotes, in lower case."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
