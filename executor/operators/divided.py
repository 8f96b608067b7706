"""Division of secret numbers by public ones: quotients, remainders, rounding to fewer decimals.

Cost: one division by a constant (circuits/divide_constant.py), after a conversion to the ring if
the number is not there; rounding and truncation of numbers that may be negative take the sign
first.
"""

from __future__ import annotations

from ...query.datatypes import Encoding
from ..circuits.compare import any_of
from ..circuits.convert import ring_to_word
from ..circuits.divide_constant import divide_constant
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Ring
from .table import SecretColumn, need_ring, scale_ring


def floor_divided(p: SharingProtocol, value: SecretColumn, divisor: int) -> SecretColumn:
    """floor(value / divisor) for a public divisor above 0."""
    if divisor == 1:
        return value
    base = value.encoding.lo // divisor
    encoding = Encoding(lo=base, hi=value.encoding.hi // divisor)
    (ring,) = need_ring(p, [value])
    planes = divide_constant(
        p,
        p.add_public(ring, -base * divisor),
        divisor,
        largest=value.encoding.hi - base * divisor,
    )
    return SecretColumn(encoding=encoding, rows=value.rows, bits=planes, null=value.null)


def remainder(p: SharingProtocol, value: SecretColumn, divisor: int) -> SecretColumn:
    """value - divisor * floor(value / divisor), from 0 to divisor - 1."""
    quotient = floor_divided(p, value, divisor)
    if quotient.is_constant:
        return _moved(p, value, -quotient.encoding.lo * divisor)
    whole, times = need_ring(p, [value, quotient])
    return SecretColumn(
        encoding=Encoding(lo=0, hi=divisor - 1),
        rows=value.rows,
        ring=whole - scale_ring(times, divisor),
        null=value.null,
    )


def truncated(p: SharingProtocol, value: SecretColumn, divisor: int) -> SecretColumn:
    """value / divisor towards zero: for negative numbers the floor of value + divisor - 1."""
    return floor_divided(p, _raised(p, value, 0, divisor - 1), divisor)


def rounded(p: SharingProtocol, value: SecretColumn, divisor: int) -> SecretColumn:
    """value / divisor to the nearest integer, halves away from zero; an even divisor."""
    return floor_divided(p, _raised(p, value, divisor // 2, divisor // 2 - 1), divisor)


def rounded_to_even(p: SharingProtocol, value: SecretColumn, divisor: int) -> SecretColumn:
    """value / divisor to the nearest integer, halves to the even one; an even divisor.

    Halves are where the floor of value + divisor / 2 leaves nothing; odd floors are one too high.
    """
    moved = _moved(p, value, divisor // 2)
    quotient = floor_divided(p, moved, divisor)
    whole, times = need_ring(p, [moved, quotient])
    (rest,) = ring_to_word(p, [whole - scale_ring(times, divisor)], divisor.bit_length())
    (odd,) = ring_to_word(p, [times], 1)
    (something,) = any_of(p, [rest])
    (half,) = p.and_([(odd, p.invert(something))])
    (flag,) = p.flags_to_ring([half], 64)
    return SecretColumn(
        encoding=Encoding(lo=quotient.encoding.lo - 1, hi=quotient.encoding.hi),
        rows=value.rows,
        ring=times - flag,
        null=value.null,
    )


def ceiling(p: SharingProtocol, value: SecretColumn, divisor: int) -> SecretColumn:
    """ceil(value / divisor)."""
    return floor_divided(p, _moved(p, value, divisor - 1), divisor)


def _moved(p: SharingProtocol, value: SecretColumn, by: int) -> SecretColumn:
    """The value plus a public number."""
    (ring,) = need_ring(p, [value])
    return SecretColumn(
        encoding=Encoding(lo=value.encoding.lo + by, hi=value.encoding.hi + by),
        rows=value.rows,
        ring=p.add_public(ring, by),
        null=value.null,
    )


def _raised(p: SharingProtocol, value: SecretColumn, positive: int, negative: int) -> SecretColumn:
    """The value plus `positive` where it is at least 0, plus `negative` where it is below."""
    encoding = value.encoding
    if encoding.lo >= 0:
        return _moved(p, value, positive)
    if encoding.hi < 0:
        return _moved(p, value, negative)
    (ring,) = need_ring(p, [value])
    flag = negative_flag(p, ring, encoding)
    moved = p.add_public(ring, positive) + scale_ring(flag, negative - positive)
    low, high = encoding.lo + min(positive, negative), encoding.hi + max(positive, negative)
    return SecretColumn(
        encoding=Encoding(lo=low, hi=high), rows=value.rows, ring=moved, null=value.null
    )


def negative_flag(p: SharingProtocol, ring: Ring, encoding: Encoding) -> Ring:
    """1 in the ring where a number is below 0, else 0."""
    width = max(abs(encoding.lo), abs(encoding.hi)).bit_length() + 1
    (word,) = ring_to_word(p, [ring], width)
    return p.flags_to_ring([word.planes(width - 1, width)], 64)[0]
