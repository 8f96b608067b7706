"""Between words of bit planes and rings.

Words to the ring go one of two ways, picked by public shapes: bit by bit, which takes two rounds
and sends a ring element's worth for every plane, or by subtracting a random mask that is known
both ways and converting the opened difference, which costs one subtractor whatever the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add as plus

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, as_ring
from .add import add_many, subtract_many
from .chunks import by_chunks

_WORTH_ROUNDS = 1 << 21
"""So many bits more are sent gladly to save the subtractor's rounds."""


def word_to_ring(p: SharingProtocol, xs: Sequence[Bits], bits: int = 64) -> list[Ring]:
    """Every unsigned word as a ring column of `bits` bits; planes above `bits` are dropped.

    Cost: narrow or short columns 2 rounds and about 4/3 `bits` bits per row and plane; others
    about 4 `bits` bits per row and log2(bits) + 3 rounds. Long columns go chunk by chunk.
    """
    if len({x.rows for x in xs}) == 1:
        return [as_ring(r) for r in by_chunks(p, xs, lambda part: _to_rings(p, part, bits))]
    return _to_rings(p, xs, bits)


def _to_rings(p: SharingProtocol, given: Sequence[Share], bits: int) -> list[Ring]:
    xs = [as_bits(x) for x in given]
    by_flag = [i for i, x in enumerate(xs) if _by_flag(p, x, bits)]
    by_mask = [i for i in range(len(xs)) if i not in set(by_flag)]
    results: dict[int, Ring] = {}
    results.update(zip(by_flag, _convert_flags(p, [xs[i] for i in by_flag], bits), strict=True))
    results.update(zip(by_mask, _convert_masked(p, [xs[i] for i in by_mask], bits), strict=True))
    return [results[i] for i in range(len(xs))]


def ring_to_word(p: SharingProtocol, xs: Sequence[Ring], width: int) -> list[Bits]:
    """Every ring column modulo 2^width as bit planes.

    Cost: an adder of `width` bits, and one round and width / 3 bits before it. Long columns go
    chunk by chunk.
    """
    if width == 0 or not any(x.rows for x in xs):
        return [p.constant_bits(0, width, x.rows) for x in xs]
    if any(x.bits < width for x in xs):
        raise ValueError(f"a narrower ring does not fill {width} planes")
    if len({x.rows for x in xs}) == 1:
        return [as_bits(r) for r in by_chunks(p, xs, lambda part: _to_words(p, part, width))]
    return _to_words(p, xs, width)


def _to_words(p: SharingProtocol, xs: Sequence[Share], width: int) -> list[Bits]:
    return add_many(p, p.ring_addends([as_ring(x) for x in xs], width), width=width)


def _by_flag(p: SharingProtocol, x: Bits, bits: int) -> bool:
    width = min(x.width, bits)
    extra = (width * p.flag_elements - p.mask_elements) * bits * x.rows
    return extra <= _WORTH_ROUNDS


def _convert_flags(p: SharingProtocol, xs: Sequence[Bits], bits: int) -> list[Ring]:
    flags = [x.planes(i, i + 1) for x in xs for i in range(min(x.width, bits))]
    rings = iter(p.flags_to_ring(flags, bits) if flags else [])
    return [
        reduce(
            plus,
            (_times(next(rings), 1 << i) for i in range(min(x.width, bits))),
            p.constant_ring(0, x.rows, bits),
        )
        for x in xs
    ]


def _times(x: Ring, factor: int) -> Ring:
    return x.map(lambda part: part * part.dtype.type(factor), rows=x.rows)


def _convert_masked(p: SharingProtocol, xs: Sequence[Bits], bits: int) -> list[Ring]:
    """Columns of equal length go together, in one run of the rounds for every length."""
    results: dict[int, Ring] = {}
    for rows in sorted({x.rows for x in xs}):
        places = [i for i, x in enumerate(xs) if x.rows == rows]
        masks, finish = p.ring_masks(rows, bits, len(places))
        pairs = [(xs[i], mask) for i, mask in zip(places, masks, strict=True)]
        results.update(zip(places, finish(subtract_many(p, pairs, width=bits)), strict=True))
    return [results[i] for i in range(len(xs))]
