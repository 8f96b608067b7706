"""The seam between a node and its data: a local database of the party's bound tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa


class TableSource(Protocol):
    """One party's own parts of the catalog's tables, and the public tables, behind DuckDB."""

    def execute(self, sql: str, parameters: Mapping[str, str] | None = None) -> pa.Table:
        """Runs one DuckDB SELECT over the bound tables (named as in the catalog).

        The SQL may name any of the parameters: `$name`. Columns and predicates are pushed down
        into the files. Errors: DataError (for the owner), CancelledError after `interrupt`.
        """

    def interrupt(self) -> None:
        """Ends a running `execute` early; from any thread. Nothing happens if none runs."""

    def tables(self) -> tuple[str, ...]:
        """Names of the catalog tables that are bound here."""

    def close(self) -> None: ...
