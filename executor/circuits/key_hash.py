"""Hashing of whole key columns under a public seed, by AES over whole buffers.

A row of bytes is hashed as CBC-MAC does, which all rows, having one size, make a pseudorandom
function of the rows; the seed is drawn when the keys are fixed, so that none was chosen for it.
"""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

_BLOCK_BYTES = 16


class KeyHash:
    """The hash of a seed for one purpose: unrelated hashes for others."""

    def __init__(self, seed: bytes, purpose: bytes) -> None:
        key = hashlib.sha256(b"tacit key hash|" + purpose + b"|" + seed).digest()[:_BLOCK_BYTES]
        # A fixed permutation is what the construction needs: single blocks, no mode.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()

    def words(self, keys: NDArray[np.uint8], blocks: int) -> NDArray[np.uint64]:
        """Uniform words for every row of bytes, shape (n, 2 blocks); equal rows have equal ones."""
        count, size = keys.shape
        pieces = max(1, -(-size // _BLOCK_BYTES))
        padded = np.zeros((count, pieces * _BLOCK_BYTES), np.uint8)
        padded[:, :size] = keys
        inputs = padded.view(np.uint64).reshape(count, pieces, 2)
        state = np.zeros((count, 2), np.uint64)
        for piece in range(pieces):
            state = self._permuted(state ^ inputs[:, piece])
        result = np.empty((count, blocks, 2), np.uint64)
        for block in range(blocks):
            result[:, block] = self._permuted(state ^ np.uint64(block + 1))
        return result.reshape(count, 2 * blocks)

    def bytes(self, keys: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """The same as bytes, shape (n, size)."""
        blocks = -(-size // _BLOCK_BYTES)
        return self.words(keys, blocks).view(np.uint8)[:, :size]

    def _permuted(self, rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return np.frombuffer(self._cipher.update(rows.tobytes()), np.uint64).reshape(-1, 2)
