"""Keys of declared tables: primary, unique and foreign."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from . import syntax
from .catalog import ForeignKey, Table
from .errors import Span, SqlError
from .scope import suggestion


def problem(message: str, span: Span | None, hint: str | None = None) -> SqlError:
    """A contradiction in catalog.sql, with its place."""
    return SqlError(message, span=span, hint=hint)


def known_columns(names: Iterable[str], known: Iterable[str], span: Span) -> tuple[str, ...]:
    """The column names of a key in lower case. SqlError if one is unknown or stands twice."""
    columns = set(known)
    folded = tuple(name.lower() for name in names)
    for name in folded:
        if name not in columns:
            raise problem(f"there is no column {name}", span, suggestion(name, columns))
    if len(set(folded)) < len(folded):
        raise problem("a key names a column twice", span)
    return folded


def with_foreign_keys(
    table: Table, tables: dict[str, Table], statement: syntax.CreateTable
) -> Table:
    """The table with its foreign keys. SqlError if one points at what does not exist."""
    keys = []
    for element in statement.elements:
        if isinstance(element, syntax.TableConstraint) and element.kind == "foreign_key":
            other = _target(element.table, tables, element.span)
            keys.append(
                _foreign_key(table, element.columns, other, element.referenced, element.span)
            )
        elif isinstance(element, syntax.ColumnDeclaration):
            for constraint in element.constraints:
                if constraint.kind == "references":
                    other = _target(constraint.table, tables, constraint.span)
                    own = (element.name,)
                    keys.append(
                        _foreign_key(table, own, other, constraint.columns, constraint.span)
                    )
    return dataclasses.replace(table, foreign_keys=tuple(keys))


def _target(name: str | None, tables: dict[str, Table], span: Span) -> Table:
    assert name is not None
    if name.lower() not in tables:
        raise problem(f"there is no table {name}", span, suggestion(name, tables))
    return tables[name.lower()]


def _foreign_key(
    table: Table, columns: Iterable[str], other: Table, referenced: tuple[str, ...], span: Span
) -> ForeignKey:
    own = known_columns(columns, (c.name for c in table.columns), span)
    points = known_columns(referenced, (c.name for c in other.columns), span)
    points = points or other.primary_key
    if not points:
        hint = f"write REFERENCES {other.name} (column)"
        raise problem(f"{other.name} has no PRIMARY KEY to refer to", span, hint)
    if len(points) != len(own):
        raise problem(f"{len(own)} columns refer to {len(points)}", span)
    rows = other.rows * max(1, len(other.owners))
    return ForeignKey(columns=own, table=other.name, referenced=points, rows=rows)
