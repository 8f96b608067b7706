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

from collections.abc import Iterator, Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from ..shares import Words, words
from .transpose import ROW_BYTES, Rows, spaced_planes, transpose_into

SECURITY = 128
FOLD = 4
"""k: seeds per block are 2^k, bits sent per transfer 128/k."""

PIECE_WORDS = 1 << 12
"""Words of a plane that are expanded at a time: fewer would be lost among the calls."""


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
        rows = np.empty((count * 64, ROW_BYTES), np.uint8)
        for start, stop, piece in _pieces(count, self._fold):
            for number, block in enumerate(self._blocks):
                piece.fill(block)
                total = _folded(piece.leaves, piece.block(number))
                np.bitwise_xor(total, choices[start:stop], out=message[number, start:stop])
            piece.finish(rows[start * 64 : stop * 64])
        return rows, message


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
        rows = np.empty((count * 64, ROW_BYTES), np.uint8)
        for start, stop, piece in _pieces(count, self._fold):
            for number, (block, index) in enumerate(zip(self._blocks, self._hidden, strict=True)):
                piece.fill(block)  # but leaf 0, which the sender lacks and which is in no plane
                own = piece.block(number)
                _folded(piece.leaves, own)
                for bit in range(self._fold):
                    if index >> bit & 1:
                        own[bit] ^= message[number, start:stop]
            piece.finish(rows[start * 64 : stop * 64])
        return rows


class _Piece:
    """What is in work at a time: the leaves of one block, the planes of all, and scratch."""

    def __init__(self, count: int, fold: int) -> None:
        self._fold = fold
        self.leaves = spaced_planes(1 << fold, count)
        self._planes = spaced_planes(SECURITY, count)
        self._scratch = spaced_planes(SECURITY // 4, count)
        self._zeros = bytes(8 * count)
        self._targets = [leaf.view(np.uint8).data for leaf in self.leaves]

    def fill(self, block: Sequence[CipherContext | None]) -> None:
        """The next bytes of every stream of a block, as its leaves."""
        for stream, target in zip(block, self._targets, strict=True):
            if stream is not None:
                stream.update_into(self._zeros, target)

    def block(self, number: int) -> Words:
        """The planes of one block."""
        return self._planes[self._fold * number : self._fold * (number + 1)]

    def finish(self, rows: Rows) -> None:
        transpose_into(self._planes, rows, self._scratch)


def _folded(leaves: Words, planes: Words) -> Words:
    """planes[b] = XOR of the leaves whose number has bit b; returns the XOR of all. In place."""
    for bit in reversed(range(len(planes))):
        low, high = leaves[: 1 << bit], leaves[1 << bit : 2 << bit]
        np.bitwise_xor.reduce(high, axis=0, out=planes[bit])
        low ^= high
    total: Words = leaves[0]
    return total


def _pieces(count: int, fold: int) -> Iterator[tuple[int, int, _Piece]]:
    """Ranges of words, each with the memory to work in."""
    piece = _Piece(min(count, PIECE_WORDS), fold)
    for start in range(0, count, PIECE_WORDS):
        stop = min(start + PIECE_WORDS, count)
        if stop - start < min(count, PIECE_WORDS):
            piece = _Piece(stop - start, fold)
        yield start, stop, piece


def _stream(seed: bytes) -> CipherContext:
    return Cipher(algorithms.AES(seed), modes.CTR(bytes(16))).encryptor()
