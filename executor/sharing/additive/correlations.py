"""What preprocessing makes: random values with a secret relation, each good for one gate.

Setting: N parties, N-1 of which may pool their views; semi-honest. Party i's piece of a value v is
v_i, and v is their sum (XOR for bits). Products of different parties' pieces come from transfers
between the two (Gilboa, CRYPTO 1999; for bits, Asharov et al., CCS 2013): receiver with choice c,
sender with messages m_0, m_1 and correlation s: the sender sends d = s - m_1 + m_0, the receiver
takes m_c + c d, the sender -m_0: together c s.
Between two parties the sender of a bit correlation may take s = m_0 ^ m_1, which needs no d.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transport.channel import Kind
from ..ot.extension import extension_bytes
from ..ot.transfers import Batch, Transfers
from ..pack import row_bytes, rows_to_planes
from ..randomness import Stream
from ..rounds import Round, Rounds, make_round
from ..shares import Words

Vector = NDArray[Any]


@dataclass(slots=True)
class Triple:
    """a & b = c: `a` one plane or as many as `b`, in flat words; or ring vectors with a b = c."""

    a: Vector
    b: Vector
    c: Vector


@dataclass(slots=True)
class DoubleBits:
    """One random bit, as planes (flat words) and as a 0/1 ring vector."""

    plane: Words
    ring: Vector


class Maker:
    """Makes correlations at one party, all parties in lockstep."""

    def __init__(self, link: Rounds, transfers: Transfers, own: Stream) -> None:
        self._link = link
        self._transfers = transfers
        self._own = own

    def bit_triples(self, count: int) -> Triple:
        """`count` words of triples for single AND gates. See `triple_rounds` with width 1."""
        made = self.wide_triples(count, 1)
        return Triple(made.a, made.b.reshape(-1), made.c.reshape(-1))

    def wide_triples(self, count: int, width: int) -> Triple:
        """A bit a for 64 `count` rows, planes b, shape (width, count), and c = a & b.

        One transfer per row and pair, whatever the width.
        """
        link = self._link
        a = self._own.draw(count, np.uint64)
        batch = self._transfers.extend(dict.fromkeys(link.peers, a), self._counts(count))
        messages = {p: self._both_planes(batch, p, width) for p in link.peers}
        if link.parties == 2:
            (peer,) = link.peers
            zero, one = messages[peer]
            b = zero ^ one
            c = (a & b) ^ zero ^ self._chosen_planes(batch, peer, width)
            return Triple(a, b, c)
        b = self._own.draw((width, count), np.uint64)
        round_ = triple_rounds(link.parties, count, width)[1]
        outgoing = {p: [b ^ zero ^ one] for p, (zero, one) in messages.items()}
        received = link.exchange(round_, outgoing)
        c = a & b
        for peer in link.peers:
            difference = received[peer].view(np.uint64).reshape(width, count)
            c ^= messages[peer][0] ^ self._chosen_planes(batch, peer, width) ^ (a & difference)
        return Triple(a, b, c)

    def ring_triples(self, count: int, bits: int) -> Triple:
        """`count` products in Z_2^bits. `bits` transfers per product and pair."""
        link, dtype = self._link, np.dtype(f"uint{bits}")
        a, b = self._own.draw(count, dtype), self._own.draw(count, dtype)
        choices = _bits_of(a)
        batch = self._transfers.extend(
            dict.fromkeys(link.peers, choices), self._counts(len(choices))
        )
        shifted = np.left_shift(b[None, :], np.arange(bits, dtype=dtype)[:, None])
        return Triple(a, b, a * b + self._crossed(batch, choices, shifted, dtype))

    def _crossed(
        self, batch: Batch, choices: Words, values: Vector, dtype: np.dtype[Any]
    ) -> Vector:
        """This party's piece of the sums of choice times the peers' values, both ways."""
        link, (bits, count) = self._link, values.shape
        outgoing, total = {}, np.zeros(count, dtype)
        for peer in link.peers:
            zero, one = (
                self._numbers(rows, values.shape, dtype)
                for rows in batch.sent[peer].both(dtype.itemsize)
            )
            outgoing[peer] = [values - one + zero]
            total -= zero.sum(axis=0, dtype=dtype)
        received = link.exchange(ring_rounds(link.parties, count, bits)[1], outgoing)
        flags = _unpacked(choices, bits, count)
        for peer in link.peers:
            chosen = self._numbers(batch.received[peer].chosen(dtype.itemsize), values.shape, dtype)
            difference = received[peer].view(dtype).reshape(bits, count)
            total += (chosen + difference * flags).sum(axis=0, dtype=dtype)
        return total

    def double_bits(self, count: int, bits: int) -> DoubleBits:
        """64 `count` random bits, shared both ways. One transfer per bit and pair of parties.

        The parties' bits are added one after the other: x ^ b = x + b - 2 x b.
        """
        link, dtype = self._link, np.dtype(f"uint{bits}")
        plane = self._own.draw(count, np.uint64)
        flags = _unpacked(plane, 1, count * 64)[0].astype(dtype)
        lower = [p for p in link.peers if p < link.party]
        higher = [p for p in link.peers if p > link.party]
        batch = self._transfers.extend(dict.fromkeys(lower, plane), dict.fromkeys(higher, count))
        ring = flags.copy() if link.party == 0 else np.zeros_like(flags)
        for adder in range(1, link.parties):
            round_ = double_rounds(link.parties, count, bits)[adder]
            if link.party < adder:
                zero, one = (
                    r.reshape(-1).view(dtype)
                    for r in map(np.ascontiguousarray, batch.sent[adder].both(dtype.itemsize))
                )
                link.exchange(round_, {adder: [ring - one + zero]})
                ring += zero + zero
            elif link.party == adder:
                received = link.exchange(round_, {})
                ring = flags.copy()
                for peer in lower:
                    rows = np.ascontiguousarray(batch.received[peer].chosen(dtype.itemsize))
                    product = rows.reshape(-1).view(dtype) + flags * received[peer].view(dtype)
                    ring -= product + product
            else:
                link.exchange(round_, {})
        return DoubleBits(plane, ring)

    def _counts(self, count: int) -> dict[int, int]:
        return dict.fromkeys(self._link.peers, count)

    def _both_planes(self, batch: Batch, peer: int, width: int) -> tuple[Words, Words]:
        if width == 1:
            plane, other = batch.sent[peer].both_bits()
            return plane[None, :], other[None, :]
        zero, one = batch.sent[peer].both(row_bytes(width))
        return rows_to_planes(zero, width), rows_to_planes(one, width)

    def _chosen_planes(self, batch: Batch, peer: int, width: int) -> Words:
        if width == 1:
            return batch.received[peer].chosen_bits()[None, :]
        return rows_to_planes(batch.received[peer].chosen(row_bytes(width)), width)

    def _numbers(self, rows: Vector, shape: tuple[int, int], dtype: np.dtype[Any]) -> Vector:
        """Rows of hash output as ring elements, without the padding of a bit's last word."""
        bits, count = shape
        numbers = np.ascontiguousarray(rows).reshape(-1).view(dtype)
        return numbers.reshape(bits, -1)[:, :count]


def _bits_of(values: Vector) -> Words:
    """All bits of a vector as one flat plane array: bit 0 of every element first."""
    bits = 8 * values.itemsize
    return rows_to_planes(values.view(np.uint8).reshape(len(values), -1), bits).reshape(-1)


def _unpacked(planes: Words, bits: int, count: int) -> NDArray[np.uint8]:
    """One byte per bit, shape (bits, count)."""
    flat = np.unpackbits(planes.view(np.uint8).reshape(bits, -1), axis=1, bitorder="little")
    return flat[:, :count]


def _extension(parties: int, words: int) -> Round:
    size = extension_bytes(64 * words)
    pairs = [(a, b, size) for a in range(parties) for b in range(parties) if a != b]
    return make_round(Kind.OT_EXTEND, pairs)


def _correction(parties: int, size: int) -> Round:
    pairs = [(a, b, size) for a in range(parties) for b in range(parties) if a != b]
    return make_round(Kind.OT_CORRECT, pairs)


def triple_rounds(parties: int, count: int, width: int) -> tuple[Round, ...]:
    """`bit_triples` (width 1) and `wide_triples`."""
    first = _extension(parties, count)
    return (first,) if parties == 2 else (first, _correction(parties, count * width * 8))


def ring_rounds(parties: int, count: int, bits: int) -> tuple[Round, ...]:
    words = bits * -(-count // 64)
    return _extension(parties, words), _correction(parties, count * bits * bits // 8)


def double_rounds(parties: int, count: int, bits: int) -> tuple[Round, ...]:
    """The extension, then the corrections to parties 1, 2, ... in turn."""
    size = extension_bytes(64 * count)
    choosers = [(b, a, size) for a in range(parties) for b in range(a + 1, parties)]
    adders = [
        make_round(Kind.OT_CORRECT, [(p, adder, count * 64 * bits // 8) for p in range(adder)])
        for adder in range(1, parties)
    ]
    return make_round(Kind.OT_EXTEND, choosers), *adders


Pieces = Mapping[int, Vector]
