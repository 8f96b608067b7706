"""128-bit integers as pairs of 64-bit words, the layout of Arrow's decimal128 and DuckDB's HUGEINT.

A `Words` is a column of two's complement integers: `low` holds the bits 0..63 and `high` the bits
64..127, both as int64. All arithmetic wraps, as numpy's does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WORD = 1 << 64
INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


class Words(NamedTuple):
    """A column of 128-bit integers: two int64 arrays of the same length."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]


def split(value: int) -> tuple[int, int]:
    """The low and the high word of one integer, both as signed 64-bit numbers."""
    low = value & (WORD - 1)
    return (low - WORD if low > INT64_MAX else low), value >> 64


def extend(values: NDArray[np.int64]) -> Words:
    """Sign-extends 64-bit integers."""
    return Words(values, values >> np.int64(63))


def narrow(words: Words) -> NDArray[np.bool_]:
    """True where a value fits into its low word."""
    fits: NDArray[np.bool_] = words.high == (words.low >> np.int64(63))
    return fits


def less(words: Words, bound: int) -> NDArray[np.bool_]:
    """True where a value is less than the constant `bound`, signed."""
    low, high = split(bound)
    below = words.low.view(np.uint64) < np.uint64(low % WORD)
    smaller: NDArray[np.bool_] = (words.high < high) | ((words.high == high) & below)
    return smaller


def exceeds(words: Words, bound: int) -> NDArray[np.bool_]:
    """True where a value, read as unsigned, is greater than the constant `bound` (< 2^128)."""
    low, high = words.low.view(np.uint64), words.high.view(np.uint64)
    bound_low, bound_high = np.uint64(bound % WORD), np.uint64(bound // WORD)
    greater: NDArray[np.bool_] = (high > bound_high) | ((high == bound_high) & (low > bound_low))
    return greater


def add(words: Words, constant: int) -> Words:
    """The values plus a constant, modulo 2^128."""
    low, high = split(constant)
    total = words.low.view(np.uint64) + np.uint64(low % WORD)
    carry = (total < np.uint64(low % WORD)).astype(np.int64)
    return Words(total.view(np.int64), words.high + np.int64(high) + carry)


def to_float(words: Words) -> NDArray[np.float64]:
    """The nearest doubles but for two roundings; works on magnitudes, so nothing cancels."""
    negative = words.high < 0
    flipped = np.where(negative, ~words.low, words.low).view(np.uint64)
    low = flipped + negative.astype(np.uint64)
    carry = (negative & (low == 0)).astype(np.uint64)
    high = np.where(negative, ~words.high, words.high).view(np.uint64) + carry
    magnitude = high.astype(np.float64) * float(WORD) + low.astype(np.float64)
    signed: NDArray[np.float64] = np.where(negative, -magnitude, magnitude)
    return signed
