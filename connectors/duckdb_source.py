"""A party's tables behind a local, locked-down, in-memory DuckDB.

Every bound table is a view named like the catalog's table, with the catalog's columns in their
declared types, over the file itself: DuckDB pushes columns and predicates into the scan.
The SQL that runs here comes from plans, which each party makes itself. Still, a fragment can only
SELECT, opens no file but the attached ones, and neither loads extensions nor changes a setting.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..query.catalog import Catalog, Table
from ..query.errors import (
    SECOND_ROW,
    CancelledError,
    ConfigurationError,
    DataError,
    InternalError,
    SessionError,
)
from .casts import Conversion, convert
from .files import RawRelation, allowed_paths, described, open_file
from .sources_file import Attachment, parse_sources
from .spelling import quote_name, quote_text

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTable:
    """A catalog table, the relation that stands behind it, and how its columns are read."""

    table: Table
    relation: RawRelation
    conversions: tuple[Conversion, ...]


class DuckDbSource:
    """A `TableSource`: one party's own parts of the catalog's tables, and the public tables.

    `memory_bytes`: what the database may take, for sorts and joins above all. Calls from several
    threads run one after the other.
    """

    def __init__(self, catalog: Catalog, *, memory_bytes: int | None = None) -> None:
        import duckdb

        limit = {} if memory_bytes is None else {"memory_limit": f"{memory_bytes}B"}
        self._catalog = catalog
        self._connection = duckdb.connect(":memory:", config=SETTINGS | limit)
        self._connection.execute("SET enable_progress_bar = false")  # it writes to the terminal
        self._lock = threading.Lock()
        self._bound: dict[str, BoundTable] = {}
        self._paths: list[str] = []

    @property
    def bound(self) -> Mapping[str, BoundTable]:
        """The bound tables by name."""
        return self._bound

    def attach(self, table: Table, path: Path, *, inner_table: str | None = None) -> None:
        """Binds a table to a file; only before `lock()`. Errors: ConfigurationError."""
        name = f"tacit_file_{len(self._bound)}"
        self._paths += allowed_paths(path)
        relation = open_file(self._connection, path, name, inner_table=inner_table)
        self._bind(table, relation, str(path))

    def register_table(self, name: str, data: pa.Table | pd.DataFrame) -> None:
        """Binds a catalog table to data in memory. Errors: ConfigurationError."""
        import pyarrow as pa

        table = self._catalog.tables.get(name)
        if table is None:
            raise ConfigurationError(f"the catalog has no table {name}")
        if not isinstance(data, pa.Table):
            data = pa.Table.from_pandas(data, preserve_index=False)
        with self._lock:
            inner = f"tacit_memory_{len(self._bound)}"
            self._connection.register(inner, data)
            relation = described(self._connection, quote_name(inner))
            self._bind(table, relation, f"the data registered as {name}")

    def lock(self) -> None:
        """Closes the database to every file but the attached ones, and freezes its settings."""
        paths = ", ".join(quote_text(path) for path in self._paths)
        self._connection.execute(f"SET allowed_paths = [{paths}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def execute(self, sql: str, parameters: Mapping[str, str] | None = None) -> pa.Table:
        """Runs one DuckDB SELECT over the bound tables (named as in the catalog).

        The SQL may name any of the parameters: `$name`.

        Errors: DataError (for the owner; without values) where the data break their declared
        types, SessionError where a subquery gives a second row, InternalError if the text is not
        one valid SELECT, CancelledError after `interrupt`.
        """
        import duckdb

        with self._lock:
            try:
                statements = self._connection.extract_statements(sql)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise InternalError("a fragment must be one SELECT statement")
                named = statements[0].named_parameters
                given = {n: v for n, v in (parameters or {}).items() if n in named}
                result = self._connection.sql(statements[0], params=given or None)
                return result.to_arrow_table()
            except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as e:
                raise InternalError(f"a fragment does not fit the local tables: {e}") from e
            except duckdb.InterruptException:
                raise CancelledError("a local fragment was interrupted") from None
            except duckdb.Error as error:
                if str(error) == f"Invalid Input Error: {SECOND_ROW}":
                    raise SessionError(SECOND_ROW) from None
                raise DataError(_without_values(error)) from None

    def interrupt(self) -> None:
        """Ends a running `execute` early; from any thread. Nothing happens if none runs."""
        self._connection.interrupt()

    def tables(self) -> tuple[str, ...]:
        """Names of the catalog tables that are bound here."""
        return tuple(self._bound)

    def close(self) -> None:
        """Ends the database; the source cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def _bind(self, table: Table, relation: RawRelation, origin: str) -> None:
        conversions = _conversions(table, relation, origin)
        items = ", ".join(
            f"{c.strict(table.name)} AS {quote_name(c.column.name)}" for c in conversions
        )
        self._connection.execute(
            f"CREATE VIEW {quote_name(table.name)} AS SELECT {items} FROM {relation.sql}"
        )
        self._bound[table.name] = BoundTable(
            table=table, relation=relation, conversions=conversions
        )


def open_source(
    party_directory: Path,
    catalog: Catalog,
    party: str,
    *,
    public_directory: Path,
    memory_bytes: int | None = None,
) -> DuckDbSource:
    """Opens what `sources.sql` attaches, and the catalog's public tables, ready for queries.

    Paths in `sources.sql` are relative to the party's directory, those of public tables to
    `public_directory`. A party without the file has the public tables alone. Errors:
    ConfigurationError for a file that is missing, unreadable or of the wrong types, for a table
    that the party does not own, and for a public table whose content is not the catalog's.
    """
    path = party_directory / "sources.sql"
    source = DuckDbSource(catalog, memory_bytes=memory_bytes)
    try:
        for attachment in _read_sources(path):
            table = _own_table(attachment, catalog, party, path)
            file = (party_directory / attachment.file).resolve()
            try:
                source.attach(table, file, inner_table=attachment.inner_table)
            except ConfigurationError as error:
                raise ConfigurationError(f"{path}, line {attachment.line}: {error}") from error
        for table in catalog.tables.values():
            if table.public_file is not None:
                source.attach(table, _public_file(table, public_directory))
        source.lock()
    except BaseException:
        source.close()
        raise
    return source


def _read_sources(path: Path) -> tuple[Attachment, ...]:
    if not path.exists():
        return ()
    try:
        return parse_sources(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _own_table(attachment: Attachment, catalog: Catalog, party: str, path: Path) -> Table:
    place = f"{path}, line {attachment.line}"
    table = catalog.tables.get(attachment.table)
    if table is None:
        near = difflib.get_close_matches(attachment.table, catalog.tables, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"{place}: the catalog has no table {attachment.table}{hint}")
    if table.is_public:
        raise ConfigurationError(
            f"{place}: table {table.name} is public; its file is the one that the catalog names"
        )
    if party not in table.owners:
        owners = ", ".join(table.owners)
        raise ConfigurationError(f"{place}: table {table.name} is owned by {owners}, not {party}")
    return table


def _public_file(table: Table, directory: Path) -> Path:
    """The file of a public table, after comparing its content with the catalog's hash."""
    path = (directory / (table.public_file or "")).resolve()
    if not path.is_file():
        raise ConfigurationError(f"there is no file {path} for the public table {table.name}")
    if table.content_hash is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != table.content_hash:
            raise ConfigurationError(
                f"{path}: not the content that the catalog declares for the public table"
                f" {table.name}"
            )
    return path


def _conversions(table: Table, relation: RawRelation, origin: str) -> tuple[Conversion, ...]:
    """One conversion per declared column, found by name in any case; other columns are ignored."""
    conversions = []
    for column in table.columns:
        found = [raw for raw in relation.columns if raw.name.lower() == column.name]
        if len(found) != 1:
            number = "no column" if not found else "several columns"
            raise ConfigurationError(f"table {table.name}: {number} {column.name} in {origin}")
        conversions.append(convert(found[0], column, table.name))
    return tuple(conversions)


def _without_values(error: duckdb.Error) -> str:
    """What may be said about a failed scan: our own messages, else only the kind of failure."""
    text = str(error)
    ours = "Invalid Input Error: table "
    if text.startswith(ours):  # further in, a value may have quoted it
        return "table " + text.removeprefix(ours).splitlines()[0]
    if type(error).__name__ == "OutOfMemoryException":
        return "the fragment needs more memory than it may have (fragment_memory_bytes, party.toml)"
    malformed = re.search(r"CSV Error on Line: (\d+)", text)
    if malformed:
        return f"line {malformed[1]} of a CSV file is malformed"
    return f"reading this party's tables failed ({type(error).__name__})"
