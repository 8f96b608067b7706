"""Wide strings that are only compared for equality are compared by their hashes.

    SELECT name, count(*) FROM a GROUP BY name                (name VARCHAR(25), of several owners)
    =>  SELECT name, n FROM (SELECT h, constant(name) AS name, count(*) AS n
        FROM (SELECT *, keyed_hash(name) AS h FROM a) GROUP BY h)
    a JOIN b ON a.name = b.name
    =>  (a with h = keyed_hash(name)) JOIN (b with g = keyed_hash(name)) ON h = g

For keys of groups, DISTINCT, COUNT(DISTINCT), PARTITION BY, and = <> IS [NOT] DISTINCT FROM between
columns, where owners have the texts in clear and these are wider than a hash. Owners compute the
hashes; the texts leave them only where something above needs their bytes. What an order decides
(ORDER BY, MIN, <, LIKE) still sees the texts. A hash is shared and never opened, so that nobody
learns more; rows that were in the order of the texts are then shuffled or sorted (plan.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ...query.bound import Call, ColumnRef, Expression
from ...query.datatypes import HUGEINT, Column
from ..expressions import columns_of, reference, transform_up
from ..extending import extend
from ..hashing import gains_by_hash, keyed_hash
from ..logical import (
    Aggregate,
    Aggregated,
    Check,
    Filter,
    Join,
    Node,
    Once,
    Project,
    Sort,
    Union,
    Window,
    children,
    join,
    keep,
    once,
    project,
    with_children,
)
from ..ownership import is_local, is_partitioned
from .context import Context

EQUALITIES = frozenset({"=", "<>", "is_distinct", "is_not_distinct"})


def hash_strings(plan: Node, context: Context) -> Node:
    return _Hashing(context).rewritten(plan, plan.columns)


class _Hashing:
    """Rewrites one plan from the leaves up; a node may gain columns of hashes on the way.

    `hashes`: ids of the columns that hold the hash of a text column, by its id.
    `ordered`: group keys whose order saves the sort of an ORDER BY above.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hashes: dict[int, list[int]] = {}
        self._ordered: frozenset[int] = frozenset()

    def rewritten(self, node: Node, columns: tuple[Column, ...]) -> Node:
        """The node over hashes, with exactly these columns of its own."""
        made = self._visit(node)
        if made.columns == columns:
            return made
        by_id = {column.id: column for column in made.columns}
        return project(made, tuple((by_id[c.id], reference(by_id[c.id])) for c in columns))

    def _visit(self, node: Node) -> Node:
        if is_local(node):
            return node
        match node:
            case Union():
                inputs = tuple(self.rewritten(inner, inner.columns) for inner in node.inputs)
                return dataclasses.replace(node, inputs=inputs)
            case Once():
                return once(self.rewritten(node.input, node.columns))
            case Sort() if node.limit is None and not node.offset:
                self._ordered |= _group_order(node)
        node = with_children(node, tuple(self._visit(child) for child in children(node)))
        match node:
            case Aggregate():
                return self._aggregate(node)
            case Window():
                return self._window(node)
            case Join():
                sides, condition = self._compared([node.left, node.right], node.condition)
                return join(node.kind, sides[0], sides[1], condition, node.span)
            case Filter():
                (below,), (predicate,) = self._compared([node.input], (node.predicate,))
                return keep(below, predicate)
            case _:
                return node

    def _aggregate(self, node: Aggregate) -> Node:
        """Groups by hashes, with the texts as constants of the group."""
        below, hashes = self._hashed(
            node.input, [key for key in node.keys if key not in self._ordered]
        )
        below, distinct = self._hashed(
            below, [a.argument for a in node.aggregates if a.function == "count_distinct"]
        )
        given = {column.id: column for column in node.columns}
        moved = {key: self._context.ids.copy(given[key]) for key in node.keys if key in hashes}
        aggregates = tuple(
            dataclasses.replace(a, argument=distinct[a.argument].id)
            if a.argument in distinct and a.function == "count_distinct"
            else a
            for a in node.aggregates
        )
        aggregates += tuple(
            Aggregated(column=column, function="constant", argument=key)
            for key, column in moved.items()
        )
        keys = tuple(hashes.get(key, given[key]) for key in node.keys)
        grouped = dataclasses.replace(
            node,
            input=below,
            keys=tuple(key.id for key in keys),
            aggregates=aggregates,
            columns=keys + tuple(a.column for a in aggregates),
        )
        if not moved:
            return grouped
        shown = tuple((c, reference(moved.get(c.id, c))) for c in node.columns)
        return project(grouped, (*shown, *((h, reference(h)) for h in hashes.values())))

    def _window(self, node: Window) -> Node:
        below, hashes = self._hashed(node.input, node.partition)
        partition = tuple(hashes[i].id if i in hashes else i for i in node.partition)
        columns = below.columns + tuple(c.column for c in node.calls)
        return dataclasses.replace(node, input=below, partition=partition, columns=columns)

    def _hashed(self, node: Node, ids: Sequence[int | None]) -> tuple[Node, dict[int, Column]]:
        """The node with hashes of those columns that gain by it, by the columns' ids."""
        ranges = self._context.facts(node).ranges
        wide = {c.id for c in node.columns if gains_by_hash(c, ranges[c.id])}
        found: dict[int, Column] = {}
        for column_id in ids:
            made = self._exposed(node, column_id) if column_id in wide else None
            if made is not None and column_id is not None:
                node, found[column_id] = made
        return node, found

    def _compared(
        self, sides: list[Node], expressions: tuple[Expression, ...]
    ) -> tuple[list[Node], tuple[Expression, ...]]:
        """The inputs with the hashes that the rewritten expressions compare."""
        facts = [self._context.facts(side) for side in sides]
        wide = {
            c.id
            for side, known in zip(sides, facts, strict=True)
            for c in side.columns
            if gains_by_hash(c, known.ranges[c.id])
        }

        def change(expression: Expression) -> Expression:
            if not isinstance(expression, Call) or expression.function not in EQUALITIES:
                return expression
            read = columns_of(expression)
            both = all(isinstance(a, ColumnRef) for a in expression.arguments)
            if not both or not read & wide:
                return expression
            made = self._both(sides, expression)
            if made is None:
                return expression
            sides[:], arguments = made
            return dataclasses.replace(expression, arguments=arguments)

        return sides, tuple(transform_up(e, change) for e in expressions)

    def _both(
        self, sides: list[Node], equality: Call
    ) -> tuple[list[Node], tuple[Expression, ...]] | None:
        """The inputs with the hashes of both sides of an equality; None if one has none."""
        changed, arguments = list(sides), []
        for argument in equality.arguments:
            assert isinstance(argument, ColumnRef)
            place = next(p for p, side in enumerate(changed) if argument.id in side.ids)
            made = self._exposed(changed[place], argument.id)
            if made is None:
                return None
            changed[place], column = made
            arguments.append(dataclasses.replace(reference(column), span=argument.span))
        return changed, tuple(arguments)

    def _exposed(self, node: Node, text_id: int) -> tuple[Node, Column] | None:
        """The node with the hash of a text column; None where nobody has the text in clear."""
        known = [c for c in node.columns if c.id in self._hashes.get(text_id, ())]
        if known:
            return node, known[0]
        if is_local(node) or (isinstance(node, Union) and is_partitioned(node)):
            return self._computed(node, text_id)
        match node:
            case Filter() | Sort() | Window() | Check() if text_id in node.input.ids:
                below = self._exposed(node.input, text_id)
                return None if below is None else (with_children(node, (below[0],)), below[1])
            case Project():
                return self._through_project(node, text_id)
            case Join():
                return self._through_join(node, text_id)
            case Union():
                return self._through_union(node, text_id)
            case _:
                return None

    def _computed(self, node: Node, text_id: int) -> tuple[Node, Column]:
        """The hash as its owner computes it, in each part of a partitioned table."""
        (text,) = (c for c in node.columns if c.id == text_id)
        column = self._hash_of(text)
        made = extend(node, column, keyed_hash(text), self._context.ids)
        if isinstance(made, Union):
            made = dataclasses.replace(made, unique=_with_hash(made.unique, text_id, column.id))
        return made, column

    def _hash_of(self, text: Column) -> Column:
        column = Column(
            id=self._context.ids.fresh(),
            name=f"hash of {text.name}" if text.name else "",
            type=HUGEINT,
            encoding=None,
            nullable=text.nullable,
        )
        self._hashes.setdefault(text.id, []).append(column.id)
        return column

    def _through_project(self, node: Project, text_id: int) -> tuple[Node, Column] | None:
        source = dict(zip(node.ids, node.expressions, strict=True))[text_id]
        if not isinstance(source, ColumnRef):
            return None
        below = self._exposed(node.input, source.id)
        if below is None:
            return None
        column = below[1]
        self._hashes.setdefault(text_id, []).append(column.id)
        items = tuple(zip(node.columns, node.expressions, strict=True))
        if column.id not in node.ids:
            items = (*items, (column, reference(column)))
        return dataclasses.replace(project(below[0], items), span=node.span), column

    def _through_join(self, node: Join, text_id: int) -> tuple[Node, Column] | None:
        sides = [node.left, node.right]
        place = 0 if text_id in node.left.ids else 1
        below = self._exposed(sides[place], text_id)
        if below is None:
            return None
        sides[place] = below[0]
        made = join(node.kind, sides[0], sides[1], node.condition, node.span)
        return made, next(c for c in made.columns if c.id == below[1].id)

    def _through_union(self, node: Union, text_id: int) -> tuple[Node, Column] | None:
        """A further column of UNION ALL, if every input has it."""
        place = node.ids.index(text_id)
        inputs, nullable = [], False
        for inner in node.inputs:
            below = self._exposed(inner, inner.ids[place])
            if below is None:
                return None
            kept = tuple((c, reference(c)) for c in inner.columns)
            own = self._context.ids.copy(below[1])
            inputs.append(project(below[0], (*kept, (own, reference(below[1])))))
            nullable |= own.nullable
        column = dataclasses.replace(self._hash_of(node.columns[place]), nullable=nullable)
        unique = _with_hash(node.unique, text_id, column.id)
        columns = (*node.columns, column)
        made = dataclasses.replace(node, columns=columns, inputs=tuple(inputs), unique=unique)
        return made, column


def _group_order(node: Sort) -> frozenset[int]:
    """The group keys below that an ORDER BY follows, if groups by them stand in its order."""
    wanted = [key.column for key in node.keys]
    if any(key.descending or key.nulls_first for key in node.keys):
        return frozenset()
    below = node.input
    while isinstance(below, Project):
        by = {
            c.id: e.id
            for c, e in zip(below.columns, below.expressions, strict=True)
            if isinstance(e, ColumnRef)
        }
        wanted, below = [by[i] for i in wanted if i in by], below.input
    if not isinstance(below, Aggregate) or len(wanted) < len(node.keys):
        return frozenset()
    return frozenset(wanted) if list(below.keys[: len(wanted)]) == wanted else frozenset()


def _with_hash(
    unique: tuple[tuple[int, ...], ...], text_id: int, hash_id: int
) -> tuple[tuple[int, ...], ...]:
    """The unique keys, and those that hold the text also with its hash in its place."""
    hashed = (tuple(hash_id if i == text_id else i for i in key) for key in unique)
    return tuple(dict.fromkeys((*unique, *hashed)))
