"""Comparing shared words: trees of AND gates over bit planes.

Everything in one call shares its rounds, whatever its widths and row counts. All words are
unsigned, plane 0 is the least significant.

Less-than is a tree of segments. A segment of planes says what it would decide (`value`) and
whether its planes are all the same in both words (`same`); where they are the same, the next
lower segment decides: value = high.value ^ (high.same & (high.value ^ low.value)). What a segment
says where its planes are the same is immaterial, so plane i starts out, for free, as
(y_i, ~(x_i ^ y_i)), and everything below plane 0 decides 0.

Merging from below, one plane after the other, needs no `same` but those of the planes themselves:
half the gates, and a round for each plane. A round less costs a plane more, so it is the one or the
other, by what a round is worth on the network.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, stack
from .carry import Segment, decide, leaf
from .rows import pad_rows, slice_rows


def equal(p: SharingProtocol, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
    """Whether x = y, row by row; words of no planes are equal.

    Cost: w - 1 ANDs and ceil(log2 w) rounds for the widest pair.
    """
    _check_widths(pairs)
    return all_of(p, [p.invert(x ^ y) for x, y in pairs])


def less_than(
    p: SharingProtocol, pairs: Sequence[tuple[Bits, Bits]], *, serial: bool | None = None
) -> list[Bits]:
    """Whether x < y, row by row; `serial` says how, instead of the number of rows.

    Cost: less than 2w ANDs and ceil(log2(w + 1)) rounds for the widest pair; for so many rows that
    a plane is worth more than a round, w ANDs and w rounds.
    """
    _check_widths(pairs)
    if serial is None:
        serial = serial_comparison(p, sum(x.rows for x, _ in pairs))
    if serial:
        return _from_below(p, pairs)
    trees = [_Tree(p, x, y) for x, y in pairs]
    while any(tree.segments > 1 for tree in trees):
        active = [tree for tree in trees if tree.segments > 1]
        products = iter(p.and_([gate for tree in active for gate in tree.gates()]))
        for tree in active:
            tree.merge(next(products), next(products) if tree.joins_same else None)
    return [tree.value for tree in trees]


def serial_comparison(p: SharingProtocol, rows: float) -> bool:
    """Whether so many rows are compared plane by plane from below."""
    return rows > 8 * p.round_worth


def _from_below(p: SharingProtocol, pairs: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
    """value = y ^ (same & (y ^ value)), from plane 0 upwards, where the value below it is 0."""
    values = [p.constant_bits(0, 1, x.rows) for x, _ in pairs]
    for place in range(max((x.width for x, _ in pairs), default=0)):
        active = [i for i, (x, _) in enumerate(pairs) if place < x.width]
        own = [pairs[i][1].planes(place, place + 1) for i in active]
        same = [
            p.invert(pairs[i][0].planes(place, place + 1) ^ y)
            for i, y in zip(active, own, strict=True)
        ]
        gates = [(s, y ^ values[i]) for i, s, y in zip(active, same, own, strict=True)]
        for i, y, product in zip(active, own, p.and_(gates), strict=True):
            values[i] = y ^ product
    return values


def equal_constant(p: SharingProtocol, x: Bits, values: Sequence[int]) -> list[Bits]:
    """For every public value one flag, whether x equals it.

    Cost: at most w - 1 ANDs for each value, ceil(log2 w) rounds; values share the gates of the
    bit patterns that they have in common.
    """
    possible = sorted({value for value in values if 0 <= value < 1 << x.width})
    found = _match_patterns(p, x, possible) if possible else {}
    never = p.constant_bits(0, 1, x.rows)
    return [found.get(value, never) for value in values]


def less_than_constant(p: SharingProtocol, items: Sequence[tuple[Bits, int]]) -> list[Bits]:
    """Whether x < c for a public c, for every item.

    Cost: about 1.5 w ANDs, none for the low zeros of c, and at most ceil(log2 w) + 1 rounds.
    """
    chains = [_constant_segments(p, x, value) for x, value in items]
    decided = decide(p, chains)
    return [
        p.constant_bits(result, 1, x.rows) if isinstance(result, int) else result
        for result, (x, _) in zip(decided, items, strict=True)
    ]


def all_of(p: SharingProtocol, xs: Sequence[Bits]) -> list[Bits]:
    """For every x the AND of its planes; 1 where there are none.

    Cost: w - 1 ANDs, ceil(log2 w) rounds for the widest.
    """
    results = [x if x.width else p.constant_bits(1, 1, x.rows) for x in xs]
    while active := [i for i, x in enumerate(results) if x.width > 1]:
        halves = [_halves(results[i]) for i in active]
        for i, product in zip(active, p.and_(halves), strict=True):
            odd = results[i].planes(2 * product.width, results[i].width)
            results[i] = stack([product, odd]) if odd.width else product
    return results


def any_of(p: SharingProtocol, xs: Sequence[Bits]) -> list[Bits]:
    """For every x the OR of its planes; 0 where there are none. Costs the same as `all_of`."""
    return [p.invert(x) for x in all_of(p, [p.invert(x) for x in xs])]


def any_row(p: SharingProtocol, flag: Bits) -> Bits:
    """The OR of one plane over all its rows, as one row; 0 where there are no rows.

    Cost: about one AND per row in all, ceil(log2 rows) rounds.
    """
    if flag.rows == 0:
        return p.constant_bits(0, 1, 1)
    columns = -(-flag.rows // 64)
    padded = pad_rows(flag, 64 * columns)
    by_word = padded.map(lambda part: part.reshape(-1, 1), rows=64, width=columns)
    (found,) = any_of(p, [by_word])
    rows = min(64, flag.rows)
    while rows > 1:
        rows = (rows + 1) // 2
        low, high = slice_rows(found, 0, rows), slice_rows(found, rows, found.rows)
        high = pad_rows(slice_rows(high, 0, min(rows, high.rows)), rows)
        (both,) = p.and_([(low, high)])
        found = low ^ high ^ both
    return slice_rows(found, 0, 1)


class _Tree:
    """The segments of one comparison, lowest first; the lowest has no use for its `same`."""

    def __init__(self, p: SharingProtocol, x: Bits, y: Bits) -> None:
        self.value = stack([p.constant_bits(0, 1, x.rows), y])
        self.same = p.invert(x ^ y)

    @property
    def segments(self) -> int:
        return self.value.width

    @property
    def joins_same(self) -> bool:
        return self.segments > 3

    def gates(self) -> list[tuple[Bits, Bits]]:
        """The ANDs that merge neighbours: segments 0 and 1, 2 and 3, and so on."""
        last = self.segments // 2 * 2
        low = _every_second(self.value.planes(0, last), 0)
        high = _every_second(self.value.planes(0, last), 1)
        same = _every_second(self.same.planes(0, last - 1), 0)
        gates = [(same, low ^ high)]
        if self.joins_same:
            lower = _every_second(self.same.planes(0, last - 1), 1)
            gates.append((same.planes(1, same.width), lower))
        return gates

    def merge(self, chosen: Bits, same: Bits | None) -> None:
        last = self.segments // 2 * 2
        value = _every_second(self.value.planes(0, last), 1) ^ chosen
        kept = [] if same is None else [same]
        if last < self.segments:
            value = stack([value, self.value.planes(last, last + 1)])
            kept.append(self.same.planes(last - 1, last))
        self.value = value
        self.same = stack(kept) if kept else self.same.planes(0, 0)


def _check_widths(pairs: Sequence[tuple[Bits, Bits]]) -> None:
    for x, y in pairs:
        if x.width != y.width or x.rows != y.rows:
            raise ValueError(f"{x!r} and {y!r} have different shapes")


def _every_second(x: Bits, start: int) -> Bits:
    width = len(range(start, x.width, 2))
    return x.map(lambda part: part[start::2], rows=x.rows, width=width)


def _halves(x: Bits) -> tuple[Bits, Bits]:
    half = x.width // 2
    return x.planes(0, half), x.planes(half, 2 * half)


def _constant_segments(p: SharingProtocol, x: Bits, value: int) -> list[Segment]:
    """Lowest first, with what lies below plane 0 as the first segment."""
    if not 0 <= value < 1 << x.width:
        return [Segment(int(value > 0), 0)]
    planes = [x.planes(i, i + 1) for i in range(x.width)]
    bits = [leaf(p, value >> i & 1, p.invert(plane)) for i, plane in enumerate(planes)]
    return [Segment(0, 0), *bits]


def _match_patterns(p: SharingProtocol, x: Bits, values: Sequence[int]) -> dict[int, Bits]:
    """Flags of all values, by a tree whose nodes are the bit patterns that occur in a segment."""
    if x.width == 0:
        return {0: p.constant_bits(1, 1, x.rows)}
    spans = [(i, i + 1) for i in range(x.width)]
    inverted = p.invert(x)
    level = [
        {bit: (x if bit else inverted).planes(i, i + 1) for bit in {v >> i & 1 for v in values}}
        for i in range(x.width)
    ]
    while len(spans) > 1:
        spans, level = _merge_patterns(p, spans, level, values)
    return level[0]


_Span = tuple[int, int]


def _merge_patterns(
    p: SharingProtocol,
    spans: list[_Span],
    level: list[dict[int, Bits]],
    values: Sequence[int],
) -> tuple[list[_Span], list[dict[int, Bits]]]:
    gates: list[tuple[Bits, Bits]] = []
    found: list[list[int]] = []
    merged: list[_Span] = []
    for low in range(0, len(spans) - 1, 2):
        start, middle, stop = spans[low][0], spans[low][1], spans[low + 1][1]
        patterns = sorted({v >> start & (1 << stop - start) - 1 for v in values})
        bits = middle - start
        gates += [(level[low][v & (1 << bits) - 1], level[low + 1][v >> bits]) for v in patterns]
        found.append(patterns)
        merged.append((start, stop))
    (product,) = p.and_([(stack([a for a, _ in gates]), stack([b for _, b in gates]))])
    flags = iter([product.planes(i, i + 1) for i in range(product.width)])
    result = [{pattern: next(flags) for pattern in patterns} for patterns in found]
    if len(spans) % 2:
        merged.append(spans[-1])
        result.append(level[-1])
    return merged, result
