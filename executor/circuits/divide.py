"""Exact division of shared words, by long division in a public radix.

Restoring division, most significant digit first. In radix 2^k a step subtracts all multiples
1 d .. (2^k - 1) d from the partial remainder at once. The subtractions that do not borrow are a
thermometer code t_1 >= t_2 >= ...; its XORs are the digit's bits, and the new remainder is
R ^ XOR_j t_j & (D_{j-1} ^ D_j), where D_0 = R and D_j = R - j d.
The remainder is no wider than the digits seen so far. Planes of j d above it only say whether j d
is greater altogether: they are summed up beforehand, for all steps at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .add import Term, join_planes, sum_planes, word_planes
from .carry import Plane, Segment, carries, xor

_RADIX_BITS = ((1 << 12, 4), (1 << 14, 3), (1 << 16, 2))
"""Up to so many rows, so many bits per digit: wide digits send more and take fewer rounds."""


def divide(p: SharingProtocol, numerator: Bits, denominator: Bits, *, quotient_width: int) -> Bits:
    """floor(numerator / denominator), unsigned; a denominator of 0 gives all ones.

    The quotient must fit `quotient_width` planes: where it does not, and the denominator is not
    0, the result is unspecified. No step is spent on quotient planes that are known to be 0.

    Cost: quotient_width / k steps of log2(w) + 3 rounds and about 4w (2^k - 1) ANDs, where w is
    the denominator's width and k = 1 for many rows, up to 4 for few; and once about 3w ANDs and
    log2(w) + 2 rounds for each multiple. 64 by 32 planes, 1000 rows: about 150 rounds.
    """
    if denominator.width == 0:
        return p.constant_bits((1 << quotient_width) - 1, quotient_width, numerator.rows)
    if numerator.width < quotient_width:
        numerator = _widened(p, numerator, quotient_width)
    digit_bits = next((bits for rows, bits in _RADIX_BITS if numerator.rows <= rows), 1)
    division = _Division(p, numerator, denominator, quotient_width, digit_bits)
    return division.run()


class _Division:
    """One division: what all its steps share. Multiples stand side by side in every plane."""

    def __init__(
        self, p: SharingProtocol, numerator: Bits, denominator: Bits, places: int, digit_bits: int
    ) -> None:
        self.p = p
        self.numerator, self.places = numerator, places
        self.divisor_width = denominator.width
        self.digits = _digits(places, digit_bits)
        widest = max((bits for _, bits in self.digits), default=1)
        self.inverted = _inverted_multiples(p, denominator, widest)
        self.fits = _fits(p, self.inverted, self._seen_widths())

    def run(self) -> Bits:
        remainder = self.numerator.planes(self.places, self.places + self._start_width())
        quotient = []
        for low, bits in self.digits:
            seen = stack([self.numerator.planes(low, low + bits), remainder])
            passed, remainder = self._step(seen, (1 << bits) - 1)
            quotient.append(_digit(passed, bits))
        if not quotient:
            return self.p.constant_bits(0, 0, self.numerator.rows)
        return stack(quotient[::-1])

    def _start_width(self) -> int:
        return min(self.numerator.width - self.places, self.divisor_width)

    def _seen_widths(self) -> list[int]:
        """Widths of the partial remainder at every step, the new digit included."""
        widths, remainder = [], self._start_width()
        for _, bits in self.digits:
            widths.append(remainder + bits)
            remainder = min(widths[-1], self.divisor_width)
        return widths

    def _step(self, seen: Bits, count: int) -> tuple[Bits, Bits]:
        """The flags seen >= j d for j = 1 .. count side by side, and the new remainder."""
        p, width = self.p, seen.width
        digits = word_planes(seen, width)
        inverted = [plane.planes(0, count) for plane in self.inverted[:width]]
        (sums,) = sum_planes(
            p, [([*digits, 0], [*inverted, self._fits(width, count)], 1)], carry_out=True
        )
        passed = self._flags(sums[-1], count)
        gates = []
        for plane in range(min(width, self.divisor_width)):
            difference = self._flags(sums[plane], count)
            before = stack([seen.planes(plane, plane + 1), difference.planes(0, count - 1)])
            gates.append((passed, before ^ difference))
        changes = stack([_xor_planes(product) for product in p.and_(gates)])
        return passed, seen.planes(0, changes.width) ^ changes

    def _fits(self, width: int, count: int) -> Plane:
        flags = self.fits.get(width, 1)
        return flags if isinstance(flags, int) else flags.planes(0, count)

    def _flags(self, plane: Plane, count: int) -> Bits:
        if isinstance(plane, int):
            return self.p.constant_bits(-plane % (1 << count), count, self.numerator.rows)
        return plane


def _digits(places: int, digit_bits: int) -> list[tuple[int, int]]:
    """(lowest plane, planes) of every quotient digit, the highest first."""
    digits = []
    while places > 0:
        bits = (places - 1) % digit_bits + 1
        places -= bits
        digits.append((places, bits))
    return digits


def _digit(passed: Bits, bits: int) -> Bits:
    """The binary digit of a thermometer code: plane i changes at every multiple of 2^i."""
    return stack([_xor_planes(_multiples_of(passed, 1 << i)) for i in range(bits)])


def _multiples_of(passed: Bits, number: int) -> Bits:
    """The flags for j = number, 2 number, 3 number, and so on."""
    width = passed.width // number
    return passed.map(lambda part: part[number - 1 :: number], rows=passed.rows, width=width)


def _xor_planes(x: Bits) -> Bits:
    """The XOR of all planes. Local."""
    return x.map(
        lambda part: np.bitwise_xor.reduce(part, axis=0, keepdims=True), rows=x.rows, width=1
    )


def _inverted_multiples(p: SharingProtocol, divisor: Bits, digit_bits: int) -> list[Bits]:
    """Plane by plane ~(j d) for j = 1 .. 2^k - 1 side by side."""
    inverted = [p.invert(multiple) for multiple in _multiples(p, divisor, digit_bits)]
    return [
        stack([multiple.planes(plane, plane + 1) for multiple in inverted])
        for plane in range(divisor.width + digit_bits)
    ]


def _multiples(p: SharingProtocol, divisor: Bits, digit_bits: int) -> list[Bits]:
    """1 d to (2^k - 1) d, each as wide as the divisor and k planes more.

    Odd multiples are sums or differences of a power of two and a multiple that is known already.
    """
    width, rows = divisor.width + digit_bits, divisor.rows
    known: dict[int, Sequence[Plane]] = {1: word_planes(divisor, width)}
    wanted = range(3, 1 << digit_bits, 2)
    while missing := [j for j in wanted if j not in known]:
        ways = {j: way for j in missing if (way := _way(j, tuple(known)))}
        terms = [_term(p, known, way) for way in ways.values()]
        known.update(zip(ways, sum_planes(p, terms), strict=True))
    shifts = [(j, (j & -j).bit_length() - 1) for j in range(1, 1 << digit_bits)]
    return [join_planes(p, _shifted(known[j >> by], by), rows) for j, by in shifts]


def _way(j: int, known: Sequence[int]) -> tuple[int, int, int] | None:
    """(shift, sign, i) with j = 2^shift + sign i and i known."""
    for shift in range(j.bit_length() + 1):
        for sign in (1, -1):
            if sign * (j - (1 << shift)) in known:
                return shift, sign, sign * (j - (1 << shift))
    return None


def _term(
    p: SharingProtocol, known: Mapping[int, Sequence[Plane]], way: tuple[int, int, int]
) -> Term:
    shift, sign, other = way
    planes = known[other]
    if sign < 0:
        planes = [xor(p, plane, 1) for plane in planes]
    return _shifted(known[1], shift), planes, int(sign < 0)


def _shifted(planes: Sequence[Plane], by: int) -> list[Plane]:
    zeros: list[Plane] = [0] * by
    return [*zeros, *planes[: len(planes) - by]]


def _fits(p: SharingProtocol, inverted: Sequence[Bits], widths: Sequence[int]) -> dict[int, Bits]:
    """For every remainder width the flags that a multiple has no plane set from there on.

    A carry chain from the top: it lives on while planes are 0.
    """
    full = len(inverted)
    needed = {width for width in widths if width < full}
    if not needed:
        return {}
    above = inverted[min(needed) :]
    (alive,) = carries(p, [[Segment(1, 0), *(Segment(0, plane) for plane in above[::-1])]])
    return {width: flags for width in needed if isinstance(flags := alive[full - width], Bits)}


def _widened(p: SharingProtocol, x: Bits, width: int) -> Bits:
    return stack([x, p.constant_bits(0, width - x.width, x.rows)])
