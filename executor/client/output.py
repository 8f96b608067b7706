"""Where an answer goes: a file that is either whole or not there, or the standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from ...query.errors import UserError


def write_output(content: bytes, path: Path | None) -> None:
    """Writes all of `content` to a file, or to the standard output if there is no path.

    A regular file appears under its name only when it is complete. Errors: UserError that names
    the file and the reason, a full disk for instance; BrokenPipeError passes.
    """
    try:
        if path is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            with path.open("wb") as device:
                device.write(content)
        else:
            _replace(path, content)
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "the standard output" if path is None else str(path)
        raise UserError(f"cannot write the answer to {name}: {error.strerror}") from error


def check_output(path: Path) -> None:
    """Errors: UserError if there can be no file of this name, so that no query runs in vain."""
    if path.is_dir():
        raise UserError(f"cannot write the answer to {path}: it is a directory")
    if not path.parent.is_dir():
        raise UserError(f"cannot write the answer to {path}: there is no directory {path.parent}")


def form_of(path: Path) -> str:
    """The form that a file's name asks for: csv, json, parquet, arrow; else a text table."""
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in ("csv", "json", "parquet", "arrow") else "table"


def _replace(path: Path, content: bytes) -> None:
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(0o666 & ~_umask())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
