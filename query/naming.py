"""Names of result columns that the text does not name: the expression much as DuckDB prints it.

DuckDB also quotes a few words inside and spells out its own functions (of intervals, say); such
names say the same here, more briefly.
"""

from __future__ import annotations

import re

from . import syntax

_PLAIN = re.compile(r"[^\W\d]\w*")

_QUOTED_FUNCTIONS = frozenset(
    {"substring", "trim", "position", "left", "right", "replace", "if", "nullif"}
)

_LEVELS = {"grouping": "GROUPING", "grouping_id": "GROUPING"}


def column_name(node: syntax.Expression) -> str:
    """The name that DuckDB gives a select item without an alias."""
    return node.parts[-1] if isinstance(node, syntax.ColumnName) else _text(node)


def _text(node: syntax.Expression) -> str:
    match node:
        case syntax.ColumnName(parts=parts):
            return ".".join(_name(part) for part in parts)
        case syntax.Number(text=text):
            return text
        case syntax.Text(value=value):
            return _quoted(value)
        case syntax.Boolean(value=value):
            return "true" if value else "false"
        case syntax.Null():
            return "NULL"
        case syntax.Moment(type=kind, text=text):
            return f"CAST({_quoted(text)} AS {kind.upper()})"
        case syntax.Interval(amount=amount, unit=unit):
            return f"INTERVAL {_text(amount)}" + (f" {unit.upper()}" if unit else "")
        case syntax.Unary():
            return _unary(node)
        case syntax.Junction(operator=operator, operands=operands):
            return f"({f' {operator.upper()} '.join(map(_text, operands))})"
        case syntax.Binary(operator=operator, left=left, right=right):
            return f"({_text(left)} {operator} {_text(right)})"
        case syntax.Case():
            return _case(node)
        case syntax.Cast(operand=operand, type=kind):
            parameters = f"({', '.join(map(str, kind.parameters))})" if kind.parameters else ""
            return f"CAST({_text(operand)} AS {kind.name.upper()}{parameters})"
        case syntax.Extract(part=part, operand=operand):
            return f"date_part('{part.upper()}', {_text(operand)})"
        case syntax.Call():
            return _call(node)
        case _:
            return _test(node)


def _test(node: syntax.Expression) -> str:
    match node:
        case syntax.IsTest(operand=operand, test=test, negated=negated):
            word = "NULL" if test == "unknown" else test.upper()
            return f"({_text(operand)} IS {'NOT ' if negated else ''}{word})"
        case syntax.IsDistinct(left=left, right=right, negated=negated):
            word = "IS NOT DISTINCT FROM" if negated else "IS DISTINCT FROM"
            return f"({_text(left)} {word} {_text(right)})"
        case syntax.Between(operand=operand, low=low, high=high, negated=negated):
            between = f"({_text(operand)} BETWEEN {_text(low)} AND {_text(high)})"
            return f"(NOT {between})" if negated else between
        case syntax.InList(operand=operand, items=items, negated=negated):
            inside = f"({_text(operand)} IN ({', '.join(_text(item) for item in items)}))"
            return f"(NOT {inside})" if negated else inside
        case syntax.Like(operand=operand, pattern=pattern, kind=kind, negated=negated):
            symbol = {"like": "~~", "ilike": "~~*"}.get(kind, "SIMILAR TO")
            return f"({_text(operand)} {'!' if negated else ''}{symbol} {_text(pattern)})"
        case syntax.Exists():
            return "EXISTS(...)"
        case _:
            return "subquery"


def _name(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"'


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _unary(node: syntax.Unary) -> str:
    if node.operator == "not":
        return f"(NOT {_text(node.operand)})"
    if isinstance(node.operand, syntax.Number):
        return node.operator.replace("+", "") + node.operand.text
    return f"({node.operator}({_text(node.operand)}))"


def _case(node: syntax.Case) -> str:
    branches = " ".join(
        f"WHEN ({_when(node.operand, when)}) THEN ({_text(then)})" for when, then in node.branches
    )
    otherwise = "NULL" if node.otherwise is None else _text(node.otherwise)
    return f"CASE  {branches} ELSE {otherwise} END"


def _when(operand: syntax.Expression | None, when: syntax.Expression) -> str:
    return _text(when) if operand is None else f"({_text(operand)} = {_text(when)})"


def _call(node: syntax.Call) -> str:
    name = node.name.lower()
    if name == "count" and not node.arguments:
        text = "count_star()"
    else:
        shown = {"coalesce": "COALESCE", "ifnull": "COALESCE", **_LEVELS}.get(name, name)
        shown = f'"{shown}"' if shown in _QUOTED_FUNCTIONS else shown
        arguments = ", ".join(_text(argument) for argument in node.arguments)
        text = f"{shown}({'DISTINCT ' if node.distinct else ''}{arguments})"
    text += "" if node.filter is None else f" FILTER (WHERE {_text(node.filter)})"
    return text if node.window is None else f"{text} OVER {_window(node.window)}"


def _window(window: syntax.Window | str) -> str:
    if isinstance(window, str):
        return _name(window)
    parts = [] if window.base is None else [_name(window.base)]
    if window.partition_by:
        parts.append(f"PARTITION BY {', '.join(map(_text, window.partition_by))}")
    if window.order_by:
        parts.append(f"ORDER BY {', '.join(map(_order_key, window.order_by))}")
    if window.frame is not None:
        parts.append(_frame(window.frame))
    return f"({' '.join(filter(None, parts))})"


def _order_key(key: syntax.OrderKey) -> str:
    words = [_text(key.expression)]
    if key.descending is not None:
        words.append("DESC" if key.descending else "ASC")
    if key.nulls_first is not None:
        words.append("NULLS FIRST" if key.nulls_first else "NULLS LAST")
    return " ".join(words)


_USUAL_FRAME = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


def _frame(frame: syntax.Frame) -> str:
    """Empty for the frame that stands where none is written."""
    stop = "CURRENT ROW" if frame.stop is None else _frame_bound(frame.stop)
    text = f"{frame.unit.upper()} BETWEEN {_frame_bound(frame.start)} AND {stop}"
    if frame.exclusion is not None:
        return f"{text} EXCLUDE {frame.exclusion.upper()}"
    return "" if text == _USUAL_FRAME else text


def _frame_bound(bound: syntax.FrameBound) -> str:
    kind = bound.kind.upper()
    return kind if bound.offset is None else f"{_text(bound.offset)} {kind}"
