"""The files of public tables: their content hashes and row counts."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from .catalog import Table
from .errors import ConfigurationError

UNKNOWN_ROWS = 0
"""What stands for the row bound of a public table until its file is counted."""


def with_public_file(table: Table, directory: Path) -> Table:
    """A public table with its file's SHA-256, and its row count where no ROWS is declared.

    Other tables stay as they are. Errors: ConfigurationError if the file cannot be read.
    """
    if table.public_file is None:
        return table
    path = directory / table.public_file
    try:
        with path.open("rb") as file:
            content_hash = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(
            f"the file of the public table {table.name} cannot be read: {path} ({error.strerror})"
        ) from None
    rows = _count_rows(table, path) if table.rows == UNKNOWN_ROWS else table.rows
    return dataclasses.replace(table, content_hash=content_hash, rows=max(rows, 1))


def _count_rows(table: Table, path: Path) -> int:
    import duckdb

    try:
        with duckdb.connect() as connection:
            counted = connection.execute("SELECT count(*) FROM query_table(?)", [str(path)])
            row = counted.fetchone()
    except duckdb.Error:
        row = None
    if row is None:
        raise ConfigurationError(
            f"the rows of {path} cannot be counted: write ROWS n in the table {table.name}"
        )
    return int(row[0])
