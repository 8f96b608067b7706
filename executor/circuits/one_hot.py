"""Which of several public values a shared word has: one flag for each of them.

A tree over the planes knows, for every pattern that occurs in a span of planes, whether the word
has it there; patterns that values have in common are found once. Cost of k values of w planes: for
each span of s planes at most min(k, 2^s) ANDs; ceil(log2 w) rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits
from .carry import Plane
from .lookup import and_planes
from .spans import root_patterns


def one_hot(p: SharingProtocol, x: Bits, values: Sequence[int]) -> list[Bits]:
    """For every value, all different, the plane x = value. A word has at least one plane."""
    leaves = [_leaves(p, x, i, {v >> i & 1 for v in values}) for i in range(x.width)]
    root = root_patterns(leaves, values, lambda pairs: and_planes(p, [pair[:2] for pair in pairs]))
    found = [root[value] for value in values]
    return [p.constant_bits(f, 1, x.rows) if isinstance(f, int) else f for f in found]


def _leaves(p: SharingProtocol, x: Bits, plane: int, bits: set[int]) -> dict[int, Plane]:
    one = x.planes(plane, plane + 1)
    known: dict[int, Plane] = {0: p.invert(one), 1: one}
    return {bit: known[bit] for bit in bits}
