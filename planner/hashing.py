"""Strings that are only compared for equality leave their owner as keyed hashes.

The hash of a text is the first 96 bits of SHA-256(key || text). The key is 128 random bits that the
parties draw and open at the start of a run, after their data are fixed. Two texts that are equal
have one hash. Of up to 2^28 different texts in one run, two meet by chance with a probability below
2^-40; that somebody plants two texts that meet would take the key beforehand. Hashes are shared and
never opened: they tell nobody anything.

NULL stays NULL. Equality is DuckDB's, byte by byte. The order of hashes means nothing.
"""

from __future__ import annotations

from ..query.bound import Call, ColumnRef, Expression
from ..query.datatypes import HUGEINT, Column, Encoding, VarcharType
from .expressions import call, reference
from .logical import Node, Project, walk

HASH_BITS = 96
HASH_RANGE = Encoding(lo=0, hi=(1 << HASH_BITS) - 1)
HASHED_FROM = HASH_BITS + 16
"""Bits of text from which a hash is cheaper, even if the text is carried along beside it."""

HASH_KEY = "hash_key"
"""The parameter by which a fragment's SQL names the key."""

KEYED_HASH = "keyed_hash"


def keyed_hash(text: Column) -> Call:
    """The hash of a column, as its owner computes it: an expression of its own."""
    return call(KEYED_HASH, [reference(text)], type=HUGEINT, nullable=text.nullable)


def hashed_column(expression: Expression) -> int | None:
    """The id of the column that the expression is the hash of."""
    match expression:
        case Call(function=function, arguments=(ColumnRef(id=source),)) if function == KEYED_HASH:
            return source
        case _:
            return None


def keyed_hash_sql(text: str) -> str:
    """DuckDB's text: hexadecimal digits become a number."""
    digits = f"left(sha256(${HASH_KEY} || {text}), {HASH_BITS // 4})"
    return f"CAST('0x' || {digits} AS HUGEINT)"


def reads_key(node: Node) -> bool:
    """Whether the owner needs the key for what it computes at the node or below."""
    return any(
        hashed_column(expression) is not None
        for inner in walk(node)
        if isinstance(inner, Project)
        for expression in inner.expressions
    )


def gains_by_hash(column: Column, encoding: Encoding | None) -> bool:
    """Whether the column holds texts that are much wider than a hash, or without any bound."""
    if not isinstance(column.type, VarcharType):
        return False
    return encoding is None or (encoding.text_bytes is not None and encoding.width >= HASHED_FROM)
