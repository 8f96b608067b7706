"""A sharing protocol in the clear: one party, one component, and counters.

Circuits over it are checked against plain Python, far faster than over three parties. With
`counts_only` its shares have no components, as in a dry run: both kinds must count alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tacit.executor.circuits import quicksort, schedule
from tacit.executor.circuits.rows import permute_rows
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.shares import Bits, Ring, Share, words


@dataclass
class Handle:
    rows: int
    source: np.ndarray | None


@dataclass
class ClearProtocol:
    """Computes on values that are not secret, and counts what a protocol would be asked to do."""

    counts_only: bool = False
    seed: int = 0
    party: int = 0
    parties: int = 1
    flag_elements: float = 4 / 3
    mask_elements: float = 4.0
    round_worth: int = 1 << 17
    spill: None = None
    rounds: int = 0
    and_planes: float = 0
    and_words: float = 0
    moved_bits: float = 0
    opened_bits: float = 0
    ring_gates: float = 0
    expectations: int = 0
    log: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def cost(self) -> tuple[float, ...]:
        return (
            self.rounds,
            self.and_planes,
            self.and_words,
            self.moved_bits,
            self.opened_bits,
            self.ring_gates,
        )

    # sharing and opening

    def bits(self, values: Sequence[int], width: int) -> Bits:
        rows = len(values)
        planes = np.zeros((width, words(rows) * 64), dtype=np.uint8)
        for plane in range(width):
            planes[plane, :rows] = [value >> plane & 1 for value in values]
        packed = np.packbits(planes, axis=1, bitorder="little").view(np.uint64)
        return self.public_bits(packed.reshape(width, words(rows)), rows)

    def ring(self, values: Sequence[int], bits: int = 64) -> Ring:
        array = np.array([value % (1 << bits) for value in values], dtype=f"uint{bits}")
        return self._ring(array, len(values), bits)

    def values(self, share: Share) -> list[int]:
        """The rows of a share as integers; bits past the last row are ignored."""
        if isinstance(share, Ring):
            return [int(value) for value in share.parts[0]]
        part = np.ascontiguousarray(share.parts[0])
        if share.width == 0:
            return [0] * share.rows
        lanes = np.unpackbits(part.view(np.uint8), axis=1, bitorder="little")[:, : share.rows]
        return [sum(int(bit) << i for i, bit in enumerate(row)) for row in lanes.T]

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        self.rounds += 1
        return [
            self._ring(item.values, item.rows, item.bits)
            if item.bits
            else self._bits(item.values, item.rows, item.width)
            for item in inputs
        ]

    def open(self, shares: Sequence[Share]) -> list[np.ndarray] | None:
        self.rounds += 1
        for share in shares:
            self.log.append(("open", type(share).__name__, share.rows))
            self.opened_bits += share.rows * (
                share.bits if isinstance(share, Ring) else share.width
            )
        if self.counts_only:
            return None
        return [_clean(share) for share in shares]

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[np.ndarray] | None:
        return self.open(shares)

    # local

    def public_bits(self, planes: np.ndarray, rows: int) -> Bits:
        return self._bits(planes.copy(), rows, len(planes))

    def constant_bits(self, value: int, width: int, rows: int) -> Bits:
        planes = np.zeros((width, words(rows)), dtype=np.uint64)
        for plane in range(width):
            planes[plane] = np.uint64((1 << 64) - 1 if value >> plane & 1 else 0)
        return self._bits(planes, rows, width)

    def constant_ring(self, value: Any, rows: int, bits: int = 64) -> Ring:
        if isinstance(value, int):
            value = np.full(rows, value % (1 << bits), dtype=f"uint{bits}")
        return self._ring(value.astype(f"uint{bits}"), rows, bits)

    def invert(self, x: Bits) -> Bits:
        return x.map(lambda part: ~part, rows=x.rows, width=x.width)

    def add_public(self, x: Ring, value: int) -> Ring:
        one = np.dtype(f"uint{x.bits}").type(value % (1 << x.bits))
        return x.map(lambda part: part + one, rows=x.rows)

    def random_bits(self, rows: int, width: int) -> Bits:
        planes = self.random.integers(0, 1 << 63, (width, words(rows)), dtype=np.uint64)
        return self._bits(planes, rows, width)

    # gates

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
        self.rounds += 1
        results = []
        for x, y in pairs:
            width = max(x.width, y.width)
            assert x.rows == y.rows
            assert {x.width, y.width} <= {1, width}
            self.and_planes += width
            self.and_words += width * words(x.rows)
            self.log.append(("and", x.rows, width))
            parts = tuple(a & b for a, b in zip(x.parts, y.parts, strict=True))
            results.append(Bits(x.rows, width, parts))
        return results

    def multiply(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        return self.dot([[pair] for pair in pairs])

    def dot(self, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
        self.rounds += 1
        results = []
        for pairs in sums:
            first = pairs[0][0]
            self.ring_gates += first.rows * first.bits
            total = None
            for x, y in pairs:
                assert x.bits == y.bits
                parts = tuple(a * b for a, b in zip(x.parts, y.parts, strict=True))
                product = Ring(x.rows, x.bits, parts)
                total = product if total is None else total + product
            results.append(total)
        return results

    def total_product(self, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
        self.rounds += 1
        return [
            Ring(
                1,
                x.bits,
                tuple(
                    np.atleast_1d((a * b).sum(dtype=a.dtype))
                    for a, b in zip(x.parts, y.parts, strict=True)
                ),
            )
            for x, y in pairs
        ]

    def flags_to_ring(self, flags: Sequence[Bits], bits: int) -> list[Ring]:
        self.rounds += 2
        self.ring_gates += sum(flag.rows * bits for flag in flags)
        self.log.append(("flags", tuple(flag.rows for flag in flags)))
        return [
            Ring(
                flag.rows,
                bits,
                tuple(
                    np.unpackbits(np.ascontiguousarray(part).view(np.uint8), bitorder="little")[
                        : flag.rows
                    ].astype(f"uint{bits}")
                    for part in flag.parts
                ),
            )
            for flag in flags
        ]

    def ring_addends(self, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
        self.rounds += 1
        results = []
        for x in xs:
            mask = self.random.integers(0, 1 << 63, x.rows, dtype=np.uint64)
            low = x.map(lambda part, mask=mask: part - mask.astype(part.dtype), rows=x.rows)
            high = x.map(lambda part, mask=mask: mask.astype(part.dtype), rows=x.rows)
            results.append((self._planes(low, width), self._planes(high, width)))
        return results

    def ring_masks(
        self, rows: int, bits: int, count: int
    ) -> tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]:
        self.rounds += 1
        masks = [self.random.integers(0, 1 << 63, rows, dtype=np.uint64) for _ in range(count)]
        shares = [self._planes(self._ring(mask, rows, 64), bits) for mask in masks]

        def finish(differences: Sequence[Bits]) -> list[Ring]:
            self.rounds += 1
            results = []
            for difference, mask in zip(differences, masks, strict=True):
                assert difference.width == bits
                if self.counts_only:
                    results.append(Ring(rows, bits, ()))
                    continue
                values = np.array(self.values(difference), dtype=np.uint64)
                results.append(self._ring((values + mask).astype(f"uint{bits}"), rows, bits))
            return results

        return shares, finish

    # shuffles

    def shuffle(self, columns: Sequence[Share]) -> tuple[list[Share], Handle]:
        rows = columns[0].rows
        handle = Handle(rows, None if self.counts_only else self.random.permutation(rows))
        return self.shuffle_again(handle, columns), handle

    def shuffle_again(self, handle: Handle, columns: Sequence[Share]) -> list[Share]:
        self._count_move(columns)
        return [permute_rows(column, handle.source) for column in columns]

    def unshuffle(self, handle: Handle, columns: Sequence[Share]) -> list[Share]:
        self._count_move(columns)
        source = None if handle.source is None else np.argsort(handle.source)
        return [permute_rows(column, source) for column in columns]

    def count_random(self) -> None:
        assert self.counts_only
        self.expectations += 1

    def count_copied(self, size: int) -> None:
        assert self.counts_only

    def _count_move(self, columns: Sequence[Share]) -> None:
        self.rounds += 2
        for column in columns:
            width = column.bits if isinstance(column, Ring) else column.width
            self.moved_bits += width * column.rows
            self.log.append(("move", column.rows, width))

    def _bits(self, planes: Any, rows: int, width: int) -> Bits:
        return Bits(rows, width, () if self.counts_only else (planes,))

    def _ring(self, values: Any, rows: int, bits: int) -> Ring:
        return Ring(rows, bits, () if self.counts_only else (values,))

    def _planes(self, ring: Ring, width: int) -> Bits:
        if self.counts_only:
            return Bits(ring.rows, width, ())
        return self.bits([int(value) for value in ring.parts[0]], width)


def _clean(share: Share) -> np.ndarray:
    part = share.parts[0]
    if isinstance(share, Bits) and share.rows % 64:
        part = part.copy()
        part[:, -1] &= np.uint64((1 << share.rows % 64) - 1)
    return part


@pytest.fixture(scope="session")
def clear() -> type[ClearProtocol]:
    return ClearProtocol


@pytest.fixture(scope="session")
def cheap_batches() -> Callable[[int], Any]:
    """A context in which batches cost so few comparisons that few rows go through many levels."""

    @contextmanager
    def change(comparisons: int) -> Iterator[None]:
        def forget() -> None:
            schedule.plan_stages.cache_clear()
            schedule._before.cache_clear()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(quicksort, "batch_in_comparisons", lambda p, rows, width: comparisons)
            patch.setattr(schedule, "_SPREAD", 1.0)
            patch.setattr(schedule, "_SAMPLE_SPREAD", 1.0)
            forget()
            yield
        forget()

    return change
