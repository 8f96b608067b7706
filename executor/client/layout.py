"""Lays tables out as an example directory: catalog.sql, and sources.sql in a folder per party."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...connectors import describe_file
from ...connectors.files import open_file
from ...connectors.spelling import quote_text
from ...query.errors import ConfigurationError, UserError
from ..party.federation import CATALOG_FILE, DEFAULT_PROTOCOL, FEDERATION_FILE, compute_line
from ..sharing.protocols import PROTOCOLS

Tables = Mapping[str, Mapping[str, Any]]
"""Party -> table -> DataFrame, Arrow table or path of a file."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def write_example(
    directory: Path,
    tables: Tables,
    catalog: str | Path | None,
    protocol: str = DEFAULT_PROTOCOL,
    compute: Sequence[str] | None = None,
) -> Path:
    """Writes a directory that `create_local` makes a runnable federation of.

    Frames become Parquet files that only this user can read; files stay where they are. Without a
    catalog, one is proposed from the data. `compute` names the compute parties, those without
    tables included, if not everybody computes. Errors: UserError for a name or a value that does
    not fit; DataError for a file that cannot be read.
    """
    directory.mkdir(parents=True, mode=0o700)
    files = {
        party: {table: _store(directory, party, table, value) for table, value in held.items()}
        for party, held in tables.items()
    }
    if not any(files.values()):
        raise UserError("a federation needs at least one table")
    parties = (*files, *helper_names(files, protocol, compute))
    for party in parties:
        folder = directory / _checked(party, "party")
        folder.mkdir(exist_ok=True, mode=0o700)
        (folder / "sources.sql").write_text(_attachments(files.get(party, {})), encoding="utf-8")
    (directory / CATALOG_FILE).write_text(_catalog(directory, files, catalog), encoding="utf-8")
    lines = [f'protocol = "{protocol}"\n']
    lines += [f"{compute_line(compute)}\n"] if compute is not None else []
    lines += [f'[[parties]]\nname = "{party}"\n' for party in parties]
    (directory / FEDERATION_FILE).write_text("".join(lines), encoding="utf-8")
    return directory


def helper_names(
    parties: Collection[str],
    protocol: str = DEFAULT_PROTOCOL,
    compute: Sequence[str] | None = None,
) -> list[str]:
    """Names for the parties without data that a federation lacks beside these."""
    if compute is not None:
        return [name for name in dict.fromkeys(compute) if name not in parties]
    names = ("helper", "helper_2", "helper_3", "helper_4")
    free = [name for name in names if name not in parties]
    return free[: max(0, PROTOCOLS[protocol].least_parties - len(parties))]


def _store(directory: Path, party: str, table: str, value: object) -> Path:
    """The file that holds a table: the one given, or a Parquet file written here."""
    _checked(table, "table")
    if isinstance(value, (str, Path)):
        path = Path(value).expanduser().absolute()
        if not path.is_file():
            raise ConfigurationError(f"table {table} of {party}: there is no file {value}")
        return path
    folder = directory / _checked(party, "party")
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{table}.parquet"
    _write_parquet(_as_arrow(party, table, value), path)
    return path


def _as_arrow(party: str, table: str, value: object) -> pa.Table:
    if isinstance(value, pa.Table):
        return value
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return pa.Table.from_pandas(value, preserve_index=False)
    kind = type(value).__name__
    raise UserError(
        f"table {table} of {party} is a {kind}; give a DataFrame, an Arrow table or a path"
    )


def _write_parquet(table: pa.Table, path: Path) -> None:
    from pyarrow import parquet

    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        parquet.write_table(table, file)


def _attachments(files: Mapping[str, Path]) -> str:
    return "".join(
        f"ATTACH {quote_text(str(path))} AS {table};\n" for table, path in sorted(files.items())
    )


def _catalog(
    directory: Path, files: Mapping[str, Mapping[str, Path]], catalog: str | Path | None
) -> str:
    if isinstance(catalog, Path):
        return _read_catalog(catalog)
    if catalog is not None:
        if re.search(r"\bcreate\b", catalog, re.IGNORECASE):
            return catalog
        return _read_catalog(Path(catalog))
    return "\n".join(
        _proposal(directory, table, paths) for table, paths in _by_table(files).items()
    )


def _proposal(directory: Path, table: str, parts: Mapping[str, Path]) -> str:
    """A CREATE TABLE statement whose bounds hold for the parts of all owners."""
    paths, owners = list(parts.values()), ", ".join(parts)
    if len(paths) == 1:
        return describe_file(paths[0], table=table, owner=owners)
    together = directory / f"{table}.parquet"
    try:
        rows = _join_parts(paths, together)
        proposal = describe_file(together, table=table, owner=owners)
        return re.sub(r"\bROWS \d+;", f"ROWS {rows};", proposal)
    finally:
        together.unlink(missing_ok=True)


def _join_parts(paths: list[Path], target: Path) -> int:
    """Writes all rows of some files to one Parquet file; returns the rows of the largest one."""
    import duckdb

    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with duckdb.connect() as connection:
        parts = [
            open_file(connection, path, f"part_{number}", detect_types=True)
            for number, path in enumerate(paths)
        ]
        counts = [connection.sql(f"SELECT COUNT(*) FROM {p.sql}").fetchall() for p in parts]
        union = " UNION ALL BY NAME ".join(f"SELECT * FROM {part.sql}" for part in parts)
        connection.execute(f"COPY ({union}) TO {quote_text(str(target))} (FORMAT parquet)")
    return max(int(count[0][0]) for count in counts)


def _read_catalog(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read the catalog {path}: {error.strerror}") from error


def _by_table(files: Mapping[str, Mapping[str, Path]]) -> dict[str, dict[str, Path]]:
    tables: dict[str, dict[str, Path]] = {}
    for party, held in files.items():
        for table, path in held.items():
            tables.setdefault(table, {})[party] = path
    return tables


def _checked(name: str, noun: str) -> str:
    if not _NAME.match(name):
        raise UserError(
            f"{name!r} is no name for a {noun}: use a-z, 0-9 and _, with a letter first"
        )
    return name
