"""Statements that are no queries: what they name, looked up in the catalog.

SHOW TABLES, DESCRIBE and DROP TABLE run without a plan; the target of CREATE SHARED TABLE is
checked here as well.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from . import syntax
from .bound import Into
from .catalog import Catalog, Table
from .errors import BindError, SqlError
from .scope import suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowTables:
    """The tables that a query may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeTable:
    """One table's columns; of `owner`'s part alone, if given."""

    table: Table
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """Removes a shared table; without one it fails unless `if_exists`."""

    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepTable:
    """CREATE SHARED TABLE IF NOT EXISTS of one that exists: nothing happens."""

    name: str


Command = ShowTables | DescribeTable | DropTable | KeepTable


def bind_command(statement: syntax.Statement, catalog: Catalog, *, text: str) -> Command | None:
    """The command that a statement is; None if it is to be bound as a query.

    Errors: BindError, with its place in `text`, for a table that does not exist or is none of the
    kind that the statement works on.
    """
    try:
        return _command(statement, catalog)
    except SqlError as error:
        raise error.located(text) from None


def _command(statement: syntax.Statement, catalog: Catalog) -> Command | None:
    match statement:
        case syntax.Show(model=None):
            return ShowTables()
        case syntax.Describe():
            return _described(statement, catalog)
        case syntax.Drop(what="table", name=name):
            table = catalog.tables.get(name.lower())
            if table is not None and table.sharing is None:
                raise _declared(table, statement)
            return DropTable(name=name.lower(), if_exists=statement.if_exists)
        case syntax.CreateSharedTable(if_not_exists=True, name=name):
            table = catalog.tables.get(name.lower())
            exists = table is not None and table.sharing is not None
            return KeepTable(name=name.lower()) if exists else None
        case _:
            return None


def named_tables(statement: object) -> frozenset[str]:
    """The tables that a statement reads, describes or makes, in lower case; common tables as well.

    Not the table that it drops, whatever state that is in.
    """
    found: set[str] = set()
    match statement:
        case syntax.TableName(parts=parts) | syntax.Describe(parts=parts):
            found.add(parts[-1].lower())
        case syntax.CreateSharedTable(name=name, replace=False) | syntax.Copy(source=str(name)):
            found.add(name.lower())
    if isinstance(statement, tuple):
        for item in statement:
            found |= named_tables(item)
    elif isinstance(statement, syntax.Node):
        for entry in dataclasses.fields(statement):
            found |= named_tables(getattr(statement, entry.name))
    return frozenset(found)


def into_shared_table(statement: syntax.CreateSharedTable, catalog: Catalog) -> Into:
    """The table that a statement makes. Errors: BindError if it may not have this name."""
    name = statement.name.lower()
    table = catalog.tables.get(name)
    if table is not None and table.sharing is None:
        raise _declared(table, statement)
    if table is not None and not statement.replace:
        raise BindError(
            f"the shared table {table.name} exists already",
            span=statement.span,
            hint=f"write CREATE OR REPLACE SHARED TABLE {table.name}, or choose another name",
        )
    return Into(name=name, replace=statement.replace)


def _declared(table: Table, statement: syntax.Statement) -> BindError:
    return BindError(
        f"the table {table.name} is declared in catalog.sql",
        span=statement.span,
        hint="a shared table has a name of its own, and only shared tables are dropped",
    )


def _described(statement: syntax.Describe, catalog: Catalog) -> DescribeTable:
    *qualifier, name = statement.parts
    table = catalog.tables.get(name.lower())
    if table is None or len(qualifier) > 1:
        raise BindError(
            f"there is no table {'.'.join(statement.parts)}",
            span=statement.span,
            hint=suggestion(name, catalog.tables),
        )
    if not qualifier:
        return DescribeTable(table=table)
    for owner in table.owners:
        if owner.lower() == qualifier[0].lower():
            return DescribeTable(table=table, owner=owner)
    raise BindError(
        f"{qualifier[0]} does not own a part of {table.name}",
        span=statement.span,
        hint=suggestion(qualifier[0], table.owners),
    )
