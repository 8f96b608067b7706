"""Functions of texts over shared columns, in the circuits' terms.

    contains(x, 'a_b')      =>  x LIKE '%a\\_b%' ESCAPE '\\'
    x NOT LIKE p            =>  NOT (x LIKE p)
    left(x, 3)              =>  substring(x, 1, 3)
    upper(x)                =>  upper_ascii(x)

Patterns, positions and trimmed characters are constants. What is not here runs only over columns
with a public domain (tables.py).
"""

from __future__ import annotations

from ..query.bound import Call, Expression, Literal
from ..query.casting import to_text
from ..query.datatypes import INTEGER, VarcharType
from ..query.errors import UnsupportedError
from .expressions import call, walk

ESCAPE = "\\"

ASCII_ALONE = frozenset({"upper_ascii", "lower_ascii"})
"""Functions that fail the query where a text has letters beyond ASCII."""

_AFFIXES = {"starts_with": ("", "%"), "ends_with": ("%", ""), "contains": ("%", "%")}


def of_text(node: Call, arguments: tuple[Expression, ...]) -> Expression | None:
    """The function in the circuits' terms; None if they have none for it."""
    first = arguments[0]
    match node.function:
        case "like" | "not_like":
            return _like(node, first, arguments[1:])
        case "starts_with" | "ends_with" | "contains":
            return _affix(node, first, arguments[1])
        case "substring":
            return _substring(node, first, arguments[1:])
        case "left":
            one = Literal(type=INTEGER, nullable=False, value=1)
            return _substring(node, first, (one, arguments[1]))
        case "upper" | "lower":
            return call(f"{node.function}_ascii", [first], type=node.type, like=node)
        case "trim" | "ltrim" | "rtrim":
            given = [_text(constant) for constant in arguments[1:]]
            usable = all(text and text.isascii() for text in given)
            return call(node.function, arguments, type=node.type, like=node) if usable else None
        case "length" | "strlen":
            return call(node.function, [first], type=node.type, like=node)
        case "concat":
            return _joined(node, arguments)
        case _:
            return None


def knows_ascii_alone(expression: Expression) -> bool:
    """Whether computing the expression may fail the query."""
    return any(isinstance(e, Call) and e.function in ASCII_ALONE for e in walk(expression))


def _like(node: Call, text: Expression, constants: tuple[Expression, ...]) -> Expression | None:
    pattern, *escape = (_text(constant) for constant in constants)
    if pattern is None or None in escape:
        return None
    if escape and escape[0] and pattern.replace(escape[0] * 2, "").endswith(escape[0]):
        raise UnsupportedError(
            "the pattern ends with its escape character",
            span=node.span,
            hint="write a character behind it",
        )
    kept = constants if escape and escape[0] else constants[:1]
    made = call("like", [text, *kept], nullable=text.nullable, like=node)
    return made if node.function == "like" else call("not", [made], like=node)


def _affix(node: Call, text: Expression, part: Expression) -> Expression | None:
    value = _text(part)
    if value is None:
        return None
    before, after = _AFFIXES[node.function]
    escaped = "".join(ESCAPE + c if c in (ESCAPE, "%", "_") else c for c in value)
    pattern = _constant(before + escaped + after)
    return call("like", [text, pattern, _constant(ESCAPE)], nullable=text.nullable, like=node)


def _substring(
    node: Call, text: Expression, constants: tuple[Expression, ...]
) -> Expression | None:
    """Characters counted from 1; what lies before the first one counts and gives nothing."""
    numbers = [c.value if isinstance(c, Literal) else None for c in constants]
    start, *length = [n for n in numbers if isinstance(n, int)] or [-1]
    if len(length) + 1 < len(constants) or start < 0 or any(n < 0 for n in length):
        return None
    length = [max(0, n + min(0, start - 1)) for n in length]
    given = [Literal(type=INTEGER, nullable=False, value=n) for n in (max(1, start), *length)]
    return call("substring", [text, *given], type=node.type, nullable=text.nullable, like=node)


def _joined(node: Call, arguments: tuple[Expression, ...]) -> Expression | None:
    pieces: list[Expression] = []
    for argument in arguments:
        if isinstance(argument, Literal):
            if argument.value is not None:
                pieces.append(_constant(to_text(argument.value, argument.type)))
        elif isinstance(argument.type, VarcharType):
            pieces.append(argument)
        else:
            return None
    return call("concat", pieces or [_constant("")], type=node.type, nullable=False, like=node)


def _text(expression: Expression) -> str | None:
    value = expression.value if isinstance(expression, Literal) else None
    return value if isinstance(value, str) else None


def _constant(value: str) -> Literal:
    return Literal(type=VarcharType(len(value.encode())), nullable=False, value=value)
