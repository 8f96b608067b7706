"""Who sends how many bytes to whom in `additive`: the one table that runs and prices share.

Party i holds x_i. Everything here is a function of public shapes alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...transport.channel import Kind
from ..messages import and_shape, plane_bytes, product_shape, share_bytes, sum_shape
from ..pack import row_bytes
from ..rounds import Round, make_round
from ..shares import Bits, Ring, Share

FLAG_ELEMENTS = 1.03
"""What one flag costs in the ring per peer, in ring elements: a transfer's correction, and c."""

MASK_ELEMENTS = 68.0
"""What a subtractor's triples cost per peer at least, in ring elements: more than any word's
flags."""

ROUND_WORTH = 1 << 11
"""What a round is worth between two in bytes of AND gates' planes, where no plan says it: 34 bytes
are sent for each of them, and hashed."""

Pairs = Sequence[tuple[Bits, Bits]]
Sums = Sequence[Sequence[tuple[Ring, Ring]]]


def held_components(parties: int) -> tuple[tuple[int, ...], ...]:
    """By party: the one component that it holds."""
    return tuple((party,) for party in range(parties))


def everybody(parties: int, kind: Kind, size: int) -> Round:
    """Every party to every other."""
    return make_round(
        kind, [(a, b, size) for a in range(parties) for b in range(parties) if a != b]
    )


def open_round(parties: int, shares: Sequence[Share]) -> Round:
    return everybody(parties, Kind.OPEN, sum(map(share_bytes, shares)))


def reveal_round(parties: int, shares: Sequence[Share], recipient: int) -> Round:
    size = sum(map(share_bytes, shares))
    senders = [party for party in range(parties) if party != recipient]
    return make_round(Kind.REVEAL, [(party, recipient, size) for party in senders])


def and_round(parties: int, pairs: Pairs) -> Round:
    """Both operands of every pair, masked."""
    size = 0
    for x, y in pairs:
        rows, width = and_shape(x, y)
        if width:
            size += plane_bytes(rows, x.width) + plane_bytes(rows, y.width)
    return everybody(parties, Kind.AND, size)


def product_round(parties: int, kind: Kind, sums: Sums) -> Round:
    """Both operands of every product, masked."""
    size = 0
    for pairs in sums:
        for x, y in pairs:
            rows, bits = product_shape(x, y)
            size += 2 * rows * bits // 8
    return everybody(parties, kind, size)


def flags_round(parties: int, flags: Sequence[Bits]) -> Round:
    if any(flag.width != 1 for flag in flags):
        raise ValueError("a flag has one plane")
    return everybody(parties, Kind.FLAG_TO_RING, sum(map(share_bytes, flags)))


def difference_round(parties: int, rows: int, bits: int, count: int) -> Round:
    """The masked words, to the last party alone."""
    size = count * plane_bytes(rows, bits)
    return make_round(Kind.WORD_TO_RING, [(p, parties - 1, size) for p in range(parties - 1)])


def moved_bytes(columns: Sequence[Share]) -> int:
    """Bytes of whole rows: packed bits, then ring columns."""
    width = sum(column.width for column in columns if isinstance(column, Bits))
    rings = sum(share_bytes(column) for column in columns if isinstance(column, Ring))
    return columns[0].rows * row_bytes(width) + rings


def move_round(parties: int, columns: Sequence[Share], mover: int) -> Round:
    """Masked rows from everybody to the party whose permutation is applied."""
    size = moved_bytes(columns)
    senders = [party for party in range(parties) if party != mover]
    return make_round(Kind.SHUFFLE, [(party, mover, size) for party in senders])


__all__ = [
    "and_round",
    "and_shape",
    "difference_round",
    "everybody",
    "flags_round",
    "held_components",
    "move_round",
    "moved_bytes",
    "open_round",
    "product_round",
    "reveal_round",
    "sum_shape",
]
