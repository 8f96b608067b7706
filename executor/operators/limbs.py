"""Numbers beyond the ring, as limbs that fit into it.

A value is the sum of limbs times powers of two; each limb is a ring column with a public range. The
planes of a column are cut into limbs (`limbs_of`), limbs are summed or multiplied in the ring, and
the words of the limbs are added up to planes again (`combined`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...query.datatypes import Encoding
from ...query.errors import InternalError
from ..circuits.add import join_planes, sum_planes, word_planes
from ..circuits.carry import Plane
from ..circuits.convert import ring_to_word, word_to_ring
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring
from .table import SecretColumn, need_bits, need_ring, null_of, planes_of, ring_of, zero_extend

RING_LIMIT = 1 << 63

PRODUCT_BITS = 28
"""Limbs of factors: sums of a few products of limbs stay within the ring."""


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """`ring` times 2^weight; lo <= ring <= hi."""

    ring: Ring
    weight: int
    lo: int
    hi: int

    def within(self, ring: Ring, lo: int, hi: int) -> Limb:
        """Another value of the same weight. InternalError if its range exceeds the ring."""
        if max(abs(lo), abs(hi)) >= RING_LIMIT:
            raise InternalError("a limb exceeds the ring")
        return Limb(ring, self.weight, lo, hi)


def limb_bits(rows: int) -> int:
    """The widest limbs of which `rows` values can be added in the ring."""
    return 61 - rows.bit_length()


def limbs_of(p: SharingProtocol, columns: Sequence[SecretColumn], bits: int) -> list[list[Limb]]:
    """Every column as limbs of `bits` bits (and one more). At most two batches of conversions.

    A column of so few bits is one limb, the ring value as it is.
    """
    narrow = [c for c in columns if max(abs(c.encoding.lo), abs(c.encoding.hi)) < 2 << bits]
    wide = [c for c in dict.fromkeys(columns) if c not in narrow]
    need_ring(p, narrow)
    need_bits(p, wide)
    pieces = {c: _cut(c, bits) for c in wide}
    converted = iter(word_to_ring(p, [piece for c in wide for piece in pieces[c]], 64))
    found: dict[SecretColumn, list[Limb]] = {
        c: [Limb(ring_of(c), 0, c.encoding.lo, c.encoding.hi)] for c in narrow
    }
    for column in wide:
        found[column] = [
            _limb(p, next(converted), piece.width, place * bits, column.encoding.lo)
            for place, piece in enumerate(pieces[column])
        ]
        found[column][-1] = _last(p, found[column][-1], column.encoding.lo)
    return [found[c] for c in columns]


def null_free_limbs(
    p: SharingProtocol, limbs: Sequence[Sequence[Limb]], columns: Sequence[SecretColumn]
) -> list[list[Limb]]:
    """The limbs of every column, 0 where the column is NULL. A conversion and one round."""
    dirty = [i for i, c in enumerate(columns) if c.null is not None]
    results = [list(given) for given in limbs]
    if not dirty:
        return results
    flags = p.flags_to_ring([p.invert(null_of(columns[i])) for i in dirty], 64)
    pairs = [(limb.ring, flag) for i, flag in zip(dirty, flags, strict=True) for limb in limbs[i]]
    products = iter(p.multiply(pairs))
    for i in dirty:
        results[i] = [scaled(limb, next(products), 1) for limb in limbs[i]]
    return results


def _cut(column: SecretColumn, bits: int) -> list[Bits]:
    """Pieces of (value - lo), as many as lo has too."""
    width = max(column.encoding.width, column.encoding.lo.bit_length())
    planes = zero_extend(planes_of(column), width)
    return [planes.planes(at, min(at + bits, planes.width)) for at in range(0, planes.width, bits)]


def _limb(p: SharingProtocol, ring: Ring, width: int, weight: int, lo: int) -> Limb:
    """A piece of (value - lo) with the same piece of lo put back."""
    low = (lo >> weight) & ((1 << width) - 1)
    return Limb(p.add_public(ring, low), weight, low, low + (1 << width) - 1)


def _last(p: SharingProtocol, limb: Limb, lo: int) -> Limb:
    """The last limb has the rest of lo, sign included."""
    more = (lo >> limb.weight) - limb.lo
    return limb.within(p.add_public(limb.ring, more), limb.lo + more, limb.hi + more)


def scaled(limb: Limb, ring: Ring, count: int) -> Limb:
    """The limb of a sum of up to `count` values, 0 among them: `ring` is that sum."""
    return limb.within(ring, min(0, limb.lo * count), max(0, limb.hi * count))


def combined(p: SharingProtocol, values: Sequence[tuple[Sequence[Limb], Encoding]]) -> list[Bits]:
    """Planes of every sum of limbs, less the lo of its encoding, which holds it.

    Cost: one conversion of every limb, and log2(limbs) rounds of adders.
    """
    limbs = [limb for given, _ in values for limb in given]
    widths = [(limb.hi - limb.lo).bit_length() for limb in limbs]
    widest = max(widths)
    if widest > 64:
        raise InternalError("the range of a limb exceeds a word")
    words = ring_to_word(p, [p.add_public(limb.ring, -limb.lo) for limb in limbs], widest)
    trimmed = iter([word.planes(0, width) for word, width in zip(words, widths, strict=True)])
    results = []
    for given, target in values:
        constant = sum(limb.lo << limb.weight for limb in given) - target.lo
        placed = [(next(trimmed), limb.weight) for limb in given]
        results.append(add_up(p, placed, constant, width=target.width))
    return results


def add_up(
    p: SharingProtocol, words: Sequence[tuple[Bits, int]], constant: int, *, width: int
) -> Bits:
    """The words times powers of two, and a public constant, added up modulo 2^width."""
    rows = words[0][0].rows
    terms: list[list[Plane]] = []
    for word, weight in words:
        zeros: list[Plane] = [0] * min(weight, width)
        terms.append(zeros + word_planes(word, width - len(zeros)))
    if constant % (1 << width):
        terms.append([constant >> i & 1 for i in range(width)])
    while len(terms) > 1:
        pairs = [(terms[i], terms[i + 1], 0) for i in range(0, len(terms) - 1, 2)]
        sums = [planes[:width] for planes in sum_planes(p, pairs)]
        terms = [*sums, *terms[2 * len(pairs) :]]
    return join_planes(p, terms[0], rows)
