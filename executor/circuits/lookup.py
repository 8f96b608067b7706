"""Public functions of shared words: tables over ranges whose ends are public.

A word is compared with all thresholds at once. Comparisons share the bit patterns that thresholds
have in common: a tree over the planes knows, for every pattern that occurs in a span of planes,
whether the word is below it there and whether it equals it. Flags of ascending thresholds then
give any public table by XOR: at a threshold the result changes by a public mask, which is local.

Cost of k thresholds for w planes: less than 3 min(k, 2^s) ANDs for each span of s planes, so about
k + 3 2^(w / 2) where k is large and 3 k w where it is small; ceil(log2 w) rounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Words, stack
from .carry import Plane, xor
from .spans import root_patterns


def below_constants(p: SharingProtocol, x: Bits, thresholds: Sequence[int]) -> list[Plane]:
    """For every public threshold t whether x < t; public 0 or 1 where t is out of range."""
    inside = sorted({t for t in thresholds if 0 < t < 1 << x.width})
    found = _compare_patterns(p, x, inside) if inside else {}
    return [found.get(t, int(t > 0)) for t in thresholds]


def step_function(
    p: SharingProtocol, x: Bits, thresholds: Sequence[int], values: Sequence[int], *, width: int
) -> Bits:
    """values[i] as a word of `width` planes, i the number of thresholds that are at most x.

    Thresholds ascend strictly; there is one value more. Local after the comparisons.
    """
    pieces = _pieces(thresholds, values, 1 << x.width)
    flags = below_constants(p, x, [start for start, _ in pieces[1:]])
    masks = [before[1] ^ after[1] for before, after in pairwise(pieces)]
    base = pieces[0][1]
    secret: list[tuple[Bits, int]] = []
    for flag, mask in zip(flags, masks, strict=True):
        base ^= mask
        if isinstance(flag, int):
            base ^= mask if flag else 0
        else:
            secret.append((flag, mask))
    constant = p.constant_bits(base % (1 << width), width, x.rows)
    if not secret or not width:
        return constant
    return constant ^ _masked_sum(secret, width)


def table_lookup(p: SharingProtocol, x: Bits, values: Sequence[int], *, width: int) -> Bits:
    """values[x]; unspecified beyond the table. Costs one threshold for every change of value."""
    return step_function(p, x, range(1, len(values)), values, width=width)


def boundaries(
    function: Callable[[int], int], starts: Sequence[int], lo: int, hi: int
) -> tuple[list[int], list[int]]:
    """A step function on [lo, hi] for words counted from lo: thresholds, and the values.

    `starts` ascend and hold every point of the range where the function may change.
    """
    inner = starts[bisect_right(starts, lo) : bisect_right(starts, hi)]
    return [start - lo for start in inner], [function(lo), *(function(start) for start in inner)]


def _pieces(thresholds: Sequence[int], values: Sequence[int], size: int) -> list[tuple[int, int]]:
    """(start, value) of every piece that differs from the one before it."""
    pieces = [(0, values[0])]
    for start, value in zip(thresholds, values[1:], strict=True):
        if start <= 0:
            pieces = [(0, value)]
        elif start < size and value != pieces[-1][1]:
            pieces.append((start, value))
    return pieces


def _masked_sum(items: Sequence[tuple[Bits, int]], width: int) -> Bits:
    """The XOR of all flags, each spread over the planes that its public mask names. Local."""
    flags = stack([flag for flag, _ in items])
    chosen = [
        [i for i, (_, mask) in enumerate(items) if mask >> plane & 1] for plane in range(width)
    ]

    def spread(part: Words) -> Words:
        rows = [np.bitwise_xor.reduce(part[indices], axis=0) for indices in chosen]
        return np.stack(rows)

    return flags.map(spread, rows=flags.rows, width=width)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Whether a span of planes is below a bit pattern, and whether it equals it."""

    below: Plane
    same: Plane


def _compare_patterns(p: SharingProtocol, x: Bits, values: Sequence[int]) -> dict[int, Plane]:
    """For every value whether x is below it."""
    leaves = [_leaves(p, x, i, {v >> i & 1 for v in values}) for i in range(x.width)]
    root = root_patterns(leaves, values, lambda pairs: _join(p, pairs))
    return {value: pattern.below for value, pattern in root.items()}


def _leaves(p: SharingProtocol, x: Bits, plane: int, bits: set[int]) -> dict[int, _Pattern]:
    one = x.planes(plane, plane + 1)
    zero = p.invert(one)
    known = {0: _Pattern(0, zero), 1: _Pattern(zero, one)}
    return {bit: known[bit] for bit in bits}


def _join(p: SharingProtocol, pairs: list[tuple[_Pattern, _Pattern, bool]]) -> list[_Pattern]:
    """(high, low, whether equality is of use above) as one pattern each; 1 round."""
    gates: list[tuple[Plane, Plane]] = []
    for high, low, keeps_same in pairs:
        gates.append((high.same, low.below))
        gates.append((high.same, low.same) if keeps_same else (0, 0))
    products = and_planes(p, gates)
    return [
        _Pattern(xor(p, high.below, below), same)
        for (high, _, _), below, same in zip(pairs, products[::2], products[1::2], strict=True)
    ]


def and_planes(p: SharingProtocol, gates: Sequence[tuple[Plane, Plane]]) -> list[Plane]:
    """x & y for every pair of planes; pairs with a public plane are free. 1 round."""
    secret = [(x, y) for x, y in gates if isinstance(x, Bits) and isinstance(y, Bits)]
    products: Iterator[Bits] = iter(())
    if secret:
        (word,) = p.and_([(stack([x for x, _ in secret]), stack([y for _, y in secret]))])
        products = iter([word.planes(i, i + 1) for i in range(word.width)])
    results: list[Plane] = []
    for x, y in gates:
        if isinstance(x, int):
            results.append(y if x else 0)
        elif isinstance(y, int):
            results.append(x if y else 0)
        else:
            results.append(next(products))
    return results
