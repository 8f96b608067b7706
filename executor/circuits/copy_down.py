"""Copying values downwards to the rows behind them, in a constant number of rounds.

Copying is linear once the rows that give values stand one after the other: every row is the sum of
the differences between neighbours. Source: PROTOCOLS, sections 4.2 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits
from .partition import partition
from .rows import permute_rows, prefix_sum, prefix_xor, shift_down

S = TypeVar("S", Bits, Ring, Share)


def copy_down(p: SharingProtocol, flag: Bits, columns: Sequence[Share]) -> list[Share]:
    """Every row takes the columns of the last row at or before it whose flag is 1.

    Rows before the first flag become 0.

    1. Partition by the flag: the rows that give values come to the front, in order.
    2. Each takes the difference from its predecessor; all other rows take 0.
    3. Undo the partition, and add up from the top: XOR for planes, + for rings.

    Cost: one partition and one shuffle of the columns; 1 bit per row and plane, and for rings a
    flag's conversion and 64 bits each.
    """
    if not columns:
        return []
    parted = partition(p, flag, [flag, *columns])
    first = as_bits(parted.columns[0])
    steps = [_difference(column) for column in parted.columns[1:]]
    back = parted.order.undo(p, _masked(p, first, steps))
    return [prefix_xor(x) if isinstance(x, Bits) else prefix_sum(x) for x in back]


def reverse_rows(x: S) -> S:
    """The last row first. Local."""
    source = np.arange(x.rows - 1, -1, -1, dtype=np.intp) if x.parts else None
    return permute_rows(x, source)


def _difference(x: Share) -> Share:
    return x ^ shift_down(x) if isinstance(x, Bits) else x - shift_down(x)


def _masked(p: SharingProtocol, flag: Bits, columns: Sequence[Share]) -> list[Share]:
    """The columns where the flag is 1, else 0: planes and rings in the same round or two."""
    planes = [x for x in columns if isinstance(x, Bits)]
    rings = [x for x in columns if isinstance(x, Ring)]
    kept_planes = iter(p.and_([(x, flag) for x in planes]) if planes else [])
    kept_rings = iter(_products(p, flag, rings))
    return [next(kept_planes) if isinstance(x, Bits) else next(kept_rings) for x in columns]


def _products(p: SharingProtocol, flag: Bits, rings: Sequence[Ring]) -> list[Ring]:
    if not rings:
        return []
    (factor,) = p.flags_to_ring([flag], 64)
    return p.multiply([(x, factor) for x in rings])
