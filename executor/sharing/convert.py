"""Between bits and ring elements, on replicated shares.

Setting: three parties, one of them may be curious. Each conversion uses that two of the three
components are known to one party, party 0: it adds them up in clear and inputs the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .inputs import share_inputs
from .link import Link, split
from .messages import (
    addends_round,
    check_differences,
    finish_round,
    flags_rounds,
    masks_round,
)
from .opening import visible
from .pack import planes_to_rows, row_bytes, rows_to_planes
from .protocol import Input
from .randomness import Purpose
from .rounds import Round
from .shares import Bits, Ring, Words, as_bits, words

RingMasks = tuple[list[Bits], Callable[[Sequence[Bits]], list[Ring]]]
_Vector = NDArray[Any]


def flags_to_ring(link: Link, flags: Sequence[Bits], bits: int) -> list[Ring]:
    """One-plane shares b as 0/1 ring columns. 2 rounds; one ring element per row and party.

    Party 0 knows c = b_0 ^ b_1; parties 1 and 2 know d = b_2; b = c (1 - 2d) + d.
      1. Party 0 splits c = s + t: t from the stream with party 2; s = c - t is sent to party 1.
      2. Party 1 has u = s (1 - 2d), party 2 has v = t (1 - 2d) + d; b = u + v.
      3. Resharing: z_1 from the stream of (0, 1), z_0 from the stream of (2, 0); party 1 sends
         u - z_1 to party 2, party 2 sends v - z_0 to party 1; z_2 is the sum of both.
    Every message is masked by a stream that its receiver does not hold.
    """
    split_round, reshare_round = flags_rounds(flags, bits)
    dtype = np.dtype(f"uint{bits}")
    if link.party == 0:
        known = _flag_values(flags, lambda parts: parts[0] ^ parts[1])
        pair = _flags_at_0(link, known, split_round, reshare_round, dtype)
    else:
        known = _flag_values(flags, lambda parts: parts[2 - link.party])
        pair = _flags_at_1_or_2(link, known, split_round, reshare_round, dtype)
    pieces = [((flag.rows,), dtype) for flag in flags]
    columns = zip(*(split(part.view(np.uint8), pieces) for part in pair), strict=True)
    return [Ring(f.rows, bits, column) for f, column in zip(flags, columns, strict=True)]


def ring_addends(link: Link, xs: Sequence[Ring], width: int) -> list[tuple[Bits, Bits]]:
    """Two Boolean sharings per input, whose sum is the input. 1 round; `width` bits from party 0.

    Party 0 inputs x_0 + x_1 as bits; x_2 is known to parties 1 and 2, so it is a sharing already.
    """
    round_ = addends_round(xs, width)
    values = [_planes(x.parts[0] + x.parts[1], width) if link.party == 0 else None for x in xs]
    sums = _input_by_0(link, round_, [x.rows for x in xs], width, values)
    return [(total, _third(link, x, width)) for total, x in zip(sums, xs, strict=True)]


def ring_masks(link: Link, rows: int, bits: int, count: int) -> RingMasks:
    """Random masks s = x_0 + x_1 as bits, and the function that turns d = x - s into x.

      1. x_0 comes from the stream of (2, 0), x_1 from the stream of (0, 1); party 0 inputs their
         sum as bits (1 round, `bits` bits per row from party 0).
      2. `finish` opens d to parties 1 and 2 alone, as x_2 (1 round, `bits` bits per row from each).
    A mask serves once: a second call of `finish` raises.
    """
    dtype = np.dtype(f"uint{bits}")
    peers = {0: (2, 1), 1: (0,), 2: (0,)}[link.party]
    known = [
        [link.stream(peer, Purpose.RANDOM).draw(rows, dtype) for peer in peers]
        for _ in range(count)
    ]
    values = [_planes(sum_[0] + sum_[1], bits) if link.party == 0 else None for sum_ in known]
    masks = _input_by_0(link, masks_round(rows, bits, count), [rows] * count, bits, values)

    def finish(differences: Sequence[Bits]) -> list[Ring]:
        check_differences(differences, rows, bits, count)
        if len(known) != count:
            raise ValueError("a mask serves once")
        third = _open_to_1_and_2(link, differences, finish_round(rows, bits, count))
        pairs = _with_third(link, known, third)
        known.clear()
        return [Ring(rows, bits, pair) for pair in pairs]

    return masks, finish


def _flags_at_0(
    link: Link, known: NDArray[np.uint8], first: Round, second: Round, dtype: np.dtype[Any]
) -> tuple[_Vector, _Vector]:
    """Party 0's steps: it sends c - t, and draws z_0 and z_1."""
    share = known.astype(dtype)
    link.stream(2, Purpose.INPUT).subtract_from(share)
    link.exchange(first, {1: [share]})
    link.exchange(second, {})
    zero = link.stream(2, Purpose.RESHARE).draw(len(known), dtype)
    one = link.stream(1, Purpose.RESHARE).draw(len(known), dtype)
    return zero, one


def _flags_at_1_or_2(
    link: Link, known: NDArray[np.uint8], first: Round, second: Round, dtype: np.dtype[Any]
) -> tuple[_Vector, _Vector]:
    """The steps of the parties that know d; each masks its addend for the other."""
    if link.party == 1:
        received = link.exchange(first, {})
        addend = received.get(0, np.empty(0, dtype=np.uint8)).view(dtype)
    else:
        link.exchange(first, {})
        addend = link.stream(0, Purpose.INPUT).draw(len(known), dtype)
    negative = dtype.type(0) - known.astype(dtype)
    addend ^= negative
    addend -= negative  # -a is (a ^ -1) + 1
    if link.party == 2:
        addend -= negative
    mask = link.stream(0, Purpose.RESHARE).draw(len(known), dtype)
    addend -= mask
    peer = 3 - link.party
    received = link.exchange(second, {peer: [addend]})
    two = received.get(peer, np.empty(0, dtype=np.uint8)).view(dtype)
    two += addend
    return (mask, two) if link.party == 1 else (two, mask)


def _flag_values(
    flags: Sequence[Bits], known: Callable[[tuple[Words, ...]], Words]
) -> NDArray[np.uint8]:
    """What this party knows of the flags, one byte per row, all flags in one vector."""
    values = [np.empty(0, dtype=np.uint8)]
    for flag in flags:
        plane = np.ascontiguousarray(known(flag.parts)[0])
        values.append(np.unpackbits(plane.view(np.uint8), count=flag.rows, bitorder="little"))
    return np.concatenate(values)


def _input_by_0(
    link: Link, round_: Round, rows: Sequence[int], width: int, values: Sequence[Words | None]
) -> list[Bits]:
    items = [
        Input(owner=0, rows=count, width=width, values=planes)
        for count, planes in zip(rows, values, strict=True)
    ]
    return [as_bits(share) for share in share_inputs(link, round_, items)]


def _third(link: Link, x: Ring, width: int) -> Bits:
    """The component x_2, known to parties 1 and 2, as a sharing of its bits."""
    zero = np.zeros((width, words(x.rows)), dtype=np.uint64)
    if link.party == 0:
        return Bits(x.rows, width, (zero, zero))
    third = _planes(x.parts[2 - link.party], width)
    parts = (zero, third) if link.party == 1 else (third, zero)
    return Bits(x.rows, width, parts)


def _open_to_1_and_2(
    link: Link, differences: Sequence[Bits], round_: Round
) -> Sequence[_Vector | None]:
    """Parties 1 and 2 send each other the component that the other lacks."""
    if link.party == 0:
        link.exchange(round_, {})
        return [None] * len(differences)
    own = [visible(d, d.parts[link.party - 1]) for d in differences]
    peer = 3 - link.party
    received = link.exchange(round_, {peer: own}).get(peer, np.empty(0, dtype=np.uint8))
    opened = split(received, [(d.parts[0].shape, np.uint64) for d in differences])
    vectors = []
    for missing, d in zip(opened, differences, strict=True):
        planes = missing ^ d.parts[0] ^ d.parts[1]
        vectors.append(planes_to_rows(planes, d.rows).view(f"uint{d.width}").reshape(d.rows))
    return vectors


def _with_third(
    link: Link, known: Sequence[Sequence[_Vector]], third: Sequence[_Vector | None]
) -> list[tuple[_Vector, ...]]:
    """This party's components in order: (x_0, x_1), (x_1, x_2) or (x_2, x_0)."""
    pairs: list[tuple[_Vector, ...]] = []
    for own, opened in zip(known, third, strict=True):
        if opened is None:
            pairs.append((own[0], own[1]))
        else:
            pairs.append((own[0], opened) if link.party == 1 else (opened, own[0]))
    return pairs


def _planes(vector: _Vector, width: int) -> Words:
    """The low bits of a vector as planes; bits past the last row are 0."""
    data = np.ascontiguousarray(vector).view(np.uint8).reshape(len(vector), -1)
    return rows_to_planes(data[:, : row_bytes(width)], width)
