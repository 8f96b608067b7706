"""Canonical text of expressions: no parentheses but the necessary ones, keywords in capitals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from . import syntax

OR, AND, NOT, IS, COMPARISON, PREDICATE, CONCAT, SUM, PRODUCT, POWER, SIGN, PRIMARY = range(12)
"""How tightly an expression binds; the levels of grammar.lark."""

_BINARY = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), (COMPARISON, PREDICATE, PREDICATE)),
    "||": (CONCAT, CONCAT, SUM),
    **dict.fromkeys(("+", "-"), (SUM, SUM, PRODUCT)),
    **dict.fromkeys(("*", "/", "//", "%"), (PRODUCT, PRODUCT, POWER)),
    "^": (POWER, POWER, SIGN),
}
"""For each operator: its own level, and what its left and right operands need at least."""

_PLAIN = re.compile(r"[^\W\d]\w*")

PrintQuery = Callable[[syntax.Query], str]


@cache
def keywords() -> frozenset[str]:
    """Every word of the grammar, in capitals."""
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return frozenset(re.findall(r'"([A-Z_]+)"', grammar))


def identifier(name: str) -> str:
    """A name, quoted if it is no plain word or a keyword."""
    if _PLAIN.fullmatch(name) and name.upper() not in keywords():
        return name
    return '"' + name.replace('"', '""') + '"'


def dotted(parts: Sequence[str]) -> str:
    """A qualified name."""
    return ".".join(identifier(part) for part in parts)


def names(values: Sequence[str]) -> str:
    """Names between commas."""
    return ", ".join(identifier(value) for value in values)


def string(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def type_name(node: syntax.TypeName) -> str:
    """A type with its parameters."""
    plain = _PLAIN.fullmatch(node.name) and identifier(node.name) == node.name
    name = node.name.upper() if plain else identifier(node.name)
    return f"{name}({', '.join(map(str, node.parameters))})" if node.parameters else name


class ExpressionPrinter:
    """Prints expressions; queries inside them through `query`."""

    def __init__(self, query: PrintQuery) -> None:
        self._query = query

    def show(self, node: syntax.Expression, level: int = OR) -> str:
        """The text of an expression where one binding at least as tightly as `level` fits."""
        own, text = self._leveled(node)
        return text if own >= level else f"({text})"

    def list(self, nodes: Sequence[syntax.Expression]) -> str:
        """Expressions between commas."""
        return ", ".join(self.show(node) for node in nodes)

    def _leveled(self, node: syntax.Expression) -> tuple[int, str]:
        match node:
            case syntax.Unary(operator="not", operand=operand):
                return NOT, f"NOT {self.show(operand, NOT)}"
            case syntax.Unary(operator=operator, operand=operand):
                inner = self.show(operand, SIGN)
                space = " " if inner[0] in "+-" else ""
                return SIGN, f"{operator}{space}{inner}"
            case syntax.Junction(operator=operator, operands=operands):
                own = OR if operator == "or" else AND
                parts = (self.show(operand, own + 1) for operand in operands)
                return own, f" {operator.upper()} ".join(parts)
            case syntax.Binary(operator=operator, left=left, right=right):
                own, low, high = _BINARY[operator]
                text = f"{self.show(left, low)} {operator} {self.show(right, high)}"
                return own, text
            case syntax.IsTest() | syntax.IsDistinct():
                return IS, self._is(node)
            case syntax.Quantified():
                start = f"{self.show(node.left, PREDICATE)} {node.operator} {node.quantity.upper()}"
                return COMPARISON, f"{start} {self._nested(node.query)}"
            case syntax.Between() | syntax.InList() | syntax.InQuery() | syntax.Like():
                return PREDICATE, self._predicate(node)
            case _:
                return PRIMARY, self._primary(node)

    def _nested(self, query: syntax.Query) -> str:
        return f"({self._query(query)})"

    def _is(self, node: syntax.IsTest | syntax.IsDistinct) -> str:
        word = "IS NOT" if node.negated else "IS"
        if isinstance(node, syntax.IsTest):
            return f"{self.show(node.operand, IS)} {word} {node.test.upper()}"
        right = self.show(node.right, COMPARISON)
        return f"{self.show(node.left, IS)} {word} DISTINCT FROM {right}"

    def _predicate(
        self, node: syntax.Between | syntax.InList | syntax.InQuery | syntax.Like
    ) -> str:
        start = self.show(node.operand, PREDICATE) + (" NOT" if node.negated else "")
        match node:
            case syntax.Between(low=low, high=high):
                return f"{start} BETWEEN {self.show(low, CONCAT)} AND {self.show(high, CONCAT)}"
            case syntax.InList(items=items):
                return f"{start} IN ({self.list(items)})"
            case syntax.InQuery(query=query):
                return f"{start} IN {self._nested(query)}"
            case syntax.Like(pattern=pattern, kind=kind, escape=escape):
                word = "SIMILAR TO" if kind == "similar" else kind.upper()
                end = "" if escape is None else f" ESCAPE {self.show(escape, CONCAT)}"
                return f"{start} {word} {self.show(pattern, CONCAT)}{end}"

    def _primary(self, node: syntax.Expression) -> str:
        match node:
            case syntax.ColumnName(parts=parts):
                return dotted(parts)
            case syntax.Number(text=text):
                return text
            case syntax.Text(value=value):
                return string(value)
            case syntax.Boolean(value=value):
                return "TRUE" if value else "FALSE"
            case syntax.Null():
                return "NULL"
            case syntax.Moment(type=kind, text=text):
                return f"{kind.upper()} {string(text)}"
            case syntax.Interval():
                return self._interval(node)
            case syntax.Case():
                return self._case(node)
            case syntax.Cast(operand=operand, type=kind, safe=safe):
                word = "TRY_CAST" if safe else "CAST"
                return f"{word}({self.show(operand)} AS {type_name(kind)})"
            case syntax.Extract(part=part, operand=operand):
                return f"EXTRACT({identifier(part)} FROM {self.show(operand)})"
            case syntax.Call():
                return self._call(node)
            case syntax.Exists(query=query):
                return f"EXISTS {self._nested(query)}"
            case syntax.Subquery(query=query):
                return self._nested(query)
            case syntax.Row(items=items):
                return f"({self.list(items)})"
            case syntax.GroupingSets():
                return self._grouping(node)
            case syntax.Star():
                return self._star(node)
            case _:
                raise AssertionError(type(node).__name__)

    def _interval(self, node: syntax.Interval) -> str:
        unit = "" if node.unit is None else f" {node.unit.upper()}"
        if isinstance(node.amount, syntax.Text | syntax.Number):
            return f"INTERVAL {self.show(node.amount)}{unit}"
        return f"INTERVAL ({self.show(node.amount)}){unit}"

    def _case(self, node: syntax.Case) -> str:
        operand = "" if node.operand is None else f" {self.show(node.operand)}"
        branches = "".join(
            f" WHEN {self.show(when)} THEN {self.show(then)}" for when, then in node.branches
        )
        otherwise = "" if node.otherwise is None else f" ELSE {self.show(node.otherwise)}"
        return f"CASE{operand}{branches}{otherwise} END"

    def _call(self, node: syntax.Call) -> str:
        inside = "*" if node.star else self.list(node.arguments)
        inside = f"DISTINCT {inside}" if node.distinct else inside
        if node.order_by:
            inside += f" {self.order_by(node.order_by)}"
        text = f"{dotted(node.name.split('.'))}({inside})"
        if node.within_group:
            text += f" WITHIN GROUP ({self.order_by(node.within_group)})"
        if node.filter is not None:
            text += f" FILTER (WHERE {self.show(node.filter)})"
        if isinstance(node.window, str):
            text += f" OVER {identifier(node.window)}"
        elif node.window is not None:
            text += f" OVER {self.window(node.window)}"
        return text

    def _grouping(self, node: syntax.GroupingSets) -> str:
        items = ", ".join("()" if item is None else self.show(item) for item in node.items)
        return f"{node.kind.upper()} ({items})"

    def _star(self, node: syntax.Star) -> str:
        text = f"{dotted(node.table)}.*" if node.table else "*"
        return f"{text} EXCLUDE ({names(node.excluded)})" if node.excluded else text

    def order_by(self, keys: Sequence[syntax.OrderKey]) -> str:
        """ORDER BY with its keys."""
        return f"ORDER BY {', '.join(self._order_key(key) for key in keys)}"

    def _order_key(self, key: syntax.OrderKey) -> str:
        text = self.show(key.expression)
        if key.descending is not None:
            text += " DESC" if key.descending else " ASC"
        if key.nulls_first is not None:
            text += " NULLS FIRST" if key.nulls_first else " NULLS LAST"
        return text

    def window(self, node: syntax.Window) -> str:
        """A window specification."""
        parts = [] if node.base is None else [identifier(node.base)]
        if node.partition_by:
            parts.append(f"PARTITION BY {self.list(node.partition_by)}")
        if node.order_by:
            parts.append(self.order_by(node.order_by))
        if node.frame is not None:
            parts.append(self._frame(node.frame))
        return f"({' '.join(parts)})"

    def _frame(self, frame: syntax.Frame) -> str:
        start = self._bound(frame.start)
        without = "" if frame.exclusion is None else f" EXCLUDE {frame.exclusion.upper()}"
        if frame.stop is None:
            return f"{frame.unit.upper()} {start}{without}"
        return f"{frame.unit.upper()} BETWEEN {start} AND {self._bound(frame.stop)}{without}"

    def _bound(self, bound: syntax.FrameBound) -> str:
        if bound.offset is None:
            return bound.kind.upper()
        return f"{self.show(bound.offset, CONCAT)} {bound.kind.upper()}"
