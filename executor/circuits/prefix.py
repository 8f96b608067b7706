"""Prefixes over planes, and sums of planes: circuits across the width of a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .add import add_many


def take_planes(x: Bits, places: Sequence[int]) -> Bits:
    """The planes at the given places, in that order. Local."""
    index = np.array(places, dtype=np.intp)
    return x.map(lambda part: part[index], rows=x.rows, width=len(places))


def prefix_or(p: SharingProtocol, x: Bits) -> Bits:
    """Plane i becomes the OR of planes 0 to i.

    Cost: w / 2 ANDs in each of ceil(log2 w) rounds (Sklansky, IRE Trans. 1960).
    """
    step = 1
    while step < x.width:
        high = [i for i in range(x.width) if i // step % 2]
        low = [i // step * step - 1 for i in high]
        upper, lower = take_planes(x, high), take_planes(x, low)
        (both,) = p.and_([(upper, lower)])
        joined = stack([x, upper ^ lower ^ both])
        moved = {place: x.width + number for number, place in enumerate(high)}
        x = take_planes(joined, [moved.get(i, i) for i in range(x.width)])
        step *= 2
    return x


def all_together(p: SharingProtocol, groups: Sequence[Sequence[Bits]]) -> list[Bits]:
    """For every group of equally wide words their AND, plane by plane.

    Cost: w (k - 1) ANDs for a group of k words, ceil(log2 k) rounds for the largest.
    """
    state = [list(group) for group in groups]
    while any(len(group) > 1 for group in state):
        pairs = [(g[i], g[i + 1]) for g in state for i in range(0, len(g) - 1, 2)]
        products = iter(p.and_(pairs))
        state = [[next(products) for _ in range(len(g) // 2)] + g[len(g) // 2 * 2 :] for g in state]
    return [group[0] for group in state]


def count_ones(p: SharingProtocol, x: Bits) -> Bits:
    """The number of planes that are 1, as a word as wide as the largest number needs.

    Cost: about 3w ANDs, by a tree of adders: about log2(w)^2 / 2 rounds.
    """
    words = [x.planes(i, i + 1) for i in range(x.width)]
    if not words:
        return p.constant_bits(0, 0, x.rows)
    while len(words) > 1:
        width = words[0].width + 1
        pairs = [(words[i], words[i + 1]) for i in range(0, len(words) - 1, 2)]
        sums = add_many(p, pairs, width=width)
        odd = [_extended(p, word, width) for word in words[len(words) // 2 * 2 :]]
        words = sums + odd
    return words[0].planes(0, x.width.bit_length())


def _extended(p: SharingProtocol, x: Bits, width: int) -> Bits:
    return stack([x, p.constant_bits(0, width - x.width, x.rows)])
