"""How carries travel: segments of planes, and networks that merge them.

A segment says what it would hand upwards (`value`) and whether it hands on what comes from below
instead (`same`):

    value = high.value ^ (high.same & (high.value ^ low.value)),  same = high.same & low.same

With value = x and same = x ^ y at every plane this is the carry of x + y, without a gate for the
planes themselves; a comparison has the same shape. Planes that are publicly constant are plain
integers, and gates on them cost nothing.

Networks: a tree where only the top is wanted; for all carries either one after the other
("ripple": one gate per plane, as many rounds), or Sklansky's network over every second plane
("sparse": about 3w gates for w = 32, log2 w + 1 rounds), or over all of them ("full": about 4w
gates, log2 w rounds; Sklansky, IRE Trans. 1960; the sparse form is Han and Carlson, ARITH 1987).
Unless the caller names one, the cheapest is taken by what a round is worth on the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, assert_never

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, words

Plane: TypeAlias = Bits | int
"""One plane (or one plane for each of several words side by side), or a public 0 or 1."""

Adder: TypeAlias = Literal["ripple", "sparse", "full"]

ADDERS: tuple[Adder, ...] = ("ripple", "sparse", "full")

GATE_BYTES = 1 << 10
"""What it takes to handle one plane of a gate however few rows it has, in bytes of planes."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a run of planes hands upwards: `value`, or, where `same` is 1, what it is handed."""

    value: Plane
    same: Plane


def leaf(p: SharingProtocol, x: Plane, y: Plane) -> Segment:
    """One plane of the sum x + y: where the two differ the carry is handed on, else it is x."""
    if isinstance(x, int) and isinstance(y, int):
        return Segment(x & y, x ^ y)
    if isinstance(x, int):
        return Segment(x, xor(p, x, y))
    if isinstance(y, int):
        return Segment(y, xor(p, x, y))
    return Segment(x, x ^ y)


def xor(p: SharingProtocol, x: Plane, y: Plane) -> Plane:
    """x ^ y, where either may be public."""
    if isinstance(x, Bits) and isinstance(y, Bits):
        return x ^ y
    if isinstance(x, int) and isinstance(y, int):
        return x ^ y
    if isinstance(x, int):
        return xor(p, y, x)
    return p.invert(x) if y else x


def decide(p: SharingProtocol, chains: Sequence[Sequence[Segment]]) -> list[Plane]:
    """What the top of every chain (lowest segment first) hands upwards.

    The lowest segment's `same` must be public 0. ceil(log2 length) rounds for the longest chain.
    """
    state = []
    for chain in chains:
        low = _settle(chain)
        state.append([low[-1], *chain[len(low) :]])
    while any(len(chain) > 1 for chain in state):
        nodes = [(chain[i + 1], chain[i]) for chain in state for i in range(0, len(chain) - 1, 2)]
        merged = iter(_merge(p, nodes))
        state = [
            [next(merged) for _ in range(len(chain) // 2)] + chain[len(chain) // 2 * 2 :]
            for chain in state
        ]
    return [chain[0].value for chain in state]


def carries(
    p: SharingProtocol, chains: Sequence[Sequence[Segment]], adder: Adder | None = None
) -> list[list[Plane]]:
    """For every chain what each of its prefixes hands upwards, the shortest prefix first.

    The lowest segment's `same` must be public 0.
    """
    settled = [_settle(chain) for chain in chains]
    state = [[*low, *chain[len(low) :]] for low, chain in zip(settled, chains, strict=True)]
    first = [len(low) - 1 for low in settled]
    adder = adder or _cheapest(p, state, first)
    networks = [
        _network(len(chain) - start, adder) for chain, start in zip(chains, first, strict=True)
    ]
    for level in range(max(map(len, networks), default=0)):
        places = [
            (chain, start + high, start + low)
            for chain, start, network in zip(state, first, networks, strict=True)
            if level < len(network)
            for high, low in network[level]
        ]
        merged = _merge(p, [(chain[high], chain[low]) for chain, high, low in places])
        for (chain, high, _), segment in zip(places, merged, strict=True):
            chain[high] = segment
    return [[segment.value for segment in chain] for chain in state]


def _settle(chain: Sequence[Segment]) -> list[Segment]:
    """The lowest segments, as far as what they hand upwards is public."""
    settled = [chain[0]]
    for segment in chain[1:]:
        below = settled[-1].value
        public = isinstance(segment.value, int) and isinstance(below, int)
        if not public or (segment.value != below and segment.same != 0):
            break
        settled.append(Segment(segment.value, 0))
    return settled


def _merge(p: SharingProtocol, nodes: Sequence[tuple[Segment, Segment]]) -> list[Segment]:
    """Every (high, low) as one segment; all gates in one round."""
    pairs = [(high.same, xor(p, high.value, low.value)) for high, low in nodes]
    products = and_planes(p, pairs + [(high.same, low.same) for high, low in nodes])
    values, sames = products[: len(nodes)], products[len(nodes) :]
    return [
        Segment(xor(p, high.value, value), same)
        for (high, _), value, same in zip(nodes, values, sames, strict=True)
    ]


def and_planes(p: SharingProtocol, pairs: Sequence[tuple[Plane, Plane]]) -> list[Plane]:
    """x & y for every pair; free where either is public. At most 1 round."""
    gates: list[tuple[Bits, Bits]] = []
    queued = [_queue(gates, x, y) for x, y in pairs]
    products = p.and_(gates) if gates else []
    return [products[item.index] if isinstance(item, _Gate) else item for item in queued]


@dataclass(frozen=True, slots=True)
class _Gate:
    index: int


def _queue(gates: list[tuple[Bits, Bits]], x: Plane, y: Plane) -> Plane | _Gate:
    """x & y: at once where one is public, else the place of a gate that is now queued."""
    if isinstance(x, int):
        return y if x else 0
    if isinstance(y, int):
        return x if y else 0
    gates.append((x, y))
    return _Gate(len(gates) - 1)


def _cheapest(
    p: SharingProtocol, chains: Sequence[Sequence[Segment]], first: Sequence[int]
) -> Adder:
    """The adder whose gates and rounds take least on the network."""

    def price(adder: Adder) -> int:
        rounds = total = 0
        for chain, start in zip(chains, first, strict=True):
            depth, gates = _size(len(chain) - start, adder)
            rounds = max(rounds, depth)
            total += gates * (_plane_bytes(chain[-1]) + GATE_BYTES)
        return total + rounds * p.round_worth

    return min(ADDERS, key=price)


def _plane_bytes(segment: Segment) -> int:
    planes = [plane for plane in (segment.value, segment.same) if isinstance(plane, Bits)]
    return max((plane.width * words(plane.rows) * 8 for plane in planes), default=0)


@lru_cache(maxsize=512)
def _size(length: int, adder: Adder) -> tuple[int, int]:
    """Rounds and gates of a network. Where what is merged with is whole, one gate is enough."""
    levels, whole, gates = _network(length, adder), {0}, 0
    for level in levels:
        joined = {high for high, low in level if low in whole}
        gates += 2 * len(level) - len(joined)
        whole |= joined
    return len(levels), gates


@lru_cache(maxsize=512)
def _network(length: int, adder: Adder) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Levels of (high, low) merges after which every place holds all that is below it."""
    match adder:
        case "ripple":
            nodes = [(place, place - 1) for place in range(1, length)]
        case "full":
            nodes = _sklansky(range(length))
        case "sparse":
            nodes = [(place, place - 1) for place in range(1, length, 2)]
            nodes += _sklansky(range(1, length, 2))
            nodes += [(place, place - 1) for place in range(2, length, 2)]
        case _:
            assert_never(adder)
    return _as_soon_as_possible(nodes, length)


def _sklansky(places: Sequence[int]) -> list[tuple[int, int]]:
    """Merges after which every one of the places holds all of them below it."""
    steps = range(max(len(places) - 1, 0).bit_length())
    return [
        (places[j], places[(j >> step << step) - 1])
        for step in steps
        for j in range(len(places))
        if j >> step & 1
    ]


def _as_soon_as_possible(
    nodes: Sequence[tuple[int, int]], length: int
) -> tuple[tuple[tuple[int, int], ...], ...]:
    ready = [0] * length
    levels: list[list[tuple[int, int]]] = []
    for high, low in nodes:
        level = max(ready[high], ready[low])
        ready[high] = level + 1
        if level == len(levels):
            levels.append([])
        levels[level].append((high, low))
    return tuple(tuple(level) for level in levels)
