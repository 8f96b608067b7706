"""From lark's parse tree to syntax nodes: expressions, types and windows.

Each method is named like a rule or alias of grammar.lark, gets that rule's children (None for an
absent optional part) and returns the node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from . import syntax
from .errors import Span
from .lexer import UNITS

_OPERATORS = {"==": "=", "!=": "<>", "**": "^"}

_PATTERNS = {"pattern_like": "like", "pattern_ilike": "ilike", "pattern_similar": "similar"}


def span_of(meta: Meta) -> Span:
    """The place of a parse tree; empty trees stand nowhere."""
    return Span(0, 0) if meta.empty else Span(meta.start_pos, meta.end_pos)


def names_of(children: Sequence[Any]) -> tuple[str, ...]:
    """The texts of the name tokens among some children."""
    return tuple(str(child) for child in children if isinstance(child, Token))


@v_args(meta=True)
class ExpressionBuilder(Transformer[Token, Any]):
    """Builds expressions."""

    def nothing(self, _: Meta, __: list[Any]) -> None:
        """An absent clause."""

    # Literals

    def number(self, meta: Meta, children: list[Any]) -> syntax.Number:
        return syntax.Number(text=str(children[0]), span=span_of(meta))

    def string(self, meta: Meta, children: list[Any]) -> syntax.Text:
        return syntax.Text(value=str(children[0]), span=span_of(meta))

    def true(self, meta: Meta, _: list[Any]) -> syntax.Boolean:
        return syntax.Boolean(value=True, span=span_of(meta))

    def false(self, meta: Meta, _: list[Any]) -> syntax.Boolean:
        return syntax.Boolean(value=False, span=span_of(meta))

    def null(self, meta: Meta, _: list[Any]) -> syntax.Null:
        return syntax.Null(span=span_of(meta))

    def date(self, meta: Meta, children: list[Any]) -> syntax.Moment:
        return syntax.Moment(type="date", text=str(children[0]), span=span_of(meta))

    def timestamp(self, meta: Meta, children: list[Any]) -> syntax.Moment:
        return syntax.Moment(type="timestamp", text=str(children[0]), span=span_of(meta))

    def interval(self, meta: Meta, children: list[Any]) -> syntax.Interval:
        amount, unit = children
        text = syntax.Text(value=str(amount), span=Span(amount.start_pos, amount.end_pos))
        return syntax.Interval(amount=text, unit=_unit(unit), span=span_of(meta))

    def interval_number(self, meta: Meta, children: list[Any]) -> syntax.Interval:
        amount, unit = children
        number = syntax.Number(text=str(amount), span=Span(amount.start_pos, amount.end_pos))
        return syntax.Interval(amount=number, unit=_unit(unit), span=span_of(meta))

    def interval_expression(self, meta: Meta, children: list[Any]) -> syntax.Interval:
        return syntax.Interval(amount=children[0], unit=_unit(children[1]), span=span_of(meta))

    # Operators

    def dotted(self, _: Meta, children: list[Any]) -> tuple[str, ...]:
        return names_of(children)

    def column(self, meta: Meta, children: list[Any]) -> syntax.ColumnName:
        return syntax.ColumnName(parts=children[0], span=span_of(meta))

    def binary(self, meta: Meta, children: list[Any]) -> syntax.Binary:
        left, operator, right = children
        name = _OPERATORS.get(operator, str(operator))
        return syntax.Binary(operator=name, left=left, right=right, span=span_of(meta))

    def or_(self, meta: Meta, children: list[Any]) -> syntax.Junction:
        return syntax.Junction(operator="or", operands=tuple(children), span=span_of(meta))

    def and_(self, meta: Meta, children: list[Any]) -> syntax.Junction:
        return syntax.Junction(operator="and", operands=tuple(children), span=span_of(meta))

    def not_(self, meta: Meta, children: list[Any]) -> syntax.Unary:
        return syntax.Unary(operator="not", operand=children[0], span=span_of(meta))

    def unary(self, meta: Meta, children: list[Any]) -> syntax.Unary:
        operator, operand = children
        return syntax.Unary(operator=str(operator), operand=operand, span=span_of(meta))

    def negated(self, _: Meta, __: list[Any]) -> bool:
        return True

    # Tests

    def is_null(self, meta: Meta, children: list[Any]) -> syntax.IsTest:
        operand, negated = children
        return _is_test(meta, operand, "null", negated)

    def is_null_postfix(self, meta: Meta, children: list[Any]) -> syntax.IsTest:
        return _is_test(meta, children[0], "null", False)

    def is_not_null_postfix(self, meta: Meta, children: list[Any]) -> syntax.IsTest:
        return _is_test(meta, children[0], "null", True)

    def is_truth(self, meta: Meta, children: list[Any]) -> syntax.IsTest:
        operand, negated, truth = children
        return _is_test(meta, operand, truth.data.removeprefix("is_"), negated)

    def is_distinct(self, meta: Meta, children: list[Any]) -> syntax.IsDistinct:
        left, negated, right = children
        return syntax.IsDistinct(left=left, right=right, negated=bool(negated), span=span_of(meta))

    def between(self, meta: Meta, children: list[Any]) -> syntax.Between:
        operand, negated, low, high = children
        return syntax.Between(
            operand=operand, low=low, high=high, negated=bool(negated), span=span_of(meta)
        )

    def in_list(self, meta: Meta, children: list[Any]) -> syntax.InList:
        operand, negated, items = children
        return syntax.InList(
            operand=operand, items=items, negated=bool(negated), span=span_of(meta)
        )

    def in_query(self, meta: Meta, children: list[Any]) -> syntax.InQuery:
        operand, negated, query = children
        return syntax.InQuery(
            operand=operand, query=query, negated=bool(negated), span=span_of(meta)
        )

    def like(self, meta: Meta, children: list[Any]) -> syntax.Like:
        operand, negated, kind, pattern, escape = children
        return syntax.Like(
            operand=operand,
            pattern=pattern,
            kind=_PATTERNS[kind.data],
            escape=escape,
            negated=bool(negated),
            span=span_of(meta),
        )

    def quantified(self, meta: Meta, children: list[Any]) -> syntax.Quantified:
        left, operator, quantity, query = children
        return syntax.Quantified(
            left=left,
            operator=_OPERATORS.get(operator, str(operator)),
            quantity="any" if quantity.data == "any" else "all",
            query=query,
            span=span_of(meta),
        )

    def exists(self, meta: Meta, children: list[Any]) -> syntax.Exists:
        return syntax.Exists(query=children[0], span=span_of(meta))

    def scalar_subquery(self, meta: Meta, children: list[Any]) -> syntax.Subquery:
        return syntax.Subquery(query=children[0], span=span_of(meta))

    # Forms with words inside

    def case(self, meta: Meta, children: list[Any]) -> syntax.Case:
        operand, *whens, otherwise = children
        return syntax.Case(
            operand=operand, branches=tuple(whens), otherwise=otherwise, span=span_of(meta)
        )

    def when(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def cast(self, meta: Meta, children: list[Any]) -> syntax.Cast:
        return syntax.Cast(operand=children[0], type=children[1], span=span_of(meta))

    def try_cast(self, meta: Meta, children: list[Any]) -> syntax.Cast:
        return syntax.Cast(operand=children[0], type=children[1], safe=True, span=span_of(meta))

    cast_postfix = cast

    def type(self, meta: Meta, children: list[Any]) -> syntax.TypeName:
        name, *parameters = (str(child) for child in children if child is not None)
        numbers = tuple(int(p) if p.isdigit() else -1 for p in parameters)
        return syntax.TypeName(name=name.lower(), parameters=numbers, span=span_of(meta))

    def extract(self, meta: Meta, children: list[Any]) -> syntax.Extract:
        return syntax.Extract(
            part=str(children[0]).lower(), operand=children[1], span=span_of(meta)
        )

    def substring(self, meta: Meta, children: list[Any]) -> syntax.Call:
        arguments = tuple(child for child in children if child is not None)
        return syntax.Call(name="substring", arguments=arguments, span=span_of(meta))

    def position(self, meta: Meta, children: list[Any]) -> syntax.Call:
        needle, text = children
        return syntax.Call(name="position", arguments=(text, needle), span=span_of(meta))

    def trim(self, meta: Meta, children: list[Any]) -> syntax.Call:
        side, characters, text = children
        name = {"both": "trim", "leading": "ltrim", "trailing": "rtrim"}[side.data]
        arguments = (text,) if characters is None else (text, characters)
        return syntax.Call(name=name, arguments=arguments, span=span_of(meta))

    def row(self, meta: Meta, children: list[Any]) -> syntax.Row:
        return syntax.Row(items=(children[0], *children[1]), span=span_of(meta))

    def expressions(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    # Calls

    def call(self, meta: Meta, children: list[Any]) -> syntax.Call:
        parts, arguments, within, filter_, over = children
        return syntax.Call(
            name=".".join(parts),
            within_group=within or (),
            filter=filter_,
            window=over,
            span=span_of(meta),
            **arguments,
        )

    def call_substring(self, meta: Meta, children: list[Any]) -> syntax.Call:
        return syntax.Call(
            name="substring", arguments=(children[0], *children[1]), span=span_of(meta)
        )

    def no_arguments(self, _: Meta, __: list[Any]) -> dict[str, Any]:
        return {"arguments": ()}

    def star_argument(self, _: Meta, __: list[Any]) -> dict[str, Any]:
        return {"arguments": (), "star": True}

    def all_arguments(self, _: Meta, children: list[Any]) -> dict[str, Any]:
        order_by = children[1] if len(children) > 1 else None
        return {"arguments": children[0], "order_by": order_by or ()}

    def distinct_arguments(self, _: Meta, children: list[Any]) -> dict[str, Any]:
        return {"arguments": children[0], "distinct": True, "order_by": children[1] or ()}

    def within(self, _: Meta, children: list[Any]) -> Any:
        return children[0]

    def filter(self, _: Meta, children: list[Any]) -> Any:
        return children[0]

    def over(self, _: Meta, children: list[Any]) -> syntax.Window | str:
        target = children[0]
        return target if isinstance(target, syntax.Window) else str(target)

    # Order keys and windows

    def order_key(self, meta: Meta, children: list[Any]) -> syntax.OrderKey:
        expression, direction, nulls = children
        return syntax.OrderKey(
            expression=expression,
            descending=None if direction is None else direction.data == "descending",
            nulls_first=None if nulls is None else nulls.data == "nulls_first",
            span=span_of(meta),
        )

    def order_by(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def window(self, meta: Meta, children: list[Any]) -> syntax.Window:
        base, partition_by, order_by, frame = children
        return syntax.Window(
            base=None if base is None else str(base),
            partition_by=partition_by or (),
            order_by=order_by or (),
            frame=frame,
            span=span_of(meta),
        )

    def frame(self, meta: Meta, children: list[Any]) -> syntax.Frame:
        unit, start, exclusion = children
        return syntax.Frame(
            unit=str(unit.data), start=start, stop=None, exclusion=exclusion, span=span_of(meta)
        )

    def frame_between(self, meta: Meta, children: list[Any]) -> syntax.Frame:
        unit, start, stop, exclusion = children
        return syntax.Frame(
            unit=str(unit.data), start=start, stop=stop, exclusion=exclusion, span=span_of(meta)
        )

    def exclude_current_row(self, _: Meta, __: list[Any]) -> str:
        return "current row"

    def exclude_group(self, _: Meta, __: list[Any]) -> str:
        return "group"

    def exclude_named(self, _: Meta, children: list[Any]) -> str:
        return " ".join(str(child).lower() for child in children)

    def unbounded_preceding(self, meta: Meta, _: list[Any]) -> syntax.FrameBound:
        return syntax.FrameBound(kind="unbounded preceding", span=span_of(meta))

    def unbounded_following(self, meta: Meta, _: list[Any]) -> syntax.FrameBound:
        return syntax.FrameBound(kind="unbounded following", span=span_of(meta))

    def current_row(self, meta: Meta, _: list[Any]) -> syntax.FrameBound:
        return syntax.FrameBound(kind="current row", span=span_of(meta))

    def preceding(self, meta: Meta, children: list[Any]) -> syntax.FrameBound:
        return syntax.FrameBound(kind="preceding", offset=children[0], span=span_of(meta))

    def following(self, meta: Meta, children: list[Any]) -> syntax.FrameBound:
        return syntax.FrameBound(kind="following", offset=children[0], span=span_of(meta))


def _unit(token: Token | None) -> str | None:
    return None if token is None else UNITS[token.lower()]


def _is_test(meta: Meta, operand: Any, test: str, negated: bool | None) -> syntax.IsTest:
    return syntax.IsTest(operand=operand, test=test, negated=bool(negated), span=span_of(meta))
