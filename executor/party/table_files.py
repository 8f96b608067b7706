"""Files of shares: encrypted, authenticated, bound to a party, a table and a version.

    magic | length, sealed schema | sealed pieces of column 0 | ... | those of the valid bits

Everything is sealed by AES-256-GCM under a key that HKDF derives from the party's private key, with
a fresh random nonce (12 bytes in front, a tag of 16 behind). The associated data say whose file it
is, under which name it lies, and for pieces also the table, its version and the piece's place, so
that no piece, and no file, can stand in for another one. Sizes follow from the schema alone: a file
that is cut short or grown is told by its length. Source: NIST SP 800-38D; RFC 5869.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from ...query.catalog import ColumnDefinition, Table
from ...query.errors import ConfigurationError
from ..sharing.shares import Bits, words
from .table_schema import restore_schema, schema_text

_MAGIC = b"tacit shares 1\n\n"
_LENGTH = struct.Struct("<Q")
_NONCE_BYTES, _TAG_BYTES = 12, 16
_SEAL_BYTES = _NONCE_BYTES + _TAG_BYTES
_MAX_SCHEMA_BYTES = 2**26
PIECE_BYTES = 2**26
"""Plaintext bytes of every piece but the last one of a column."""


class DamagedFileError(Exception):
    """A file of shares is not what this party wrote for this table; the message says how."""


def storage_key(key_pem: bytes) -> bytes:
    """The key that seals a party's files, from its private key. Errors: ConfigurationError."""
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError):
        raise ConfigurationError("the private key of this party cannot be read") from None
    secret = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    info = b"tacit: shares at rest, 1"
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """Seals and opens the files of one party. `party` and `index` say whose they are.

    `components`: of how many components of a shared value a party holds.
    """

    key: bytes
    party: str
    index: int
    components: int = 2

    def write(self, path: Path, label: str, table: Table, shares: Sequence[Bits]) -> None:
        """Writes a whole file, durably. `label` is what `path` will be called. Errors: OSError."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            sealed = self._seal(schema_text(table).encode(), self._about(label))
            file.write(_MAGIC + _LENGTH.pack(len(sealed)) + sealed)
            for record, content in enumerate(_records(table, shares)):
                for piece, start in enumerate(_starts(len(content))):
                    plain = content[start : start + PIECE_BYTES]
                    file.write(self._seal(plain, self._about(label, table, record, piece)))
            file.flush()
            os.fsync(file.fileno())

    def schema(self, path: Path, label: str) -> Table:
        """The schema that a file states. Errors: DamagedFileError; OSError."""
        with path.open("rb") as file:
            return self._schema(file, label)

    def read(self, path: Path, label: str, places: Sequence[int]) -> tuple[Table, list[Bits]]:
        """The schema, and the shares of columns (by place) and of the valid bits.

        Values and null plane of each column, then the valid plane. Errors: as `schema`.
        """
        with path.open("rb") as file:
            table = self._schema(file, label)
            begin = file.tell()
            shares: list[Bits] = []
            for record in (*places, len(table.columns)):
                content = b"".join(self._pieces(file, begin, label, table, record))
                shares += _restored(table, record, content, self.components)
        return table, shares

    def _schema(self, file: BinaryIO, label: str) -> Table:
        head = file.read(len(_MAGIC) + _LENGTH.size)
        if not head.startswith(_MAGIC) or len(head) < len(_MAGIC) + _LENGTH.size:
            raise DamagedFileError("it is no file of shares")
        (length,) = _LENGTH.unpack(head[len(_MAGIC) :])
        if length > _MAX_SCHEMA_BYTES:
            raise DamagedFileError("its schema is too long")
        text = self._open(file.read(length), self._about(label))
        try:
            table = restore_schema(text.decode())
        except (ValueError, KeyError, TypeError):
            raise DamagedFileError("its schema is of another version of tacit") from None
        expected = len(head) + length + file_bytes(table, self.components)
        if os.fstat(file.fileno()).st_size != expected:
            raise DamagedFileError("it was cut short, or something was added to it")
        return table

    def _pieces(
        self, file: BinaryIO, begin: int, label: str, table: Table, record: int
    ) -> Iterator[bytes]:
        sizes = record_bytes(table, self.components)
        file.seek(begin + sum(map(_sealed_bytes, sizes[:record])))
        for piece, start in enumerate(_starts(sizes[record])):
            length = min(PIECE_BYTES, sizes[record] - start)
            about = self._about(label, table, record, piece)
            yield self._open(file.read(length + _SEAL_BYTES), about)

    def _about(
        self, label: str, table: Table | None = None, record: int = 0, piece: int = 0
    ) -> bytes:
        """What a sealed text belongs to."""
        facts: list[str | int] = [self.party, self.index, label]
        if table is not None and table.sharing is not None:
            facts += [table.name, table.sharing.version, record, piece]
        return json.dumps(facts).encode()

    def _seal(self, plain: bytes, about: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, about)

    def _open(self, sealed: bytes, about: bytes) -> bytes:
        try:
            return AESGCM(self.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise DamagedFileError(
                "it was changed, or it is of another party, key, table or version"
            ) from None


def record_bytes(table: Table, components: int) -> list[int]:
    """Bytes of each column's shares, with its null plane, and of the valid bits."""
    plane = words(table.rows) * 8 * components
    return [*(sum(_widths(column)) * plane for column in table.columns), plane]


def file_bytes(table: Table, components: int = 2) -> int:
    """Bytes of a table's file, but for its schema."""
    return sum(map(_sealed_bytes, record_bytes(table, components)))


def _widths(column: ColumnDefinition) -> list[int]:
    if column.encoding is None:
        raise DamagedFileError("a column of it has no bound")
    return [column.encoding.width, *([1] if column.nullable else [])]


def _starts(size: int) -> range:
    return range(0, max(size, 1), PIECE_BYTES)


def _sealed_bytes(size: int) -> int:
    return size + len(_starts(size)) * _SEAL_BYTES


def _records(table: Table, shares: Sequence[Bits]) -> Iterator[bytes]:
    """The bytes of each record: component by component, value planes and then the null plane."""
    remaining = iter(shares)
    for column in table.columns:
        yield b"".join(_bytes(next(remaining)) for _ in _widths(column))
    yield _bytes(next(remaining))


def _bytes(share: Bits) -> bytes:
    return b"".join(np.ascontiguousarray(part, "<u8").tobytes() for part in share.parts)


def _restored(table: Table, record: int, content: bytes, components: int) -> list[Bits]:
    widths = _widths(table.columns[record]) if record < len(table.columns) else [1]
    size = words(table.rows)
    values: NDArray[np.uint64] = np.frombuffer(content, "<u8").astype(np.uint64)
    shares, position = [], 0
    for width in widths:
        parts = []
        for _ in range(components):
            part = values[position : position + width * size].reshape(width, size)
            parts.append(part)
            position += width * size
        shares.append(Bits(table.rows, width, tuple(parts)))
    return shares
