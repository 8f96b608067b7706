"""NTILE: the rows of a partition dealt out to a public number of tiles, the larger tiles first."""

from __future__ import annotations

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .add import add, add_constant, subtract, subtract_with_borrow
from .convert import ring_to_word, word_to_ring
from .divide import divide
from .select import mask, select


def tile_numbers(p: SharingProtocol, place: Bits, rows: Bits, tiles: int) -> Bits:
    """The tile, from 0, of the row at `place` (from 0) among `rows` rows.

    Of n rows in k tiles, n mod k tiles have n // k + 1 rows and come first, the others n // k.

    1. size = n // k; large = n - k size tiles have size + 1 rows, and `border` rows in all.
    2. Rows before the border count from 0 in tiles of size + 1, the others from the border in
       tiles of size: one division for both.

    Cost: two divisions of words as wide as the row count, one product.
    """
    width = rows.width
    size = divide(
        p, rows, p.constant_bits(tiles, tiles.bit_length(), rows.rows), quotient_width=width
    )
    wide = add_constant(p, _widened(p, size), 1, width=width + 1)
    in_tiles = _times(p, size, p.constant_bits(tiles, tiles.bit_length(), rows.rows), width)
    large = subtract(p, rows, in_tiles, width=width)
    border = _times(p, large, wide, width)
    beyond, before = subtract_with_borrow(p, place, border, width=width)
    counted, divisor = select(p, [(before, place, beyond), (before, wide, _widened(p, size))])
    tile = divide(p, counted, divisor, quotient_width=width)
    (offset,) = mask(p, [(p.invert(before), large)])
    return add(p, tile, offset, width=width)


def _widened(p: SharingProtocol, x: Bits) -> Bits:
    return stack([x, p.constant_bits(0, 1, x.rows)])


def _times(p: SharingProtocol, x: Bits, y: Bits, width: int) -> Bits:
    """x * y modulo 2^width, by way of the ring."""
    left, right = word_to_ring(p, [x, y])
    (product,) = p.multiply([(left, right)])
    return ring_to_word(p, [product], width)[0]
