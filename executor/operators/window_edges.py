"""The two ends of every row's frame, and what stands there.

A series holds for every row a value before the row and one after it: running sums without and with
the row, or the row's own value twice. A frame's first end reads `before` at its first row, its last
end reads `after` at its last row; an end that falls out of the partition reads the partition's.

Offsets are shifts of the sorted rows (local). The ends of partitions and of groups of peers are
copied to all of their rows, all series and all ends in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ...query.bound import Frame
from ..circuits.add import subtract_many
from ..circuits.compare import less_than_constant
from ..circuits.copy_down import copy_down, reverse_rows
from ..circuits.row_numbers import row_numbers, row_range
from ..circuits.rows import concat_rows, shift_down, shift_up, slice_rows
from ..circuits.select import select, select_ring
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits

Edge: TypeAlias = Literal["start", "end", "peer_start", "peer_end"]


@dataclass(slots=True, eq=False)
class Series:
    """One value per row from either side; `at`: copies of what stands at an edge."""

    before: Share
    after: Share
    at: dict[Edge, Share] = field(default_factory=dict)


def edges_of(frame: Frame) -> frozenset[Edge]:
    """The edges whose values the ends of a frame may read."""
    peers = frame.unit == "range"
    found: set[Edge] = set()
    for offset, unbounded, peer in (
        (frame.start, "start", "peer_start"),
        (frame.stop, "end", "peer_end"),
    ):
        if offset is None:
            found.add(unbounded)  # type: ignore[arg-type]
        elif peers:
            found.add(peer)  # type: ignore[arg-type]
        elif offset:
            found.add("start" if offset < 0 else "end")
    return frozenset(found)


class Edges:
    """Where partitions and groups of peers begin and end, seen from every row."""

    def __init__(self, p: SharingProtocol, begins: Bits, peers: Bits) -> None:
        self.p = p
        self.rows = begins.rows
        self._begins, self._peers = begins, peers
        self._early: dict[int, Bits] = {}
        self._late: dict[int, Bits] = {}
        self._flags_in_ring: dict[Bits, Ring] = {}
        self._places: dict[str, Bits] = {}
        width = self.rows.bit_length()
        own, after = (row_numbers(p, self.rows, first=first, width=width) for first in (0, 1))
        self.index = Series(own, after)

    def copy(self, series: Sequence[Series], edges: Iterable[Edge]) -> None:
        """Copies what the series hold at the edges to every row. One `copy_down` in all."""
        wanted = sorted(set(edges))
        given = list(dict.fromkeys(series))
        if not wanted or not given:
            return
        flags = [self._flag(edge) for edge in wanted]
        columns = [concat_rows([_towards(edge, one) for edge in wanted]) for one in given]
        copied = copy_down(self.p, concat_rows(flags), columns)
        for one, column in zip(given, copied, strict=True):
            for place, edge in enumerate(wanted):
                part = slice_rows(column, place * self.rows, (place + 1) * self.rows)
                one.at[edge] = reverse_rows(part) if _upwards(edge) else part

    def know(
        self, frames: Iterable[Frame], early: Iterable[int] = (), late: Iterable[int] = ()
    ) -> None:
        """Compares rows' places with all public offsets that will be asked for, in one batch."""
        offsets = {o for f in frames if f.unit == "rows" for o in (f.start, f.stop) if o}
        before = ({-o for o in offsets if o < 0} | set(early)) - self._early.keys()
        after = ({o for o in offsets if o > 0} | set(late)) - self._late.keys()
        items = [(self.place, o) for o in sorted(before)]
        items += [(self.remaining, o) for o in sorted(after)]
        flags = iter(less_than_constant(self.p, items) if items else [])
        self._early.update((o, next(flags)) for o in sorted(before))
        self._late.update((o, next(flags)) for o in sorted(after))

    @property
    def place(self) -> Bits:
        """How many rows of the partition come before the row."""
        self._measure()
        return self._places["place"]

    @property
    def remaining(self) -> Bits:
        """How many rows of the partition come after the row."""
        self._measure()
        return self._places["remaining"]

    def early(self, offset: int) -> Bits:
        """Whether the row so many rows before is out of the partition."""
        return self._early[offset]

    def late(self, offset: int) -> Bits:
        """Whether the row so many rows after is out of the partition."""
        return self._late[offset]

    def empty(self, frame: Frame) -> Bits | None:
        """Whether a frame has no row; None where it always has one."""
        if frame.unit == "rows" and frame.start is not None and frame.start > 0:
            return self.late(frame.start)
        if frame.unit == "rows" and frame.stop is not None and frame.stop < 0:
            return self.early(-frame.stop)
        return None

    def ends(self, requests: Sequence[tuple[Frame, Series]]) -> list[tuple[Share, Share]]:
        """For every request what stands before its frame's first row and after its last.

        Empty frames have the same at both ends. 1 round for planes; for rings 1 round more than
        the conversion of the flags.
        """
        pairs = [(self._first(frame, s), self._last(frame, s)) for frame, s in requests]
        chosen = self._chosen([choice for pair in pairs for choice in pair])
        return [(chosen[i], chosen[i + 1]) for i in range(0, len(chosen), 2)]

    def _first(self, frame: Frame, series: Series) -> _Choice:
        if frame.start is None:
            return _Choice(series.at["start"])
        if frame.unit == "range":
            return _Choice(series.at["peer_start"])
        if frame.start <= 0:
            return self._back(series, series.before, -frame.start)
        return self._ahead(series, series.before, frame.start)

    def _last(self, frame: Frame, series: Series) -> _Choice:
        if frame.stop is None:
            return _Choice(series.at["end"])
        if frame.unit == "range":
            return _Choice(series.at["peer_end"])
        if frame.stop < 0:
            return self._back(series, series.after, -frame.stop)
        return self._ahead(series, series.after, frame.stop)

    def _back(self, series: Series, values: Share, offset: int) -> _Choice:
        if offset == 0:
            return _Choice(values)
        return _Choice(shift_down(values, offset), self.early(offset), series.at["start"])

    def _ahead(self, series: Series, values: Share, offset: int) -> _Choice:
        if offset == 0:
            return _Choice(values)
        return _Choice(shift_up(values, offset), self.late(offset), series.at["end"])

    def _chosen(self, choices: Sequence[_Choice]) -> list[Share]:
        open_ = [c for c in choices if c.flag is not None]
        planes, rings = [], []
        for choice in open_:
            flag, value, other = choice.flag, choice.value, choice.other
            assert flag is not None
            if isinstance(value, Bits) and isinstance(other, Bits):
                planes.append((flag, other, value))
            elif isinstance(value, Ring) and isinstance(other, Ring):
                rings.append((flag, other, value))
        in_ring = self._in_ring([flag for flag, _, _ in rings])
        picked_planes = iter(select(self.p, planes))
        picked_rings = iter(
            select_ring(self.p, [(f, o, v) for f, (_, o, v) in zip(in_ring, rings, strict=True)])
        )
        results: list[Share] = []
        for choice in choices:
            if choice.flag is None:
                results.append(choice.value)
            elif isinstance(choice.value, Bits):
                results.append(next(picked_planes))
            else:
                results.append(next(picked_rings))
        return results

    def _in_ring(self, flags: Sequence[Bits]) -> list[Ring]:
        known = self._flags_in_ring
        missing = list(dict.fromkeys(flag for flag in flags if flag not in known))
        if missing:
            known.update(zip(missing, self.p.flags_to_ring(missing, 64), strict=True))
        return [known[flag] for flag in flags]

    def _measure(self) -> None:
        """Places from both ends of the partition, in one subtraction's rounds."""
        at, index = self.index.at, self.index
        pairs: dict[str, tuple[Bits, Bits]] = {}
        if "start" in at:
            pairs["place"] = (as_bits(index.before), as_bits(at["start"]))
        if "end" in at:
            pairs["remaining"] = (as_bits(at["end"]), as_bits(index.after))
        pairs = {name: pair for name, pair in pairs.items() if name not in self._places}
        if pairs:
            width = as_bits(index.before).width
            found = subtract_many(self.p, list(pairs.values()), width=width)
            self._places.update(zip(pairs, found, strict=True))

    def _flag(self, edge: Edge) -> Bits:
        """Rows that give values to copy; upwards in reversed order."""
        flag = self._begins if edge in ("start", "end") else self._peers
        if not _upwards(edge):
            return flag
        ends = shift_up(flag) ^ row_range(self.p, self.rows - 1, self.rows, self.rows)
        return reverse_rows(ends)


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """flag ? other : value; the value alone without a flag."""

    value: Share
    flag: Bits | None = None
    other: Share | None = None


def _upwards(edge: Edge) -> bool:
    return edge in ("end", "peer_end")


def _towards(edge: Edge, series: Series) -> Share:
    return reverse_rows(series.after) if _upwards(edge) else series.before
