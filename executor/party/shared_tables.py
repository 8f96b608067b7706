"""A party's shares of shared tables: what is there, what is damaged, what a session adds.

shared_tables/LABEL.shares, LABEL following from the table's name. A session writes LABEL.prepared
beside it; once every party has, each renames its own, which replaces an old version in one step. A
crash in between can leave some parties with the new table and one with what it prepared: such a
table is incomplete. It is not read, its name is not given away, and DROP TABLE removes it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...planner.secure import Operator, SecurePlan, Store, Stored
from ...planner.shared_tables import with_version
from ...query.catalog import Table
from ...query.errors import InternalError, SessionError
from ..sharing.shares import Bits
from .settings import PartySettings
from .table_files import DamagedFileError, Safe, file_bytes

SHARED_DIRECTORY = "shared_tables"
_COMMITTED, _PREPARED = ".shares", ".prepared"


class SharedTables:
    """The shared tables that one party holds its shares of. Thread-safe."""

    def __init__(self, directory: Path, safe: Safe, settings: PartySettings) -> None:
        self._directory = directory / SHARED_DIRECTORY
        self._safe = safe
        self._settings = settings
        self._lock = threading.Lock()
        self._tables: dict[str, Table] = {}
        self._faults: dict[str, str] = {}  # by label
        self._incomplete: dict[str, str] = {}  # names, by label
        self._load()

    def tables(self) -> dict[str, Table]:
        """The tables that can be read, by name."""
        with self._lock:
            return dict(self._tables)

    def incomplete(self) -> tuple[str, ...]:
        """The names of tables that wait to be dropped, as far as they are known."""
        with self._lock:
            return tuple(sorted(self._incomplete.values()))

    def version(self, name: str) -> str:
        """The version of a table that can be read; empty if there is none."""
        with self._lock:
            table = self._tables.get(name)
        return "" if table is None else _version(table)

    def check(self, name: str) -> None:
        """Errors: SessionError if a table of this name is there, but cannot be read."""
        with self._lock:
            fault = self._faults.get(_label(name))
        if fault is not None:
            raise SessionError(
                f"the shared table {name} of {self._safe.party} cannot be read: {fault}\n"
                f"hint: DROP TABLE {name} removes it at all parties; then make it again"
            )

    def exists(self, name: str) -> bool:
        """Whether there is anything of this name, if only a rest."""
        with self._lock:
            return name in self._tables or _label(name) in self._faults

    def check_room(self, root: Operator) -> None:
        """Errors: SessionError if a plan would keep more than this party keeps."""
        if not isinstance(root, Store):
            return
        party, settings = self._safe.party, self._settings
        needed = file_bytes(root.table, self._safe.components)
        with self._lock:
            others = [t for name, t in self._tables.items() if name != root.table.name]
        if len(others) >= settings.max_shared_tables:
            raise SessionError(
                f"{party} keeps {len(others)} shared tables already, and no more "
                "(max_shared_tables in its party.toml)"
            )
        kept = sum(map(file_bytes, others))
        if kept + needed > settings.max_shared_bytes:
            raise SessionError(
                f"the shared table {root.table.name} takes {needed:,} bytes at each party; {party} "
                f"keeps {kept:,} already, and allows at most {settings.max_shared_bytes:,} "
                "(max_shared_bytes in its party.toml)"
            )
        if needed > shutil.disk_usage(self._directory.parent).free:
            raise SessionError(f"{party} has no disk space for the shared table {root.table.name}")

    def shelf(self, session: str, plan: SecurePlan) -> SessionShelf:
        """What one session reads and adds; close it."""
        return SessionShelf(self, f"{session}.{plan.digest}")

    def drop(self, name: str) -> bool:
        """Removes a table, or what is left of one; False if there is nothing.

        Errors: SessionError if its file cannot be removed.
        """
        if not self.exists(name):
            return False
        label = _label(name)
        try:
            for suffix in (_COMMITTED, _PREPARED):
                self._path(label, suffix).unlink(missing_ok=True)
            _sync_directory(self._directory)
        except OSError as error:
            raise SessionError(
                f"{self._safe.party} cannot remove the shared table {name}: {error.strerror}"
            ) from None
        with self._lock:
            self._tables.pop(name, None)
            self._faults.pop(label, None)
            self._incomplete.pop(label, None)
        return True

    # For the sessions

    def read(self, node: Stored) -> list[Bits]:
        """The shares of a table's columns, and its valid bits. Errors: SessionError."""
        self.check(node.table)
        label = _label(node.table)
        if self.version(node.table) != node.version:
            raise self._gone(node)
        try:
            table, shares = self._safe.read(self._path(label, _COMMITTED), label, node.places)
        except (DamagedFileError, OSError) as error:
            with self._lock:
                self._tables.pop(node.table, None)
                self._faults[label] = _reason(error)
            self.check(node.table)
            raise InternalError("a damaged table passed its check") from None
        if _version(table) != node.version:
            raise self._gone(node)
        return shares

    def prepare(self, table: Table, shares: Sequence[Bits]) -> None:
        """Writes a table beside what there is. Errors: SessionError, and then nothing is left."""
        label = _label(table.name)
        path = self._path(label, _PREPARED)
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._safe.write(path, label, table, shares)
            _sync_directory(self._directory)
        except OSError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise SessionError(
                f"{self._safe.party} cannot keep the shared table {table.name}: {error.strerror}"
            ) from None

    def commit(self, table: Table) -> None:
        """Gives what was prepared its name. Errors: SessionError; the table is then incomplete."""
        label = _label(table.name)
        try:
            self._path(label, _PREPARED).replace(self._path(label, _COMMITTED))
            _sync_directory(self._directory)
        except OSError as error:
            self.doubt(table)
            raise SessionError(
                f"{self._safe.party} cannot keep the shared table {table.name}: {error.strerror}"
            ) from None
        with self._lock:
            self._tables[table.name] = table
            self._faults.pop(label, None)
            self._incomplete.pop(label, None)

    def discard(self, table: Table) -> None:
        """Removes what was prepared; no party has made it the table of its name."""
        with suppress(OSError):
            self._path(_label(table.name), _PREPARED).unlink(missing_ok=True)

    def doubt(self, table: Table) -> None:
        """What was prepared may be complete elsewhere. An older version here stays."""
        label = _label(table.name)
        with self._lock:
            older = table.name in self._tables
            if not older:
                self._faults[label] = _INCOMPLETE
                self._incomplete[label] = table.name
        if older:
            self.discard(table)

    def _load(self) -> None:
        """Takes stock of the directory, once."""
        for path in sorted(self._directory.glob(f"*{_COMMITTED}")):
            label = path.name.removesuffix(_COMMITTED)
            try:
                table = self._safe.schema(path, label)
                if _label(table.name) != label:
                    raise DamagedFileError("it is of another table")
                self._tables[table.name] = table
            except (DamagedFileError, OSError) as error:
                self._faults[label] = _reason(error)
        complete = {_label(name) for name in self._tables}
        for path in self._directory.glob(f"*{_PREPARED}"):
            label = path.name.removesuffix(_PREPARED)
            if label in complete:
                path.unlink(missing_ok=True)
            else:
                self._faults.setdefault(label, _INCOMPLETE)
                with suppress(DamagedFileError, OSError):
                    self._incomplete[label] = self._safe.schema(path, label).name

    def _path(self, label: str, suffix: str) -> Path:
        return self._directory / (label + suffix)

    def _gone(self, node: Stored) -> SessionError:
        return SessionError(
            f"{self._safe.party} no longer holds this version of the shared table {node.table}"
        )


class SessionShelf:
    """The shelf (operators/stored.py) of one session, whose id and plan make the version."""

    def __init__(self, tables: SharedTables, version: str) -> None:
        self._tables = tables
        self._version = version
        self._prepared: Table | None = None
        self._vouched = False

    def read(self, node: Stored) -> list[Bits]:
        """This party's shares. Errors: SessionError."""
        return self._tables.read(node)

    def prepare(self, node: Store, shares: Sequence[Bits]) -> None:
        """Writes the shares beside what there is. Errors: SessionError."""
        table = with_version(node.table, self._version)
        self._tables.prepare(table, shares)
        self._prepared = table

    def vouch(self) -> None:
        """Every party has prepared: what this one has must outlive the session's failure."""
        self._vouched = True

    def commit(self) -> None:
        """Every party has vouched: gives the table its name. Errors: SessionError."""
        if self._prepared is None:
            raise InternalError("nothing was prepared")
        table, self._prepared = self._prepared, None
        self._tables.commit(table)

    def close(self) -> None:
        """Ends the session, and with it what was prepared, unless it may be complete elsewhere."""
        if self._prepared is None:
            return
        table, self._prepared = self._prepared, None
        if self._vouched:
            self._tables.doubt(table)
        else:
            self._tables.discard(table)


_INCOMPLETE = "it is incomplete: a party was lost while the table was made"


def _label(name: str) -> str:
    """What a table's files are called: names may hold what file names may not."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _version(table: Table) -> str:
    return "" if table.sharing is None else table.sharing.version


def _reason(error: DamagedFileError | OSError) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return f"its file is damaged: {text}"


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
