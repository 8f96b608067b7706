"""Columns that meet as join keys, in UNION ALL or in a string comparison share one encoding.

Where such columns leave their owners, widening them to the common range costs nothing there, and
saves rebasing shares later. Columns are gathered into classes; a class whose members are compared
takes the encoding that holds all of them, everywhere in the plan.
"""

from __future__ import annotations

from itertools import pairwise

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.bounds import domain_encoding
from ..query.datatypes import Encoding, VarcharType
from .expressions import parts, string_leaves, walk
from .facts import Analysis
from .known import common_range
from .logical import Aggregate, Filter, Join, Node, Project, Union, Window, children
from .ownership import is_local
from .secure import VALUES_OF_ROWS


class SharedEncodings:
    """Encoding by column id, for the columns of the plan that meet others."""

    def __init__(self, plan: Node, analysis: Analysis) -> None:
        self._parent: dict[int, int] = {}
        self._met: set[int] = set()
        self._ranges: dict[int, Encoding | None] = {}
        self._given: list[tuple[int, Encoding]] = []
        self._visit(plan, analysis)
        self._known = self._common()

    def of(self, column_id: int, own: Encoding | None) -> Encoding | None:
        """The encoding that the column has in the secure plan."""
        return self._known.get(column_id, own)

    def _visit(self, node: Node, analysis: Analysis) -> None:
        if is_local(node):
            facts = analysis.facts(node)
            self._ranges.update({i: facts.ranges.get(i) for i in node.ids})
            return
        for child in children(node):
            self._visit(child, analysis)
        self._ranges.update(analysis.facts(node).ranges)
        match node:
            case Project():
                for column, expression in zip(node.columns, node.expressions, strict=True):
                    if isinstance(expression, ColumnRef):
                        self._link(column.id, expression.id)
                    self._strings(expression)
            case Union():
                for inner in node.inputs:
                    for outer, own in zip(node.ids, inner.ids, strict=True):
                        self._link(outer, own, met=True)
            case Window():
                for windowed in node.calls:
                    if windowed.argument is not None and windowed.function not in ("sum", "count"):
                        self._link(windowed.column.id, windowed.argument)
            case Join():
                for condition in node.condition:
                    self._equality(condition)
            case Filter():
                self._strings(node.predicate)
            case Aggregate():
                for a in node.aggregates:
                    if a.function in VALUES_OF_ROWS and a.argument is not None:
                        self._link(a.column.id, a.argument)
            case _:
                pass

    def _equality(self, condition: Expression) -> None:
        match condition:
            case Call(function="=", arguments=(ColumnRef(id=left), ColumnRef(id=right))):
                self._link(left, right, met=True)
            case _:
                self._strings(condition)

    def _strings(self, expression: Expression) -> None:
        """String columns that meet in one comparison or choice need the same domain.

        A literal that a choice may give belongs to the domain as well; one that is only compared
        does not.
        """
        for part in walk(expression):
            logic = isinstance(part, Call) and part.function in ("and", "or", "not")
            if not isinstance(part, Call | Case) or logic:
                continue
            chosen = isinstance(part.type, VarcharType)
            values = (part,) if chosen else parts(part)
            leaves = [e for v in values for e in string_leaves(v) if _is_text(e)]
            ids = [e.id for e in leaves if isinstance(e, ColumnRef)]
            for left, right in pairwise(ids):
                self._link(left, right, met=True)
            texts = [e.value for e in leaves if isinstance(e, Literal) and isinstance(e.value, str)]
            if chosen and ids and texts:
                self._met.add(ids[0])
                self._given.append((ids[0], domain_encoding(texts)))

    def _root(self, column_id: int) -> int:
        while column_id in self._parent:
            column_id = self._parent[column_id]
        return column_id

    def _link(self, left: int, right: int, *, met: bool = False) -> None:
        first, second = self._root(left), self._root(right)
        if first != second:
            self._parent[max(first, second)] = min(first, second)
        if met:
            self._met |= {left, right}

    def _common(self) -> dict[int, Encoding | None]:
        """The encoding of every class that has members which meet."""
        classes: dict[int, list[int]] = {}
        for column_id in sorted(set(self._parent) | set(self._parent.values()) | self._met):
            classes.setdefault(self._root(column_id), []).append(column_id)
        known: dict[int, Encoding | None] = {}
        for members in classes.values():
            if not self._met & set(members):
                continue
            ranges = [self._ranges[m] for m in members if m in self._ranges]
            ranges += [given for member, given in self._given if member in members]
            encoding = common_range(ranges)
            if encoding is not None:
                known.update(dict.fromkeys(members, encoding))
        return known


def _is_text(expression: Expression) -> bool:
    return isinstance(expression.type, VarcharType)
