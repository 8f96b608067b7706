"""Correlation-robust hashing by fixed-key AES, whole buffers at a time.

H(x, i) = P(P(x) ^ i) ^ P(x), P = AES-128 under a key that the session fixes in public: tweakable
circular correlation robustness in the ideal-cipher model (Guo, Katz, Wang, Yu, S&P 2020, TMMO).
The key separates sessions and directions; the tweak holds the transfer's index and the block of
its output, so that no input is ever hashed twice.
"""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

BLOCK_BYTES = 16

_PIECE = 1 << 12
"""Rows at a time: 64 KiB per operand."""

Rows = NDArray[np.uint8]


class TransferHash:
    """The hash of one direction of one session. `context` must name both."""

    def __init__(self, context: bytes) -> None:
        key = hashlib.sha256(b"tacit transfer hash" + context).digest()[:BLOCK_BYTES]
        # A fixed-key permutation is what the construction needs: single blocks, no mode.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()

    def rows(self, inputs: Rows, first: int, size: int) -> Rows:
        """`size` bytes for each row of `inputs`, shape (m, 16); row r is transfer first + r."""
        result = np.empty((len(inputs), size), np.uint8)
        for start in range(0, len(inputs), _PIECE):
            stop = min(start + _PIECE, len(inputs))
            self._piece(inputs[start:stop], first + start, result[start:stop])
        return result

    def _piece(self, inputs: Rows, first: int, target: Rows) -> None:
        """A piece that stays in the cache."""
        size = target.shape[1]
        indices = np.arange(first, first + len(inputs), dtype=np.uint64)
        inner = self._permuted(inputs).view(np.uint64)
        for block, start in enumerate(range(0, size, BLOCK_BYTES)):
            tweaked = inner.copy()
            tweaked[:, 0] ^= indices
            tweaked[:, 1] ^= np.uint64(block)
            outer = self._permuted(tweaked.view(np.uint8)).view(np.uint64)
            stop = min(start + BLOCK_BYTES, size)
            target[:, start:stop] = (outer ^ inner).view(np.uint8)[:, : stop - start]

    def _permuted(self, rows: Rows) -> Rows:
        source = np.ascontiguousarray(rows).reshape(-1)
        target = np.empty(len(source) + BLOCK_BYTES - 1, np.uint8)  # the cipher asks for the rest
        if len(source):
            self._cipher.update_into(source.data, target.data)
        return target[: len(source)].reshape(-1, BLOCK_BYTES)
