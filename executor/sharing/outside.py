"""Owners and recipients beside the compute parties: how their columns enter, how results leave.

Setting: compute party i holds the components `held[i]` of every value; an outsider, whose position
follows those of the compute parties, holds none. Semi-honest: outsiders may pool what they see with
as many compute parties as the protocol bears, and learn nothing but their inputs and results.

Input: the owner draws a seed for every component but the last, which is the value less what the
seeds expand to. Each compute party gets the seeds, and the last component, of what it holds: 32
bytes for a seed, and the column's bits once for each holder of the last component. 1 round.

Reveal: every compute party sends one component under a fresh sharing of zero, so that the recipient
sees uniformly random components of its result. 1 round; the result's bits from each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..transport.channel import Buffer, Kind
from .messages import input_bytes, share_bytes
from .opening import clear_padding
from .protocol import Input
from .randomness import Purpose, Stream
from .rounds import Round, Rounds, make_round, split
from .shares import Bits, Ring, Share, words

SEED_BYTES = 32

Held = Sequence[tuple[int, ...]]
"""By compute party: which components of a value it holds. There are as many as parties."""


def outside_round(held: Held, inputs: Sequence[Input]) -> Round:
    """Every outside owner among those of `inputs` to every compute party."""
    sizes: dict[int, int] = {}
    for item in inputs:
        if item.owner >= len(held):
            sizes[item.owner] = sizes.get(item.owner, 0) + input_bytes(item)
    last = len(held) - 1
    messages = [
        (owner, party, sum(size if component == last else SEED_BYTES for component in components))
        for owner, size in sorted(sizes.items())
        for party, components in enumerate(held)
    ]
    return make_round(Kind.INPUT, messages)


def outside_reveal_round(parties: int, shares: Sequence[Share], recipient: int) -> Round:
    """Every compute party to the recipient."""
    size = sum(map(share_bytes, shares))
    return make_round(Kind.REVEAL, [(party, recipient, size) for party in range(parties)])


# At the outsider


def give_inputs(link: Rounds, held: Held, inputs: Sequence[Input]) -> None:
    """Sends this outsider's columns to the compute parties, as components."""
    own = [item for item in inputs if item.owner == link.party]
    if not own:
        return
    last = len(held) - 1
    seeds = [os.urandom(SEED_BYTES) for _ in range(last)]
    streams = [Stream(seed, Purpose.INPUT) for seed in seeds]
    rest: list[Buffer] = [_less_streams(item, streams) for item in own]
    outgoing: dict[int, list[Buffer]] = {}
    for party, components in enumerate(held):
        pieces = outgoing[party] = []
        for component in components:
            if component == last:
                pieces.extend(rest)
            else:
                pieces.append(np.frombuffer(seeds[component], np.uint8))
    link.exchange(outside_round(held, own), outgoing)


def take_reveal(link: Rounds, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]]:
    """What is revealed to this outsider: the sum of what all compute parties send."""
    received = link.exchange(outside_reveal_round(link.parties, shares, recipient), {})
    totals = [np.zeros(*_form(share.rows, share)) for share in shares]
    for payload in received.values():
        pieces = split(payload, [(total.shape, total.dtype) for total in totals])
        for share, total, piece in zip(shares, totals, pieces, strict=True):
            function = np.add if isinstance(share, Ring) else np.bitwise_xor
            function(total, piece, out=total)
    for share, total in zip(shares, totals, strict=True):
        if isinstance(share, Bits):
            clear_padding(total, share.rows)
    return totals


# At the compute parties


def with_outsiders(
    link: Rounds,
    held: Held,
    inputs: Sequence[Input],
    share_inside: Callable[[Sequence[Input]], list[Share]],
) -> list[Share]:
    """Shares of all inputs, in order: the compute parties' by `share_inside`, the others' taken."""
    parties = len(held)
    inside = iter(share_inside([item for item in inputs if item.owner < parties]))
    outside = [item for item in inputs if item.owner >= parties]
    taken = iter(_take_inputs(link, held, outside) if outside else ())
    return [next(inside if item.owner < parties else taken) for item in inputs]


def send_reveal(
    link: Rounds, shares: Sequence[Share], pieces: Sequence[NDArray[Any]], recipient: int
) -> None:
    """Sends one component of each share, as `pieces`, freshly masked, to an outsider."""
    round_ = outside_reveal_round(link.parties, shares, recipient)
    link.exchange(round_, {recipient: pieces})


def _take_inputs(link: Rounds, held: Held, inputs: Sequence[Input]) -> list[Share]:
    """This party's components of the outside owners' columns."""
    received = link.exchange(outside_round(held, inputs), {})
    taken = {}
    for owner in dict.fromkeys(item.owner for item in inputs):
        items = [item for item in inputs if item.owner == owner]
        parts = _expanded(items, received[owner], held[link.party], len(held) - 1)
        taken[owner] = iter(zip(*parts, strict=True))
    return [_share(item, next(taken[item.owner])) for item in inputs]


def _expanded(
    items: Sequence[Input], payload: NDArray[np.uint8], components: Sequence[int], last: int
) -> list[list[NDArray[Any]]]:
    """The arrays of each component that one owner's message tells, column by column."""
    forms = [_form(item.rows, item) for item in items]
    size = sum(map(input_bytes, items))
    found, offset = [], 0
    for component in components:
        if component == last:
            found.append(split(payload[offset : offset + size], forms))
            offset += size
        else:
            seed = payload[offset : offset + SEED_BYTES].tobytes()
            stream = Stream(seed, Purpose.INPUT)
            found.append([stream.draw(shape, dtype) for shape, dtype in forms])
            offset += SEED_BYTES
    return found


def _less_streams(item: Input, streams: Sequence[Stream]) -> NDArray[Any]:
    """The last component: the values less what every stream gives next."""
    shape, dtype = _form(item.rows, item)
    if item.values is None or item.values.shape != shape:
        raise ValueError("the owner of an input has its values, in the stated shape")
    rest = np.array(item.values, dtype=dtype, order="C")
    for stream in streams:
        (stream.subtract_from if item.bits else stream.xor_into)(rest)
    return rest


def _form(rows: int, item: Input | Share) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and element type of a column's components."""
    bits = 0 if isinstance(item, Bits) else item.bits
    if bits:
        return (rows,), np.dtype(f"uint{bits}")
    width = 0 if isinstance(item, Ring) else item.width
    return (width, words(rows)), np.dtype(np.uint64)


def _share(item: Input, parts: tuple[NDArray[Any], ...]) -> Share:
    if item.bits:
        return Ring(item.rows, item.bits, parts)
    return Bits(item.rows, item.width, parts)
