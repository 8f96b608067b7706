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

MEMORY_BYTES = 1 << 28
"""How much of a demand is made ahead; the rest is made in time, a batch or more at once."""

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


class Ledger:
    """What is made when. Every party's stock keeps one, and so does the price: they agree."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], int] = defaultdict(int)
        self._later: dict[tuple[str, int], int] = defaultdict(int)

    def prepare(self, demand: Demand) -> list[Item]:
        """Batches to make ahead: of a demand as much as memory is given to, kind by kind."""
        room, ahead = MEMORY_BYTES, []
        for kind, size, count in demand.items():
            fitting = min(count, room // _item_bytes(kind, size))
            room -= fitting * _item_bytes(kind, size)
            self._held[kind, size] += fitting
            self._later[kind, size] += count - fitting
            ahead += [(kind, size, batch) for batch in batches(kind, size, fitting)]
        return ahead

    def take(self, kind: str, size: int, count: int) -> list[int]:
        """Hands out so many; batches to make first, which are whole where more will be needed."""
        key = kind, size
        missing = count - self._held[key]
        made: list[int] = []
        if missing > 0:
            refill = max(missing, min(self._later[key], _batch(kind, size)))
            made = batches(kind, size, refill)
            self._later[key] = max(0, self._later[key] - refill)
            self._held[key] += refill
        self._held[key] -= count
        return made


class Stock:
    """One party's correlations by kind and size. What was handed out is gone."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._ledger = Ledger()
        self._held: dict[tuple[str, int], deque[tuple[NDArray[Any], ...]]] = defaultdict(deque)

    def prepare(self, demand: Demand) -> None:
        """Makes a demand, in batches, as far as memory is given to it."""
        for kind, size, batch in self._ledger.prepare(demand):
            self._make(kind, size, batch)

    def bits(self, count: int, width: int) -> Triple:
        """Triples for `count` words of gates of one bit with `width` planes."""
        return Triple(*self._take("bits", width, count))

    def products(self, count: int, bits: int) -> Triple:
        return Triple(*self._take("products", bits, count))

    def doubles(self, count: int, bits: int) -> DoubleBits:
        """64 `count` double bits."""
        return DoubleBits(*self._take("doubles", bits, count))

    def _take(self, kind: str, size: int, count: int) -> tuple[NDArray[Any], ...]:
        for batch in self._ledger.take(kind, size, count):
            self._make(kind, size, batch)
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

    def _make(self, kind: str, size: int, count: int) -> None:
        """One batch more."""
        held = self._held[kind, size]
        match kind:
            case "bits":
                maker = self._maker
                made = maker.bit_triples(count) if size == 1 else maker.wide_triples(count, size)
                held.append((made.a, made.b, made.c))
            case "products":
                triple = self._maker.ring_triples(count, size)
                held.append((triple.a, triple.b, triple.c))
            case _:
                double = self._maker.double_bits(count, size)
                held.append((double.plane, double.ring))


def batches(kind: str, size: int, count: int) -> list[int]:
    """How `count` correlations are cut into batches."""
    step = _batch(kind, size)
    return [min(step, count - start) for start in range(0, max(count, 0), step)]


def _batch(kind: str, size: int) -> int:
    """The most that one batch makes."""
    return {
        "bits": max(64, MAX_WORDS // max(1, size // 128)),
        "products": max(64, MAX_WORDS * 64 // size),
        "doubles": MAX_WORDS,
    }[kind]


def _item_bytes(kind: str, size: int) -> int:
    """What one correlation takes in memory."""
    return {"bits": 8 + 16 * size, "products": 3 * size // 8, "doubles": 8 + 8 * size}[kind]


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
