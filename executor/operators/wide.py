"""Arithmetic of numbers that the ring does not hold, on planes.

Sums are adders; products go through limbs in the ring; factors that are public are added up from
shifted copies. A result is planes under the encoding that is asked for, which must hold it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...query.datatypes import Encoding
from ..circuits.add import add_constant, negate
from ..circuits.select import select
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits
from .limbs import PRODUCT_BITS, Limb, add_up, combined, limbs_of
from .table import SecretColumn, need_bits, planes_of, zero_extend


def linear(p: SharingProtocol, terms: Sequence[tuple[SecretColumn, int]], target: Encoding) -> Bits:
    """Planes of the sum of columns times public factors.

    Cost: an adder of the target's width for every digit of a factor in signed binary but one.
    """
    need_bits(p, [column for column, _ in terms])
    words: list[tuple[Bits, int]] = []
    constant = -target.lo
    width = target.width
    for column, factor in terms:
        constant += factor * column.encoding.lo
        if column.is_constant:
            continue
        planes = planes_of(column)
        for shift, sign in signed_digits(factor):
            if shift >= width:
                continue
            word = planes
            if sign < 0:
                word = p.invert(zero_extend(planes, width - shift))
                constant += 1 << shift
            words.append((word, shift))
    if not words:
        return p.constant_bits(constant % (1 << width), width, terms[0][0].rows)
    return add_up(p, words, constant, width=width)


def signed_digits(factor: int) -> list[tuple[int, int]]:
    """A number as a sum of sign * 2^shift with no two neighbouring shifts."""
    digits, shift = [], 0
    while factor:
        if factor & 1:
            sign = 2 - (factor & 3)
            digits.append((shift, sign))
            factor -= sign
        factor >>= 1
        shift += 1
    return digits


def product(p: SharingProtocol, left: SecretColumn, right: SecretColumn, target: Encoding) -> Bits:
    """Planes of a product. Cost: limbs of both, one round of ring products, adders."""
    if left.is_constant or right.is_constant:
        constant, other = (left, right) if left.is_constant else (right, left)
        return linear(p, [(other, constant.encoding.lo)], target)
    first, second = limbs_of(p, [left, right], PRODUCT_BITS)
    by_weight: dict[int, list[tuple[Limb, Limb]]] = {}
    for a in first:
        for b in second:
            by_weight.setdefault(a.weight + b.weight, []).append((a, b))
    sums = p.dot([[(a.ring, b.ring) for a, b in pairs] for pairs in by_weight.values()])
    limbs = []
    for (weight, pairs), ring in zip(by_weight.items(), sums, strict=True):
        ends = [[x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)] for a, b in pairs]
        low, high = sum(map(min, ends)), sum(map(max, ends))
        limbs.append(Limb(ring, weight, 0, 0).within(ring, low, high))
    return combined(p, [(limbs, target)])[0]


def magnitude(p: SharingProtocol, column: SecretColumn) -> tuple[Bits, Bits | None]:
    """|value| as planes, and whether it is negative (None: never). An adder or two."""
    encoding = column.encoding
    largest = max(abs(encoding.lo), abs(encoding.hi))
    (planes,) = need_bits(p, [column])
    width = largest.bit_length() + 1
    signed = planes
    if encoding.lo:
        signed = add_constant(p, zero_extend(planes, width), encoding.lo, width=width)
    signed = zero_extend(signed, width)
    if encoding.lo >= 0:
        return signed.planes(0, width - 1), None
    negative = signed.planes(width - 1, width)
    opposite = negate(p, signed, width=width)
    (chosen,) = select(p, [(negative, opposite, signed)])
    return chosen.planes(0, width - 1), negative
