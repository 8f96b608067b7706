"""Rows on their way through a network whose switches one party sets, as pieces of two.

The holder's rows enter as they are, the mover's piece as zeros. Per switch with partners (x, y),
one transfer with the mover's choice gives shares of choice (y - x), which is added to x and taken
from y. The holder's side of the whole network needs nothing from the mover, so that all corrections
of a batch of layers travel at once: 2 rounds a batch, (2 log n - 1) n/2 transfers of a row in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Kind
from ..ot.extension import extension_bytes
from ..ot.transfers import Received, Sent, Transfers
from ..randomness import Stream
from ..rounds import Round, Rounds, make_round
from ..shares import Words
from .networks import Flags, Order, padded_rows, route, strides
from .row_shapes import Arrays, RowShape, cut, joined, random_rows, resized, separated_rows, zeros

BATCH_TRANSFERS = 1 << 20

NOTHING = np.empty(0, np.uint8)


@dataclass(slots=True)
class Passing:
    """This party's piece of rows that pass, by peer: where it moves them, and where it holds them.

    At every stage the mover's and the holder's piece add up to the rows that entered, moved so far.
    """

    moved: dict[int, Arrays]
    held: dict[int, Arrays]

    def resized(self, rows: int) -> Passing:
        """Cut, or padded with rows of zeros."""
        moved = {peer: resized(arrays, rows) for peer, arrays in self.moved.items()}
        held = {peer: resized(arrays, rows) for peer, arrays in self.held.items()}
        return Passing(moved, held)


def pairs_that_move(parties: int, owner: int | None) -> list[tuple[int, int]]:
    """Mover and holder: every ordered pair, or those of one mover."""
    movers = range(parties) if owner is None else (owner,)
    return [(mover, peer) for mover in movers for peer in range(parties) if peer != mover]


def enter(link: Rounds, own: Stream, shape: RowShape, owner: int | None) -> Passing:
    """Random rows of the holders. Local."""
    pairs = pairs_that_move(link.parties, owner)
    return Passing(
        {peer: zeros(shape, shape.rows) for mover, peer in pairs if mover == link.party},
        {mover: random_rows(own, shape, shape.rows) for mover, peer in pairs if peer == link.party},
    )


def pass_network(
    link: Rounds,
    transfers: Transfers,
    shape: RowShape,
    source: Order | None,
    passing: Passing,
    *,
    owner: int | None,
) -> Passing:
    """Row r becomes row source[r]; `source` is a permutation of the shape's rows, at movers."""
    network = passing.resized(padded_rows(shape.rows))
    crossed = None if source is None else route(source)
    done = 0
    for stage in layers(shape):
        flags = None if crossed is None else crossed[done : done + len(stage)]
        done += len(stage)
        batch = _Layers(shape, stage, flags)
        choices = dict.fromkeys(network.moved, batch.choices())
        made = transfers.extend(choices, dict.fromkeys(network.held, batch.words))
        corrections = {
            mover: [batch.hold(made.sent[mover], rows)] for mover, rows in network.held.items()
        }
        round_ = network_rounds(link.parties, shape, len(stage), owner)[1]
        received = link.exchange(round_, corrections)
        for peer, rows in network.moved.items():
            batch.steer(made.received[peer], received.get(peer, NOTHING), rows)
    return network.resized(shape.rows)


def layers(shape: RowShape) -> list[list[int]]:
    """The network's layers in batches; a layer is its stride."""
    every = strides(shape.rows)
    switches = padded_rows(shape.rows) // 2
    step = max(1, BATCH_TRANSFERS // max(64 * transfer_words(switches), 1))
    return [every[start : start + step] for start in range(0, len(every), step)]


def network_rounds(
    parties: int, shape: RowShape, layers: int, owner: int | None = None
) -> tuple[Round, Round]:
    """The two rounds of a batch of so many layers; of all parties' networks, or one's alone."""
    switches = padded_rows(shape.rows) // 2
    pairs = pairs_that_move(parties, owner)
    size = extension_bytes(64 * transfer_words(switches) * layers)
    row = layers * switches * shape.row_bytes
    return (
        make_round(Kind.OT_EXTEND, [(mover, holder, size) for mover, holder in pairs]),
        make_round(Kind.OT_CORRECT, [(holder, mover, row) for mover, holder in pairs]),
    )


def transfer_words(count: int) -> int:
    """Words of choices for so many transfers; the last is padded with some that nobody uses."""
    return -(-count // 64)


def choice_plane(flags: Flags) -> Words:
    """Choices as one plane, padded with zeros to whole words."""
    packed = np.zeros(transfer_words(len(flags)) * 8, np.uint8)
    own = np.packbits(flags, bitorder="little")
    packed[: len(own)] = own
    return packed.view(np.uint64)


@dataclass(frozen=True, slots=True)
class _Layers:
    """A batch of layers; `crossed` at their mover."""

    shape: RowShape
    strides: Sequence[int]
    crossed: Sequence[Flags] | None

    @property
    def switches(self) -> int:
        return padded_rows(self.shape.rows) // 2

    @property
    def words(self) -> int:
        return len(self.strides) * transfer_words(self.switches)

    def choices(self) -> Words:
        return np.concatenate([np.empty(0, np.uint64), *map(choice_plane, self.crossed or ())])

    def hold(self, sent: Sent, rows: Arrays) -> NDArray[np.uint8]:
        """Q's side: its rows move on; returns the corrections."""
        zeros, ones = sent.both(self.shape.row_bytes)
        corrections = [np.empty(0, np.uint8)]
        for layer, stride in enumerate(self.strides):
            part = self._part(layer)
            zero, one = cut(zeros[part], self.shape), cut(ones[part], self.shape)
            pieces = []
            for array, message, other in zip(rows, zero, one, strict=True):
                lower, upper = _partners(array, stride)
                m_0, m_1 = _as_switches(message, lower), _as_switches(other, lower)
                if array.ndim == 2:
                    pieces.append(lower ^ upper ^ m_0 ^ m_1)
                    lower ^= m_0
                    upper ^= m_0
                else:
                    pieces.append(upper - lower + m_0 - m_1)
                    lower -= m_0
                    upper += m_0
            corrections.append(joined(pieces))
        return np.concatenate(corrections)

    def steer(self, received: Received, corrections: NDArray[np.uint8], rows: Arrays) -> None:
        """P's side: its rows move as its switches say, plus what it received."""
        chosen = received.chosen(self.shape.row_bytes)
        step = self.switches * self.shape.row_bytes
        for layer, (stride, flags) in enumerate(zip(self.strides, self.crossed or (), strict=True)):
            payload = corrections[layer * step : (layer + 1) * step]
            given = separated_rows(payload, self.shape, self.switches)
            messages = cut(chosen[self._part(layer)], self.shape)
            for array, message, extra in zip(rows, messages, given, strict=True):
                lower, upper = _partners(array, stride)
                own, correction = _as_switches(message, lower), _as_switches(extra, lower)
                crossed = flags.astype(lower.dtype).reshape(
                    *lower.shape[:2], *(1,) * (lower.ndim - 2)
                )
                if array.ndim == 2:
                    moved = lower ^ upper ^ correction
                    moved &= np.negative(crossed)
                    moved ^= own
                    lower ^= moved
                    upper ^= moved
                else:
                    moved = upper - lower + correction
                    moved *= crossed
                    moved += own
                    lower += moved
                    upper -= moved

    def _part(self, layer: int) -> slice:
        start = layer * 64 * transfer_words(self.switches)
        return slice(start, start + self.switches)


def _partners(array: NDArray[Any], stride: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lower and the upper rows of a layer's switches, as views of shape (blocks, stride, ...).

    Packed bits come in words as wide as a row allows.
    """
    wide = _widened(array)
    pairs = wide.reshape(len(wide) // (2 * stride), 2, stride, *wide.shape[1:])
    return pairs[:, 0], pairs[:, 1]


def _as_switches(values: NDArray[Any], partners: NDArray[Any]) -> NDArray[Any]:
    """One value for each switch of a layer, in the shape of its partners."""
    return _widened(values).reshape(partners.shape)


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 1:
        return array
    size = next(size for size in (8, 4, 2, 1) if array.shape[1] % size == 0)
    return array.view(f"uint{8 * size}")
