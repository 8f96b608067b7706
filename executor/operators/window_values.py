"""Ranks, sums, counts and looked-up values of a window, all calls in the same rounds."""

from __future__ import annotations

from collections.abc import Sequence

from ...planner.secure import WindowSpec
from ...query.bound import Frame
from ..circuits.add import subtract_many
from ..circuits.compare import any_of, less_than_constant
from ..circuits.convert import ring_to_word
from ..circuits.rows import prefix_sum, shift_down, shift_up
from ..circuits.tiles import tile_numbers
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, Share, as_bits, as_ring, stack
from .limbs import combined, scaled
from .table import SecretColumn, encoding_of_column, null_of, planes_of, zero_extend
from .window_edges import Edges, Series
from .window_rows import WindowRows

LOOKED_UP = ("nth_value", "last_value")

_Ends = dict[tuple[Frame, int], tuple[Share, Share]]


class Values:
    """What the calls of one window read, and their columns once the edges are copied."""

    def __init__(
        self, p: SharingProtocol, rows: WindowRows, edges: Edges, calls: Sequence[WindowSpec]
    ) -> None:
        self.p, self.rows, self.edges = p, rows, edges
        self.calls = [c for c in calls if c.function not in ("min", "max")]
        self._series: dict[tuple[str, int | None, int], Series] = {}
        self._accumulate()

    @property
    def copied(self) -> list[Series]:
        """What is to be copied from the edges, beside row numbers."""
        return [s for c in self.calls if not _is_shift(c) for s in self._read(c)]

    def columns(self) -> dict[int, SecretColumn]:
        """The column of every call but MIN and MAX, by id."""
        self.edges.know([c.frame for c in self.calls])
        requests = {
            (c.frame, id(s)): (c.frame, s)
            for c in self.calls
            if c.function != "dense_rank" and not _is_shift(c)
            for s in self._read(c)
        }
        ends = dict(zip(requests, self.edges.ends(list(requests.values())), strict=True))
        counts = self._counts(ends)
        columns = self._wide_sums(ends)
        narrow = [c for c in self.calls if c.column.id not in columns]
        columns |= {c.column.id: self._column(c, ends, counts) for c in narrow}
        self._add_nulls(columns, ends, counts)
        return columns

    # What runs along the sorted rows

    def _accumulate(self) -> None:
        """Running sums and counts, and the values that are looked up."""
        flags = {("count", argument, 0): flag for argument, flag in self.rows.present.items()}
        names: list[tuple[str, int | None, int]] = [*flags]
        planes = [*flags.values()]
        if any(spec.function == "dense_rank" for spec in self.calls):
            names.append(("dense_rank", None, 0))
            planes.append(self.rows.peers)
        rings = self.p.flags_to_ring(planes, 64) if planes else []
        names += [("sum", argument, place) for argument, place in self.rows.sums]
        limbs = [limb.ring for limb in self.rows.sums.values()]
        for name, ring in zip(names, [*rings, *limbs], strict=True):
            running = prefix_sum(ring)
            self._series[name] = Series(before=running - ring, after=running)
        for spec in self.calls:
            if spec.function in LOOKED_UP:
                self._series.setdefault(_lookup(spec), self._looked_up(spec))

    def _looked_up(self, spec: WindowSpec) -> Series:
        """The value, and on top whether it is NULL; of nth_value that of the row n - 1 rows on."""
        assert spec.argument is not None
        column = self.rows.values[spec.argument]
        planes = planes_of(column)
        planes = planes if column.null is None else stack([planes, null_of(column)])
        planes = shift_up(planes, _lookup(spec)[2] - 1)
        return Series(before=planes, after=planes)

    def _read(self, spec: WindowSpec) -> list[Series]:
        """What a call reads at the ends of its frame; row numbers where it counts rows."""
        match spec.function:
            case "row_number" | "rank" | "ntile":
                return []
            case "dense_rank":
                return [self._series["dense_rank", None, 0]]
            case "nth_value" | "last_value":
                counted = [self.edges.index] if spec.number > 1 else []
                return [self._series[_lookup(spec)], *counted]
            case "sum":
                limbs = [self._series["sum", spec.argument, at] for at in self._limbs(spec)]
                counter = self._series.get(("count", spec.argument, 0))
                return [*limbs, *([counter] if counter else [])]
            case "count" if ("count", spec.argument, 0) in self._series:
                return [self._series["count", spec.argument, 0]]
            case _:
                return [self.edges.index]

    def _limbs(self, spec: WindowSpec) -> list[int]:
        """The places of the limbs that a sum's argument is cut into."""
        return [place for argument, place in self.rows.sums if argument == spec.argument]

    # Columns

    def _counts(self, ends: _Ends) -> dict[Frame | str, Bits]:
        """Rows in frames, rows of the partition ("rows"), and ranks from 0, in one subtraction."""
        index = self.edges.index
        pairs: dict[Frame | str, tuple[Bits, Bits]] = {}
        for spec in self.calls:
            if spec.function == "rank":
                pairs["rank"] = (as_bits(index.at["peer_start"]), as_bits(index.at["start"]))
            if spec.function == "ntile":
                pairs["rows"] = (as_bits(index.at["end"]), as_bits(index.at["start"]))
            if (spec.frame, id(index)) in ends and index in self._read(spec):
                first, last = ends[spec.frame, id(index)]
                pairs[spec.frame] = (as_bits(last), as_bits(first))
        if not pairs:
            return {}
        width = as_bits(index.before).width
        counts = subtract_many(self.p, list(pairs.values()), width=width)
        return dict(zip(pairs, counts, strict=True))

    def _column(
        self, spec: WindowSpec, ends: _Ends, counts: dict[Frame | str, Bits]
    ) -> SecretColumn:
        encoding = encoding_of_column(spec.column)
        column = SecretColumn(encoding=encoding, rows=self.rows.rows)
        match spec.function:
            case "row_number":
                column.bits = self.edges.place
            case "rank":
                column.bits = counts["rank"]
            case "ntile":
                tiles = min(spec.number, self.rows.rows)
                column.bits = tile_numbers(self.p, self.edges.place, counts["rows"], tiles)
            case "dense_rank":
                series = self._series["dense_rank", None, 0]
                column.ring = as_ring(series.after) - as_ring(series.at["start"])
            case "nth_value" | "last_value":
                return self._found(spec, ends)
            case _:
                (series, *_) = self._read(spec)
                first, last = ends[spec.frame, id(series)]
                if isinstance(first, Ring):
                    column.ring = as_ring(last) - first
                else:
                    column.bits = counts[spec.frame]
        if column.bits is not None:
            column.bits = zero_extend(column.bits, encoding.width)
        return column

    def _wide_sums(self, ends: _Ends) -> dict[int, SecretColumn]:
        """Sums of several limbs, as planes."""
        wide = [c for c in self.calls if c.function == "sum" and len(self._limbs(c)) > 1]
        values = []
        for spec in wide:
            parts = []
            for place in self._limbs(spec):
                first, last = ends[spec.frame, id(self._series["sum", spec.argument, place])]
                limb = self.rows.sums[spec.argument or 0, place]
                parts.append(scaled(limb, as_ring(last) - as_ring(first), self.rows.rows))
            values.append((parts, encoding_of_column(spec.column)))
        planes = combined(self.p, values) if values else []
        return {
            spec.column.id: SecretColumn(encoding=encoding, rows=found.rows, bits=found)
            for spec, (_, encoding), found in zip(wide, values, planes, strict=True)
        }

    def _found(self, spec: WindowSpec, ends: _Ends) -> SecretColumn:
        """The value at an end of the frame; its null plane is that value's alone as yet."""
        assert spec.argument is not None
        source = self.rows.values[spec.argument]
        series = self._series[_lookup(spec)]
        if _is_shift(spec):
            by = spec.frame.start or 0
            planes = as_bits(series.before)
            planes = shift_up(planes, by) if by >= 0 else shift_down(planes, -by)
        else:
            first, last = ends[spec.frame, id(series)]
            planes = as_bits(first if spec.function == "nth_value" else last)
        width = source.encoding.width
        return SecretColumn(
            encoding=source.encoding,
            rows=planes.rows,
            bits=planes.planes(0, width),
            null=None if source.null is None else planes.planes(width, width + 1),
        )

    def _add_nulls(
        self,
        columns: dict[int, SecretColumn],
        ends: _Ends,
        counts: dict[Frame | str, Bits],
    ) -> None:
        """NULL where the frame has no such row, or no value that counts."""
        calls = [c for c in self.calls if c.function in (*LOOKED_UP, "sum")]
        nothing = self._nothing_counted([c for c in calls if c.function == "sum"], ends)
        late = [c for c in calls if c.number > 1 and not _is_shift(c)]
        flags = less_than_constant(self.p, [(counts[c.frame], c.number) for c in late])
        known = nothing | dict(zip((c.column.id for c in late), flags, strict=True))
        reasons: dict[int, list[Bits]] = {}
        for spec in calls:
            identity = spec.column.id
            missing = known.get(identity, self.edges.empty(spec.frame))
            both = (columns[identity].null, missing)
            reasons[identity] = [plane for plane in both if plane is not None]
        several = [i for i, planes in reasons.items() if len(planes) > 1]
        joined = any_of(self.p, [stack(reasons[i]) for i in several])
        reasons |= {i: [plane] for i, plane in zip(several, joined, strict=True)}
        for identity, planes in reasons.items():
            columns[identity].null = planes[0] if planes else None

    def _nothing_counted(self, sums: Sequence[WindowSpec], ends: _Ends) -> dict[int, Bits]:
        """For sums of values that may be NULL: whether the frame has only such."""
        counters = {}
        for spec in sums:
            counter = self._series.get(("count", spec.argument, 0))
            if counter is not None:
                first, last = ends[spec.frame, id(counter)]
                counters[spec.column.id] = as_ring(last) - as_ring(first)
        words = ring_to_word(self.p, list(counters.values()), self.rows.rows.bit_length())
        some = any_of(self.p, words)
        return {i: self.p.invert(flag) for i, flag in zip(counters, some, strict=True)}


def _lookup(spec: WindowSpec) -> tuple[str, int | None, int]:
    """Values are looked up where they stand; of nth_value, the row n - 1 rows further on."""
    return ("value", spec.argument, spec.number if spec.function == "nth_value" else 1)


def _is_shift(spec: WindowSpec) -> bool:
    """A value out of a frame of one row: the row itself, or one some rows away."""
    frame = spec.frame
    one = frame.unit == "rows" and frame.start is not None and frame.start == frame.stop
    return spec.function in LOOKED_UP and one and spec.number == 1
