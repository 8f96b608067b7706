"""Fits the cost model's rates to a run of TPC-H on this machine, and prints them.

    python benchmarks/tpch.py --layout vertical horizontal shared --figures figures.jsonl
    python benchmarks/rates.py figures.jsonl

The machine has to be quiet while tpch.py runs over `loopback`. Two fits by least squares of
relative errors, without negative rates: processor time as measured by what the dry run counts, and
seconds by rounds, the owners' cells and the processor time that was measured. What is printed goes
into RATES and LINKS of planner/cost.py, rounded, or under [network] into a federation.toml.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tacit.planner.cost import LINKS, SESSION_TRIPS, Cost, Link, Rates

AS_NEAR, TOLD_SECONDS = 1.5, 0.1
LEAST_SECONDS = 0.02
"""Shorter times weigh no more than this."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one query took, and what it was predicted to cost."""

    seconds: float
    busy_seconds: float
    cost: Cost


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="made by tpch.py --figures")
    parser.add_argument("--protocol", default="replicated", help="whose rates to compare with")
    options = parser.parse_args()
    lines = [line for path in options.files for line in path.read_text().splitlines()]
    figures = [figures_of(json.loads(line)) for line in lines]
    now = LINKS["loopback"].running(options.protocol)
    link = fitted(figures, now)
    for name, one in (("now", now), ("fitted", link)):
        told(name, [one.busy_seconds(f.cost) / f.busy_seconds for f in figures
                    if f.busy_seconds > LEAST_SECONDS], "processor seconds")  # fmt: skip
        told(name, [one.query_seconds(f.cost) / f.seconds for f in figures
                    if f.seconds > TOLD_SECONDS], "seconds")  # fmt: skip
    print(f"crowding={link.crowding:.2f},")
    assert link.rates is not None
    for field in dataclasses.fields(Rates):
        print(f"{field.name}={getattr(link.rates, field.name):.2g},")


def told(name: str, ratios: Sequence[float], what: str) -> None:
    """Prints how good rates are."""
    near = sum(1 / AS_NEAR <= ratio <= AS_NEAR for ratio in ratios)
    print(
        f"# {name}: {what} predicted / measured {min(ratios):.2f} to {max(ratios):.2f}, "
        f"{near} of {len(ratios)} within {AS_NEAR}"
    )


def figures_of(line: dict[str, Any]) -> Figures:
    """One line of a file of figures."""
    cost = dict(line["predicted"])
    for name in ("sent_bytes", "messages"):
        cost[name] = tuple(cost[name])
    return Figures(seconds=line["seconds"], busy_seconds=line["busy_seconds"], cost=Cost(**cost))


def fitted(figures: Sequence[Figures], link: Link) -> Link:
    """The link with the rates and the crowding that fit best; its wires stay as they are."""
    busy = np.array([f.busy_seconds - f.cost.work_seconds for f in figures])
    counts = [
        (max(c.messages), c.gates, max(c.sent_bytes), c.moved_bytes)
        for c in (f.cost for f in figures)
    ]
    message, gate, sent, moved = least_squares(np.array(counts, float), busy)
    wires = [
        f.cost.rounds * link.round_trip_seconds / 2
        + max(f.cost.sent_bytes) / link.bytes_per_second
        + SESSION_TRIPS * link.round_trip_seconds
        for f in figures
    ]
    seconds = np.array([f.seconds for f in figures]) - np.array(wires)
    parts = [
        (1.0, f.cost.rounds, f.cost.scanned_cells, f.cost.entered_cells, f.busy_seconds)
        for f in figures
    ]
    session, waking, scanned, entered, crowding = least_squares(np.array(parts), seconds)
    crowding = max(crowding, 1.0)
    return dataclasses.replace(
        link,
        crowding=crowding,
        rates=Rates(
            message_seconds=message,
            gate_seconds=gate,
            byte_seconds=sent,
            moved_byte_seconds=moved,
            waking_seconds=waking / crowding,
            session_seconds=session / crowding,
            scanned_cell_seconds=scanned / crowding,
            entered_cell_seconds=entered / crowding,
        ),
    )


def least_squares(parts: NDArray[np.float64], measured: NDArray[np.float64]) -> list[float]:
    """The factors, none negative, by which the columns of `parts` add up to what was measured, with
    the least relative errors. Columns whose factors would be negative are left out, worst first."""
    weights = 1 / np.maximum(measured, LEAST_SECONDS)
    scale = np.maximum(np.abs(parts).max(axis=0), math.ulp(1.0))
    kept = list(range(parts.shape[1]))
    while kept:
        columns = (parts[:, kept] / scale[kept]) * weights[:, None]
        factors, *_ = np.linalg.lstsq(columns, measured * weights, rcond=None)
        if factors.min() >= 0:
            break
        kept.pop(int(factors.argmin()))
    found = dict(zip(kept, factors, strict=True)) if kept else {}
    return [float(found.get(i, 0.0) / scale[i]) for i in range(parts.shape[1])]


if __name__ == "__main__":
    main()
