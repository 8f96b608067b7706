"""Runs TPC-H over a local federation of real processes, and prints what it costs.

    python benchmarks/tpch.py [--scale 0.01] [--layout vertical ...] [--query 1 3 ...] [--runs 3]
    python benchmarks/tpch.py --layout two      # two parties who trust nobody else
    python benchmarks/tpch.py --network wan     # an emulated network between the nodes (shaped.py)
    python benchmarks/tpch.py --figures FILE    # for rates.py, which fits the cost model

Each query gets fresh nodes, one warm-up, and then the median (smallest to largest) of the runs.
Bytes and rounds are those of the compute protocol; memory is the peak of each node's resident set
(VmHWM), its database included. Seconds are predicted for the network, `loopback` if none is
emulated, by a model of an otherwise idle machine. The answers are compared with DuckDB's on all the
data. A query that is refused or fails is listed with its error, and the next one runs.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tpch_data
import tpch_oracle
from shaped import Route, relayed
from tacit import TacitError
from tacit.executor.client.local import LocalFederation, create_local
from tacit.executor.party.federation import load_federation
from tacit.planner.cost import LINKS, Cost

# ORQ (SOSP 2025) on 64-bit synthetic integers, scale factor 0.01, two cores, loopback without TLS:
# seconds, megabytes sent by each party.
ORQ = {1: (13.8, 679), 2: (7.58, 199), 3: (15.6, 1158), 4: (15.4, 1117), 5: (40.6, 3149),
       6: (0.056, 4.8), 7: (37.7, 2889), 8: (48.2, 3209), 9: (42.9, 3225), 10: (27.3, 1913),
       11: (4.57, 108), 12: (16.3, 1174), 13: (5.43, 327), 14: (7.18, 390), 15: (13.4, 1103),
       16: (8.27, 283), 17: (17.3, 1116), 18: (27.3, 2268), 19: (5.84, 450), 20: (24.8, 1926),
       21: (48.3, 3970), 22: (4.79, 117)}  # fmt: skip


AS_NEAR, TOLD_SECONDS = 1.5, 0.1
"""How far a prediction may be off to count as right, and what is too short to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One query in one layout; tuples are by party."""

    query: int
    rows: int
    seconds: tuple[float, ...]
    busy_seconds: float
    predicted_busy_seconds: float
    predicted_seconds: float
    predicted: Cost
    sent_bytes: tuple[int, ...]
    rounds: int
    peak_bytes: tuple[int, ...]
    plaintext_seconds: float
    difference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A query that gave no answer, and why not."""

    query: int
    reason: str


def main() -> int:
    """Prints one table per layout; returns 1 unless every answer equals DuckDB's."""
    parser = argparse.ArgumentParser(description="TPC-H over a local federation")
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument(
        "--layout",
        nargs="+",
        choices=(*tpch_data.LAYOUTS, tpch_data.TWO),
        default=list(tpch_data.LAYOUTS),
    )
    parser.add_argument("--query", nargs="+", type=int, choices=tpch_data.QUERIES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--network", choices=("lan", "wan"), help="an emulated one (shaped.py)")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="add lines for rates.py")
    arguments = parser.parse_args()
    data = tpch_data.generate(arguments.scale)
    oracle = tpch_oracle.Oracle(data)
    print_heading(arguments.scale)
    failed = False
    for layout in arguments.layout:
        print_table_heading(layout, with_orq=arguments.scale == 0.01)
        with tempfile.TemporaryDirectory(prefix="tacit-tpch-") as scratch:
            plain = tpch_data.write_federation(
                layout, arguments.scale, Path(scratch) / "plain", data=data
            )
            target = Path(scratch) / "federation"
            directory = create_local(plain, target=target, network=arguments.network)
            outcomes = []
            with far_apart(directory, arguments.network):
                for query in arguments.query or queries_of(layout):
                    outcomes.append(outcome(directory, layout, query, arguments.runs, oracle))
                    print_row(outcomes[-1], with_orq=arguments.scale == 0.01)
            print_totals(outcomes, with_orq=arguments.scale == 0.01)
            if arguments.figures is not None:
                write_figures(arguments.figures, layout, outcomes)
        failed |= not all(is_right(one) for one in outcomes)
    oracle.close()
    print(f"\nload {os.getloadavg()[0]:.2f} at the end")
    return int(failed)


@contextlib.contextmanager
def far_apart(directory: Path, network: str | None) -> Iterator[None]:
    """Puts a network between the nodes of a federation directory: others reach a node by a relay
    at ::1, which passes on to 127.0.0.1, where the node listens at the same port."""
    if network is None:
        yield
        return
    path = directory / "federation.toml"
    text = path.read_text()
    ports = [int(port) for port in re.findall(r'"127\.0\.0\.1:(\d+)"', text)]
    path.write_text(text.replace('"127.0.0.1:', '"[::1]:'))
    for settings in directory.glob("*/party.toml"):
        settings.write_text(f'listen_host = "127.0.0.1"\n{settings.read_text()}')
    routes = [Route(listen=("::1", port), target=("127.0.0.1", port)) for port in ports]
    with relayed(routes, LINKS[network]):
        yield


def queries_of(layout: str) -> tuple[int, ...]:
    """The queries that are asked if none is named."""
    return tpch_data.TWO_PARTY_QUERIES if layout == tpch_data.TWO else tpch_data.QUERIES


def is_right(one: Measurement | Failure) -> bool:
    return isinstance(one, Measurement) and one.difference is None


def outcome(
    directory: Path, layout: str, query: int, runs: int, oracle: tpch_oracle.Oracle
) -> Measurement | Failure:
    """What a query costs, or why it gives no answer."""
    try:
        return measure(directory, layout, query, runs, oracle)
    except TacitError as error:
        reason = str(error).splitlines()[0]
        return Failure(query=query, reason=f"{type(error).__name__}: {reason}")


def measure(
    directory: Path, layout: str, query: int, runs: int, oracle: tpch_oracle.Oracle
) -> Measurement:
    """Starts the federation, asks the query once to warm up and then `runs` times."""
    sql = tpch_data.query_text(query)
    with LocalFederation.start(directory) as federation:
        parties = federation.parties
        with federation.client(parties[0]) as client:
            for statement in tpch_data.preparation(layout):
                client.query(statement)
            results = [client.query(sql) for _ in range(runs + 1)]
        peaks = peak_bytes(parties)
    last = results[-1]
    link = load_federation(directory).link
    keys = tpch_oracle.ORDERED_BY.get(query, ())
    return Measurement(
        query=query,
        rows=last.table.num_rows,
        seconds=tuple(result.seconds for result in results[1:]),
        busy_seconds=min(max(result.busy_seconds) for result in results[1:]),
        predicted_busy_seconds=link.busy_seconds(last.predicted.total),
        predicted_seconds=link.query_seconds(last.predicted.total),
        predicted=last.predicted.total,
        sent_bytes=last.sent_bytes,
        rounds=last.rounds,
        peak_bytes=peaks,
        plaintext_seconds=oracle.seconds(sql),
        difference=tpch_oracle.difference(last.table, oracle.answer(sql), ordered_by=keys),
    )


def peak_bytes(parties: tuple[str, ...]) -> tuple[int, ...]:
    """The peak resident set of each party's node: our child processes, told by their arguments."""
    peaks = dict.fromkeys(parties, 0)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "status").read_text()
            words = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if int(fields["PPid"]) != os.getpid() or "VmHWM" not in fields:
            continue
        for party in {Path(word).name for word in words} & set(parties):
            peaks[party] += int(fields["VmHWM"].split()[0]) * 1024
    return tuple(peaks[party] for party in parties)


def print_heading(scale: float) -> None:
    """The machine and the versions, without which seconds say nothing."""
    import duckdb
    import numpy as np

    load = os.getloadavg()[0]
    print(f"TPC-H, scale factor {scale:g}; all parties on one machine, TLS over loopback.\n")
    print(
        f"{os.cpu_count()} cores ({platform.machine()}), load {load:.2f} at the start;"
        f" Python {platform.python_version()}, numpy {np.__version__}, DuckDB {duckdb.__version__}"
    )


def print_table_heading(layout: str, *, with_orq: bool) -> None:
    """The table's first two lines, in Markdown."""
    heads = ["query", "rows", "seconds (min to max)", "predicted s (ratio)",
             "processor s (predicted)",
             "MB sent by each party", "rounds", "as predicted", "peak MiB", "DuckDB ms",
             "equal"]  # fmt: skip
    heads += ["seconds / ORQ's", "MB / ORQ's"] if with_orq else []
    print(f"\n### {layout}\n")
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads), flush=True)


def print_row(one: Measurement | Failure, *, with_orq: bool) -> None:
    """One query as a line of the table."""
    if isinstance(one, Failure):
        print(f"| {one.query} | {one.reason.replace('|', '/')} |", flush=True)
        return
    m = one
    median = statistics.median(m.seconds)
    exact = (m.sent_bytes, m.rounds) == (m.predicted.sent_bytes, m.predicted.rounds)
    megabytes = [sent / 1e6 for sent in m.sent_bytes]
    cells: list[Any] = [
        m.query,
        m.rows,
        f"{median:.2f} ({min(m.seconds):.2f} to {max(m.seconds):.2f})",
        f"{m.predicted_seconds:.2f} ({ratio(m):.2f})",
        f"{m.busy_seconds:.2f} ({m.predicted_busy_seconds:.2f})",
        ", ".join(f"{amount:.2f}" for amount in megabytes),
        m.rounds,
        "yes" if exact else off_by(m),
        ", ".join(f"{peak / 2**20:.0f}" for peak in m.peak_bytes),
        f"{m.plaintext_seconds * 1e3:.1f}",
        "yes" if m.difference is None else f"NO: {m.difference}",
    ]
    if with_orq:
        seconds, amount = ORQ[m.query]
        cells += [f"{median / seconds:.3f}", f"{max(megabytes) / amount:.4f}"]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def print_totals(outcomes: list[Measurement | Failure], *, with_orq: bool) -> None:
    """How many queries were answered rightly, and what these cost in all."""
    right = [one for one in outcomes if isinstance(one, Measurement) and one.difference is None]
    seconds = sum(statistics.median(m.seconds) for m in right)
    megabytes = sum(max(m.sent_bytes) for m in right) / 1e6
    print(f"\n{len(right)} of {len(outcomes)} queries equal DuckDB's answers: ", end="")
    print(f"{seconds:.2f} seconds, {megabytes:.2f} MB by the party that sends most", end="")
    if with_orq and right:
        orq_seconds, orq_megabytes = (sum(ORQ[m.query][k] for m in right) for k in (0, 1))
        print(f"; ORQ / this: {orq_seconds / seconds:.1f} x the seconds, ", end="")
        print(f"{orq_megabytes / megabytes:.1f} x the bytes", end="")
    print(".")
    ratios = [ratio(m) for m in right if statistics.median(m.seconds) > TOLD_SECONDS]
    near = sum(1 / AS_NEAR <= one <= AS_NEAR for one in ratios)
    print(f"{near} of the {len(ratios)} of more than {TOLD_SECONDS} seconds took what was ", end="")
    print(f"predicted within a factor of {AS_NEAR}.")


def ratio(measurement: Measurement) -> float:
    """Predicted over measured seconds."""
    return measurement.predicted_seconds / statistics.median(measurement.seconds)


def write_figures(path: Path, layout: str, outcomes: list[Measurement | Failure]) -> None:
    """Appends a line of JSON for each query: what rates.py reads."""
    with path.open("a") as file:
        for one in outcomes:
            if isinstance(one, Measurement):
                figures = {
                    "layout": layout,
                    "query": one.query,
                    "seconds": statistics.median(one.seconds),
                    "busy_seconds": one.busy_seconds,
                    "predicted": dataclasses.asdict(one.predicted),
                }
                file.write(json.dumps(figures) + "\n")


def off_by(measurement: Measurement) -> str:
    """How far the measured figures are from the predicted ones (a quicksort's are random)."""
    sent, expected = sum(measurement.sent_bytes), sum(measurement.predicted.sent_bytes)
    rounds = measurement.rounds - measurement.predicted.rounds
    return f"{(sent - expected) / max(1, expected):+.1%} bytes, {rounds:+d} rounds"


if __name__ == "__main__":
    sys.exit(main())
