"""Oblivious-transfer extension between a pair: SoftSpokenOT, of which IKNP is the case k = 1.

Setting: semi-honest; random-oracle model. The sender holds a secret D of 128 bits; for each
transfer j with the receiver's choice bit c_j, the receiver ends with t_j and the sender with
q_j = t_j ^ c_j D (Roy, CRYPTO 2022, sections 3, 4; Ishai, Kilian, Nissim, Petrank, CRYPTO 2003).
  Set-up, once per session and direction: 128 base transfers with the roles swapped give, for each
  of 128/k blocks, all 2^k seeds r_x to the receiver and all but r_D' to the sender, D' being the
  block's k bits of D.
  1. Receiver: u = XOR of r_x, v_b = XOR of (bit b of x) r_x; sends e = u ^ c.
  2. Sender: w_b = XOR of (bit b of x ^ D') r_x = v_b ^ D'_b u; q_b = w_b ^ D'_b e = v_b ^ D'_b c.
e is masked by the seed that the sender lacks. A bit of D is never sent.
Cost: 1 round; 128/k bits per transfer, from the receiver; 2^k / k * 128 bits of AES at each end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from numpy.typing import NDArray

from ..pack import planes_to_rows
from ..shares import Words, words
from .hashing import Rows

SECURITY = 128
FOLD = 4
"""k: seeds per block are 2^k, bits sent per transfer 128/k."""

CHUNK = 1 << 16
"""Transfers that are expanded at a time: a block's seeds and planes then stay in the cache."""

_ZEROS = bytes(CHUNK // 8)


def blocks_of(fold: int) -> int:
    return SECURITY // fold


def extension_bytes(transfers: int, fold: int = FOLD) -> int:
    """Bytes that the receiver sends for so many transfers."""
    return blocks_of(fold) * words(transfers) * 8


class ExtensionReceiver:
    """The end that has choice bits. `seeds[b]`: all 2^k seeds of block b."""

    def __init__(self, seeds: Sequence[Sequence[bytes]]) -> None:
        self._blocks = [[_stream(seed) for seed in block] for block in seeds]
        self._fold = len(seeds[0]).bit_length() - 1

    def extend(self, choices: Words) -> tuple[Rows, Words]:
        """Rows t, shape (m, 16), for a plane of m = 64 len(choices) choices, and the message e."""
        count = len(choices)
        message = np.empty((len(self._blocks), count), np.uint64)
        planes = np.empty((SECURITY, count), np.uint64)
        for start, stop in _pieces(count):
            for number, block in enumerate(self._blocks):
                leaves = np.empty((len(block), stop - start), np.uint64)
                for leaf, stream in zip(leaves, block, strict=True):
                    _fill(stream, leaf)
                top = self._fold * number
                total = _folded(leaves, planes[top : top + self._fold, start:stop])
                np.bitwise_xor(total, choices[start:stop], out=message[number, start:stop])
        return planes_to_rows(planes, count * 64), message


class ExtensionSender:
    """The end that has D. `seeds[b]`: the seeds of block b, None at `hidden[b]`, its bits of D."""

    def __init__(self, seeds: Sequence[Sequence[bytes | None]], hidden: Sequence[int]) -> None:
        self._fold = len(seeds[0]).bit_length() - 1
        self._hidden = tuple(hidden)
        self._blocks = [
            [
                None if seed is None else _stream(seed)
                for seed in (block[place ^ index] for place in range(len(block)))
            ]
            for block, index in zip(seeds, hidden, strict=True)
        ]

    @property
    def delta(self) -> Rows:
        """D as one row of 16 bytes."""
        value = sum(index << self._fold * number for number, index in enumerate(self._hidden))
        return np.frombuffer(value.to_bytes(SECURITY // 8, "little"), np.uint8).copy()

    def extend(self, message: Words) -> Rows:
        """Rows q, shape (m, 16), from the receiver's message of shape (128/k, m/64)."""
        count = message.shape[1]
        planes = np.empty((SECURITY, count), np.uint64)
        for start, stop in _pieces(count):
            for number, (block, index) in enumerate(zip(self._blocks, self._hidden, strict=True)):
                leaves = np.zeros((len(block), stop - start), np.uint64)
                for leaf, stream in zip(leaves, block, strict=True):
                    if stream is not None:
                        _fill(stream, leaf)
                top = self._fold * number
                own = planes[top : top + self._fold, start:stop]
                _folded(leaves, own)
                for bit in range(self._fold):
                    if index >> bit & 1:
                        own[bit] ^= message[number, start:stop]
        return planes_to_rows(planes, count * 64)


def _folded(leaves: NDArray[np.uint64], planes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """planes[b] = XOR of the leaves whose number has bit b; returns the XOR of all. In place."""
    for plane in planes:
        np.bitwise_xor.reduce(leaves[1::2], axis=0, out=plane)
        leaves = leaves[0::2] ^ leaves[1::2]
    total: NDArray[np.uint64] = leaves[0]
    return total


def _pieces(count: int) -> list[tuple[int, int]]:
    step = CHUNK // 64
    return [(start, min(start + step, count)) for start in range(0, count, step)]


def _stream(seed: bytes) -> CipherContext:
    return Cipher(algorithms.AES(seed), modes.CTR(bytes(16))).encryptor()


def _fill(stream: CipherContext, target: NDArray[np.uint64]) -> None:
    data = target.view(np.uint8).data
    stream.update_into(memoryview(_ZEROS)[: len(data)], data)
