"""A node's own record of what was asked of it and what it did: append-only, chained by hashes.

One JSON object per line with `time`, `event`, the session and what belongs to the event, and
`previous`: the SHA-256 of the line before it. Changing or removing a line breaks the chain behind
it; cutting off the end does not, which is why the last hash is worth keeping elsewhere.
No value of a row is ever written here, nor a share or a key.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ...query.errors import ConfigurationError, SessionError

AUDIT_FILE = "audit.jsonl"
_START = "0" * 64
_TORN = "recovered"

Fact = str | int | float | bool | None | Sequence[str]


class AuditLog:
    """The log of one running node; no second process can write to it meanwhile.

    Errors on opening: ConfigurationError if another node holds the log or it cannot be opened.
    """

    def __init__(self, path: Path, party: str) -> None:
        self._party = party
        self._lock = threading.Lock()
        self._file, self._previous, torn = _open(path, party)
        if torn:
            self.record(_TORN, cause="the last line was cut short")

    def record(self, event: str, **facts: Fact) -> None:
        """Appends one event. Errors: SessionError if it cannot be written."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            line = _encode({"time": now, "event": event, **facts, "previous": self._previous})
            self._append(line + b"\n")
            self._previous = hashlib.sha256(line).hexdigest()

    def _append(self, line: bytes) -> None:
        """Writes all of a line or, as when the disk is full, nothing of it."""
        size = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) == len(line):
                return
            os.ftruncate(self._file.fileno(), size)
            cause = "no space left"
        except OSError as error:
            cause = error.strerror or "it cannot be written"
        raise SessionError(f"{self._party} cannot write its audit log: {cause}")

    def close(self) -> None:
        """Ends the log. Idempotent."""
        with self._lock:
            if not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of a log found. `fault` is None if the chain holds; `last` is its last hash."""

    lines: int
    last: str
    fault: str | None


def verify_log(path: Path) -> Verification:
    """Follows the chain of hashes through a log. Errors: ConfigurationError if unreadable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    previous = _START
    for number, line in enumerate(lines, start=1):
        fault = _fault(line, lines[number] if number < len(lines) else None, previous)
        if fault:
            return Verification(lines=len(lines), last=previous, fault=f"line {number}: {fault}")
        previous = hashlib.sha256(line).hexdigest()
    return Verification(lines=len(lines), last=previous, fault=None)


def _fault(line: bytes, following: bytes | None, previous: str) -> str | None:
    record = _decode(line)
    if record is None:
        after = _decode(following) if following is not None else None
        recovered = after is not None and after.get("event") == _TORN
        return None if recovered else "is not a record"
    if record.get("previous") != previous:
        return "does not follow the line before it"
    return None


def _encode(record: dict[str, Fact]) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _decode(line: bytes) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _open(path: Path, party: str) -> tuple[BinaryIO, str, bool]:
    """The file, locked, at its end; the hash of its last line; whether that line was torn."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
    except OSError as error:
        raise ConfigurationError(f"cannot open {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ConfigurationError(f"another node of {party} is running (it holds {path})") from error
    last, torn = _last_line(file)
    if torn:
        file.write(b"\n")
    return file, hashlib.sha256(last).hexdigest() if last is not None else _START, torn


def _last_line(file: BinaryIO) -> tuple[bytes | None, bool]:
    """The last line without its end, None if there is none; True if its end is missing."""
    size = file.seek(0, os.SEEK_END)
    tail, start = b"", size
    while start > 0 and tail.count(b"\n", 0, -1) == 0:
        step = min(start, 65536)
        start -= step
        file.seek(start)
        tail = file.read(step) + tail
    if not tail:
        return None, False
    torn = not tail.endswith(b"\n")
    return (tail if torn else tail[:-1]).rsplit(b"\n", 1)[-1], torn
