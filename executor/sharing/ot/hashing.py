"""Correlation-robust hashing by fixed-key AES, whole buffers at a time.

H(x, i) = P(P(x) ^ i) ^ P(x), P = AES-128 under a key that the session fixes in public: tweakable
circular correlation robustness in the ideal-cipher model (Guo, Katz, Wang, Yu, S&P 2020, TMMO).
The key separates sessions and directions; the tweak holds the transfer's index and the block of
its output, so that no input is ever hashed twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from ..shares import Words
from .transpose import Rows

BLOCK_BYTES = 16

_PIECE = 1 << 14
"""Rows at a time: 256 KiB per operand."""


class TransferHash:
    """The hash of one direction of one session. `context` must name both."""

    def __init__(self, context: bytes) -> None:
        key = hashlib.sha256(b"tacit transfer hash" + context).digest()[:BLOCK_BYTES]
        # A fixed-key permutation is what the construction needs: single blocks, no mode.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        self._inner = _scratch()
        self._outer = _scratch()

    def rows(self, inputs: Rows, first: int, size: int, offset: Rows | None = None) -> Rows:
        """`size` bytes for each row of `inputs`, shape (m, 16); row r is transfer first + r.

        `offset`: a row that is added to every row before.
        """
        result = np.empty((len(inputs), size), np.uint8)
        for start, stop, inner in self._pieces(inputs, offset):
            for block, at in enumerate(range(0, size, BLOCK_BYTES)):
                end = min(at + BLOCK_BYTES, size)
                hashed = self._block(inner, first + start, block)
                result[start:stop, at:end] = hashed.view(np.uint8)[:, : end - at]
        return result

    def bits(self, inputs: Rows, first: int, offset: Rows | None = None) -> Words:
        """The lowest bit of each row's hash, as a plane. The rows are whole words of a plane."""
        result = np.empty(len(inputs) // 8, np.uint8)
        for start, stop, inner in self._pieces(inputs, offset):
            lowest = self._block(inner, first + start, 0).view(np.uint8)[:, 0] & np.uint8(1)
            result[start // 8 : stop // 8] = np.packbits(lowest, bitorder="little")
        return result.view(np.uint64)

    def _pieces(
        self, inputs: Rows, offset: Rows | None
    ) -> Iterator[tuple[int, int, NDArray[np.uint64]]]:
        """P(x) for pieces that stay in the cache, as two words for each row."""
        added = (
            None
            if offset is None
            else np.tile(offset.view(np.uint64), (min(len(inputs), _PIECE), 1))
        )
        for start in range(0, len(inputs), _PIECE):
            stop = min(start + _PIECE, len(inputs))
            piece = inputs[start:stop].view(np.uint64)
            if added is not None:
                piece = piece ^ added[: stop - start]
            yield start, stop, self._permuted(piece, self._inner)

    def _block(self, inner: NDArray[np.uint64], first: int, block: int) -> NDArray[np.uint64]:
        tweaked = inner.copy()
        tweaked[:, 0] ^= np.arange(first, first + len(inner), dtype=np.uint64)
        if block:
            tweaked[:, 1] ^= np.uint64(block)
        outer = self._permuted(tweaked, self._outer)
        return np.bitwise_xor(outer, inner, out=tweaked)

    def _permuted(self, rows: NDArray[np.uint64], target: NDArray[np.uint8]) -> NDArray[np.uint64]:
        self._cipher.update_into(rows.reshape(-1).view(np.uint8).data, target.data)
        return target[: rows.nbytes].view(np.uint64).reshape(-1, 2)


def _scratch() -> NDArray[np.uint8]:
    """A piece, and what the cipher asks for beyond it."""
    return np.empty(_PIECE * BLOCK_BYTES + BLOCK_BYTES - 1, np.uint8)
