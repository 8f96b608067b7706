"""MIN and MAX over the frames of a window, by scans that double their reach.

A scan of reach L gives every row the extreme of the L rows up to it (or from it on), as far as they
are in its partition. A frame around the row is a scan back and a scan ahead; a frame on one side of
the row is a scan that is shifted; a frame that ends with the partition or with the row's peers is
copied from there.

All scans of a window share their rounds. Cost: for a reach of L rows ceil(log2 L) comparisons of
w + 1 planes, and as many selections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...planner.secure import WindowSpec
from ...query.bound import Frame
from ..circuits.compare import any_of, less_than
from ..circuits.rows import shift_down, shift_up
from ..circuits.select import select
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, as_bits, stack
from .table import SecretColumn, null_of, planes_of
from .window_edges import Edge, Edges, Series
from .window_rows import WindowRows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """How a frame's extreme is found: scans of these reaches (0: none), then a copy or a shift."""

    back: int = 0
    ahead: int = 0
    edge: Edge | None = None
    shift: int = 0


def extreme_edges(frame: Frame, rows: int) -> frozenset[Edge]:
    """The edges that rows must know of to find the extreme of their frames."""
    route = _route(frame, rows)
    sides: tuple[tuple[Edge, bool], ...] = (
        ("start", route.back > 1 or route.shift < 0),
        ("end", route.ahead > 1 or route.shift > 0),
    )
    return frozenset(edge for edge, known in sides if known)


def extreme_values(
    p: SharingProtocol, rows: WindowRows, edges: Edges, specs: Sequence[WindowSpec]
) -> dict[int, SecretColumn]:
    """The MIN and MAX columns of a window, by id; `edges` knows of `extreme_edges`."""
    if not specs:
        return {}
    routes = [_route(spec.frame, rows.rows) for spec in specs]
    edges.know(
        [spec.frame for spec in specs],
        early=[step for route in routes for step in _steps(route.back)],
        late=[step for route in routes for step in _steps(route.ahead)],
    )
    keys = [_key(p, rows, spec) for spec in specs]
    scanned = _scanned(p, edges, keys, routes)
    found = [Series(before=key, after=key) for key in scanned]
    copied = [s for s, route in zip(found, routes, strict=True) if route.edge is not None]
    edges.copy(copied, [route.edge for route in routes if route.edge is not None])
    return {
        spec.column.id: _column(p, rows, edges, spec, _placed(series, route))
        for spec, series, route in zip(specs, found, routes, strict=True)
    }


def _route(frame: Frame, rows: int) -> _Route:
    start, stop = frame.start, frame.stop
    if frame.unit == "range":
        if start is None:
            return _Route(back=rows, edge="peer_end")
        return _Route(ahead=rows, edge="peer_start")
    if start is None and stop is None:
        return _Route(back=rows, edge="end")
    back = rows if start is None else min(rows, 1 - start)
    ahead = rows if stop is None else min(rows, 1 + stop)
    if stop is not None and stop < 0:
        reach = rows if start is None else min(rows, stop - start + 1)
        return _Route(back=reach, shift=stop)
    if start is not None and start > 0:
        reach = rows if stop is None else min(rows, stop - start + 1)
        return _Route(ahead=reach, shift=start)
    return _Route(back=back, ahead=ahead if ahead > 1 or back == 0 else 0)


def _steps(reach: int) -> list[int]:
    """How far each step of a scan looks."""
    steps, covered = [], 1
    while covered < reach:
        steps.append(min(covered, reach - covered))
        covered += steps[-1]
    return steps


def _key(p: SharingProtocol, rows: WindowRows, spec: WindowSpec) -> Bits:
    """What the scan minimises: (absent, value), complemented for MAX."""
    assert spec.argument is not None
    column = rows.values[spec.argument]
    planes = planes_of(column)
    planes = p.invert(planes) if spec.function == "max" else planes
    return planes if column.null is None else stack([planes, null_of(column)])


def _scanned(
    p: SharingProtocol, edges: Edges, keys: Sequence[Bits], routes: Sequence[_Route]
) -> list[Bits]:
    """Every key's scans, and the lesser of both where a frame has two sides."""
    scans = [
        _Scan(key, _steps(reach), ahead)
        for key, route in zip(keys, routes, strict=True)
        for reach, ahead in ((route.back, False), (route.ahead, True))
        if reach
    ]
    for step in range(max(len(scan.steps) for scan in scans)):
        _advance(p, edges, [scan for scan in scans if step < len(scan.steps)], step)
    results, remaining = [], iter(scans)
    both: list[tuple[int, Bits, Bits]] = []
    for place, route in enumerate(routes):
        results.append(next(remaining).best)
        if route.back and route.ahead:
            both.append((place, results[place], next(remaining).best))
    less = less_than(p, [(ahead, back) for _, back, ahead in both]) if both else []
    chosen = select(
        p, [(flag, ahead, back) for flag, (_, back, ahead) in zip(less, both, strict=True)]
    )
    for (place, _, _), best in zip(both, chosen, strict=True):
        results[place] = best
    return results


@dataclass(slots=True, eq=False)
class _Scan:
    """A scan under way: the least key of the rows reached so far."""

    best: Bits
    steps: list[int]
    ahead: bool


def _advance(p: SharingProtocol, edges: Edges, scans: Sequence[_Scan], step: int) -> None:
    """One doubling of every scan: log2 w + 3 rounds for all."""
    others, outside = [], []
    for scan in scans:
        by = scan.steps[step]
        others.append(shift_up(scan.best, by) if scan.ahead else shift_down(scan.best, by))
        outside.append(edges.late(by) if scan.ahead else edges.early(by))
    less = less_than(p, [(other, s.best) for other, s in zip(others, scans, strict=True)])
    taken = p.and_([(x, p.invert(out)) for x, out in zip(less, outside, strict=True)])
    chosen = select(p, [(flag, o, s.best) for flag, o, s in zip(taken, others, scans, strict=True)])
    for scan, best in zip(scans, chosen, strict=True):
        scan.best = best


def _placed(series: Series, route: _Route) -> Bits:
    """The key that belongs to each row."""
    if route.edge is not None:
        return as_bits(series.at[route.edge])
    scanned = as_bits(series.after)
    return shift_down(scanned, -route.shift) if route.shift < 0 else shift_up(scanned, route.shift)


def _column(
    p: SharingProtocol, rows: WindowRows, edges: Edges, spec: WindowSpec, key: Bits
) -> SecretColumn:
    """The key taken apart again; NULL where no row of the frame has a value."""
    assert spec.argument is not None
    source = rows.values[spec.argument]
    width = source.encoding.width
    planes = key.planes(0, width)
    absent = [] if source.null is None else [key.planes(width, width + 1)]
    empty = edges.empty(spec.frame)
    nulls = absent if empty is None else [*absent, empty]
    return SecretColumn(
        encoding=source.encoding,
        rows=key.rows,
        bits=p.invert(planes) if spec.function == "max" else planes,
        null=any_of(p, [stack(nulls)])[0] if nulls else None,
    )
