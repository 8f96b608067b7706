"""Copies of a few rows side by side in the words of a plane: many small gates in one.

Everything here is local and linear, so it is the same over any protocol and over no values at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..sharing.shares import Bits, Words, words
from .rows import pad_rows, shift_down, slice_rows

_ONES = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """Row r of copy c lies at c * stride + r among the rows of a plane of `total` rows.

    A word holds a whole number of copies, or a copy a whole number of words.
    """

    rows: int
    copies: int

    @property
    def stride(self) -> int:
        return 1 << max(self.rows - 1, 0).bit_length() if self.rows < 64 else 64 * words(self.rows)

    @property
    def total(self) -> int:
        return self.copies * self.stride

    def first(self, copies: int) -> Lanes:
        """The same with fewer copies."""
        return Lanes(rows=self.rows, copies=copies)

    def cut(self, x: Bits) -> Bits:
        """The first copies of planes that hold more of them."""
        return x if x.rows == self.total else slice_rows(x, 0, self.total)

    def spread(self, x: Bits) -> Bits:
        """Planes whose every copy is x."""
        return x.map(self._spread, rows=self.total, width=x.width)

    def masked(self, x: Bits, kept: Sequence[bool]) -> Bits:
        """The copies that are kept; zeros elsewhere."""
        mask = self._mask(kept)
        return x.map(lambda part: part & mask, rows=self.total, width=x.width)

    def moved_up(self, x: Bits, lowest: Bits) -> Bits:
        """Copy c takes copy c - 1, and the first copy `lowest`, which has one copy's rows."""
        return shift_down(x, self.stride) ^ pad_rows(lowest, self.total)

    def folded(self, x: Bits) -> Bits:
        """The XOR of all copies, as one."""
        mask = self._mask([True] * self.copies)
        return x.map(lambda part: self._fold(part & mask), rows=self.rows, width=x.width)

    def _spread(self, part: Words) -> Words:
        if self.stride >= 64:
            return np.tile(part, (1, self.copies))
        row_bits = np.uint64((1 << self.rows) - 1)
        once = (part[:, :1] & row_bits) * np.uint64(_ONES // ((1 << self.stride) - 1))
        return np.repeat(once, words(self.total), axis=1)

    def _mask(self, kept: Sequence[bool]) -> Words:
        if self.stride >= 64:
            flags = np.repeat(np.array(kept, np.uint64), self.stride // 64)
            return np.uint64(0) - flags
        in_word = 64 // self.stride
        flags = np.zeros(words(self.total) * in_word, np.uint64)
        flags[: self.copies] = kept
        places = np.arange(0, 64, self.stride, dtype=np.uint64)
        lowest: Words = (flags.reshape(-1, in_word) << places).sum(axis=1, dtype=np.uint64)
        return lowest * np.uint64((1 << self.stride) - 1)

    def _fold(self, part: Words) -> Words:
        if self.stride >= 64:
            by_copy = part.reshape(len(part), self.copies, self.stride // 64)
            across: Words = np.bitwise_xor.reduce(by_copy, axis=1)
            return across
        folded: Words = np.bitwise_xor.reduce(part, axis=1, keepdims=True)
        shift = 32
        while shift >= self.stride:
            folded ^= folded >> np.uint64(shift)
            shift //= 2
        return folded & np.uint64((1 << self.rows) - 1)
