"""Products on replicated shares: bits (AND) and ring elements.

Setting: three parties, one of them may be curious. Party i holds (x_i, x_{i+1}), (y_i, y_{i+1}).
  1. z_i = x_i y_i + x_i y_{i+1} + x_{i+1} y_i + a_i, where a_0 + a_1 + a_2 = 0 is fresh.
  2. Send z_i to party i - 1; (z_i, z_{i+1}) is a sharing of x y.
One round; as many bits as the result has (Araki et al., CCS 2016, section 3). All products of a
call travel in one frame. The loops are blocked so that a block's operands stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .link import Link, split
from .messages import (
    and_round,
    and_shape,
    dot_round,
    multiply_round,
    product_shape,
    sum_shape,
    total_round,
)
from .rounds import Round
from .shares import Bits, Ring, Words, words

_BLOCK = 1 << 13
"""Elements per block: 64 KiB per operand."""


def and_planes(link: Link, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
    """x & y for every pair; a one-plane operand is broadcast."""
    round_ = and_round(pairs)
    shapes = [and_shape(x, y) for x, y in pairs]
    own = np.empty(sum(width * words(rows) for rows, width in shapes), dtype=np.uint64)
    if len(own) <= _BLOCK and all(x.width == y.width for x, y in pairs):
        _and_at_once(link, own, pairs)
    else:
        _and_one_by_one(link, own, pairs, shapes)
    if len(set(shapes)) == 1:
        rows, width = shapes[0]
        whole = ((len(pairs), width, words(rows)), np.uint64)
        ((mine, others),) = _reshare(link, round_, [own], [whole])
        return [Bits(rows, width, pair) for pair in zip(mine, others, strict=True)]
    pieces = [((width, words(rows)), np.uint64) for rows, width in shapes]
    parts = _reshare(link, round_, [own], pieces)
    return [Bits(*shape, pair) for shape, pair in zip(shapes, parts, strict=True)]


def _and_at_once(link: Link, own: Words, pairs: Sequence[tuple[Bits, Bits]]) -> None:
    """Fills `own` for operands of equal widths that go into one block together."""
    link.fill_zero_bits(own)
    if not len(own):
        return
    x = [np.concatenate([x.parts[side] for x, _ in pairs], axis=None) for side in (0, 1)]
    y = [np.concatenate([y.parts[side] for _, y in pairs], axis=None) for side in (0, 1)]
    _and_tile(own, (x[0], x[1]), (y[0], y[1]))


def _and_one_by_one(
    link: Link,
    own: Words,
    pairs: Sequence[tuple[Bits, Bits]],
    shapes: Sequence[tuple[int, int]],
) -> None:
    """Fills `own` tile by tile; what is masked is still in the cache."""
    masked = start = 0
    for (x, y), (rows, width) in zip(pairs, shapes, strict=True):
        target = own[start : start + width * words(rows)].reshape(width, words(rows))
        for planes, columns in _tiles(width, words(rows)):
            stop = start + planes.start * words(rows) + columns.stop
            stop += (planes.stop - planes.start - 1) * words(rows)
            if stop > masked:
                ahead = max(stop, min(masked + _BLOCK, len(own)))
                link.fill_zero_bits(own[masked:ahead])
                masked = ahead
            _and_tile(target[planes, columns], _tile(x, planes, columns), _tile(y, planes, columns))
        start += width * words(rows)


def multiply(link: Link, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
    """Row-wise products."""
    return _sums(link, multiply_round(pairs), [[pair] for pair in pairs])


def dot(link: Link, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
    """Row-wise sums of products; the sum is formed before the resharing."""
    return _sums(link, dot_round(sums), sums)


def total_product(link: Link, pairs: Sequence[tuple[Ring, Ring]]) -> list[Ring]:
    """Inner products over all rows, one row each."""
    round_ = total_round(pairs)
    shapes = [product_shape(x, y) for x, y in pairs]
    own = []
    for x, y in pairs:
        inner = np.empty(1, dtype=x.parts[0].dtype)
        link.fill_zero_ring(inner)
        inner += np.dot(x.parts[0], y.parts[0] + y.parts[1])
        inner += np.dot(x.parts[1], y.parts[0])
        own.append(inner)
    pieces = [((1,), f"uint{bits}") for _, bits in shapes]
    parts = _reshare(link, round_, own, pieces)
    return [Ring(1, bits, pair) for (_, bits), pair in zip(shapes, parts, strict=True)]


def _sums(link: Link, round_: Round, sums: Sequence[Sequence[tuple[Ring, Ring]]]) -> list[Ring]:
    shapes = [sum_shape(pairs) for pairs in sums]
    own = []
    for pairs, (rows, bits) in zip(sums, shapes, strict=True):
        target = np.empty(rows, dtype=f"uint{bits}")
        for start in range(0, rows, _BLOCK):
            block = slice(start, min(rows, start + _BLOCK))
            link.fill_zero_ring(target[block])
            for x, y in pairs:
                _add_products(target[block], x, y, block)
        own.append(target)
    pieces = [((rows,), f"uint{bits}") for rows, bits in shapes]
    parts = _reshare(link, round_, own, pieces)
    return [Ring(*shape, pair) for shape, pair in zip(shapes, parts, strict=True)]


def _reshare(
    link: Link,
    round_: Round,
    own: Sequence[NDArray[Any]],
    pieces: Sequence[tuple[tuple[int, ...], Any]],
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Sends this party's z_i on; pairs up the views of z_i and z_{i+1}, product by product."""
    received = link.exchange(round_, {link.previous: own})
    payload = received.get(link.next, np.empty(0, dtype=np.uint8))
    mine = own if len(own) != 1 else split(own[0].view(np.uint8), pieces)
    return zip(mine, split(payload, pieces), strict=True)


def _and_tile(target: Words, x: tuple[Words, Words], y: tuple[Words, Words]) -> None:
    """target ^= x_i (y_i ^ y_{i+1}) ^ x_{i+1} y_i."""
    product = x[0] & (y[0] ^ y[1])
    target ^= product
    target ^= np.bitwise_and(x[1], y[0], out=product if product.shape == target.shape else None)


def _add_products(target: NDArray[Any], x: Ring, y: Ring, block: slice) -> None:
    """target += x_i (y_i + y_{i+1}) + x_{i+1} y_i."""
    factor = y.parts[0][block] + y.parts[1][block]
    factor *= x.parts[0][block]
    target += factor
    np.multiply(x.parts[1][block], y.parts[0][block], out=factor)
    target += factor


def _tiles(width: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Cuts (width, columns) planes into contiguous tiles: some whole planes, or part of one."""
    if columns == 0:
        return
    together = max(1, _BLOCK // columns)
    step = columns if together > 1 else _BLOCK
    for plane in range(0, width, together):
        planes = slice(plane, min(width, plane + together))
        for start in range(0, columns, step):
            yield planes, slice(start, min(columns, start + step))


def _tile(x: Bits, planes: slice, columns: slice) -> tuple[Words, Words]:
    part, other = x.parts
    if x.width == 1:
        return part[:, columns], other[:, columns]
    return part[planes, columns], other[planes, columns]
