"""catalog.sql to the catalog.

A column's encoding follows from its CHECKs: BETWEEN, comparisons and IN. Without them it is the
natural range of the type (ranges.natural_encoding): BIGINT has [-2^62, 2^62 - 1], so that ring
arithmetic stays in 63 bits; DATE the years 1 to 9999; DECIMAL(p, s) all of its p digits. A stored
DOUBLE needs a number of decimals: DOUBLE(s), and a lower and an upper bound.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path

from . import syntax
from .bind_types import sql_type
from .catalog import Catalog, ColumnDefinition, ForeignKey, Table
from .checks import Bound, bounded_encoding, check_bounds, intersect
from .datatypes import DoubleType, IntervalType, SqlType
from .errors import CatalogError, ConfigurationError, Span, SqlError
from .parser import parse
from .printer import format_statement
from .scope import suggestion


def load_catalog(text: str, *, parties: tuple[str, ...], directory: Path | None = None) -> Catalog:
    """The catalog that a catalog.sql declares; names are folded to lower case.

    parties: the federation's party names, the only possible owners. directory: where the files of
    public tables stand; with it their content hashes are taken.

    Errors: CatalogError with the place for what contradicts itself; SqlSyntaxError;
    ConfigurationError if a public table's file cannot be read.
    """
    statements = parse(text)
    try:
        tables: dict[str, Table] = {}
        for statement in statements:
            if not isinstance(statement, syntax.CreateTable):
                raise _problem(
                    "a catalog holds CREATE TABLE and CREATE PUBLIC TABLE only", statement.span
                )
            if statement.name.lower() in tables:
                raise _problem(f"the table {statement.name} is declared twice", statement.span)
            table = _Declaration(statement, parties, text).table()
            tables[table.name] = table
        for statement in statements:
            assert isinstance(statement, syntax.CreateTable)
            table = tables[statement.name.lower()]
            tables[table.name] = _with_foreign_keys(table, tables, statement)
    except SqlError as error:
        raise CatalogError(str(error.located(text))) from None
    if directory is not None:
        tables = {name: _hashed(table, directory) for name, table in tables.items()}
    return Catalog(tables=tables, digest=_digest(statements, tables.values()))


def _problem(message: str, span: Span | None, hint: str | None = None) -> SqlError:
    return SqlError(message, span=span, hint=hint)


def _digest(statements: Iterable[syntax.Statement], tables: Iterable[Table]) -> str:
    """SHA-256 of the canonical DDL text, and of the public files' hashes."""
    lines = sorted(format_statement(statement) for statement in statements)
    lines += sorted(f"-- {t.name} {t.content_hash}" for t in tables if t.content_hash)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hashed(table: Table, directory: Path) -> Table:
    if table.public_file is None:
        return table
    path = directory / table.public_file
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(
            f"the file of the public table {table.name} cannot be read: {path} ({error.strerror})"
        ) from None
    return dataclasses.replace(table, content_hash=content)


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
            rows=self._rows(bounds, columns, primary_key),
            primary_key=primary_key,
            unique=self._unique(types),
            public_file=self.statement.file,
        )

    def _types(self) -> dict[str, SqlType]:
        types: dict[str, SqlType] = {}
        for column in self.columns:
            name = column.name.lower()
            if name in types:
                raise _problem(f"the column {column.name} is declared twice", column.span)
            types[name] = sql_type(column.type)
            if types[name] == DoubleType():
                hint = "write DOUBLE(s) with the number of decimals to keep, or DECIMAL(p, s)"
                raise _problem("a stored DOUBLE needs its decimals", column.type.span, hint)
            if isinstance(types[name], IntervalType):
                raise _problem("a column cannot be an INTERVAL", column.type.span)
        if not types:
            raise _problem("a table needs a column", self.statement.span)
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
            raise _problem(f"{column.name} cannot be NULL and not NULL", column.span)
        kind = types[name]
        if isinstance(kind, DoubleType) and name not in bounds:
            hint = f"write CHECK ({column.name} BETWEEN low AND high)"
            raise _problem(f"{column.name} needs bounds, being a DOUBLE", column.span, hint)
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
            raise _problem(f"the table {statement.name} has no owner", statement.span, hint)
        known = {party.lower(): party for party in self.parties}
        for owner in statement.owners:
            if owner.lower() not in known:
                hint = suggestion(owner, self.parties)
                raise _problem(f"the owner {owner} is not a party", statement.span, hint)
        names = [known[owner.lower()] for owner in statement.owners]
        if len(set(names)) < len(names):
            raise _problem("an owner is named twice", statement.span)
        return tuple(names)

    def _rows(
        self,
        bounds: dict[str, Bound],
        columns: tuple[ColumnDefinition, ...],
        primary_key: tuple[str, ...],
    ) -> int:
        """ROWS; a public table without it has as many as its primary key can have values."""
        statement = self.statement
        if statement.rows is not None:
            if not 1 <= statement.rows < 1 << 31:
                raise _problem("ROWS must be from 1 to 2147483647", statement.span)
            return statement.rows
        del bounds
        keys = [c.encoding for c in columns if c.name in primary_key]
        product = 1
        for encoding in keys:
            product *= (encoding.hi - encoding.lo + 1) if encoding is not None else 1 << 31
        if statement.file is None or not keys or product >= 1 << 31:
            hint = "write ROWS n with the largest number of rows that the table may have"
            raise _problem(f"the table {statement.name} states no ROWS", statement.span, hint)
        return product

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
            raise _problem(
                "a table has one PRIMARY KEY",
                keys[1][1],
                "for a key of several columns write PRIMARY KEY (a, b) behind the columns",
            )
        return self._known(keys[0][0], types, keys[0][1]) if keys else ()

    def _unique(self, types: dict[str, SqlType]) -> tuple[tuple[str, ...], ...]:
        keys = [
            (column.name.lower(),)
            for column in self.columns
            for constraint in column.constraints
            if constraint.kind == "unique"
        ]
        for constraint in self.constraints:
            if constraint.kind == "unique":
                keys.append(self._known(constraint.columns, types, constraint.span))
        return tuple(dict.fromkeys(keys))

    @staticmethod
    def _known(names: tuple[str, ...], types: dict[str, SqlType], span: Span) -> tuple[str, ...]:
        for name in names:
            if name.lower() not in types:
                raise _problem(f"there is no column {name}", span, suggestion(name, types))
        folded = tuple(name.lower() for name in names)
        if len(set(folded)) < len(folded):
            raise _problem("a key names a column twice", span)
        return folded


def _with_foreign_keys(
    table: Table, tables: dict[str, Table], statement: syntax.CreateTable
) -> Table:
    """The table with its foreign keys, which must point at columns that exist."""
    keys = []
    for element in statement.elements:
        if isinstance(element, syntax.TableConstraint) and element.kind == "foreign_key":
            assert element.table is not None
            keys.append(
                _foreign_key(
                    element.columns, element.table, element.referenced, table, tables, element.span
                )
            )
        if isinstance(element, syntax.ColumnDeclaration):
            keys.extend(
                _foreign_key((element.name,), c.table or "", c.columns, table, tables, c.span)
                for c in element.constraints
                if c.kind == "references"
            )
    return dataclasses.replace(table, foreign_keys=tuple(keys))


def _foreign_key(
    columns: tuple[str, ...],
    target: str,
    referenced: tuple[str, ...],
    table: Table,
    tables: dict[str, Table],
    span: Span,
) -> ForeignKey:
    other = tables.get(target.lower())
    if other is None:
        raise _problem(f"there is no table {target}", span, suggestion(target, tables))
    points = tuple(name.lower() for name in referenced) or other.primary_key
    own = tuple(name.lower() for name in columns)
    if not points:
        raise _problem(
            f"{other.name} has no PRIMARY KEY to refer to",
            span,
            f"write REFERENCES {other.name} (column)",
        )
    if len(points) != len(own):
        raise _problem(f"{len(own)} columns refer to {len(points)}", span)
    for names, place in ((own, table), (points, other)):
        known = {column.name: column.type for column in place.columns}
        for name in names:
            if name not in known:
                raise _problem(
                    f"there is no column {name} in {place.name}", span, suggestion(name, known)
                )
    return ForeignKey(columns=own, table=other.name, referenced=points)
