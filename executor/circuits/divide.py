"""Exact division of shared words, by long division in a public radix.

Restoring division, most significant digit first. In radix 2^k a step subtracts all multiples
1 d .. (2^k - 1) d from the partial remainder at once. The subtractions that do not borrow are a
thermometer code t_1 >= t_2 >= ...; its XORs are the digit's bits, and the new remainder is
R ^ XOR_j t_j & (D_{j-1} ^ D_j), where D_0 = R and D_j = R - j d.
The remainder is no wider than the digits seen so far. Planes of j d above it only say whether j d
is greater altogether: they are summed up beforehand, for all steps at once.

Multiples lie side by side in the rows of a plane (lanes.py), so for few rows a radix of hundreds
costs hardly more than two, and takes few steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack, words
from .add import join_planes, sum_planes, word_planes
from .carry import GATE_BYTES, Plane, Segment, and_planes, carries, xor
from .lanes import Lanes

_MOST_DIGIT_BITS = 10


def divide(
    p: SharingProtocol,
    numerator: Bits,
    denominator: Bits,
    *,
    quotient_width: int,
    digit_bits: int | None = None,
) -> Bits:
    """floor(numerator / denominator), unsigned; a denominator of 0 gives all ones.

    The quotient must fit `quotient_width` planes: where it does not, and the denominator is not
    0, the result is unspecified. No step is spent on quotient planes that are known to be 0.
    `digit_bits` fixes the radix, which what a round is worth decides otherwise.

    Cost: quotient_width / k steps of log2(w) + 3 rounds and about 4w (2^k - 1) ANDs, where w is
    the denominator's width and k (1 to 10) is the cheapest by the network; and once about
    (k + 2) w (2^k - 1) ANDs and 2 log2(k) + log2(w) + 2 rounds for the multiples. 64 by 32 planes:
    about 70 rounds for few rows, 150 for 1000.
    """
    if denominator.width == 0 or numerator.rows == 0:
        return p.constant_bits((1 << quotient_width) - 1, quotient_width, numerator.rows)
    if numerator.width < quotient_width:
        numerator = _widened(p, numerator, quotient_width)
    digit_bits = digit_bits or _digit_bits(p, numerator.rows, denominator.width, quotient_width)
    return _Division(p, numerator, denominator, quotient_width, digit_bits).run()


def _digit_bits(p: SharingProtocol, rows: int, divisor_width: int, places: int) -> int:
    """The bits of a digit that make a division cheapest."""

    def price(bits: int) -> int:
        steps, width = -(-places // bits), divisor_width + bits
        lanes = Lanes(rows=rows, copies=(1 << bits) - 1)
        plane = 8 * words(lanes.total) + GATE_BYTES
        waiting = (width.bit_length() + 3) * p.round_worth
        return steps * (4 * width * plane + waiting) + (bits + 2) * width * plane

    return min(range(1, min(_MOST_DIGIT_BITS, max(places, 1)) + 1), key=price)


class _Division:
    """One division: what all its steps share. Copy j - 1 of the lanes belongs to j d."""

    def __init__(
        self, p: SharingProtocol, numerator: Bits, denominator: Bits, places: int, digit_bits: int
    ) -> None:
        self.p = p
        self.numerator, self.places = numerator, places
        self.divisor_width = denominator.width
        self.digits = _digits(places, digit_bits)
        widest = max((bits for _, bits in self.digits), default=1)
        self.lanes = Lanes(rows=numerator.rows, copies=(1 << widest) - 1)
        self.inverted = [
            xor(p, plane, 1) for plane in _multiples(p, self.lanes, denominator, widest)
        ]
        self.fits = _fits(p, self.inverted, self._seen_widths())

    def run(self) -> Bits:
        remainder = self.numerator.planes(self.places, self.places + self._start_width())
        quotient = []
        for low, bits in self.digits:
            seen = stack([self.numerator.planes(low, low + bits), remainder])
            lanes = self.lanes.first((1 << bits) - 1)
            passed, remainder = self._step(lanes, seen)
            quotient.append(_digit(lanes, passed, bits))
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

    def _step(self, lanes: Lanes, seen: Bits) -> tuple[Bits, Bits]:
        """The flags seen >= j d in the lanes, and the new remainder."""
        p, width = self.p, seen.width
        digits = word_planes(lanes.spread(seen), width)
        inverted = [_cut(lanes, plane) for plane in self.inverted[:width]]
        top = _cut(lanes, self.fits.get(width, 1))
        (sums,) = sum_planes(p, [([*digits, 0], [*inverted, top], 1)], carry_out=True)
        kept = min(width, self.divisor_width)
        passed = join_planes(p, sums[-1:], lanes.total)
        differences = join_planes(p, sums[:kept], lanes.total)
        before = lanes.moved_up(differences, seen.planes(0, kept))
        (changes,) = p.and_([(passed, before ^ differences)])
        return passed, seen.planes(0, kept) ^ lanes.folded(changes)


def _digits(places: int, digit_bits: int) -> list[tuple[int, int]]:
    """(lowest plane, planes) of every quotient digit, the highest first."""
    digits = []
    while places > 0:
        bits = (places - 1) % digit_bits + 1
        places -= bits
        digits.append((places, bits))
    return digits


def _cut(lanes: Lanes, plane: Plane) -> Plane:
    return plane if isinstance(plane, int) else lanes.cut(plane)


def _digit(lanes: Lanes, passed: Bits, bits: int) -> Bits:
    """The binary digit of a thermometer code: plane i changes at every multiple of 2^i."""
    multiples = range(1, 1 << bits)
    kept = [[j % (1 << i) == 0 for j in multiples] for i in range(bits)]
    return stack([lanes.folded(lanes.masked(passed, flags)) for flags in kept])


def _multiples(p: SharingProtocol, lanes: Lanes, divisor: Bits, digit_bits: int) -> list[Plane]:
    """j d in copy j - 1 of the lanes, plane by plane, `digit_bits` planes wider than the divisor.

    The sum of d 2^i in the copies whose j has that bit: full adders until two words are left, then
    an adder.
    """
    width, spread = divisor.width + digit_bits, lanes.spread(divisor)
    terms: list[list[Plane]] = []
    for i in range(digit_bits):
        chosen = lanes.masked(spread, [j >> i & 1 == 1 for j in range(1, lanes.copies + 1)])
        terms.append([*[0] * i, *word_planes(chosen, width - i)])
    while len(terms) > 2:
        groups = [terms[i : i + 3] for i in range(0, len(terms) // 3 * 3, 3)]
        terms = _full_adders(p, groups) + terms[len(groups) * 3 :]
    if len(terms) == 1:
        return terms[0]
    (total,) = sum_planes(p, [(terms[0], terms[1], 0)])
    return total


def _full_adders(
    p: SharingProtocol, groups: Sequence[Sequence[Sequence[Plane]]]
) -> list[list[Plane]]:
    """Two words for every three with the same sum: a + b + c = (a ^ b ^ c) + 2 maj(a, b, c)."""
    places = [tuple(place) for group in groups for place in zip(*group, strict=True)]
    ordered = [sorted(place, key=lambda plane: isinstance(plane, int)) for place in places]
    gates = and_planes(p, [(xor(p, a, c), xor(p, b, c)) for a, b, c in ordered])
    sums = [xor(p, xor(p, a, b), c) for a, b, c in ordered]
    carried = [xor(p, c, gate) for (_, _, c), gate in zip(ordered, gates, strict=True)]
    width, results = len(groups[0][0]), []
    for start in range(0, len(places), width):
        results.append(sums[start : start + width])
        results.append([0, *carried[start : start + width - 1]])
    return results


def _fits(p: SharingProtocol, inverted: Sequence[Plane], widths: Sequence[int]) -> dict[int, Bits]:
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
