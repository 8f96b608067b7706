"""Adding up what the parties know: N addends become two, or one, by full adders on planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..pack import row_bytes, rows_to_planes
from ..shares import Bits, Ring, Words, stack, words


class Gates(Protocol):
    """What this file needs of a protocol."""

    party: int
    parties: int
    counts_only: bool

    def and_(self, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]: ...


Addends = list[Bits]


def two_addends(p: Gates, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
    """For every ring column two sharings whose sum mod 2^width is the column's.

    Two parties: local. Otherwise one AND per bit and 1 round for each full adder in a row.
    """
    reduced = _reduced(p, [_known(p, x, width, p.parties) for x in xs])
    return [(addends[0], addends[1]) for addends in reduced]


def add_planes(p: Gates, xs: Sequence[Ring], parties: int) -> list[Bits]:
    """The sums of the pieces of the first `parties` parties, as planes of the ring's width.

    One party's piece: local. Otherwise full adders, and one prefix adder of log2(width) rounds.
    """
    reduced = _reduced(p, [_known(p, x, x.bits, parties) for x in xs])
    if parties == 1:
        return [addends[0] for addends in reduced]
    return _sums(p, [(addends[0], addends[1]) for addends in reduced])


def _known(p: Gates, x: Ring, width: int, parties: int) -> Addends:
    """Every party's piece as a sharing of its bits, in which the others hold zeros. Local."""
    if p.counts_only:
        return [Bits(x.rows, width, ())] * parties
    own = _planes(x.parts[0], width)
    zero = np.zeros((width, words(x.rows)), np.uint64)
    return [Bits(x.rows, width, (own if party == p.party else zero,)) for party in range(parties)]


def _reduced(p: Gates, columns: list[Addends]) -> list[Addends]:
    """Full adders until two addends are left: a + b + c = (a ^ b ^ c) + 2 maj(a, b, c)."""
    while columns and len(columns[0]) > 2:
        triples = [
            tuple(addends[at : at + 3])
            for addends in columns
            for at in range(0, len(addends) // 3 * 3, 3)
        ]
        majorities = p.and_([(a ^ c, b ^ c) for a, b, c in triples])
        made = iter(
            (a ^ b ^ c, _doubled(m ^ c)) for (a, b, c), m in zip(triples, majorities, strict=True)
        )
        columns = [
            [part for _ in range(len(addends) // 3) for part in next(made)]
            + addends[len(addends) // 3 * 3 :]
            for addends in columns
        ]
    return columns


def _sums(p: Gates, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
    """x + y mod 2^width by a prefix adder (Kogge and Stone, 1973)."""
    width = pairs[0][0].width
    generate = p.and_(list(pairs))
    propagate = [x ^ y for x, y in pairs]
    half = list(propagate)
    step = 1
    while step < width:
        low = [_shifted(g, step) for g in generate]
        wanted = [(h, g) for h, g in zip(propagate, low, strict=True)]
        wanted += [(h, _shifted(h, step)) for h in propagate]
        made = p.and_(wanted)
        generate = [g ^ m for g, m in zip(generate, made, strict=False)]
        propagate = made[len(pairs) :]
        step *= 2
    return [h ^ _shifted(g, 1) for h, g in zip(half, generate, strict=True)]


def _doubled(x: Bits) -> Bits:
    return _shifted(x, 1)


def _shifted(x: Bits, by: int) -> Bits:
    """The value times 2^by mod 2^width. Local."""

    def shift(part: Words) -> Words:
        moved = np.zeros_like(part)
        moved[by:] = part[: len(part) - by]
        return moved

    return x.map(shift, rows=x.rows, width=x.width)


def _planes(vector: NDArray[Any], width: int) -> Words:
    data = np.ascontiguousarray(vector).view(np.uint8).reshape(len(vector), -1)
    return rows_to_planes(data[:, : row_bytes(width)], width)


__all__ = ["add_planes", "stack", "two_addends"]
