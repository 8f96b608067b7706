"""Functions of texts over shares; see circuits/text.py, text_edges.py and like.py for the costs.

Columns whose public domain is small enough for tables are `mapped` (functions.py); here texts are
padded bytes. Characters are those of UTF-8, as in DuckDB. UPPER and LOWER know the letters of
ASCII: a text beyond ASCII fails the query, loudly, at every party.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...query.bound import Call, Expression, Literal
from ...query.bounds import text_bytes, text_encoding
from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..circuits.like import like, parse_pattern
from ..circuits.text import (
    Text,
    beyond_ascii,
    byte_length,
    change_case,
    character_count,
    drop_characters,
    take_characters,
)
from ..circuits.text_edges import join_texts, trim_end, trim_start
from .table import SecretColumn, bits_in, cleaned_bits

if TYPE_CHECKING:
    from .expression import Evaluator


def matches(evaluator: Evaluator, call: Call) -> SecretColumn:
    """x LIKE pattern [ESCAPE character]."""
    from .expression import boolean

    p = evaluator.protocol
    operand, *constants = call.arguments
    pattern = parse_pattern(*(_constant(constant) for constant in constants))
    value = evaluator.evaluate(operand)
    plane = like(p, text_of(evaluator, value), pattern)
    if value.null is not None:
        (plane,) = p.and_([(plane, p.invert(value.null))])
    return boolean(plane, value.null)


def substring(evaluator: Evaluator, call: Call) -> SecretColumn:
    """SUBSTRING(x, start, length): characters from the start-th on, counted from 1."""
    operand, *constants = call.arguments
    start, *length = (_whole(constant) for constant in constants)
    value = evaluator.evaluate(operand)
    text = drop_characters(evaluator.protocol, text_of(evaluator, value), start - 1)
    if length:
        text = take_characters(evaluator.protocol, text, length[0])
    return text_column(text, value)


def length(evaluator: Evaluator, call: Call) -> SecretColumn:
    """LENGTH in characters, STRLEN in bytes."""
    value = evaluator.evaluate(call.arguments[0])
    text = text_of(evaluator, value)
    count = character_count if call.function == "length" else byte_length
    return SecretColumn(
        encoding=Encoding(lo=0, hi=text.size),
        rows=value.rows,
        bits=count(evaluator.protocol, text),
        null=value.null,
    )


def in_case(evaluator: Evaluator, call: Call) -> SecretColumn:
    """UPPER and LOWER of ASCII."""
    value = evaluator.evaluate(call.arguments[0])
    text = text_of(evaluator, value)
    if text.size:
        evaluator.never(
            beyond_ascii(evaluator.protocol, text),
            value.null,
            "UPPER and LOWER over shares know the letters of ASCII alone, and a text has others",
        )
    changed = change_case(evaluator.protocol, text, upper=call.function == "upper_ascii")
    return text_column(changed, value)


def trimmed(evaluator: Evaluator, call: Call) -> SecretColumn:
    """TRIM, LTRIM and RTRIM of constant ASCII characters, by default of spaces."""
    p = evaluator.protocol
    operand, *constants = call.arguments
    characters = list(_constant(constants[0]).encode() if constants else b" ")
    value = evaluator.evaluate(operand)
    text = text_of(evaluator, value)
    if call.function != "ltrim":
        text = trim_end(p, text, characters)
    if call.function != "rtrim":
        text = trim_start(p, text, characters)
    return text_column(text, value)


def concatenated(evaluator: Evaluator, call: Call) -> SecretColumn:
    """CONCAT: NULL counts as an empty text."""
    p = evaluator.protocol
    pieces: list[Text | bytes] = []
    for argument in call.arguments:
        if isinstance(argument, Literal):
            pieces.append(_constant(argument).encode())
            continue
        value = evaluator.evaluate(argument)
        text = text_of(evaluator, value)
        plain = text_column(text, value)
        pieces.append(Text(cleaned_bits(p, [plain])[0], text.size))
    joined = join_texts(p, pieces, evaluator.rows)
    return SecretColumn(
        encoding=text_encoding(joined.size), rows=evaluator.rows, bits=joined.planes
    )


def text_of(evaluator: Evaluator, value: SecretColumn) -> Text:
    """A column's padded bytes; a domain's codes are looked up in a table."""
    size = text_bytes(value.encoding)
    if size is None:
        raise InternalError("a function of texts is applied to something else")
    return Text(bits_in(evaluator.protocol, value, text_encoding(size)), size)


def text_column(text: Text, like_column: SecretColumn) -> SecretColumn:
    """The column of a text, NULL where the given column is."""
    return SecretColumn(
        encoding=text_encoding(text.size),
        rows=text.rows,
        bits=text.planes,
        null=like_column.null,
    )


def _constant(expression: Expression) -> str:
    value = expression.value if isinstance(expression, Literal) else None
    if not isinstance(value, str):
        raise InternalError("a text that is no constant was not planned away")
    return value


def _whole(expression: Expression) -> int:
    value = expression.value if isinstance(expression, Literal) else None
    if not isinstance(value, int):
        raise InternalError("a number that is no constant was not planned away")
    return value
