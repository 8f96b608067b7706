"""LIKE over shared texts with a public pattern.

A pattern is a list of pieces between its % signs. Without `_`, every piece is looked for at all
places at once, and pieces are taken one after the other at their leftmost place, which leaves the
most to the next. The end of the text is the first byte 0, so that a piece at the end is one that a
0 follows. With `_`, which is one character of up to four bytes, the pattern is followed byte by
byte by a nondeterministic automaton.

Cost without `_`: at most 7 ANDs per byte of the text and different byte of the pattern, 1 per
place and byte of a piece, log2(size) / 2 per place for every piece but the last;
3 + log2(longest piece) + log2(size) rounds for each piece. With `_`: about 2 rounds per byte of
the text and 2 ANDs per byte of the text and of the pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .carry import Plane, xor
from .compare import any_of
from .lookup import and_planes
from .prefix import all_together, prefix_or
from .text import Text, continuations, match_bytes, present

ANY = -1
"""The symbol for one character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Pieces of byte values (or ANY) between % signs: n signs separate n + 1 pieces."""

    pieces: tuple[tuple[int, ...], ...]

    @property
    def has_any(self) -> bool:
        return any(ANY in piece for piece in self.pieces)


def parse_pattern(text: str, escape: str | None = None) -> Pattern:
    """The pieces of a LIKE pattern. ValueError if the escape character stands at the end."""
    pieces: list[list[int]] = [[]]
    characters = iter(text)
    for character in characters:
        if character == escape:
            following = next(characters, None)
            if following is None:
                raise ValueError("the pattern ends with its escape character")
            pieces[-1] += following.encode()
        elif character == "%":
            pieces.append([])
        elif character == "_":
            pieces[-1].append(ANY)
        else:
            pieces[-1] += character.encode()
    kept = [piece for piece in pieces[1:-1] if piece]
    ends = pieces[-1:] if len(pieces) > 1 else []
    return Pattern(pieces=tuple(tuple(piece) for piece in [pieces[0], *kept, *ends]))


def like(p: SharingProtocol, text: Text, pattern: Pattern) -> Bits:
    """Whether the text matches."""
    return _by_automaton(p, text, pattern) if pattern.has_any else _by_pieces(p, text, pattern)


def _by_pieces(p: SharingProtocol, text: Text, pattern: Pattern) -> Bits:
    pieces = [list(piece) for piece in pattern.pieces]
    anchored = bool(pieces[0]) or len(pieces) == 1
    if pieces[-1] or len(pieces) == 1:
        pieces[-1].append(0)
    pieces = [piece for piece in pieces if piece]
    if sum(map(len, pieces)) > text.size + 1:
        return p.constant_bits(0, 1, text.rows)
    if not pieces:
        return p.constant_bits(1, 1, text.rows)
    found = _places(p, text, pieces, only_first=anchored)
    allowed: Bits | None = None
    for number, piece in enumerate(pieces[:-1]):
        places = _at_allowed(p, found[number], allowed)
        reached = places if number == 0 and anchored else prefix_or(p, places)
        allowed = _allowed(p, reached, len(piece), text.size + 1)
    return any_of(p, [_at_allowed(p, found[-1], allowed)])[0]


def _at_allowed(p: SharingProtocol, places: Bits, allowed: Bits | None) -> Bits:
    if allowed is None:
        return places
    width = min(places.width, allowed.width)
    return p.and_([(places.planes(0, width), allowed.planes(0, width))])[0]


def _places(
    p: SharingProtocol, text: Text, pieces: Sequence[Sequence[int]], *, only_first: bool
) -> list[Bits]:
    """For every piece one plane for each place that it may begin at."""
    symbols = sorted({symbol for piece in pieces for symbol in piece})
    flags = match_bytes(p, text, symbols)
    edge = {s: p.constant_bits(int(s == 0), 1, text.rows) for s in symbols}
    known = {s: stack([flags[s], edge[s]]) for s in symbols}
    groups = []
    for number, piece in enumerate(pieces):
        count = 1 if only_first and number == 0 else text.size + 2 - len(piece)
        groups.append([known[s].planes(i, i + count) for i, s in enumerate(piece)])
    return all_together(p, groups)


def _allowed(p: SharingProtocol, reached: Bits, length: int, size: int) -> Bits:
    """Where the next piece may begin: not before the end of this one's leftmost place. Local."""
    top = reached.planes(reached.width - 1, reached.width)
    before = p.constant_bits(0, length, reached.rows)
    after = [top] * max(0, size - length - reached.width)
    return stack([before, reached, *after]).planes(0, size)


def _by_automaton(p: SharingProtocol, text: Text, pattern: Pattern) -> Bits:
    """State j: the first j symbols are matched. States before a % stay; others stay at padding,
    and behind `_` while a character goes on."""
    symbols = [symbol for piece in pattern.pieces for symbol in piece]
    ends = [sum(map(len, pattern.pieces[: i + 1])) for i in range(len(pattern.pieces) - 1)]
    inside, follow = present(p, text), continuations(p, text)
    matches = match_bytes(p, text, sorted({s for s in symbols if s != ANY}))
    states: list[Plane] = [1, *([0] * len(symbols))]
    for place in range(text.size):
        start = inside.planes(place, place + 1) ^ follow.planes(place, place + 1)
        padding = p.invert(inside.planes(place, place + 1))
        going_on = padding ^ follow.planes(place, place + 1)
        steps = [
            start if symbol == ANY else matches[symbol].planes(place, place + 1)
            for symbol in symbols
        ]
        stays = [
            1 if j in ends else going_on if j and symbols[j - 1] == ANY else padding
            for j in range(len(symbols) + 1)
        ]
        states = _next_states(p, states, stays, steps)
    final = states[-1]
    return p.constant_bits(final, 1, text.rows) if isinstance(final, int) else final


def _next_states(
    p: SharingProtocol, states: Sequence[Plane], stays: Sequence[Plane], steps: Sequence[Plane]
) -> list[Plane]:
    """Stays and arrivals exclude each other but where a state always stays. At most 2 rounds."""
    products = and_planes(
        p,
        [*zip(states, stays, strict=True), *zip(states[:-1], steps, strict=True)],
    )
    kept, arriving = products[: len(states)], [0, *products[len(states) :]]
    always = [isinstance(stay, int) for stay in stays]
    both = and_planes(
        p, [(k, a) if w else (0, 0) for k, a, w in zip(kept, arriving, always, strict=True)]
    )
    return [xor(p, xor(p, k, a), b) for k, a, b in zip(kept, arriving, both, strict=True)]
