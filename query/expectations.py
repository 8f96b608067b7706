"""What the grammar would take at a place, in words."""

from __future__ import annotations

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "COMMA": "','",
    "LPAR": "'('",
    "RPAR": "')'",
    "SEMICOLON": "';'",
    "DOT": "'.'",
    "COMPARISON": "a comparison",
    "UNIT": "a unit such as DAY",
    "STAR": "'*'",
}

_HIDDEN = frozenset(
    str.split(
        """
        SIGN FACTOR POWER CONCAT STAR DOT NOTNULL ISNULL IS IN LIKE ILIKE SIMILAR BETWEEN NOT
        COMPARISON AND OR SEMI ANTI NATURAL CROSS INNER LEFT RIGHT FULL QUALIFY WINDOW SEMICOLON
        EXCEPT INTERSECT UNION WITH WITHIN FILTER OVER ESCAPE REVEAL
        """
    )
)
"""What may follow almost anything, and so says little."""

_EXPRESSION = frozenset({"NAME", "NUMBER", "STRING", "CASE", "CAST"})


def expected_words(expected: frozenset[str]) -> str:
    """The expected terminals in words, the long list of expression starts as "an expression"."""
    rest = {name for name in expected if not name.startswith(("$", "__"))}
    words = []
    if rest >= {"SELECT", "CREATE"}:
        return "a statement"
    if rest >= {"SELECT", "VALUES"} and not rest >= _EXPRESSION:
        return "a query"
    if rest >= _EXPRESSION:
        words.append("an expression")
        rest &= {"SELECT", "RPAR", "DISTINCT"}
    elif len(rest) > 8:
        rest -= _HIDDEN
    words += sorted(_WORDS.get(name, name) for name in rest)
    if len(words) > 8:
        return ""
    if len(words) > 1:
        return ", ".join(words[:-1]) + " or " + words[-1]
    return words[0] if words else ""
