"""Permutation networks: the switches of a Benes network that realise a given permutation.

The network on n = 2^k rows has 2k - 1 layers of n/2 switches. From layer to layer the partners of a
switch stand 2^s apart, s = k-1, ..., 1, 0, 1, ..., k-1; no wires cross in between, because a row is
routed to the half of its block in place. (Benes, 1964; the looping algorithm: Waksman, JACM 1968.)

Routing is vectorised: within every block, rows that must go the same way form cycles; the least
row of each cycle, found by pointer doubling, decides which of two bound cycles goes to which half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.intp]
Flags = NDArray[np.bool_]


def padded_rows(rows: int) -> int:
    """The network's rows: the next power of two."""
    return 1 << max(rows - 1, 0).bit_length()


def strides(rows: int) -> list[int]:
    """How far apart switch partners stand, layer by layer."""
    depth = max(rows - 1, 0).bit_length()
    down = [1 << step for step in reversed(range(depth))]
    return down + down[-2::-1]


def pairs_of(rows: int, stride: int) -> tuple[Order, Order]:
    """The lower and the upper partner of every switch of a layer, in order."""
    numbers = np.arange(rows, dtype=np.intp)
    lower = numbers[numbers & stride == 0]
    return lower, lower + stride


def route(source: Order) -> list[Flags]:
    """Per layer, which switches cross, so that output row r is input row source[r]."""
    rows = padded_rows(len(source))
    wanted = np.arange(rows, dtype=np.intp)
    wanted[: len(source)] = source
    target = np.empty_like(wanted)
    target[wanted] = np.arange(rows, dtype=np.intp)
    numbers = np.arange(rows, dtype=np.intp)
    first, last = [], []
    half = rows // 2
    while half >= 2:
        upper = _goes_up(target, half)
        inverse = np.empty_like(target)
        inverse[target] = numbers
        lower, _ = pairs_of(rows, half)
        first.append(upper[lower])
        last.append(upper[inverse[lower]])
        low_bits = half - 1
        base = numbers & ~(2 * half - 1)
        place = base | (numbers & low_bits) | np.where(upper, half, 0)
        inner = np.empty_like(target)
        inner[place] = base | (target & low_bits) | np.where(upper, half, 0)
        target = inner
        half //= 2
    middle = [target[0::2] & 1 == 1] if rows > 1 else []
    return first + middle + last[::-1]


def _goes_up(target: Order, half: int) -> Flags:
    """For every row of every block of 2 half rows, whether it passes through the upper half.

    Partners at the inputs (i, i ^ half) and at the outputs take different halves. So rows i and
    target^-1(target(i) ^ half) ^ half take the same: a permutation, whose cycles decide together.
    """
    inverse = np.empty_like(target)
    inverse[target] = np.arange(len(target), dtype=np.intp)
    jump = inverse[target ^ half] ^ half
    least = np.arange(len(target), dtype=np.intp)
    length = 1
    while length < 2 * half:
        np.minimum(least, least[jump], out=least)
        jump = jump[jump]
        length *= 2
    numbers = np.arange(len(target), dtype=np.intp)
    upper: Flags = least > least[numbers ^ half]
    return upper
