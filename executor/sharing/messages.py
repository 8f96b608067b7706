"""Who sends how many bytes to whom in `replicated`: the one table that runs and prices share.

Party i holds the components x_i and x_{i+1}. Everything here is a function of public shapes alone.
The protocol asks it what to send and what to expect; the counting protocol adds it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...query.errors import InternalError
from ..transport.channel import Kind
from .pack import row_bytes
from .protocol import Input
from .rounds import Round, make_round
from .shares import Bits, Ring, Share, words

PARTIES = 3

HELD = ((0, 1), (1, 2), (2, 0))
"""By party: the components that it holds, in the order of a share's parts."""

FLAG_ELEMENTS = 4 / 3
"""What one flag costs in the ring, in ring elements (a 64-bit ring, 85 bits)."""

MASK_ELEMENTS = 4.0
"""What mask, subtractor and opening cost, in ring elements."""


ROUND_WORTH = 1 << 17
"""What a round is worth in bytes of AND gates' planes where no plan says it."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The parties of a shuffle by the permutations that they know.

    `first` knows the first two that are applied, `middle` the first and the last, `last` the last
    two.
    """

    first: int
    middle: int
    last: int


FORWARD = Roles(0, 1, 2)
"""Applies the permutations of the pairs (0, 1), (2, 0), (1, 2)."""

BACKWARD = Roles(2, 1, 0)
"""Applies the inverses in the inverse order."""


def share_bytes(share: Share) -> int:
    """Bytes of one component."""
    if isinstance(share, Ring):
        return share.rows * share.bits // 8
    return plane_bytes(share.rows, share.width)


def plane_bytes(rows: int, width: int) -> int:
    """Bytes of `width` planes of `rows` rows."""
    return width * words(rows) * 8


def and_shape(x: Bits, y: Bits) -> tuple[int, int]:
    """Rows and width of x & y; a one-plane operand is broadcast over the other's planes."""
    if x.width == y.width and x.rows == y.rows:
        return x.rows, x.width
    width = 0 if 0 in (x.width, y.width) else max(x.width, y.width)
    if x.rows != y.rows or {x.width, y.width} - {1, width}:
        raise ValueError(f"{x!r} & {y!r}")
    return x.rows, width


def product_shape(x: Ring, y: Ring) -> tuple[int, int]:
    """Rows and ring bits of x * y."""
    if x.rows != y.rows or x.bits != y.bits:
        raise ValueError(f"{x!r} * {y!r}")
    return x.rows, x.bits


def sum_shape(pairs: Sequence[tuple[Ring, Ring]]) -> tuple[int, int]:
    """Rows and ring bits of a sum of products."""
    shapes = {product_shape(x, y) for x, y in pairs}
    if len(shapes) != 1:
        raise ValueError("a sum of products takes one or more pairs of one shape")
    return shapes.pop()


def and_round(pairs: Sequence[tuple[Bits, Bits]]) -> Round:
    return _reshared(Kind.AND, sum(plane_bytes(*and_shape(x, y)) for x, y in pairs))


def multiply_round(pairs: Sequence[tuple[Ring, Ring]]) -> Round:
    shapes = [product_shape(x, y) for x, y in pairs]
    return _reshared(Kind.MULTIPLY, sum(rows * bits // 8 for rows, bits in shapes))


def dot_round(sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> Round:
    shapes = [sum_shape(pairs) for pairs in sums]
    return _reshared(Kind.DOT, sum(rows * bits // 8 for rows, bits in shapes))


def total_round(pairs: Sequence[tuple[Ring, Ring]]) -> Round:
    shapes = [product_shape(x, y) for x, y in pairs]
    return _reshared(Kind.DOT, sum(bits // 8 for _, bits in shapes))


def input_bytes(item: Input) -> int:
    """Bytes of one component of an input column."""
    return item.rows * item.bits // 8 if item.bits else plane_bytes(item.rows, item.width)


def input_round(inputs: Sequence[Input]) -> Round:
    """Every owner to the next party."""
    sizes = [0] * PARTIES
    for item in inputs:
        sizes[item.owner] += input_bytes(item)
    return make_round(Kind.INPUT, [(owner, (owner + 1) % 3, sizes[owner]) for owner in range(3)])


def open_round(shares: Sequence[Share]) -> Round:
    """Every party to the next, the component that it lacks."""
    size = sum(share_bytes(share) for share in shares)
    return make_round(Kind.OPEN, [(party, (party + 1) % 3, size) for party in range(3)])


def reveal_round(shares: Sequence[Share], recipient: int) -> Round:
    """The party before the recipient sends the component that the recipient lacks."""
    size = sum(share_bytes(share) for share in shares)
    return make_round(Kind.REVEAL, [((recipient - 1) % 3, recipient, size)])


def flags_rounds(flags: Sequence[Bits], bits: int) -> tuple[Round, Round]:
    """Party 0's input to party 1; then parties 1 and 2 to each other."""
    if any(flag.width != 1 for flag in flags):
        raise ValueError("a flag has one plane")
    size = sum(flag.rows for flag in flags) * bits // 8
    return (
        make_round(Kind.FLAG_TO_RING, [(0, 1, size)]),
        make_round(Kind.FLAG_TO_RING, [(1, 2, size), (2, 1, size)]),
    )


def addends_round(xs: Sequence[Ring], width: int) -> Round:
    if any(width > x.bits for x in xs):
        raise ValueError(f"a ring has no {width} bits")
    return make_round(Kind.RING_TO_WORD, [(0, 1, sum(plane_bytes(x.rows, width) for x in xs))])


def masks_round(rows: int, bits: int, count: int) -> Round:
    return make_round(Kind.WORD_TO_RING, [(0, 1, count * plane_bytes(rows, bits))])


def finish_round(rows: int, bits: int, count: int) -> Round:
    size = count * plane_bytes(rows, bits)
    return make_round(Kind.WORD_TO_RING, [(1, 2, size), (2, 1, size)])


def shuffle_rounds(columns: Sequence[Share], roles: Roles) -> tuple[Round, Round]:
    """Packed rows from `middle` to `last` and from `first` to `middle`; then the resharing."""
    rows = relation_rows(columns)
    width = sum(column.width for column in columns if isinstance(column, Bits))
    rings = sum(share_bytes(column) for column in columns if isinstance(column, Ring))
    packed = row_set_bytes(columns)
    planes = plane_bytes(rows, width) + rings
    first, middle, last = roles.first, roles.middle, roles.last
    return (
        make_round(Kind.SHUFFLE, [(middle, last, packed), (first, middle, packed)]),
        make_round(Kind.RESHARE, [(middle, last, planes), (last, middle, planes)]),
    )


def row_set_bytes(columns: Sequence[Share]) -> int:
    """Bytes of a relation's packed rows."""
    width = sum(column.width for column in columns if isinstance(column, Bits))
    rings = sum(share_bytes(column) for column in columns if isinstance(column, Ring))
    return relation_rows(columns) * row_bytes(width) + rings


def relation_rows(columns: Sequence[Share]) -> int:
    """The row count that all columns of one relation have."""
    counts = {column.rows for column in columns}
    if len(counts) != 1:
        raise ValueError("a relation is one or more columns of equally many rows")
    return counts.pop()


def check_rows(columns: Sequence[Share], rows: int) -> None:
    if relation_rows(columns) != rows:
        raise ValueError("the columns do not have the rows that were shuffled")


def check_owner(owner: int, parties: int) -> None:
    if not 0 <= owner < parties:
        raise InternalError("only a compute party moves rows in an order of its own")


def check_constant(value: int, width: int) -> None:
    if not 0 <= value < 1 << width:
        raise ValueError(f"{width} bits do not hold the constant")


def check_differences(differences: Sequence[Bits], rows: int, bits: int, count: int) -> None:
    if [(d.rows, d.width) for d in differences] != [(rows, bits)] * count:
        raise ValueError("each mask serves for one difference of its shape")


def _reshared(kind: Kind, size: int) -> Round:
    """Every party to the one before it: how a product becomes a sharing again."""
    return make_round(kind, [(party, (party - 1) % 3, size) for party in range(3)])
