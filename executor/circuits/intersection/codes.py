"""What transfers of many-valued choices need: a pseudorandom code, and a hash of its masked words.

Words have 480 bits: two fixed keys' words differ in fewer than 128 places with a probability of
2^-82 over the seed, so that among 3 * 2^31 pairs none do but with 2^-49 (Kolesnikov, Kumaresan,
Rosulek, Trieu, CCS 2016, section 3.1; the test computes the sum).

A masked word is hashed together with its bin, 512 bits in all, to one block: four times
h <- P(h ^ v) ^ h ^ v, P being AES-128 under a key that the session fixes in public, another one
for each step. 128 bits and more of the word are unknown to whoever has no right to the hash, and
all four steps must be guessed before a guess can be told right: P is taken for ideal.
"""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from ..key_hash import KeyHash

CODE_BITS = 480
CODE_BYTES = CODE_BITS // 8
HASH_BYTES = 16
_STEPS = 4
_INPUT_BYTES = _STEPS * HASH_BYTES


class Code:
    """The code of one seed."""

    def __init__(self, seed: bytes) -> None:
        self._hash = KeyHash(seed, b"code of an intersection")

    def words(self, keys: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The code word of each row of bytes, shape (n, 60)."""
        return self._hash.bytes(keys, CODE_BYTES)


class WordHash:
    """The hash of masked words. `seed` names the session."""

    def __init__(self, seed: bytes) -> None:
        self._ciphers = []
        for step in range(_STEPS):
            label = b"tacit intersection hash|%d|" % step
            key = hashlib.sha256(label + seed).digest()[:HASH_BYTES]
            self._ciphers.append(Cipher(algorithms.AES(key), modes.ECB()).encryptor())

    def rows(self, words: NDArray[np.uint8], bins: NDArray[np.intp]) -> NDArray[np.uint8]:
        """One block for each word, shape (n, 60), with its bin. Shape (n, 16)."""
        inputs = np.empty((len(words), _INPUT_BYTES), np.uint8)
        inputs[:, :CODE_BYTES] = words
        inputs[:, CODE_BYTES:] = bins.astype("<u4").view(np.uint8).reshape(-1, 4)
        blocks = inputs.view(np.uint64).reshape(-1, _STEPS, 2)
        state = np.zeros((len(words), 2), np.uint64)
        for step, cipher in enumerate(self._ciphers):
            state ^= blocks[:, step]
            state ^= np.frombuffer(cipher.update(state.tobytes()), np.uint64).reshape(-1, 2)
        return state.view(np.uint8)
