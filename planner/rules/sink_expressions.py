"""Expressions over one owner's columns are computed by that owner, in clear, before any join.

    Project(sum argument CASE WHEN o_orderpriority = '1-URGENT' ... END, orders JOIN lineitem)
    =>  Project(c, (orders with column c = CASE ... END) JOIN lineitem)            (TPC-H 12)

Every maximal sub-expression whose columns come from one owner's side (or from the parts of one
partitioned relation) becomes a column there; but of a quotient that is compared, only its parts.
Arguments of AND and OR are taken together by side (TPC-H 19). On the null-extended side of an outer
join only expressions that are NULL on NULL move.
An owner computes on what it has already: nobody learns more, and less is shared.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ...query.bound import Call, ColumnRef, Expression, Literal
from ...query.datatypes import Column
from ..expressions import (
    call,
    columns_of,
    is_null_strict,
    parts,
    rebuild,
    reference,
    substitute,
)
from ..extending import computed_column, extend
from ..logical import (
    Filter,
    Join,
    Node,
    Project,
    Sort,
    Window,
    children,
    join,
    keep,
    with_children,
)
from ..ownership import is_local, is_partitioned
from ..ratios import compared_exactly
from .context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where columns come from: the path of child positions, and whether a join NULLs them."""

    path: tuple[int, ...]
    null_extended: bool


def sink_expressions(plan: Node, context: Context) -> Node:
    """Sinks from the root down, so that what sinks can sink further."""
    if is_local(plan):
        return plan
    match plan:
        case Filter():
            below, (predicate,) = _sink_all(plan.input, (plan.predicate,), context)
            return keep(sink_expressions(below, context), predicate)
        case Project():
            below, expressions = _sink_all(plan.input, plan.expressions, context, quotients=True)
            below = sink_expressions(below, context)
            return dataclasses.replace(plan, input=below, expressions=expressions)
        case Join():
            return _sink_join(plan, context)
        case _:
            inputs = tuple(sink_expressions(child, context) for child in children(plan))
            return with_children(plan, inputs)


def _sink_join(node: Join, context: Context) -> Node:
    """Operands of the condition sink into the sides that they read."""
    sides: list[Node] = [node.left, node.right]
    condition = node.condition
    for position in (0, 1):
        ids = frozenset(sides[position].ids)
        sunk = []
        for predicate in condition:
            if not isinstance(predicate, Call):
                sunk.append(predicate)
                continue
            if columns_of(predicate) and columns_of(predicate) <= ids:
                sides[position], changed = _sink_all(sides[position], (predicate,), context)
                sunk += changed
                continue
            mine = [bool(columns_of(a)) and columns_of(a) <= ids for a in predicate.arguments]
            wanted = tuple(a for a, own in zip(predicate.arguments, mine, strict=True) if own)
            sides[position], changed = _sink_all(sides[position], wanted, context)
            rest = iter(changed)
            arguments = [
                next(rest) if own else a for a, own in zip(predicate.arguments, mine, strict=True)
            ]
            sunk.append(rebuild(predicate, arguments))
        condition = tuple(sunk)
    left, right = (sink_expressions(side, context) for side in sides)
    return join(node.kind, left, right, condition, node.span)


def _sink_all(
    node: Node,
    expressions: tuple[Expression, ...],
    context: Context,
    *,
    quotients: bool = False,
) -> tuple[Node, tuple[Expression, ...]]:
    """`quotients`: whether an expression that is a quotient as a whole may sink."""
    sinking = _Sinking(node, context)
    changed = tuple(sinking.rewrite(e, quotients=quotients) for e in expressions)
    return sinking.node, changed


class _Sinking:
    """One node's expressions being rewritten while columns are added below it."""

    def __init__(self, node: Node, context: Context) -> None:
        self.node = node
        self._context = context
        self._known: list[tuple[Expression, Column]] = []

    def rewrite(self, expression: Expression, *, quotients: bool = False) -> Expression:
        """A quotient that is compared or computed with stays two exact numbers."""
        if isinstance(expression, ColumnRef | Literal):
            return expression
        for known, column in self._known:
            if known == expression:
                return reference(column)
        if self._may_sink(expression) and (quotients or not compared_exactly(expression)):
            return self._sunk(expression)
        if isinstance(expression, Call) and expression.function in ("and", "or"):
            expression = self._grouped(expression)
        return rebuild(expression, [self.rewrite(part) for part in parts(expression)])

    def _may_sink(self, expression: Expression) -> bool:
        origin = origin_of(self.node, expression)
        if origin is None:
            return False
        return not origin.null_extended or is_null_strict(expression)

    def _sunk(self, expression: Expression) -> Expression:
        column = computed_column(expression, self._context.ids)
        self.node, exposed = sink(self.node, column, expression, self._context)
        self._known.append((expression, exposed))
        return dataclasses.replace(reference(exposed), span=expression.span)

    def _grouped(self, logic: Call) -> Call:
        """Arguments of one origin become one argument."""
        groups: dict[tuple[int, ...], list[Expression]] = {}
        order: list[Expression | tuple[int, ...]] = []
        for argument in logic.arguments:
            origin = origin_of(self.node, argument)
            if origin is None or origin.null_extended:
                order.append(argument)
                continue
            if origin.path not in groups:
                order.append(origin.path)
            groups.setdefault(origin.path, []).append(argument)
        arguments = []
        for entry in order:
            if isinstance(entry, Expression):
                arguments.append(entry)
                continue
            group = groups[entry]
            arguments.append(group[0] if len(group) == 1 else call(logic.function, group))
        return dataclasses.replace(logic, arguments=tuple(arguments))


def origin_of(node: Node, expression: Expression) -> Origin | None:
    """The one place below `node` that has every column of the expression; None if there is none."""
    needed = columns_of(expression)
    if not needed:
        return None
    if is_local(node) or is_partitioned(node):
        return Origin(path=(), null_extended=False) if needed <= frozenset(node.ids) else None
    match node:
        case Filter() | Sort():
            return _below(0, origin_of(node.input, expression))
        case Window():
            if not needed <= frozenset(node.input.ids):
                return None
            return _below(0, origin_of(node.input, expression))
        case Project():
            by = dict(zip(node.ids, node.expressions, strict=True))
            return _below(0, origin_of(node.input, substitute(expression, by)))
        case Join():
            for position, side in enumerate((node.left, node.right)):
                if needed <= frozenset(side.ids):
                    extended = null_extends(node, position)
                    return _below(position, origin_of(side, expression), extended=extended)
            return None
        case _:
            return None


def null_extends(node: Join, position: int) -> bool:
    """Whether the join sets columns of that side to NULL."""
    return node.kind == "full" or (node.kind == "left" and position == 1)


def _below(position: int, origin: Origin | None, *, extended: bool = False) -> Origin | None:
    if origin is None:
        return None
    return Origin(path=(position, *origin.path), null_extended=origin.null_extended or extended)


def sink(
    node: Node, column: Column, expression: Expression, context: Context
) -> tuple[Node, Column]:
    """`node` with `column` computed at its origin; and the column as `node` exposes it."""
    if is_local(node) or is_partitioned(node):
        return extend(node, column, expression, context.ids), column
    match node:
        case Filter() | Sort() | Window():
            below, exposed = sink(node.input, column, expression, context)
            return with_children(node, (below,)), exposed
        case Project():
            by = dict(zip(node.ids, node.expressions, strict=True))
            below, exposed = sink(node.input, column, substitute(expression, by), context)
            return (
                dataclasses.replace(
                    node,
                    input=below,
                    columns=(*node.columns, exposed),
                    expressions=(*node.expressions, reference(exposed)),
                ),
                exposed,
            )
        case Join():
            sides = [node.left, node.right]
            position = 0 if columns_of(expression) <= frozenset(node.left.ids) else 1
            sides[position], exposed = sink(sides[position], column, expression, context)
            if null_extends(node, position):
                exposed = dataclasses.replace(exposed, nullable=True)
            return join(node.kind, sides[0], sides[1], node.condition, node.span), exposed
        case _:
            raise AssertionError("an expression without origin")
