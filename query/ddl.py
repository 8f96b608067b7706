"""catalog.sql to the catalog.

A column's encoding follows from its CHECKs: BETWEEN, comparisons and IN. Without them it is the
natural range of the type (bounds.natural_encoding): BIGINT has [-2^62, 2^62 - 1], so that ring
arithmetic stays in 63 bits; DATE the years 1 to 9999; DECIMAL(p, s) all of its p digits. A stored
DOUBLE needs a number of decimals: DOUBLE(s), and a lower and an upper bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from . import syntax
from .bind_types import sql_type
from .catalog import MAX_ROWS, Catalog, ColumnDefinition, Table
from .checks import Bound, bounded_encoding, check_bounds, intersect
from .datatypes import DoubleType, IntervalType, SqlType
from .errors import CatalogError, Span, SqlError
from .keys import known_columns, problem, with_foreign_keys
from .parser import parse
from .printer import format_statement
from .public_files import UNKNOWN_ROWS, with_public_file
from .scope import suggestion


def load_catalog(text: str, *, parties: tuple[str, ...], directory: Path | None = None) -> Catalog:
    """The catalog that a catalog.sql declares; names are folded to lower case.

    parties: the federation's party names, the only possible owners. directory: where the files of
    public tables stand; with it their content
    hashes are taken, and their rows counted where no ROWS is declared.

    Errors: CatalogError with the place for what contradicts itself; SqlSyntaxError;
    ConfigurationError if a public table's file cannot be read.
    """
    statements = parse(text)
    try:
        tables: dict[str, Table] = {}
        for statement in statements:
            if not isinstance(statement, syntax.CreateTable):
                raise problem(
                    "a catalog holds CREATE TABLE and CREATE PUBLIC TABLE only", statement.span
                )
            if statement.name.lower() in tables:
                raise problem(f"the table {statement.name} is declared twice", statement.span)
            table = _Declaration(statement, parties, text).table()
            tables[table.name] = table
        for statement in statements:
            assert isinstance(statement, syntax.CreateTable)
            table = tables[statement.name.lower()]
            tables[table.name] = with_foreign_keys(table, tables, statement)
    except SqlError as error:
        raise CatalogError(str(error.located(text))) from None
    if directory is not None:
        tables = {name: with_public_file(table, directory) for name, table in tables.items()}
    for table in tables.values():
        if table.rows == UNKNOWN_ROWS:
            raise CatalogError(f"the public table {table.name} needs ROWS n or its file")
    return Catalog(tables=tables, digest=_digest(statements, tables.values()))


def _digest(statements: Iterable[syntax.Statement], tables: Iterable[Table]) -> str:
    """SHA-256 of the canonical DDL text, and of the public files' hashes."""
    lines = sorted(format_statement(statement) for statement in statements)
    lines += sorted(f"-- {t.name} {t.content_hash}" for t in tables if t.content_hash)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _Declaration:
    """One CREATE TABLE on its way to a table."""

    def __init__(self, statement: syntax.CreateTable, parties: tuple[str, ...], text: str) -> None:
        self.statement = statement
        self.parties = parties
        self.text = text
        elements = statement.elements
        self.columns = [e for e in elements if isinstance(e, syntax.ColumnDeclaration)]
        self.constraints = [e for e in elements if isinstance(e, syntax.TableConstraint)]

    def table(self) -> Table:
        """The table, its foreign keys not yet checked."""
        types = self._types()
        bounds = self._bounds(types)
        primary_key = self._primary_key(types)
        columns = tuple(self._column(c, types, bounds, primary_key) for c in self.columns)
        return Table(
            name=self.statement.name.lower(),
            columns=columns,
            owners=self._owners(),
            rows=self._rows(),
            primary_key=primary_key,
            unique=self._unique(types),
            public_file=self.statement.file,
            revealing=known_columns(self.statement.revealing, types, self.statement.span),
        )

    def _types(self) -> dict[str, SqlType]:
        types: dict[str, SqlType] = {}
        for column in self.columns:
            name = column.name.lower()
            if name in types:
                raise problem(f"the column {column.name} is declared twice", column.span)
            types[name] = sql_type(column.type)
            if types[name] == DoubleType():
                hint = "write DOUBLE(s) with the number of decimals to keep, or DECIMAL(p, s)"
                raise problem("a stored DOUBLE needs its decimals", column.type.span, hint)
            if isinstance(types[name], IntervalType):
                raise problem("a column cannot be an INTERVAL", column.type.span)
        if not types:
            raise problem("a table needs a column", self.statement.span)
        return types

    def _bounds(self, types: dict[str, SqlType]) -> dict[str, Bound]:
        bounds: dict[str, Bound] = {}
        checks = [k.expression for c in self.columns for k in c.constraints if k.kind == "check"]
        checks += [k.expression for k in self.constraints if k.kind == "check"]
        for check in checks:
            assert check is not None
            for name, bound in check_bounds(check, types, self.text).items():
                bounds[name] = intersect(bounds.get(name, Bound()), bound)
        return bounds

    def _column(
        self,
        column: syntax.ColumnDeclaration,
        types: dict[str, SqlType],
        bounds: dict[str, Bound],
        primary_key: tuple[str, ...],
    ) -> ColumnDefinition:
        name = column.name.lower()
        kinds = {constraint.kind for constraint in column.constraints}
        if {"not_null", "may_be_null"} <= kinds or (name in primary_key and "may_be_null" in kinds):
            raise problem(f"{column.name} cannot be NULL and not NULL", column.span)
        kind = types[name]
        if isinstance(kind, DoubleType) and name not in bounds:
            hint = f"write CHECK ({column.name} BETWEEN low AND high)"
            raise problem(f"{column.name} needs bounds, being a DOUBLE", column.span, hint)
        return ColumnDefinition(
            name=name,
            type=kind,
            nullable="not_null" not in kinds and name not in primary_key,
            encoding=bounded_encoding(kind, bounds.get(name, Bound()), column.span),
            checked=name in bounds,
        )

    def _owners(self) -> tuple[str, ...]:
        statement = self.statement
        if statement.file is not None:
            return ()
        if not statement.owners:
            hint = "write OWNED BY party ROWS n behind the columns"
            raise problem(f"the table {statement.name} has no owner", statement.span, hint)
        known = {party.lower(): party for party in self.parties}
        for owner in statement.owners:
            if owner.lower() not in known:
                message = f"the owner {owner} is not a party"
                raise problem(message, statement.span, suggestion(owner, self.parties))
        names = [known[owner.lower()] for owner in statement.owners]
        if len(set(names)) < len(names):
            raise problem("an owner is named twice", statement.span)
        return tuple(names)

    def _rows(self) -> int:
        """ROWS; without it, a public table's file says how many rows there are."""
        statement = self.statement
        if statement.rows is None:
            if statement.file is not None:
                return UNKNOWN_ROWS
            hint = "write ROWS n with the largest number of rows that an owner may have"
            raise problem(f"the table {statement.name} states no ROWS", statement.span, hint)
        if not 1 <= statement.rows <= MAX_ROWS:
            raise problem(f"ROWS must be from 1 to {MAX_ROWS}", statement.span)
        return statement.rows

    # Keys

    def _primary_key(self, types: dict[str, SqlType]) -> tuple[str, ...]:
        keys: list[tuple[tuple[str, ...], Span]] = [
            ((column.name,), constraint.span)
            for column in self.columns
            for constraint in column.constraints
            if constraint.kind == "primary_key"
        ]
        keys += [(c.columns, c.span) for c in self.constraints if c.kind == "primary_key"]
        if len(keys) > 1:
            raise problem(
                "a table has one PRIMARY KEY",
                keys[1][1],
                "for a key of several columns write PRIMARY KEY (a, b) behind the columns",
            )
        return known_columns(keys[0][0], types, keys[0][1]) if keys else ()

    def _unique(self, types: dict[str, SqlType]) -> tuple[tuple[str, ...], ...]:
        keys: list[tuple[str, ...]] = [
            (column.name.lower(),)
            for column in self.columns
            for constraint in column.constraints
            if constraint.kind == "unique"
        ]
        for constraint in self.constraints:
            if constraint.kind == "unique":
                keys.append(known_columns(constraint.columns, types, constraint.span))
        return tuple(dict.fromkeys(keys))
