"""Files as relations of a local DuckDB: what a file holds, before the catalog is applied to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..query.errors import ConfigurationError
from .spelling import quote_name, quote_text

if TYPE_CHECKING:
    import duckdb

DATABASES = (".duckdb", ".db", ".ddb")
ARROW = (".arrow", ".feather", ".ipc")
TEXT = (".csv", ".tsv", ".txt")
KNOWN = (".parquet", *TEXT, *ARROW, *DATABASES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawColumn:
    """A column as its file has it; `type` in DuckDB's spelling, text formats only for CSV."""

    name: str
    type: str
    date_format: str | None = None
    timestamp_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRelation:
    """`sql` is what stands behind FROM; rows come in file order when read in one thread."""

    sql: str
    columns: tuple[RawColumn, ...]


def open_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    *,
    inner_table: str | None = None,
    detect_types: bool = False,
) -> RawRelation:
    """The relation in a file, under the internal name `name` where DuckDB needs one.

    The kind is told by the suffix. A CSV file must have a header; its columns are text, or
    (`detect_types`) of the types that DuckDB detects. Errors: ConfigurationError.
    """
    import duckdb

    suffix = path.suffix.lower()
    if not path.is_file():
        directory = "; it is a directory" if path.is_dir() else ""
        raise ConfigurationError(f"there is no file {path}{directory}")
    if suffix not in KNOWN:
        raise ConfigurationError(f"{path}: not a kind of file that can be attached: {_kinds()}")
    if (inner_table is not None) != (suffix in DATABASES):
        wanted = "needs (TABLE 'name')" if inner_table is None else "takes no (TABLE 'name')"
        raise ConfigurationError(f"{path}: {wanted}")
    if path.stat().st_size == 0:
        raise ConfigurationError(f"{path} is empty, without even the names of columns")
    try:
        if suffix in TEXT:
            return _csv(connection, path, detect_types=detect_types)
        if suffix in ARROW:
            return _arrow(connection, path, name)
        if suffix in DATABASES:
            return _database(connection, path, name, inner_table or "")
        return described(connection, f"read_parquet({quote_text(str(path))})")
    except duckdb.Error as error:
        kind = type(error).__name__
        raise ConfigurationError(f"{path} cannot be read as {suffix[1:]} ({kind})") from None


def only_table(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The name of the one table of a database file. Errors: ConfigurationError naming them all."""
    import duckdb

    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}")
    try:
        names = _tables(connection, _attach(connection, path, "tacit_names"))
    except duckdb.Error as error:
        kind = type(error).__name__
        raise ConfigurationError(f"{path} cannot be read as a database ({kind})") from None
    if len(names) != 1:
        raise ConfigurationError(
            f"{path} has the tables {', '.join(names)}: say which one to describe"
        )
    return names[0]


def described(connection: duckdb.DuckDBPyConnection, sql: str) -> RawRelation:
    """The relation `sql` with the columns and types that DuckDB finds in it."""
    relation = connection.sql(f"SELECT * FROM {sql}")
    pairs = zip(relation.columns, relation.types, strict=True)
    columns = tuple(RawColumn(name=name, type=str(kind)) for name, kind in pairs)
    return RawRelation(sql=sql, columns=columns)


def allowed_paths(path: Path) -> list[str]:
    """The paths that DuckDB must be allowed to open for reading this file."""
    if path.suffix.lower() in DATABASES:
        return [str(path), f"{path}.wal"]
    return [] if path.suffix.lower() in ARROW else [str(path)]


def _kinds() -> str:
    return ", ".join(KNOWN[:-1]) + f" or {KNOWN[-1]}"


def _csv(connection: duckdb.DuckDBPyConnection, path: Path, *, detect_types: bool) -> RawRelation:
    """Detects the dialect once, and pins it, so that every scan reads the file alike."""
    where = quote_text(str(path))
    dialects = connection.execute(
        "SELECT Delimiter, Quote, Escape, NewLineDelimiter, Comment, SkipRows, Columns,"
        f" DateFormat, TimestampFormat FROM sniff_csv({where}, header = true)"
    ).fetchall()
    if not dialects:
        raise ConfigurationError(f"{path}: no CSV dialect found")
    cleaned: list[Any] = ["" if item in ("(empty)", "\0") else item for item in dialects[0]]
    delimiter, quote, escape, new_line, comment, skip, columns, dates, timestamps = cleaned
    detected: list[dict[str, str]] = columns
    kinds = {c["name"]: c["type"] if detect_types else "VARCHAR" for c in detected}
    pinned = ", ".join(f"{quote_text(name)}: {quote_text(kind)}" for name, kind in kinds.items())
    options = [
        "auto_detect = false, header = true",
        f"delim = {quote_text(delimiter)}",
        f"quote = {quote_text(quote or chr(34))}",
        f"escape = {quote_text(escape or quote or chr(34))}",
        f"new_line = {quote_text(new_line)}",
        f"comment = {quote_text(comment)}",
        f"skip = {skip}",
        f"columns = {{{pinned}}}",
    ]
    if detect_types:
        options += [f"dateformat = {quote_text(dates)}"] if dates else []
        options += [f"timestampformat = {quote_text(timestamps)}"] if timestamps else []
    return RawRelation(
        sql=f"read_csv({where}, {', '.join(options)})",
        columns=tuple(
            RawColumn(name=name, type=kind, date_format=dates, timestamp_format=timestamps)
            for name, kind in kinds.items()
        ),
    )


def _arrow(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> RawRelation:
    """An Arrow file through a pyarrow data set (columns and filters pushed down), or a stream."""
    import pyarrow as pa
    from pyarrow import dataset

    try:
        with path.open("rb") as file:
            is_file = file.read(6) == b"ARROW1"
        if is_file:
            connection.register(name, dataset.dataset(path, format="ipc"))
        else:
            with pa.ipc.open_stream(path) as stream:
                connection.register(name, stream.read_all())
    except pa.ArrowException:
        raise ConfigurationError(f"{path} cannot be read as an Arrow file") from None
    return described(connection, quote_name(name))


def _database(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, inner_table: str
) -> RawRelation:
    """One table of a DuckDB database file, opened read-only."""
    database = _attach(connection, path, name)
    names = _tables(connection, database)
    if inner_table.lower() not in [known.lower() for known in names]:
        raise ConfigurationError(
            f"{path} has no table {inner_table}; it has {', '.join(names) or 'none'}"
        )
    return described(connection, f"{quote_name(database)}.{quote_name(inner_table)}")


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> str:
    """The name that a database file is attached under: once per connection, as DuckDB wants it."""
    known = connection.execute("SELECT path, database_name FROM duckdb_databases()").fetchall()
    database = str(dict(known).get(str(path), name))
    if database == name:
        connection.execute(f"ATTACH {quote_text(str(path))} AS {quote_name(name)} (READ_ONLY)")
    return database


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """The tables and views that can be named in an attached database."""
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_catalog = ? AND table_schema = 'main' ORDER BY 1",
        [database],
    ).fetchall()
    return [str(row[0]) for row in found]
