"""Adding and subtracting shared words modulo a power of two.

Words are unsigned; shorter ones are extended by zeros. Planes that are publicly 0 or 1 (above a
short word, of a public constant) cost no gates. A sum of two w-bit words costs w - 1 ANDs and as
many rounds as "ripple", about 3w ANDs and log2 w + 1 rounds as "sparse", about 4w and log2 w as
"full" (see carry.py); what a round is worth on the network decides, unless the caller does.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .carry import Adder, Plane, Segment, carries, leaf, xor


def add(
    p: SharingProtocol,
    x: Bits,
    y: Bits,
    *,
    width: int,
    carry_in: int = 0,
    adder: Adder | None = None,
) -> Bits:
    """x + y + carry_in modulo 2^width; carry_in is a public 0 or 1."""
    (total,) = add_many(p, [(x, y)], width=width, carry_in=carry_in, adder=adder)
    return total


def add_many(
    p: SharingProtocol,
    pairs: Sequence[tuple[Bits, Bits]],
    *,
    width: int,
    carry_in: int = 0,
    adder: Adder | None = None,
) -> list[Bits]:
    """x + y + carry_in modulo 2^width for every pair, in the same rounds."""
    terms = [(word_planes(x, width), word_planes(y, width), carry_in) for x, y in pairs]
    sums = sum_planes(p, terms, adder=adder)
    return [
        join_planes(p, planes[:width], x.rows) for planes, (x, _) in zip(sums, pairs, strict=True)
    ]


def subtract(
    p: SharingProtocol, x: Bits, y: Bits, *, width: int, adder: Adder | None = None
) -> Bits:
    """x - y modulo 2^width."""
    (difference,) = subtract_many(p, [(x, y)], width=width, adder=adder)
    return difference


def subtract_many(
    p: SharingProtocol,
    pairs: Sequence[tuple[Bits, Bits]],
    *,
    width: int,
    adder: Adder | None = None,
) -> list[Bits]:
    """x - y modulo 2^width for every pair, in the same rounds."""
    terms = [_difference(p, x, y, width) for x, y in pairs]
    sums = sum_planes(p, terms, adder=adder)
    return [
        join_planes(p, planes[:width], x.rows) for planes, (x, _) in zip(sums, pairs, strict=True)
    ]


def subtract_with_borrow(
    p: SharingProtocol, x: Bits, y: Bits, *, width: int, adder: Adder | None = None
) -> tuple[Bits, Bits]:
    """x - y modulo 2^width, and the flag x < y (of x and y modulo 2^width)."""
    (planes,) = sum_planes(p, [_difference(p, x, y, width)], carry_out=True, adder=adder)
    borrow = xor(p, planes[width], 1)
    return join_planes(p, planes[:width], x.rows), join_planes(p, [borrow], x.rows)


def add_constant(
    p: SharingProtocol, x: Bits, value: int, *, width: int, adder: Adder | None = None
) -> Bits:
    """x + value modulo 2^width, for a public value of either sign."""
    constant: list[Plane] = [value >> i & 1 for i in range(width)]
    (planes,) = sum_planes(p, [(word_planes(x, width), constant, 0)], adder=adder)
    return join_planes(p, planes[:width], x.rows)


def negate(p: SharingProtocol, x: Bits, *, width: int, adder: Adder | None = None) -> Bits:
    """-x modulo 2^width."""
    return subtract(p, p.constant_bits(0, 0, x.rows), x, width=width, adder=adder)


Term = tuple[Sequence[Plane], Sequence[Plane], int]


def sum_planes(
    p: SharingProtocol,
    terms: Sequence[Term],
    *,
    carry_out: bool = False,
    adder: Adder | None = None,
) -> list[list[Plane]]:
    """Sums of words given plane by plane, as (x, y, carry in); both words equally long.

    With `carry_out` each sum has one more plane, the carry.
    """
    chains: list[list[Segment]] = []
    for x, y, carry_in in terms:
        places = len(x) if carry_out else max(len(x) - 1, 0)
        leaves = [leaf(p, a, b) for a, b in zip(x[:places], y[:places], strict=True)]
        chains.append([Segment(carry_in, 0), *leaves])
    results: list[list[Plane]] = []
    for (x, y, _), into in zip(terms, carries(p, chains, adder), strict=True):
        bits: list[Plane] = [0] * (len(x) + carry_out)
        for place, carry in enumerate(into[: len(bits)]):
            bits[place] = carry
        for place, (a, b) in enumerate(zip(x, y, strict=True)):
            bits[place] = xor(p, xor(p, a, b), bits[place])
        results.append(bits)
    return results


def word_planes(x: Bits, width: int) -> list[Plane]:
    """The planes of a word one by one, cut or extended by public zeros to `width`."""
    planes: list[Plane] = [x.planes(i, i + 1) for i in range(min(x.width, width))]
    return planes + [0] * (width - len(planes))


def join_planes(p: SharingProtocol, planes: Sequence[Plane], rows: int) -> Bits:
    """One word from its planes, lowest first."""
    if not planes:
        return p.constant_bits(0, 0, rows)
    return stack([p.constant_bits(x, 1, rows) if isinstance(x, int) else x for x in planes])


def _difference(p: SharingProtocol, x: Bits, y: Bits, width: int) -> Term:
    """x - y = x + ~y + 1."""
    return word_planes(x, width), [xor(p, plane, 1) for plane in word_planes(y, width)], 1
