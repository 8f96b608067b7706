"""The catalog: the public contract of a federation, the same at every party. It holds no data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from .datatypes import Encoding, SqlType

MAX_ROWS = (1 << 31) - 1
"""The most rows that a table may have."""


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
    """`rows` bounds the rows of the referenced table, those of all its owners together."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]
    rows: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedKey:
    """Columns whose values are unique together. `by_contract`: no single owner can check it."""

    columns: tuple[str, ...]
    by_contract: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What is publicly known of a table that stays as shares at the compute parties.

    `version` names its contents; shares of different versions are never mixed. `holders`: the
    compute parties, by index; each has a share, and none of them has the table. `creator` asked for
    it with `statement`. `sources`: (owner, table) pairs whose rows went in, whose owners have a
    say over every use. `smallest`: by column, a bound from below on the magnitude of values that
    are not 0, encoded. `averages`: positions of a sum and of its count, and a bound on the
    magnitude of their quotient in the sum's encoding.
    """

    version: str
    holders: tuple[str, ...]
    creator: str
    statement: str
    sources: tuple[tuple[str, str], ...]
    keys: tuple[SharedKey, ...]
    smallest: tuple[int, ...]
    averages: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A declared table, or (`sharing` given) a table that a query has made of shares.

    `owners` is empty for a public table, has one name, or several (the table is then the UNION ALL
    of their parts). `rows` bounds EACH owner's part (for a public table: its row count).
    `revealing`: columns by which a join may reveal to both owners which of their values they share.
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
    sharing: Sharing | None = None
    revealing: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        return not self.owners and self.sharing is None

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

    def with_shared(self, shared: Mapping[str, Table]) -> Catalog:
        """The catalog with shared tables beside the declared ones, which come first."""
        return dataclasses.replace(self, tables={**shared, **self.tables})
