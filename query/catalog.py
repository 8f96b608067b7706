"""The catalog: the public contract of a federation, the same at every party. It holds no data."""

from __future__ import annotations

from dataclasses import dataclass, field

from .datatypes import Encoding, SqlType


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDefinition:
    """One declared column. `encoding` follows from CHECK bounds, IN domains or the type itself."""

    name: str
    type: SqlType
    nullable: bool
    encoding: Encoding | None  # None: VARCHAR without length or domain
    checked: bool = False  # a CHECK bound or domain was declared


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A declared table.

    `owners` is empty for a public table, has one name, or several (the table is then the UNION ALL
    of their parts). `rows` bounds EACH owner's part (for a public table: its row count).
    `public_file` and `content_hash` (hex SHA-256) belong to public tables.
    """

    name: str
    columns: tuple[ColumnDefinition, ...]
    owners: tuple[str, ...]
    rows: int
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    public_file: str | None = None
    content_hash: str | None = None

    @property
    def is_public(self) -> bool:
        return not self.owners

    def column(self, name: str) -> ColumnDefinition:
        """The column of that name (lower case). KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All tables by (lower-case) name. `digest` is the hex SHA-256 of the canonical DDL text."""

    tables: dict[str, Table] = field(default_factory=dict)
    digest: str = ""
