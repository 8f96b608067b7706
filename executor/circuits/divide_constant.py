"""Exact division of shared numbers by a public number.

floor(x / c) = floor(x m / 2^s) for every x < 2^n, with s = n + bits of c and m = ceil(2^s / c):
the product with a public m is local in the ring, and the quotient are its planes from s on
(Granlund, Montgomery, PLDI 1994). Words too wide for the product are divided digit by digit.
"""

from __future__ import annotations

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring
from .convert import ring_to_word
from .divide import divide

_PRODUCT_BITS = 63


def divide_constant(p: SharingProtocol, x: Ring, divisor: int, *, largest: int) -> Bits:
    """floor(x / divisor) as a word as wide as floor(largest / divisor); 0 <= x <= largest.

    Cost: where n, the bits of `largest`, is at most 30, a conversion of at most 2n + 2 planes;
    else one of n planes and a division (see `divide`) of as many digits as the quotient has.
    """
    places = (largest // divisor).bit_length()
    if not places:
        return p.constant_bits(0, 0, x.rows)
    width = largest.bit_length()
    shift = width + divisor.bit_length()
    factor = -(-(1 << shift) // divisor)
    if (largest * factor).bit_length() <= _PRODUCT_BITS:
        product = x.map(lambda part: part * part.dtype.type(factor), rows=x.rows)
        (word,) = ring_to_word(p, [product], shift + places)
        return word.planes(shift, shift + places)
    (word,) = ring_to_word(p, [x], width)
    twos = (divisor & -divisor).bit_length() - 1
    odd, word = divisor >> twos, word.planes(min(twos, width), width)
    if odd == 1:
        return word.planes(0, places)
    denominator = p.constant_bits(odd, odd.bit_length(), x.rows)
    return divide(p, word, denominator, quotient_width=places)
