"""Window functions: one Window for each PARTITION BY and ORDER BY, over what they read.

    SELECT avg(x) OVER (PARTITION BY k), lag(x, 1, 0) OVER (ORDER BY t + 1) ...
    =>  Project(s / n, CASE WHEN r <= 1 THEN 0 ELSE a END)
        over  Window(by k: s = sum(x), n = count(*))
        over  Window(by u: r = row_number(), a = nth_value(x, 1) of the row before)
        over  Project(..., u = t + 1)

FILTER becomes a CASE in the argument; AVG, PERCENT_RANK and CUME_DIST become exact integers and one
division; LAG and LEAD read the first row of a frame of one row.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from ..query.bound import Case, Expression, Frame, Literal
from ..query.bound import Window as BoundWindow
from ..query.datatypes import BIGINT, DOUBLE, INTEGER, Column, SqlType
from .expressions import call, reference, transform, walk
from .extending import input_column
from .logical import Ids, Node, OrderBy, Windowed, project, window
from .scales import sum_type
from .secure import WindowFunction

WHOLE = Frame(unit="rows", start=None, stop=None)
PEERS = Frame(unit="range", start=0, stop=0)
TO_PEERS = Frame(unit="range", start=None, stop=0)


def has_window(*expressions: Expression) -> bool:
    """Whether a window function stands in one of the expressions."""
    return any(isinstance(part, BoundWindow) for e in expressions for part in walk(e))


@dataclass(slots=True)
class _Specification:
    """One PARTITION BY and ORDER BY, and the functions over it."""

    partition: tuple[int, ...]
    order: tuple[OrderBy, ...]
    calls: list[Windowed] = field(default_factory=list)

    def column(self, made: Windowed) -> Column:
        """The column of a function; the same one for the same function."""
        for known in self.calls:
            if dataclasses.replace(known, column=made.column) == made:
                return known.column
        self.calls.append(made)
        return made.column


class Windowing:
    """Collects what the window functions of one SELECT need while they are rewritten."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._inputs: list[tuple[Column, Expression]] = []
        self._specifications: list[_Specification] = []

    def rewrite(self, expression: Expression) -> Expression:
        """An expression over the rows: window functions become columns of the Windows."""
        return transform(
            expression, lambda e: self._value(e) if isinstance(e, BoundWindow) else None
        )

    def node(self, input: Node) -> Node:
        """The Windows over `input`, once every expression has been rewritten."""
        kept = tuple((column, reference(column)) for column in input.columns)
        computed = tuple((c, e) for c, e in self._inputs if c.id not in input.ids)
        node: Node = project(input, kept + computed) if computed else input
        for one in _merged(self._specifications):
            span = one.calls[0].span
            node = window(node, one.partition, one.order, tuple(one.calls), span)
        return node

    def _value(self, node: BoundWindow) -> Expression:
        argument = _filtered(node)
        match node.function:
            case "avg" if argument is not None:
                total = self._column(node, "sum", argument, type=sum_type(argument.type))
                count = self._column(node, "count", argument)
                return call("/", [total, count], type=DOUBLE, nullable=True, like=node)
            case "percent_rank":
                return self._percent_rank(node)
            case "cume_dist":
                upto = self._column(node, "count_star", frame=TO_PEERS)
                count = self._column(node, "count_star", frame=WHOLE)
                return call("/", [upto, count], type=DOUBLE, nullable=False, like=node)
            case "lag" | "lead":
                return self._shifted(node)
            case "first_value":
                return self._column(node, "nth_value", argument, type=node.type)
            case "count" | "count_star":
                return self._column(node, "count", argument)
            case function:
                return self._column(node, function, argument, type=node.type)  # type: ignore[arg-type]

    def _percent_rank(self, node: BoundWindow) -> Expression:
        """(rank - 1) / (rows of the partition - 1), and 0 in a partition of one row."""
        one = Literal(type=INTEGER, nullable=False, value=1)
        zero = Literal(type=INTEGER, nullable=False, value=0)
        rank, rows = self._column(node, "rank"), self._column(node, "count_star", frame=WHOLE)
        above, others = (call("-", [value, one], type=BIGINT) for value in (rank, rows))
        share = call("/", [above, others], type=DOUBLE, nullable=True, like=node)
        alone = call("=", [rows, one])
        return Case(
            type=DOUBLE,
            nullable=False,
            branches=((alone, zero),),
            otherwise=share,
            span=node.span,
        )

    def _shifted(self, node: BoundWindow) -> Expression:
        """The row some rows away, and the default where the partition has no such row."""
        step = -node.number if node.function == "lag" else node.number
        frame = Frame(unit="rows", start=step, stop=step)
        value = self._column(node, "nth_value", node.argument, type=node.type, frame=frame)
        if node.default is None or not step:
            return value
        place = self._column(node, "row_number")
        limit: Expression = Literal(type=BIGINT, nullable=False, value=node.number)
        if step > 0:
            rows = self._column(node, "count_star", frame=WHOLE)
            missing = call("<", [call("-", [rows, place], type=BIGINT), limit])
        else:
            missing = call("<=", [place, limit])
        return Case(
            type=node.type,
            nullable=value.nullable or node.default.nullable,
            branches=((missing, node.default),),
            otherwise=value,
            span=node.span,
        )

    def _column(
        self,
        node: BoundWindow,
        function: WindowFunction,
        argument: Expression | None = None,
        *,
        type: SqlType = BIGINT,
        frame: Frame | None = None,
    ) -> Expression:
        """The column of a window function; the same one for the same function."""
        frame = frame or node.frame
        if frame_is_empty(frame):
            nothing = None if argument is not None and function != "count" else 0
            return Literal(type=type, nullable=nothing is None, value=nothing, span=node.span)
        peers = frame == PEERS and function not in ("rank", "dense_rank")
        specification = self._specification(node, peers=peers)
        if not specification.order and frame.unit == "range":
            frame = WHOLE
        if function == "count" and (argument is None or not argument.nullable):
            function, argument = "count_star", None
        number = node.number if node.function in ("nth_value", "ntile") else 1
        made = Windowed(
            column=Column(
                id=self._ids.fresh(),
                name=function,
                type=type,
                encoding=None,
                nullable=may_be_null(function, argument, number, frame),
            ),
            function=function,
            argument=None if argument is None else self._input(argument).id,
            number=number,
            frame=frame,
            span=node.span,
        )
        return dataclasses.replace(reference(specification.column(made)), span=node.span)

    def _specification(self, node: BoundWindow, *, peers: bool) -> _Specification:
        """`peers`: each group of rows that tie as a partition of its own."""
        keys = node.partition_by
        keys += tuple(key.expression for key in node.order_by) if peers else ()
        partition = tuple(dict.fromkeys(self._input(e).id for e in keys))
        order = tuple(
            OrderBy(
                column=self._input(key.expression).id,
                descending=key.descending,
                nulls_first=key.nulls_first,
            )
            for key in node.order_by
        )
        first = {key.column: key for key in reversed(order)}
        order = tuple(k for k in order if first[k.column] is k and k.column not in partition)
        for known in self._specifications:
            if (frozenset(known.partition), known.order) == (frozenset(partition), order):
                return known
        self._specifications.append(_Specification(partition, order))
        return self._specifications[-1]

    def _input(self, expression: Expression) -> Column:
        """The input column that computes `expression`; the same one for the same expression."""
        for column, known in self._inputs:
            if known == expression:
                return column
        column = input_column(expression, self._ids)
        self._inputs.append((column, expression))
        return column


def frame_is_empty(frame: Frame) -> bool:
    """Whether the frame never has a row: it ends before it begins."""
    return frame.start is not None and frame.stop is not None and frame.stop < frame.start


def may_be_null(
    function: WindowFunction, argument: Expression | Column | None, number: int, frame: Frame
) -> bool:
    """Whether a window function gives NULL: its argument does, or its frame may have no row."""
    if argument is None or function == "count":
        return False
    sure = frame.has_current_row and (function != "nth_value" or number <= 1)
    return argument.nullable or not sure


def _merged(specifications: list[_Specification]) -> list[_Specification]:
    """Totals of whole partitions are read off any order of the same partitions.

    Only those: what depends on the order of rows that tie would tell how another key orders them.
    """
    merged: list[_Specification] = []
    for one in specifications:
        same = [
            other
            for other in specifications
            if other is not one and frozenset(other.partition) == frozenset(one.partition)
        ]
        if one.order or not same or not all(map(_is_total, one.calls)):
            merged.append(one)
        else:
            same[0].calls += one.calls
    return merged


def _is_total(windowed: Windowed) -> bool:
    aggregate = windowed.function in ("count_star", "count", "sum", "min", "max")
    return aggregate and windowed.frame == WHOLE


def _filtered(node: BoundWindow) -> Expression | None:
    """The argument with FILTER as a CASE, as in an aggregate."""
    if node.filter is None:
        return node.argument
    value = node.argument or Literal(type=INTEGER, nullable=False, value=1, span=node.span)
    return Case(
        type=value.type,
        nullable=True,
        branches=((node.filter, value),),
        otherwise=None,
        span=node.span,
    )
