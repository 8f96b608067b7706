"""Texts over shares: the bytes of UTF-8, padded with zeros to a public number of bytes.

A text is one big-endian word: its first byte has the highest planes. What is computed for every
byte alike is computed for all bytes at once, as more rows of 8 planes (`spread`), and comes back as
one plane for each byte, the first byte's first (`gathered`). No byte of a text is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Words, stack
from .compare import any_of, equal_constant
from .lookup import below_constants
from .prefix import count_ones, take_planes
from .select import select


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """`size` bytes in 8 * size planes."""

    planes: Bits
    size: int

    @property
    def rows(self) -> int:
        return self.planes.rows

    def byte_planes(self, plane: int) -> Bits:
        """One plane of every byte, the first byte's first. Local."""
        return take_planes(self.planes, [8 * (self.size - 1 - i) + plane for i in range(self.size)])

    def head(self, size: int) -> Text:
        """The first bytes. Local."""
        return Text(self.planes.planes(8 * (self.size - size), 8 * self.size), size)

    def tail(self, size: int) -> Text:
        """The last bytes. Local."""
        return Text(self.planes.planes(0, 8 * size), size)


def constant_text(p: SharingProtocol, value: bytes, rows: int) -> Text:
    """A public text."""
    return Text(p.constant_bits(int.from_bytes(value, "big"), 8 * len(value), rows), len(value))


def spread(text: Text) -> Bits:
    """8 planes with all bytes as rows, byte after byte, each filled up to whole words. Local."""
    size, columns = text.size, -(-text.rows // 64)

    def arrange(part: Words) -> Words:
        by_byte = part.reshape(size, 8, columns)[::-1]
        return np.ascontiguousarray(by_byte.transpose(1, 0, 2)).reshape(8, size * columns)

    return text.planes.map(arrange, rows=64 * size * columns, width=8)


def gathered(flags: Bits, text: Text) -> Bits:
    """One flag for each byte of `spread`, as a word of one plane for each byte. Local."""
    columns = -(-text.rows // 64)
    return flags.map(lambda part: part.reshape(text.size, columns), rows=text.rows, width=text.size)


def match_bytes(p: SharingProtocol, text: Text, values: Sequence[int]) -> dict[int, Bits]:
    """For every byte value one plane for each byte of the text. At most 7 ANDs each; 3 rounds."""
    if not text.size:
        return {value: p.constant_bits(0, 0, text.rows) for value in values}
    flags = equal_constant(p, spread(text), values)
    return {v: gathered(flag, text) for v, flag in zip(values, flags, strict=True)}


def in_range(p: SharingProtocol, text: Text, first: int, last: int) -> Bits:
    """For every byte whether it lies between two byte values. About 10 ANDs; 3 rounds."""
    if not text.size:
        return p.constant_bits(0, 0, text.rows)
    below, within = below_constants(p, spread(text), [first, last + 1])
    if not isinstance(below, Bits) or not isinstance(within, Bits):
        raise ValueError("the range of bytes has no two secret ends")
    return gathered(below ^ within, text)


def present(p: SharingProtocol, text: Text) -> Bits:
    """For every byte whether it belongs to the text (is not 0). 7 ANDs each; 3 rounds."""
    if not text.size:
        return p.constant_bits(0, 0, text.rows)
    return gathered(any_of(p, [spread(text)])[0], text)


def continuations(p: SharingProtocol, text: Text) -> Bits:
    """For every byte whether it continues a character (10xxxxxx). 1 AND each; 1 round."""
    if not text.size:
        return p.constant_bits(0, 0, text.rows)
    return p.and_([(text.byte_planes(7), p.invert(text.byte_planes(6)))])[0]


def end_markers(p: SharingProtocol, text: Text) -> Bits:
    """One plane for every length 0 .. size, 1 at the text's length. Costs `present`."""
    inside = present(p, text)
    one, zero = p.constant_bits(1, 1, text.rows), p.constant_bits(0, 1, text.rows)
    return stack([one, inside]) ^ stack([inside, zero])


def byte_length(p: SharingProtocol, text: Text) -> Bits:
    """The number of bytes, as a word. Costs `present`."""
    return encoded(end_markers(p, text))


def encoded(markers: Bits) -> Bits:
    """The place of the one plane that is 1, as a word. Local."""
    width = (markers.width - 1).bit_length()
    if not width:
        return markers.planes(0, 0)
    pieces = []
    for bit in range(width):
        chosen = [i for i in range(markers.width) if i >> bit & 1]
        pieces.append(
            markers.map(
                lambda part, chosen=chosen: np.bitwise_xor.reduce(  # type: ignore[misc]
                    part[chosen], axis=0, keepdims=True
                ),
                rows=markers.rows,
                width=1,
            )
        )
    return stack(pieces)


def character_count(p: SharingProtocol, text: Text) -> Bits:
    """The number of characters, as a word: bytes that do not continue a character."""
    starts = present(p, text) ^ continuations(p, text)
    return count_ones(p, starts)


def drop_characters(p: SharingProtocol, text: Text, count: int) -> Text:
    """The text without its first characters.

    Each is dropped by one byte, and by 1 to 3 more where it is as long: 4 rounds and 16 ANDs per
    byte for each character.
    """
    for _ in range(min(count, text.size)):
        text = _drop_one(p, text)
    return text


def _drop_one(p: SharingProtocol, text: Text) -> Text:
    top = 8 * text.size
    two, three, four = (text.planes.planes(top - i, top - i + 1) for i in (1, 3, 4))
    rest = text.tail(text.size - 1)
    if not rest.size:
        return rest
    (at_least_three,) = p.and_([(two, three)])
    (exactly_four,) = p.and_([(at_least_three, four)])
    by_one = two ^ at_least_three ^ exactly_four
    for flag, step in ((by_one, 1), (at_least_three, 2)):
        rest = Text(select(p, [(flag, _left(p, rest, step), rest.planes)])[0], rest.size)
    return rest


def _left(p: SharingProtocol, text: Text, count: int) -> Bits:
    """The planes without the first bytes, zeros behind. Local."""
    count = min(count, text.size)
    kept = text.planes.planes(0, 8 * (text.size - count))
    return stack([p.constant_bits(0, 8 * count, text.rows), kept])


def take_characters(p: SharingProtocol, text: Text, count: int) -> Text:
    """The first characters of the text, in min(size, 4 count) bytes.

    Byte i stays where the bytes up to it hold at least i + 1 - count that continue a character.
    Cost: one round and at most 3 count ANDs for each byte that is kept at most, and 8 per byte.
    """
    text = text.head(min(text.size, 4 * count))
    if text.size <= count:
        return text
    extra = text.size - count
    one = p.constant_bits(1, 1, text.rows)
    reached = p.constant_bits(0, extra, text.rows)
    continued = continuations(p, text)
    kept = []
    for place in range(text.size):
        if place:
            before = stack([one, reached.planes(0, extra - 1)])
            (moved,) = p.and_([(before ^ reached, continued.planes(place, place + 1))])
            reached = reached ^ moved
        if place >= count:
            kept.append(reached.planes(place - count, place - count + 1))
    return keep_bytes(p, text, stack([p.constant_bits((1 << count) - 1, count, text.rows), *kept]))


def keep_bytes(p: SharingProtocol, text: Text, flags: Bits) -> Text:
    """The bytes whose flag is 1, the others 0. 8 ANDs per byte; 1 round."""
    by_plane = take_planes(flags, [text.size - 1 - i // 8 for i in range(8 * text.size)])
    return Text(p.and_([(text.planes, by_plane)])[0], text.size)


def change_case(p: SharingProtocol, text: Text, *, upper: bool) -> Text:
    """ASCII letters in the other case: the plane of value 32 flips. About 10 ANDs per byte."""
    first, last = (b"az" if upper else b"AZ")[0], (b"az" if upper else b"AZ")[1]
    flags = in_range(p, text, first, last)
    zero = p.constant_bits(0, 1, text.rows)
    pieces = []
    for place in reversed(range(text.size)):
        flag = flags.planes(place, place + 1)
        pieces += [zero] * 5 + [flag] + [zero] * 2
    return Text(text.planes ^ stack(pieces), text.size) if pieces else text


def beyond_ascii(p: SharingProtocol, text: Text) -> Bits:
    """Whether any byte is beyond ASCII. 1 AND per byte; ceil(log2 size) rounds."""
    return any_of(p, [text.byte_planes(7)])[0]
