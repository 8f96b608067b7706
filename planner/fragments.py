"""What one owner computes alone, as one DuckDB SELECT printed from a logical subtree.

A block is a SELECT under construction; a node is merged into its input's block as long as SQL's
order of clauses (FROM, WHERE, GROUP BY, ORDER BY, LIMIT) allows, and starts a new one otherwise.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..query.bound import ColumnRef, Expression
from ..query.datatypes import BIGINT, Column, IntegerType
from .expressions import columns_of
from .logical import (
    Aggregate,
    Aggregated,
    Check,
    Filter,
    Join,
    Node,
    Project,
    Scan,
    Sort,
    Union,
    Values,
    Window,
)
from .sql import expression_sql, quoted, text_literal, type_sql
from .window_sql import is_open, window_sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`columns`: text by column id. `plain`: ids whose text is a column of the source."""

    source: str
    columns: dict[int, str]
    plain: frozenset[int]
    where: tuple[str, ...] = ()
    group: tuple[str, ...] | None = None
    order: tuple[str, ...] | None = None
    limit: str = ""
    joined: bool = False

    @property
    def is_open(self) -> bool:
        """True while conditions and joins may still be added."""
        return self.group is None and self.order is None


def fragment_sql(node: Node, columns: tuple[Column, ...], *, ordered: bool) -> str:
    """The SELECT for `columns` of `node`.

    `ordered`: rows come in the order that the query asks for, ties and everything else by the
    output columns, so that the order tells nothing beyond the rows themselves.
    """
    printer = Printer()
    block = printer.block(node)
    if ordered:
        block = _canonical(block, columns)
    return printer.select(block, columns)


def column_name(column: Column) -> str:
    return f"c{column.id}"


def _canonical(block: Block, columns: tuple[Column, ...]) -> Block:
    given = block.order or ()
    ties = tuple(block.columns[c.id] for c in columns if not _is_constant(block.columns[c.id]))
    known = {text.rsplit(" NULLS", 1)[0].rsplit(" ", 1)[0] for text in given}
    order = given + tuple(f"{t} ASC NULLS LAST" for t in ties if t not in known)
    return dataclasses.replace(block, order=order)


def _is_constant(text: str) -> bool:
    """ORDER BY and GROUP BY take bare constants for positions."""
    return '"' not in text and "(" not in text


class Printer:
    """Prints one fragment; hands out aliases in the order of printing."""

    def __init__(self) -> None:
        self._aliases = 0

    def _alias(self) -> str:
        self._aliases += 1
        return quoted(f"t{self._aliases}")

    def select(self, block: Block, columns: tuple[Column, ...]) -> str:
        """The whole SELECT text."""
        items = [self._item(block, column) for column in columns] or ["TRUE AS c0"]
        text = f"SELECT {', '.join(items)} FROM {block.source}"
        if block.where:
            text += " WHERE " + " AND ".join(block.where)
        if block.group:
            text += " GROUP BY " + ", ".join(block.group)
        if block.order:
            text += " ORDER BY " + ", ".join(block.order)
        return text + block.limit

    def _item(self, block: Block, column: Column) -> str:
        text = block.columns[column.id]
        if column.id not in block.plain:
            text = f"CAST({text} AS {type_sql(column.type)})"
        return f"{text} AS {quoted(column_name(column))}"

    def block(self, node: Node) -> Block:
        match node:
            case Scan():
                return self._scan(node)
            case Values():
                return Block(source=f"(SELECT 1) AS {self._alias()}", columns={}, plain=frozenset())
            case Filter():
                return self._filter(node)
            case Check():
                return self._check(node)
            case Project():
                return self._project(node)
            case Join():
                return self._join(node)
            case Aggregate():
                return self._aggregate(node)
            case Sort():
                return self._sort(node)
            case Window():
                return self._window(node)
            case Union():
                return self._union(node)
            case _:
                raise AssertionError(type(node).__name__)

    def _wrapped(self, node: Node, block: Block) -> Block:
        """The block as a derived table."""
        return self._derived(self.select(block, _roomy(node.columns)), node.columns)

    def _derived(self, text: str, columns: tuple[Column, ...]) -> Block:
        alias = self._alias()
        names = {c.id: f"{alias}.{quoted(column_name(c))}" for c in columns}
        return Block(source=f"({text}) AS {alias}", columns=names, plain=frozenset(names))

    def _opened(self, node: Node) -> Block:
        block = self.block(node)
        return block if block.is_open else self._wrapped(node, block)

    def _scan(self, node: Scan) -> Block:
        alias = self._alias()
        pairs = zip(node.columns, node.names, strict=True)
        names = {column.id: f"{alias}.{quoted(name)}" for column, name in pairs}
        return Block(
            source=f"{quoted(node.table.name)} AS {alias}", columns=names, plain=frozenset(names)
        )

    def _filter(self, node: Filter) -> Block:
        block = self._opened(node.input)
        predicate = expression_sql(node.predicate, block.columns)
        return dataclasses.replace(block, where=(*block.where, predicate))

    def _check(self, node: Check) -> Block:
        block = self._opened(node.input)
        condition = expression_sql(node.condition, block.columns)
        failing = f"CAST(error({text_literal(node.message)}) AS BOOLEAN)"
        where = (*block.where, f"CASE WHEN {condition} THEN TRUE ELSE {failing} END")
        checked = dataclasses.replace(block, where=where)
        return self._wrapped(node, checked)

    def _project(self, node: Project) -> Block:
        block = self.block(node.input)
        pairs = list(zip(node.columns, node.expressions, strict=True))
        plain = frozenset(
            column.id
            for column, e in pairs
            if len(columns_of(e)) == 1 and columns_of(e) <= block.plain and _is_reference(e)
        )
        columns = {column.id: expression_sql(e, block.columns) for column, e in pairs}
        return dataclasses.replace(block, columns=columns, plain=plain)

    def _join(self, node: Join) -> Block:
        left, right = self._opened(node.left), self._opened(node.right)
        if node.kind in ("right", "full") and not self._extendable(left):
            left = self._wrapped(node.left, left)
        if node.kind in ("left", "full") and not self._extendable(right):
            right = self._wrapped(node.right, right)
        if node.kind in ("right", "full", "left") and (left.where or right.where):
            left = self._wrapped(node.left, left) if left.where else left
            right = self._wrapped(node.right, right) if right.where else right
        columns = left.columns | right.columns
        condition = " AND ".join(expression_sql(e, columns) for e in node.condition)
        if node.kind in ("semi", "anti"):
            return self._exists(node, left, right, condition)
        word = {"inner": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN"}
        if condition or node.kind != "inner":
            link, on = word[node.kind], f" ON {condition or 'TRUE'}"
        else:
            link, on = "CROSS JOIN", ""
        other = f"({right.source})" if right.joined else right.source
        return Block(
            source=f"{left.source} {link} {other}{on}",
            columns=columns,
            plain=left.plain | right.plain,
            where=left.where + right.where,
            joined=True,
        )

    def _extendable(self, block: Block) -> bool:
        """Columns that a join sets to NULL must be columns, not expressions evaluated later."""
        return block.plain >= block.columns.keys() and not block.where

    def _exists(self, node: Join, left: Block, right: Block, condition: str) -> Block:
        conditions = [*right.where, *([condition] if condition else [])]
        inner = f"SELECT 1 FROM {right.source}"
        if conditions:
            inner += " WHERE " + " AND ".join(conditions)
        word = "EXISTS" if node.kind == "semi" else "NOT EXISTS"
        return dataclasses.replace(left, where=(*left.where, f"{word} ({inner})"))

    def _aggregate(self, node: Aggregate) -> Block:
        block = self._opened(node.input)
        if any(_is_constant(block.columns[key]) for key in node.keys):
            block = self._wrapped(node.input, block)
        if not node.keys and not node.aggregates:
            return self.block(Values(columns=()))
        columns = {key: block.columns[key] for key in node.keys}
        for aggregated in node.aggregates:
            columns[aggregated.column.id] = aggregate_sql(aggregated, block.columns)
        return dataclasses.replace(
            block,
            columns=columns,
            plain=block.plain & frozenset(node.keys),
            group=tuple(block.columns[key] for key in node.keys),
        )

    def _sort(self, node: Sort) -> Block:
        block = self.block(node.input)
        if block.order is not None:
            block = self._wrapped(node.input, block)
        order = tuple(
            f"{block.columns[k.column]} {'DESC' if k.descending else 'ASC'} "
            f"NULLS {'FIRST' if k.nulls_first else 'LAST'}"
            for k in node.keys
            if not _is_constant(block.columns[k.column])
        )
        limit = "" if node.limit is None else f" LIMIT {node.limit}"
        limit += f" OFFSET {node.offset}" if node.offset else ""
        return dataclasses.replace(block, order=order, limit=limit)

    def _window(self, node: Window) -> Block:
        """Rows that tie come in random order, so that their order tells nothing of the source."""
        block = self._opened(node.input)
        ties = None
        if is_open(node):
            inner = self.select(block, _roomy(node.input.columns))
            alias, drawn = self._alias(), quoted("ties")
            names = {c.id: f"{alias}.{quoted(column_name(c))}" for c in node.input.columns}
            source = f"(SELECT *, random() AS {drawn} FROM ({inner})) AS {alias}"
            block = Block(source=source, columns=names, plain=frozenset(names))
            ties = f"{alias}.{drawn}"
        columns = dict(block.columns)
        for windowed in node.calls:
            columns[windowed.column.id] = window_sql(windowed, node, block.columns, ties)
        plain = block.plain & frozenset(node.input.ids)
        return self._wrapped(node, dataclasses.replace(block, columns=columns, plain=plain))

    def _union(self, node: Union) -> Block:
        texts = []
        for inner in node.inputs:
            block = self.block(inner)
            pairs = zip(node.columns, inner.columns, strict=True)
            names = {outer.id: block.columns[own.id] for outer, own in pairs}
            plain = frozenset(names)
            texts.append(
                self.select(dataclasses.replace(block, columns=names, plain=plain), node.columns)
            )
        return self._derived(" UNION ALL ".join(f"({text})" for text in texts), node.columns)


def _roomy(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Small integers as BIGINT: between the steps of a fragment nothing overflows."""
    return tuple(
        dataclasses.replace(c, type=BIGINT)
        if isinstance(c.type, IntegerType) and c.type.bits < BIGINT.bits
        else c
        for c in columns
    )


def _is_reference(expression: Expression) -> bool:
    return isinstance(expression, ColumnRef)


def aggregate_sql(aggregated: Aggregated, columns: dict[int, str]) -> str:
    """One aggregate call."""
    argument = "*" if aggregated.argument is None else columns[aggregated.argument]
    match aggregated.function:
        case "count_star":
            return "count(*)"
        case "count_distinct":
            return f"count(DISTINCT {argument})"
        case "sum_distinct":
            return f"sum(DISTINCT {argument})"
        case "constant":
            return f"any_value({argument})"
        case "arg_min" | "arg_max" if aggregated.order is not None:
            return f"{aggregated.function}({argument}, {columns[aggregated.order]})"
        case "corr" | "regr_slope" if aggregated.order is not None:
            inner = f"{aggregated.function}({argument}, {columns[aggregated.order]})"
            return f"nullif({inner}, 'NaN'::DOUBLE)"
        case function if aggregated.order is not None:
            return f"{function}({argument}, {columns[aggregated.order]})"
        case function:
            return f"{function}({argument})"
