"""Where a recipient's node keeps results until its owner fetches them.

The asker's own result waits in memory, for one fetch. A result of somebody else's query, which
nobody waits for, is a file: results/SESSION.arrow, whole or not there at all, with the question in
its metadata. The owner may remove these files at any time.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from ...query.errors import SessionError, UserError
from .messages import is_session_id

RESULTS_DIRECTORY = "results"
_SUFFIX = ".arrow"
_ABOUT = b"tacit"
MAX_WAITING = 16
_SHOWN_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A result on disk: who asked for it, with which words, when it came (UTC), and its rows."""

    session: str
    asker: str
    statement: str
    at: str
    rows: int


class ResultStore:
    """The results of one party, on disk at most `limit` of them. What a crash left is removed."""

    def __init__(self, directory: Path, party: str, *, limit: int = 1000) -> None:
        self._directory = directory / RESULTS_DIRECTORY
        self._party = party
        self._limit = limit
        self._waiting: dict[str, pa.Table] = {}
        self._lock = threading.Lock()
        for unfinished in self._directory.glob(".*.part"):
            _remove(unfinished)

    def check_room(self) -> None:
        """Errors: SessionError if as many results are on disk as may be."""
        count = sum(1 for _ in self._directory.glob(f"*{_SUFFIX}"))
        if count >= self._limit:
            raise SessionError(
                f"{self._party} keeps {count} results already and takes no more until its owner "
                "removes some (max_results in its party.toml)"
            )

    def hold(self, session: str, table: pa.Table) -> None:
        """Keeps a table in memory for one `take`; the oldest goes when too many wait."""
        with self._lock:
            self._waiting[session] = table
            while len(self._waiting) > MAX_WAITING:
                del self._waiting[next(iter(self._waiting))]

    def take(self, session: str) -> pa.Table:
        """A result, by session: from memory, where it is then forgotten, or from its file.

        Errors: UserError if there is none.
        """
        with self._lock:
            table = self._waiting.pop(session, None)
        return self._load(session) if table is None else table

    def store(self, session: str, table: pa.Table, *, asker: str, statement: str) -> None:
        """Writes a result to disk, durably. Errors: SessionError, and then nothing is left."""
        temporary = self._directory / f".{session}.part"
        about = Received(
            session=session,
            asker=asker,
            statement=statement[:_SHOWN_CHARACTERS],
            at=datetime.datetime.now(datetime.UTC).isoformat(sep=" ", timespec="seconds"),
            rows=table.num_rows,
        )
        table = table.replace_schema_metadata({_ABOUT: json.dumps(asdict(about))})
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            _write(temporary, table)
            temporary.rename(self._path(session))
            _sync_directory(self._directory)
        except (OSError, pa.ArrowException) as error:
            _remove(temporary)
            cause = getattr(error, "strerror", None) or "it cannot be written"
            raise SessionError(f"{self._party} cannot store the result: {cause}") from error

    def stored(self) -> tuple[Received, ...]:
        """The results on disk, the oldest first. A file that is none is passed over."""
        found = [
            (path.stat().st_mtime_ns, path.stem, _about(path))
            for path in self._directory.glob(f"*{_SUFFIX}")
            if is_session_id(path.stem)
        ]
        return tuple(about for _, _, about in sorted(found, key=_age) if about is not None)

    def _load(self, session: str) -> pa.Table:
        path = self._path(session)
        if not path.is_file():
            raise UserError(f"{self._party} holds no result of session {session}")
        try:
            with path.open("rb") as file, pa.ipc.open_file(file) as reader:
                return reader.read_all().replace_schema_metadata(None)
        except (OSError, pa.ArrowException):
            raise UserError(f"{path} cannot be read as a result") from None

    def _path(self, session: str) -> Path:
        if not is_session_id(session):
            raise UserError("a session is named by 32 hexadecimal digits")
        return self._directory / f"{session}{_SUFFIX}"


def _about(path: Path) -> Received | None:
    """What a file says of itself; None if it is damaged."""
    try:
        with path.open("rb") as file, pa.ipc.open_file(file) as reader:
            return Received(**json.loads((reader.schema.metadata or {})[_ABOUT]))
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError):
        return None


def _age(found: tuple[int, str, Received | None]) -> tuple[int, str]:
    return found[0], found[1]


def _write(path: Path, table: pa.Table) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
