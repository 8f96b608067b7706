"""MIN, MAX and ANY_VALUE of a whole column by a tournament of rows: log2 n levels of selecting."""

from __future__ import annotations

from ..circuits.compare import less_than
from ..circuits.rows import pad_rows, slice_rows
from ..circuits.select import select
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack


def extreme(
    p: SharingProtocol,
    values: Bits,
    present: Bits,
    *,
    largest: bool,
    carried: Bits | None = None,
) -> tuple[Bits, Bits]:
    """The least (or largest) value among the present rows, and whether there is any, as one row.

    With `carried`, what that row carries instead of its value; any of several equal rows.
    The key compared is (absent, value), so that an absent row never wins over a present one. The
    result is unspecified if no row is present. Cost: about 4 (w + 1) bits per row in all, and the
    carried planes once.
    """
    key = stack([p.invert(values) if largest else values, p.invert(present)])
    load = p.constant_bits(0, 0, key.rows) if carried is None else carried
    while key.rows > 1:
        half = (key.rows + 1) // 2
        left, right = _halves(p, stack([load, key]), half)
        keys = [side.planes(load.width, side.width) for side in (right, left)]
        (smaller,) = less_than(p, [(keys[0], keys[1])])
        (both,) = select(p, [(smaller, right, left)])
        load, key = both.planes(0, load.width), both.planes(load.width, both.width)
    best = key.planes(0, values.width)
    absent = key.planes(values.width, key.width)
    if carried is not None:
        return load, p.invert(absent)
    return (p.invert(best) if largest else best), p.invert(absent)


def any_present(p: SharingProtocol, values: Bits, present: Bits) -> tuple[Bits, Bits]:
    """The value of one of the present rows, and whether there is any, as one row.

    The value is unspecified if no row is present. Cost: w + 1 bits per row in all, log2 n rounds.
    """
    key = stack([values, p.invert(present)])
    while key.rows > 1:
        left, right = _halves(p, key, (key.rows + 1) // 2)
        absent = left.planes(values.width, key.width)
        (key,) = select(p, [(absent, right, left)])
    return key.planes(0, values.width), p.invert(key.planes(values.width, key.width))


def _halves(p: SharingProtocol, key: Bits, half: int) -> tuple[Bits, Bits]:
    """The first `half` rows, and the others, with an absent row where one is missing. Local."""
    left, right = slice_rows(key, 0, half), slice_rows(key, half, key.rows)
    return left, right if right.rows == half else _with_absent(p, right, half)


def _with_absent(p: SharingProtocol, key: Bits, rows: int) -> Bits:
    """Appends an absent row. Local."""
    body = pad_rows(key, rows)
    ones = p.constant_bits(1, 1, rows)
    marker = ones ^ pad_rows(p.constant_bits(1, 1, key.rows), rows)
    top = body.planes(key.width - 1, key.width) ^ marker
    return stack([body.planes(0, key.width - 1), top])
