"""Radix sort, two bits per pass: stable, with rounds and bytes that depend on shapes alone.

Each pass partitions the rows four ways by a secret digit. Only what later passes need travels:
the key planes not yet used and each row's original number. The keys and all other columns move
once, at the end. After Hamada, Kikuchi, Ikarashi, Chida, Takahashi (ICISC 2012, section 4) and
Asharov et al. (CCS 2022), with wider digits and narrower rows.
"""

from __future__ import annotations

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, stack
from .order import Order, Placed, Shuffled
from .partition import RANK_BITS, last_row, scatter
from .row_numbers import number_width, numbers_of, row_numbers
from .rows import prefix_sum


def radix_order(p: SharingProtocol, keys: Bits) -> Order:
    """The stable ascending order of the rows by their keys; nothing but the order is moved.

    For every two planes: 1. both digit bits in the ring; 2. their product, and so the one-hot
    flags of the digit; 3. prefix sums rank the rows of each digit (local); destination = sum of
    flag x (digit's offset + rank), one dot product; 4. shuffle, open, place (see `scatter`).
    Finally the row numbers are shuffled afresh and opened: a uniformly random permutation, from
    which undoing the shuffle leads to the sorted order.

    Cost: 7 rounds for each pass of two planes (6 for a last single one) and 3 at the end; with
    k = 4/3 (32 + log2 n + planes left), about 180 + k bits per row and pass.
    """
    rows, index_planes = keys.rows, number_width(keys.rows)
    if rows < 2 or keys.width == 0:
        return Order()
    left = stack([row_numbers(p, rows), keys])
    while left.width > index_planes:
        digit = left.planes(index_planes, min(index_planes + 2, left.width))
        kept = [left.planes(0, index_planes), left.planes(index_planes + digit.width, left.width)]
        (moved,) = scatter(p, _destinations(p, digit), [stack(kept)]).columns
        assert isinstance(moved, Bits)
        left = moved
    return _order_from_numbers(p, left)


def _destinations(p: SharingProtocol, digit: Bits) -> Ring:
    """Where every row goes when rows are stably sorted by a digit of one or two planes."""
    rows = digit.rows
    planes = [digit.planes(i, i + 1) for i in range(digit.width)]
    bits = p.flags_to_ring(planes, RANK_BITS)
    if len(bits) == 2:
        (both,) = p.multiply([(bits[0], bits[1])])
        flags = [bits[0] - both, bits[1] - both, both]
    else:
        flags = list(bits)
    one = p.constant_ring(1, rows, RANK_BITS)
    zero_flag = one
    for flag in flags:
        zero_flag = zero_flag - flag
    offset = p.constant_ring(0, rows, RANK_BITS)
    places: list[Ring] = []
    for flag in [zero_flag, *flags]:
        upto = prefix_sum(flag)
        places.append(p.add_public(offset + upto, -1))
        offset = offset + last_row(upto)
    terms = [(flag, place - places[0]) for flag, place in zip(flags, places[1:], strict=True)]
    (chosen,) = p.dot([terms])
    return places[0] + chosen


def _order_from_numbers(p: SharingProtocol, numbers: Bits) -> Order:
    """The order in which row r is the row that `numbers` names secretly at r.

    A fresh shuffle makes the opened numbers a uniformly random permutation.
    """
    (shuffled,), handle = p.shuffle([numbers])
    opened = p.open([shuffled])
    source = None if opened is None else numbers_of(opened[0], numbers.rows)
    return Order((Placed(source), Shuffled(handle, backwards=True)))
