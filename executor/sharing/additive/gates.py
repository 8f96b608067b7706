"""Gates that use up correlations: AND, ring products, flags into the ring.

With a triple a b = c: open d = x - a and e = y - b, which are uniform; then
x y = c + d b + e a + d e, the last term added by party 0 alone (XOR for bits).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Kind
from ..messages import and_shape, sum_shape
from ..pack import planes_to_rows
from ..rounds import Rounds, split
from ..shares import Bits, Ring, Words, words
from .correlations import Triple
from .messages import and_round, flags_round, product_round
from .pool import Stock

_NOTHING = np.empty(0, np.uint8)


def and_planes(link: Rounds, stock: Stock, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
    """x & y for every pair; one plane against several takes one wide triple. 1 round."""
    shapes = [and_shape(x, y) for x, y in pairs]
    gates = [
        _Gate(x, y, stock) if width else None
        for (x, y), (_, width) in zip(pairs, shapes, strict=True)
    ]
    masked = [array for gate in gates if gate is not None for array in (gate.d, gate.e)]
    _open(link, and_round(link.parties, pairs), masked, np.bitwise_xor)
    results = []
    for gate, (rows, width) in zip(gates, shapes, strict=True):
        if gate is None:
            results.append(Bits(rows, 0, (np.empty((0, words(rows)), np.uint64),)))
        else:
            results.append(Bits(rows, width, (gate.product(link.party),)))
    return results


class _Gate:
    """One AND of a call: its triple, and its operands under the triple's masks."""

    def __init__(self, x: Bits, y: Bits, stock: Stock) -> None:
        one, many = (x, y) if x.width <= y.width else (y, x)
        self.width = many.width
        self.words = words(x.rows)
        if one.width == many.width:
            triple = stock.bits(self.width * self.words, 1)
            shape = (self.width, self.words)
            self.triple = Triple(*(v.reshape(shape) for v in (triple.a, triple.b, triple.c)))
        else:
            triple = stock.bits(self.words, self.width)
            self.triple = Triple(triple.a.reshape(1, self.words), triple.b, triple.c)
        self.d: Words = one.parts[0] ^ self.triple.a
        self.e: Words = many.parts[0] ^ self.triple.b

    def product(self, party: int) -> Words:
        """d and e are opened now."""
        result: Words = self.d & self.triple.b
        result = result ^ (self.e & self.triple.a)
        result = result ^ self.triple.c
        if party == 0:
            result ^= self.d & self.e
        return result


def sums_of_products(
    link: Rounds, stock: Stock, kind: Kind, sums: Sequence[Sequence[tuple[Ring, Ring]]]
) -> list[Ring]:
    """Row-wise sums of products. 1 round."""
    shapes = [sum_shape(pairs) for pairs in sums]
    triples = [
        [stock.products(rows, bits) for _ in pairs]
        for pairs, (rows, bits) in zip(sums, shapes, strict=True)
    ]
    masked = []
    for pairs, own in zip(sums, triples, strict=True):
        for (x, y), triple in zip(pairs, own, strict=True):
            masked += [x.parts[0] - triple.a, y.parts[0] - triple.b]
    _open(link, product_round(link.parties, kind, sums), masked, np.add)
    opened = iter(masked)
    results = []
    for own, (rows, bits) in zip(triples, shapes, strict=True):
        total = np.zeros(rows, f"uint{bits}")
        for triple in own:
            d, e = next(opened), next(opened)
            total += triple.c + d * triple.b + e * triple.a
            if link.party == 0:
                total += d * e
        results.append(Ring(rows, bits, (total,)))
    return results


def flags_to_ring(link: Rounds, stock: Stock, flags: Sequence[Bits], bits: int) -> list[Ring]:
    """Every one-plane share b as a 0/1 ring column, by a double bit r: open c = b ^ r. 1 round.

    b = c + r - 2 c r, which is linear in r.
    """
    doubles = [stock.doubles(words(flag.rows), bits) for flag in flags]
    masked = [flag.parts[0][0] ^ double.plane for flag, double in zip(flags, doubles, strict=True)]
    _open(link, flags_round(link.parties, flags), masked, np.bitwise_xor)
    results = []
    for flag, double, opened in zip(flags, doubles, masked, strict=True):
        outcome = np.unpackbits(opened.view(np.uint8), count=flag.rows, bitorder="little")
        known = outcome.astype(double.ring.dtype)
        ring = double.ring[: flag.rows]
        value = ring - (ring * known << ring.dtype.type(1))
        results.append(Ring(flag.rows, bits, (value + known if link.party == 0 else value,)))
    return results


def vector_of(planes: Words, rows: int, bits: int) -> NDArray[Any]:
    """Planes of `bits` bits as a ring vector."""
    return planes_to_rows(planes, rows).view(f"uint{bits}").reshape(rows)


def _open(link: Rounds, round_: Any, arrays: list[Any], function: np.ufunc) -> None:
    """Replaces every array by the sum of all parties' arrays."""
    outgoing = [np.ascontiguousarray(array).copy() for array in arrays]
    received = link.exchange(round_, dict.fromkeys(link.peers, outgoing))
    for peer in link.peers:
        pieces = split(received.get(peer, _NOTHING), [(a.shape, a.dtype) for a in arrays])
        for array, piece in zip(arrays, pieces, strict=True):
            function(array, piece, out=array)
