"""Shared tables in plans: what is known of one that exists, and the schema of one to be made."""

from __future__ import annotations

import dataclasses

from ..query.bound import Into, Statement
from ..query.catalog import ColumnDefinition, SharedKey, Sharing, Table
from ..query.datatypes import Column
from ..query.scope import unique_names
from ..query.walking import sources_of
from .known import Facts, Key
from .logical import Scan


def shared_facts(node: Scan, sharing: Sharing) -> Facts:
    """The facts that were known when the table was made, as far as its columns are read."""
    ids = dict(zip(node.names, node.ids, strict=True))
    names = [column.name for column in node.table.columns]
    keys = tuple(
        Key(ids=frozenset(ids[name] for name in key.columns), by_contract=key.by_contract)
        for key in sharing.keys
        if all(name in ids for name in key.columns)
    )
    smallest = {
        ids[name]: bound for name, bound in zip(names, sharing.smallest, strict=True) if name in ids
    }
    averages = {
        (ids[names[total]], ids[names[count]]): bound
        for total, count, bound in sharing.averages
        if names[total] in ids and names[count] in ids
    }
    return Facts(
        rows=node.table.rows,
        keys=keys,
        ranges={column.id: column.encoding for column in node.columns},
        smallest=smallest,
        averages=averages,
    )


def shared_table(
    statement: Statement,
    into: Into,
    columns: tuple[Column, ...],
    *,
    facts: Facts,
    ids: tuple[int, ...],
    rows: int,
    parties: tuple[str, ...],
    asker: str,
) -> Table:
    """The table that CREATE SHARED TABLE makes, without a version yet.

    `ids`: what the result's columns are called in `facts`, in order; `columns`: them as they leave
    the plan's last operator.
    """
    names = unique_names(column.name for column in columns)
    definitions = tuple(
        ColumnDefinition(
            name=name,
            type=column.type,
            nullable=column.nullable,
            encoding=column.encoding,
            checked=column.encoding is not None and column.encoding.text_bytes is None,
        )
        for name, column in zip(names, columns, strict=True)
    )
    sharing = Sharing(
        version="",
        holders=parties,
        creator=asker,
        statement=statement.text,
        sources=sources_of(statement.query),
        keys=_keys(facts.keys, ids, names),
        smallest=tuple(facts.smallest.get(identity, 1) for identity in ids),
        averages=_averages(facts, ids),
    )
    return Table(name=into.name, columns=definitions, owners=(), rows=rows, sharing=sharing)


def with_version(table: Table, version: str) -> Table:
    """The table under the version of the session that made it."""
    assert table.sharing is not None
    return dataclasses.replace(table, sharing=dataclasses.replace(table.sharing, version=version))


def _keys(keys: tuple[Key, ...], ids: tuple[int, ...], names: list[str]) -> tuple[SharedKey, ...]:
    """The keys within the table, each once, in a stable order."""
    found = {
        SharedKey(
            columns=tuple(
                names[ids.index(identity)] for identity in sorted(key.ids, key=ids.index)
            ),
            by_contract=key.by_contract,
        )
        for key in keys
        if key.ids <= set(ids)
    }
    return tuple(sorted(found, key=lambda key: (key.columns, key.by_contract)))


def _averages(facts: Facts, ids: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    return tuple(
        sorted(
            (ids.index(total), ids.index(count), bound)
            for (total, count), bound in facts.averages.items()
            if total in ids and count in ids
        )
    )
