"""The stock of correlations: made ahead for a plan's demand or when a gate asks, used once.

Whether there is enough is a question of public sizes, so that all parties ask it alike.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .correlations import DoubleBits, Maker, Triple

MAX_WORDS = 1 << 14
"""Words of bit transfers in one batch of an extension: 2^20 transfers, 16 MB of rows."""


Item = tuple[str, int, int]
"""Kind ("bits", "products", "doubles"), size, and how many.

bits: words of triples with `size` planes; products: products in Z_2^size; doubles: words of double
bits with a ring element of `size` bits each.
"""


class Demand:
    """How many correlations a run needs."""

    def __init__(self, items: Sequence[Item] = ()) -> None:
        self._counts: dict[tuple[str, int], int] = defaultdict(int)
        for kind, size, count in items:
            self.add(kind, size, count)

    def add(self, kind: str, size: int, count: int) -> None:
        self._counts[kind, size] += count

    def items(self) -> tuple[Item, ...]:
        """All of it, in one order everywhere."""
        return tuple((kind, size, self._counts[kind, size]) for kind, size in sorted(self._counts))


class Stock:
    """One party's correlations by kind and size. What was handed out is gone."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._held: dict[tuple[str, int], deque[tuple[NDArray[Any], ...]]] = defaultdict(deque)

    def prepare(self, demand: Demand) -> None:
        """Makes all of a demand, in batches."""
        for kind, size, count in demand.items():
            self._stock(kind, size, count - self._available(kind, size))

    def bits(self, count: int, width: int) -> Triple:
        """Triples for `count` words of gates of one bit with `width` planes."""
        return Triple(*self._take("bits", width, count))

    def products(self, count: int, bits: int) -> Triple:
        return Triple(*self._take("products", bits, count))

    def doubles(self, count: int, bits: int) -> DoubleBits:
        """64 `count` double bits."""
        return DoubleBits(*self._take("doubles", bits, count))

    def _take(self, kind: str, size: int, count: int) -> tuple[NDArray[Any], ...]:
        self._stock(kind, size, count - self._available(kind, size))
        held = self._held[kind, size]
        taken, missing = [], count
        while missing > 0:
            arrays = held.popleft()
            length = _length(kind, arrays)
            if length > missing:
                held.appendleft(_cut(kind, arrays, missing, length))
                arrays = _cut(kind, arrays, 0, missing)
            taken.append(arrays)
            missing -= _length(kind, arrays)
        if len(taken) == 1:
            return taken[0]
        if not taken:
            return _nothing(kind, size)
        return tuple(np.concatenate(pieces, axis=-1) for pieces in zip(*taken, strict=True))

    def _available(self, kind: str, size: int) -> int:
        return sum(_length(kind, arrays) for arrays in self._held[kind, size])

    def _stock(self, kind: str, size: int, count: int) -> None:
        for batch in batches(kind, size, count):
            match kind:
                case "bits":
                    made = (
                        self._maker.bit_triples(batch)
                        if size == 1
                        else self._maker.wide_triples(batch, size)
                    )
                    self._held[kind, size].append((made.a, made.b, made.c))
                case "products":
                    triple = self._maker.ring_triples(batch, size)
                    self._held[kind, size].append((triple.a, triple.b, triple.c))
                case _:
                    double = self._maker.double_bits(batch, size)
                    self._held[kind, size].append((double.plane, double.ring))


def batches(kind: str, size: int, count: int) -> list[int]:
    """How `count` correlations are cut into batches."""
    step = {
        "bits": max(64, MAX_WORDS // max(1, size // 128)),
        "products": max(64, MAX_WORDS * 64 // size),
        "doubles": MAX_WORDS,
    }[kind]
    return [min(step, count - start) for start in range(0, max(count, 0), step)]


def _length(kind: str, arrays: tuple[NDArray[Any], ...]) -> int:
    return int(arrays[0].shape[-1])


def _cut(
    kind: str, arrays: tuple[NDArray[Any], ...], start: int, stop: int
) -> tuple[NDArray[Any], ...]:
    """Correlations [start, stop); a word of double bits has 64 ring elements."""
    if kind == "doubles":
        return arrays[0][start:stop], arrays[1][64 * start : 64 * stop]
    return tuple(array[..., start:stop] for array in arrays)


def _nothing(kind: str, size: int) -> tuple[NDArray[Any], ...]:
    if kind == "bits":
        empty = np.empty(0 if size == 1 else (size, 0), np.uint64)
        return np.empty(0, np.uint64), empty, empty
    dtype = np.dtype(f"uint{size}")
    if kind == "doubles":
        return np.empty(0, np.uint64), np.empty(0, dtype)
    return (np.empty(0, dtype),) * 3
