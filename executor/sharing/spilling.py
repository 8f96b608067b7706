"""Arrays that wait on disk: what a run holds of shares and of a party's own data beside them.

An array is written once, as a record batch of an Arrow IPC file, and read back through a mapping of
that file: pages come when they are touched, row ranges by themselves, and the system may drop them
again at any time. Local: nothing that is sent depends on where an array lies.

Shares are as secret as data. A file has no name: it is made in a directory that its owner alone may
enter, readable by the owner alone, and its space is given back when the last array in it is let go,
or the process ends, however it ends.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...query.errors import SessionError
from .shares import Bits, Ring, Share

LEAST_BYTES = 1 << 16
"""Smaller arrays stay in memory."""

_PREFIX = ".spill-"
_SCHEMA = pa.schema([("bytes", pa.uint8())])
_Array = NDArray[Any]


def prepare_directory(directory: Path) -> None:
    """Makes the directory, for its owner alone, and removes what a process that died has left.

    Errors: OSError.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    for left in directory.glob(f"{_PREFIX}*"):
        left.unlink(missing_ok=True)


def release_free_blocks() -> None:
    """Free blocks of the allocator go back to the system, where the C library can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Spill:
    """Where one run at one party keeps arrays. `written_bytes`: of all that it has put there."""

    def __init__(self, directory: Path, party: str, *, least_bytes: int = LEAST_BYTES) -> None:
        self.written_bytes = 0
        self._directory = directory
        self._party = party
        self._least_bytes = least_bytes
        self._mapped: dict[int, weakref.ref[_Array]] = {}
        self._mappings: weakref.WeakSet[_Mapping] = weakref.WeakSet()

    def keep(self, shares: Sequence[Share]) -> list[Share]:
        """The same shares, their components on disk. Errors: SessionError if they cannot be."""
        parts = iter(self.keep_arrays([part for share in shares for part in share.parts]))
        return [_with_parts(share, tuple(next(parts) for _ in share.parts)) for share in shares]

    def keep_arrays(self, arrays: Sequence[_Array]) -> list[_Array]:
        """The same arrays, read-only, those that are large on disk. Errors: SessionError."""
        moving = {
            id(array): array
            for array in arrays
            if array.nbytes >= self._least_bytes and not self._is_mapped(array)
        }
        if not moving:
            return list(arrays)
        try:
            kept = dict(zip(moving, self._written(list(moving.values())), strict=True))
        except OSError as error:
            raise SessionError(
                f"{self._party} has no room on disk for what the query's memory does not hold: "
                f"{error.strerror or 'it cannot be written'} (spill_directory in its party.toml)"
            ) from error
        self._drop_pages()
        return [kept.get(id(array), array) for array in arrays]

    def settle(self) -> None:
        """Gives back memory: pages of files, which are read again when touched, and free blocks."""
        self._drop_pages()
        release_free_blocks()

    def _drop_pages(self) -> None:
        for mapping in list(self._mappings):
            mapping.drop_pages()

    def _is_mapped(self, array: _Array) -> bool:
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        found = self._mapped.get(id(root))
        return found is not None and found() is root

    def _written(self, arrays: Sequence[_Array]) -> list[_Array]:
        """Writes one file and maps it."""
        with _nameless(self._directory) as file:
            with pa.ipc.new_file(file, _SCHEMA) as writer:
                for array in arrays:
                    flat = np.ascontiguousarray(array)
                    data = pa.Array.from_buffers(
                        pa.uint8(), flat.nbytes, [None, pa.py_buffer(flat)]
                    )
                    writer.write_batch(pa.record_batch([data], schema=_SCHEMA))
            file.flush()
            self.written_bytes += file.tell()
            mapping = _Mapping(file.fileno())
        self._mappings.add(mapping)
        with pa.ipc.open_file(pa.py_buffer(mapping)) as reader:
            batches = [reader.get_batch(place) for place in range(len(arrays))]
        return [self._read(batch, array) for batch, array in zip(batches, arrays, strict=True)]

    def _read(self, batch: pa.RecordBatch, like: _Array) -> _Array:
        root = np.frombuffer(batch.column(0).buffers()[1], like.dtype, like.size)
        key = id(root)
        self._mapped[key] = weakref.ref(root, lambda _: self._mapped.pop(key, None))
        return root.reshape(like.shape)


class _Mapping(mmap.mmap):
    """The pages of one file, for reading."""

    def __new__(cls, descriptor: int) -> _Mapping:
        return super().__new__(cls, descriptor, 0, access=mmap.ACCESS_READ)

    __hash__ = object.__hash__

    def drop_pages(self) -> None:
        self.madvise(mmap.MADV_DONTNEED)


def _nameless(directory: Path) -> BinaryIO:
    """A new file without a name. Errors: OSError."""
    directory.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):  # not every file system has them
            return os.fdopen(
                os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "w+b"
            )
    descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=directory)
    os.unlink(name)
    return os.fdopen(descriptor, "w+b")


def _with_parts(share: Share, parts: tuple[_Array, ...]) -> Share:
    if isinstance(share, Ring):
        return Ring(share.rows, share.bits, parts)
    return Bits(share.rows, share.width, parts)
