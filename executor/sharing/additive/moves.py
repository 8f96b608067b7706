"""Permutations that one party knows, applied to rows that nobody knows.

Setting: the mover P knows a permutation; every other party Q holds a piece v of the rows. Ahead of
time, P and Q make a correlation: Q random rows `entering` and `leaving`, P rows `offset` with
offset + leaving = permuted(entering) (+ is XOR for bits). Then
  1. Q sends v - entering to P, which is uniform; Q's new piece is `leaving`.
  2. P adds permuted(v - entering) + offset to its own permuted piece.
The correlation comes from a Benes network whose switches P sets (Mohassel and Sadeghian, EUROCRYPT
2013): Q's rows go through it as shares; per switch with partners (x, y), one transfer with P's
choice gives shares of choice (y - x), which is added to x and taken from y. Q's side of the whole
network needs nothing from P, so that all corrections of a batch of layers travel at once.
Cost: online 1 round and the rows; ahead (2 log n - 1) n/2 transfers with messages of a row, in
batches of layers of 2 rounds each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Kind
from ..messages import relation_rows
from ..ot.extension import extension_bytes
from ..ot.transfers import Received, Sent, Transfers
from ..pack import planes_to_rows, row_bytes, rows_to_planes
from ..randomness import Stream
from ..rounds import Round, Rounds, make_round
from ..shares import Bits, Ring, Share, Words
from .networks import Flags, Order, padded_rows, route, strides

Arrays = list[NDArray[Any]]
"""Rows in the form in which they move: packed bits, shape (n, bytes), then ring vectors."""

BATCH_TRANSFERS = 1 << 20


@dataclass(frozen=True, slots=True)
class RowShape:
    """What one row holds: bits, and ring elements by their size."""

    rows: int
    width: int
    rings: tuple[int, ...]

    @staticmethod
    def of(columns: Sequence[Share]) -> RowShape:
        return RowShape(
            rows=relation_rows(columns),
            width=sum(c.width for c in columns if isinstance(c, Bits)),
            rings=tuple(c.bits for c in columns if isinstance(c, Ring)),
        )

    @property
    def row_bytes(self) -> int:
        return row_bytes(self.width) + sum(self.rings) // 8

    def layers(self) -> list[list[int]]:
        """The network's layers in batches; a layer is its stride."""
        every = strides(self.rows)
        switches = padded_rows(self.rows) // 2
        step = max(1, BATCH_TRANSFERS // max(64 * _words(switches), 1))
        return [every[start : start + step] for start in range(0, len(every), step)]


@dataclass(slots=True)
class Mover:
    """P's end of one correlation per peer: offsets by peer."""

    source: Order
    offsets: dict[int, Arrays]


@dataclass(slots=True)
class Holder:
    """Q's end."""

    entering: Arrays
    leaving: Arrays


def make_moves(
    link: Rounds, transfers: Transfers, own: Stream, shape: RowShape, source: Order
) -> tuple[Mover, dict[int, Holder]]:
    """One correlation for every ordered pair of parties; `source` is this party's permutation."""
    rows = padded_rows(shape.rows)
    crossed = route(source)
    offsets = {peer: _empty(shape, rows) for peer in link.peers}
    entering = {peer: _random(own, shape, rows) for peer in link.peers}
    passing = {peer: [array.copy() for array in arrays] for peer, arrays in entering.items()}
    done = 0
    for strides_ in shape.layers():
        batch = _Layers(shape, strides_, crossed[done : done + len(strides_)])
        done += len(strides_)
        choices = batch.choices()
        made = transfers.extend(
            dict.fromkeys(link.peers, choices), dict.fromkeys(link.peers, len(choices))
        )
        outgoing = {peer: [batch.hold(made.sent[peer], passing[peer])] for peer in link.peers}
        received = link.exchange(move_rounds(link.parties, shape, len(strides_))[1], outgoing)
        for peer in link.peers:
            batch.steer(made.received[peer], received[peer], offsets[peer])
    mover = Mover(source, {peer: _first(arrays, shape.rows) for peer, arrays in offsets.items()})
    holders = {
        peer: Holder(_first(entering[peer], shape.rows), _first(passing[peer], shape.rows))
        for peer in link.peers
    }
    return mover, holders


def make_owner_moves(
    link: Rounds,
    transfers: Transfers,
    own: Stream,
    shape: RowShape,
    *,
    owner: int,
    source: Order | None,
) -> tuple[Mover | None, Holder | None]:
    """The correlations of every other party with `owner`, who alone knows `source`."""
    rows = padded_rows(shape.rows)
    if source is not None:
        return _make_mover(link, transfers, shape, source), None
    entering = _random(own, shape, rows)
    passing = [array.copy() for array in entering]
    for strides_ in shape.layers():
        batch = _Layers(shape, strides_, ())
        made = transfers.extend({}, {owner: _words(batch.switches) * len(strides_)})
        outgoing = {owner: [batch.hold(made.sent[owner], passing)]}
        link.exchange(owner_rounds(link.parties, shape, len(strides_), owner)[1], outgoing)
    return None, Holder(_first(entering, shape.rows), _first(passing, shape.rows))


def _make_mover(link: Rounds, transfers: Transfers, shape: RowShape, source: Order) -> Mover:
    crossed = route(source)
    offsets = {peer: _empty(shape, padded_rows(shape.rows)) for peer in link.peers}
    done = 0
    for strides_ in shape.layers():
        batch = _Layers(shape, strides_, crossed[done : done + len(strides_)])
        done += len(strides_)
        made = transfers.extend(dict.fromkeys(link.peers, batch.choices()), {})
        round_ = owner_rounds(link.parties, shape, len(strides_), link.party)[1]
        received = link.exchange(round_, {})
        for peer in link.peers:
            batch.steer(made.received[peer], received[peer], offsets[peer])
    return Mover(source, {peer: _first(arrays, shape.rows) for peer, arrays in offsets.items()})


@dataclass(frozen=True, slots=True)
class _Layers:
    """A batch of layers: this party is mover towards every peer, and holder for every peer."""

    shape: RowShape
    strides: Sequence[int]
    crossed: Sequence[Flags]

    @property
    def switches(self) -> int:
        return padded_rows(self.shape.rows) // 2

    def choices(self) -> Words:
        planes = [_plane(flags) for flags in self.crossed]
        return np.concatenate(planes) if planes else np.empty(0, np.uint64)

    def hold(self, sent: Sent, rows: Arrays) -> NDArray[np.uint8]:
        """Q's side: its rows move on; returns the corrections."""
        zeros, ones = sent.both(self.shape.row_bytes)
        corrections = [np.empty(0, np.uint8)]
        for layer, stride in enumerate(self.strides):
            part = self._part(layer)
            zero, one = _cut(zeros[part], self.shape), _cut(ones[part], self.shape)
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
            corrections.append(_joined(pieces))
        return np.concatenate(corrections)

    def steer(self, received: Received, corrections: NDArray[np.uint8], rows: Arrays) -> None:
        """P's side: its rows move as its switches say, plus what it received."""
        chosen = received.chosen(self.shape.row_bytes)
        step = self.switches * self.shape.row_bytes
        for layer, (stride, flags) in enumerate(zip(self.strides, self.crossed, strict=True)):
            payload = corrections[layer * step : (layer + 1) * step]
            given = _separated(payload, self.shape, self.switches)
            messages = _cut(chosen[self._part(layer)], self.shape)
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
        """A layer's transfers; its last word is padded with transfers that nobody uses."""
        start = layer * 64 * _words(self.switches)
        return slice(start, start + self.switches)


def move_rounds(parties: int, shape: RowShape, layers: int) -> tuple[Round, Round]:
    """The two rounds of a batch of `layers` layers, where every party is a mover."""
    pairs = [(a, b) for a in range(parties) for b in range(parties) if a != b]
    return _batch_rounds(pairs, shape, layers)


def owner_rounds(parties: int, shape: RowShape, layers: int, owner: int) -> tuple[Round, Round]:
    """The same where one party is the mover: it chooses, the others correct."""
    others = [party for party in range(parties) if party != owner]
    choosing, _ = _batch_rounds([(owner, other) for other in others], shape, layers)
    _, correcting = _batch_rounds([(other, owner) for other in others], shape, layers)
    return choosing, correcting


def _batch_rounds(
    pairs: Sequence[tuple[int, int]], shape: RowShape, layers: int
) -> tuple[Round, Round]:
    switches = padded_rows(shape.rows) // 2
    size = extension_bytes(64 * _words(switches) * layers)
    row = layers * switches * shape.row_bytes
    return (
        make_round(Kind.OT_EXTEND, [(a, b, size) for a, b in pairs]),
        make_round(Kind.OT_CORRECT, [(a, b, row) for a, b in pairs]),
    )


def rows_of(columns: Sequence[Share]) -> Arrays:
    """This party's piece of a relation, as rows that move."""
    planes = [c.parts[0] for c in columns if isinstance(c, Bits)]
    width = sum(len(p) for p in planes)
    rows = relation_rows(columns)
    packed = (
        planes_to_rows(np.concatenate(planes), rows) if width else np.empty((rows, 0), np.uint8)
    )
    return [packed, *(c.parts[0] for c in columns if isinstance(c, Ring))]


def rows_without_bytes(columns: Sequence[Share]) -> Arrays:
    """Rows of no bits, or no rows."""
    return _empty(RowShape.of(columns), relation_rows(columns))


def columns_of(columns: Sequence[Share], arrays: Arrays) -> list[Share]:
    """Rows that moved, as columns of the given shapes."""
    width = sum(c.width for c in columns if isinstance(c, Bits))
    planes = rows_to_planes(arrays[0], width)
    rings = iter(arrays[1:])
    made: list[Share] = []
    position = 0
    for column in columns:
        if isinstance(column, Bits):
            part = planes[position : position + column.width]
            made.append(Bits(column.rows, column.width, (part,)))
            position += column.width
        else:
            made.append(Ring(column.rows, column.bits, (next(rings),)))
    return made


def combine(one: Arrays, other: Arrays) -> Arrays:
    """Piece by piece: XOR of bytes, sum of ring elements."""
    return [a ^ b if a.dtype == np.uint8 else a + b for a, b in zip(one, other, strict=True)]


def difference(one: Arrays, other: Arrays) -> Arrays:
    return [a ^ b if a.dtype == np.uint8 else a - b for a, b in zip(one, other, strict=True)]


def separated(payload: NDArray[np.uint8], shape: RowShape) -> Arrays:
    """A frame of whole rows as arrays."""
    return list(_separated(payload, shape, shape.rows))


def _empty(shape: RowShape, rows: int) -> Arrays:
    packed = np.zeros((rows, row_bytes(shape.width)), np.uint8)
    return [packed, *(np.zeros(rows, f"uint{bits}") for bits in shape.rings)]


def _random(own: Stream, shape: RowShape, rows: int) -> Arrays:
    arrays = _empty(shape, rows)
    for array in arrays:
        own.fill(array)
    return arrays


def _first(arrays: Arrays, rows: int) -> Arrays:
    return [array[:rows] for array in arrays]


def _cut(messages: NDArray[np.uint8], shape: RowShape) -> Iterator[NDArray[Any]]:
    """Hash outputs as the arrays of a row."""
    start = row_bytes(shape.width)
    yield messages[:, :start]
    for bits in shape.rings:
        stop = start + bits // 8
        yield np.ascontiguousarray(messages[:, start:stop]).reshape(-1).view(f"uint{bits}")
        start = stop


def _separated(payload: NDArray[np.uint8], shape: RowShape, rows: int) -> Iterator[NDArray[Any]]:
    """Arrays that travel back to back."""
    start = rows * row_bytes(shape.width)
    yield payload[:start].reshape(rows, row_bytes(shape.width))
    for bits in shape.rings:
        stop = start + rows * bits // 8
        piece = payload[start:stop]
        yield (piece if piece.ctypes.data % 8 == 0 else piece.copy()).view(f"uint{bits}")
        start = stop


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


def _joined(arrays: Arrays) -> NDArray[np.uint8]:
    return np.concatenate([np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays])


def _plane(flags: Flags) -> Words:
    """A layer's switches as one plane, padded with zeros to whole words."""
    packed = np.zeros(_words(len(flags)) * 8, np.uint8)
    own = np.packbits(flags, bitorder="little")
    packed[: len(own)] = own
    return packed.view(np.uint64)


def _words(count: int) -> int:
    return -(-count // 64)
