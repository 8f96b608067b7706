"""Wide columns that are only output leave the computation and are fetched for the rows that remain.

    SELECT c_custkey, c_name, c_comment, sum(...) ... GROUP BY ... ORDER BY ... LIMIT 20  (TPC-H 10)
    =>  (SELECT c_custkey, sum(...) ... LIMIT 20) JOIN (SELECT c_custkey, c_name, c_comment
        FROM customer) ON c_custkey = c_custkey

For columns of one table that nothing compares, groups or orders by over shares, where the table has
a key that can be carried instead. The key is the table's own, so that every row finds its own row
again. Nobody learns more: the rows of the result are as many as before, in the same order. What
is cheaper is for the caller to find out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from ..query.bound import Expression
from ..query.catalog import Table
from ..query.datatypes import Column
from .carrying import carry
from .expressions import call, reference
from .logical import Node, Scan, Union, join, project
from .moving import Source, source_of
from .ownership import is_local
from .rules import Context
from .rules.prune_columns import prune_columns

WIDE_BITS = 64
"""What the columns of one table have to be wide together to be worth a thought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetch:
    """Columns of the plan that come from one table, and that table's key."""

    columns: tuple[tuple[int, str], ...]
    source: Source
    key: tuple[str, ...]


def fetch_late(plan: Node, context: Context) -> Node | None:
    """The plan with its wide columns fetched at the end; None if it has none to fetch."""
    if is_local(plan):
        return None
    fetches = [f for f in _fetches(plan, context) if _width(f) >= WIDE_BITS]
    core, carried = plan, []
    for fetch in fetches:
        made = carry(core, fetch.columns[0][0], fetch.key, context)
        if made is not None:
            core, columns = made
            carried.append((fetch, columns))
    if not carried:
        return None
    values: dict[int, Expression] = {c.id: reference(c) for c in core.columns}
    node = core
    for fetch, columns in carried:
        by_id = {column.id: column for column in core.columns}
        node, fetched = _joined(node, fetch, [by_id[c.id] for c in columns], context)
        values.update(fetched)
    outputs = tuple(
        (dataclasses.replace(c, id=context.ids.fresh()), values[c.id]) for c in plan.columns
    )
    return prune_columns(project(node, outputs), context)


def _fetches(plan: Node, context: Context) -> list[_Fetch]:
    """The columns that are only moved, by the scans that they come from."""
    found: dict[tuple[Scan, ...], list[tuple[int, str]]] = {}
    sources: dict[tuple[Scan, ...], Source] = {}
    for column in plan.columns:
        source = source_of(plan, column.id)
        if source is not None:
            sources.setdefault(source.scans, source)
            found.setdefault(source.scans, []).append((column.id, source.name))
    fetches = []
    for scans, columns in found.items():
        key = _key(scans[0].table)
        wanted = tuple((i, name) for i, name in columns if key is not None and name not in key)
        if key is not None and wanted:
            fetches.append(_Fetch(columns=wanted, source=sources[scans], key=key))
    return fetches


def _key(table: Table) -> tuple[str, ...] | None:
    """A key of the table whose values can be shared and are never NULL."""
    declared = ((table.primary_key,) if table.primary_key else ()) + table.unique
    found = () if table.sharing is None else tuple(key.columns for key in table.sharing.keys)
    for key in declared + found:
        columns = [table.column(name) for name in key]
        if all(c.encoding is not None and not c.nullable for c in columns):
            return key
    return None


def _width(fetch: _Fetch) -> int:
    definitions = [fetch.source.scans[0].table.column(name) for _, name in fetch.columns]
    return sum(0 if d.encoding is None else d.encoding.width for d in definitions)


def _joined(
    node: Node, fetch: _Fetch, carried: Sequence[Column], context: Context
) -> tuple[Node, dict[int, Expression]]:
    """The rows joined with the table's columns, and what these stand for."""
    names = (*fetch.key, *dict.fromkeys(name for _, name in fetch.columns))
    table = _table(fetch.source.scans, names, context)
    by_name = dict(zip(names, table.columns, strict=True))
    condition = tuple(
        call("=", [reference(own), reference(by_name[name])])
        for own, name in zip(carried, fetch.key, strict=True)
    )
    kind = "left" if any(column.nullable for column in carried) else "inner"
    joined = join(kind, node, table, condition)
    shown = {column.id: column for column in joined.columns}
    return joined, {i: reference(shown[by_name[name].id]) for i, name in fetch.columns}


def _table(scans: tuple[Scan, ...], names: tuple[str, ...], context: Context) -> Node:
    """The same parts of the table once more, with only the named columns."""
    made = []
    for scan in scans:
        columns = tuple(
            Column(
                id=context.ids.fresh(),
                name=name,
                type=scan.table.column(name).type,
                encoding=scan.table.column(name).encoding,
                nullable=scan.table.column(name).nullable,
            )
            for name in names
        )
        made.append(dataclasses.replace(scan, columns=columns, names=names))
    if len(made) == 1:
        return made[0]
    columns = tuple(context.ids.copy(column) for column in made[0].columns)
    by_name = dict(zip(names, columns, strict=True))
    table = scans[0].table
    keys = ((table.primary_key,) if table.primary_key else ()) + table.unique
    unique = tuple(tuple(by_name[n].id for n in key) for key in keys if set(key) <= set(names))
    return Union(columns=columns, inputs=tuple(made), unique=unique)
