"""Square roots of shared words, rounded down, digit by digit.

The root's binary digits come from the top. With the digits so far Q and the remainder R, two more
planes of the operand make R' = 4 R + them; the next digit is 1 where R' >= 4 Q + 1, and then that
is taken off. The remainder is never more than twice the root, so all words grow with the digits.
Source: the pencil-and-paper method, as in Warren, Hacker's Delight, chapter 11.
"""

from __future__ import annotations

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .add import subtract_with_borrow
from .select import select


def square_root(p: SharingProtocol, x: Bits) -> Bits:
    """floor(sqrt(x)) of an unsigned word; half as many planes, rounded up.

    Cost: w / 2 steps; step k takes a subtractor and a selection of k + 3 planes: log2(k) + 3 rounds
    and about 4 k bits per row. 120 planes, few rows: about 500 rounds.
    """
    digits = (x.width + 1) // 2
    padded = stack([x, p.constant_bits(0, 2 * digits - x.width, x.rows)])
    root = p.constant_bits(0, 0, x.rows)
    remainder = p.constant_bits(0, 0, x.rows)
    for place in reversed(range(digits)):
        seen = stack([padded.planes(2 * place, 2 * place + 2), remainder])
        trial = stack([p.constant_bits(1, 2, x.rows), root])
        width = max(seen.width, trial.width)
        seen = stack([seen, p.constant_bits(0, width - seen.width, x.rows)])
        rest, borrow = subtract_with_borrow(p, seen, trial, width=width)
        digit = p.invert(borrow)
        (chosen,) = select(p, [(digit, rest, seen)])
        root = stack([digit, root])
        remainder = chosen.planes(0, min(width, root.width + 1))
    return root
