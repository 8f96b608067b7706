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

_Span = tuple[int, int]
_Level = list[dict[int, Plane]]


def one_hot(p: SharingProtocol, x: Bits, values: Sequence[int]) -> list[Bits]:
    """For every value, all different, the plane x = value. A word has at least one plane."""
    spans = [(i, i + 1) for i in range(x.width)]
    level = [_leaves(p, x, i, {v >> i & 1 for v in values}) for i in range(x.width)]
    while len(spans) > 1:
        spans, level = _merged(p, spans, level, values)
    found = [level[0][value] for value in values]
    return [p.constant_bits(f, 1, x.rows) if isinstance(f, int) else f for f in found]


def _leaves(p: SharingProtocol, x: Bits, plane: int, bits: set[int]) -> dict[int, Plane]:
    one = x.planes(plane, plane + 1)
    known: dict[int, Plane] = {0: p.invert(one), 1: one}
    return {bit: known[bit] for bit in bits}


def _merged(
    p: SharingProtocol, spans: list[_Span], level: _Level, values: Sequence[int]
) -> tuple[list[_Span], _Level]:
    """Neighbouring spans as one. 1 round."""
    joined: list[_Span] = []
    patterns: list[list[int]] = []
    gates: list[tuple[Plane, Plane]] = []
    for low in range(0, len(spans) - 1, 2):
        start, middle, stop = spans[low][0], spans[low][1], spans[low + 1][1]
        bits = middle - start
        found = sorted({v >> start & (1 << stop - start) - 1 for v in values})
        under, over = level[low], level[low + 1]
        gates += [(over[v >> bits], under[v & (1 << bits) - 1]) for v in found]
        patterns.append(found)
        joined.append((start, stop))
    products = iter(and_planes(p, gates))
    result = [{pattern: next(products) for pattern in found} for found in patterns]
    if len(spans) % 2:
        joined.append(spans[-1])
        result.append(level[-1])
    return joined, result
