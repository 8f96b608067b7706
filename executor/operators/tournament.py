"""MIN, MAX and ANY_VALUE of a whole column by a tournament of rows: log2 n levels of selecting."""

from __future__ import annotations

from ..circuits.compare import less_than
from ..circuits.rows import pad_rows, slice_rows
from ..circuits.select import select
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack


def extreme(p: SharingProtocol, values: Bits, present: Bits, *, largest: bool) -> tuple[Bits, Bits]:
    """The least (or largest) value among the present rows, and whether there is any, as one row.

    The key compared is (absent, value), so that an absent row never wins over a present one. The
    value is unspecified if no row is present. Cost: about 4 (w + 1) bits per row in all.
    """
    key = stack([p.invert(values) if largest else values, p.invert(present)])
    while key.rows > 1:
        half = (key.rows + 1) // 2
        left = slice_rows(key, 0, half)
        right = slice_rows(key, half, key.rows)
        if right.rows < half:
            right = _with_absent(p, right, half)
        (smaller,) = less_than(p, [(right, left)])
        (key,) = select(p, [(smaller, right, left)])
    best = key.planes(0, values.width)
    absent = key.planes(values.width, key.width)
    return (p.invert(best) if largest else best), p.invert(absent)


def any_present(p: SharingProtocol, values: Bits, present: Bits) -> tuple[Bits, Bits]:
    """The value of one of the present rows, and whether there is any, as one row.

    The value is unspecified if no row is present. Cost: w + 1 bits per row in all, log2 n rounds.
    """
    key = stack([values, p.invert(present)])
    while key.rows > 1:
        half = (key.rows + 1) // 2
        left = slice_rows(key, 0, half)
        right = slice_rows(key, half, key.rows)
        if right.rows < half:
            right = _with_absent(p, right, half)
        absent = left.planes(values.width, key.width)
        (key,) = select(p, [(absent, right, left)])
    return key.planes(0, values.width), p.invert(key.planes(values.width, key.width))


def _with_absent(p: SharingProtocol, key: Bits, rows: int) -> Bits:
    """Appends an absent row. Local."""
    body = pad_rows(key, rows)
    ones = p.constant_bits(1, 1, rows)
    marker = ones ^ pad_rows(p.constant_bits(1, 1, key.rows), rows)
    top = body.planes(key.width - 1, key.width) ^ marker
    return stack([body.planes(0, key.width - 1), top])
