"""Trimming and joining texts of secret lengths: shifts by powers of two bytes, each if needed."""

from __future__ import annotations

from collections.abc import Sequence

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .prefix import prefix_or, take_planes
from .select import select
from .text import Text, encoded, end_markers, keep_bytes, match_bytes


def trim_end(p: SharingProtocol, text: Text, characters: Sequence[int]) -> Text:
    """Without the ASCII characters that it ends with.

    A byte stays if it or one behind it is neither padding nor one of them. Cost: at most 7 ANDs
    per byte and character, and 8 per byte more; about log2(size) + 6 rounds.
    """
    if not text.size:
        return text
    other = p.invert(_any_match(p, text, [0, *characters]))
    order = list(reversed(range(text.size)))
    kept = take_planes(prefix_or(p, take_planes(other, order)), order)
    return keep_bytes(p, text, kept)


def trim_start(p: SharingProtocol, text: Text, characters: Sequence[int]) -> Text:
    """Without the ASCII characters that it begins with.

    Cost: at most 7 ANDs per byte and character; log2(size) shifts of 9 ANDs per byte.
    """
    if not text.size:
        return text
    match = _any_match(p, text, characters)
    blank = p.invert(prefix_or(p, p.invert(match)))
    step = 1 << (text.size.bit_length() - 1)
    planes = text.planes
    while step:
        flag = blank.planes(step - 1, step)
        moved = _moved_left(p, planes, 8 * step)
        moved_blank = stack([blank.planes(step, blank.width), p.constant_bits(0, step, text.rows)])
        planes, blank = select(p, [(flag, moved, planes), (flag, moved_blank, blank)])
        step //= 2
    return Text(planes, text.size)


def _any_match(p: SharingProtocol, text: Text, characters: Sequence[int]) -> Bits:
    """For every byte whether it is one of the given; they are different, so XOR is OR. Local."""
    flags = list(match_bytes(p, text, list(dict.fromkeys(characters))).values())
    found = flags[0]
    for flag in flags[1:]:
        found = found ^ flag
    return found


def _moved_left(p: SharingProtocol, planes: Bits, by: int) -> Bits:
    kept = planes.planes(0, planes.width - by)
    return stack([p.constant_bits(0, by, planes.rows), kept])


def join_texts(p: SharingProtocol, pieces: Sequence[Text | bytes], rows: int) -> Text:
    """The pieces one after the other; public ones are placed at the end locally.

    Cost: 7 ANDs per byte of what stands before a piece, to know its length; a secret piece moves
    there in log2 shifts of 8 ANDs per byte of both.
    """
    total: Text | bytes = b""
    for piece in pieces:
        if isinstance(piece, bytes) and isinstance(total, bytes):
            total = total + piece
        else:
            total = _joined(p, total, piece, rows)
    if isinstance(total, bytes):
        return Text(p.constant_bits(int.from_bytes(total, "big"), 8 * len(total), rows), len(total))
    return total


def _joined(p: SharingProtocol, left: Text | bytes, right: Text | bytes, rows: int) -> Text:
    if isinstance(left, bytes):
        if isinstance(right, bytes):
            raise ValueError("two public pieces are joined beforehand")
        constant = p.constant_bits(int.from_bytes(left, "big"), 8 * len(left), rows)
        return Text(stack([right.planes, constant]), right.size + len(left))
    markers = end_markers(p, left)
    if isinstance(right, bytes):
        return _with_suffix(p, left, markers, right)
    size = left.size + right.size
    place = stack([p.constant_bits(0, 8 * left.size, rows), right.planes])
    length = encoded(markers)
    for bit in range(length.width):
        by = min(8 << bit, place.width)
        kept = place.planes(by, place.width)
        moved = stack([kept, p.constant_bits(0, by, rows)])
        (place,) = select(p, [(length.planes(bit, bit + 1), moved, place)])
    return Text(place ^ stack([p.constant_bits(0, 8 * right.size, rows), left.planes]), size)


def _with_suffix(p: SharingProtocol, text: Text, markers: Bits, suffix: bytes) -> Text:
    """A public suffix at the marked place: every byte of it is a marker times a constant. Local."""
    size = text.size + len(suffix)
    zero = p.constant_bits(0, 1, text.rows)
    columns: list[Bits] = []
    for place in reversed(range(size)):
        byte = [zero] * 8
        for offset, value in enumerate(suffix):
            if 0 <= place - offset <= text.size:
                marker = markers.planes(place - offset, place - offset + 1)
                byte = [b ^ marker if value >> i & 1 else b for i, b in enumerate(byte)]
        columns += byte
    padded = stack([p.constant_bits(0, 8 * len(suffix), text.rows), text.planes])
    return Text(padded ^ stack(columns), size)
