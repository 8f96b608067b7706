"""What joins by set intersection cost: three parties as processes, real TLS over loopback.

Usage: python benchmarks/psi.py [NAME ...] [--rows 100000 1000000] [--repeat 1] [--network loopback]
Two owners have a table of so many rows each, whose keys of 32 bits are unique; half of them are
common. The join brings a column of 32 bits along and adds it up, or only counts. NAME: how.
  points, transfers   the intersection is revealed to the two owners
  hidden              as the planner joins on the network without leave to reveal anything
  count               the same, but the matches are only counted
One line each: median wall-clock seconds of a whole run of the plan with what the owners' databases
do, processor seconds, megabytes sent and peak memory of the party that has most of each, rounds,
and what was predicted. Answers are checked. One run before the first is not counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
import pyarrow as pa
from processes import Usage, measured, run_parties
from tacit.connectors.duckdb_source import DuckDbSource
from tacit.executor.operators.pricing import DryRunPricer
from tacit.executor.operators.run import run_plan
from tacit.executor.sharing.protocol import SharingProtocol
from tacit.executor.sharing.protocols import open_protocol
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.transport import TlsChannel
from tacit.planner import plan_query
from tacit.planner.cost import LINKS, Cost, Link
from tacit.planner.secure import (
    Intersection,
    IntersectionAlgorithm,
    Join,
    Operator,
    SecurePlan,
    children,
)
from tacit.query import bind, load_catalog, parse

OWNERS = ("ann", "bea")
PARTIES = (*OWNERS, "third")
KEY_RANGE = 1 << 32
REVEALING: Mapping[str, IntersectionAlgorithm] = {"points": "points", "transfers": "transfers"}
NAMES = (*REVEALING, "hidden", "count")

SUM = "SELECT count(*) AS n, sum(b.x) AS s FROM t_ann a JOIN t_bea b ON a.k = b.k"
COUNT = "SELECT count(*) AS n FROM t_ann a JOIN t_bea b ON a.k = b.k"

HEADER = (
    f"{'name':<10} {'rows':>9} {'seconds':>8} {'cpu s':>8} {'MB':>9} {'bytes/row':>10} "
    f"{'rounds':>6} {'peak MiB':>9}  predicted"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`answer`: the result's one row, by column."""

    name: str
    rows: int
    repeat: int
    plan: SecurePlan
    answer: Mapping[str, list[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rows", nargs="+", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, after one to warm up")
    parser.add_argument("--network", choices=list(LINKS), default="loopback")
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            parser.error(f"there is no way {name}; choose from {', '.join(NAMES)}")
    tasks = [
        task(name, rows, options.repeat, LINKS[options.network])
        for name in options.names or NAMES
        for rows in options.rows
    ]
    print(HEADER)
    run_parties(len(PARTIES), partial(run_party, tasks=tasks), partial(lead, tasks))


def task(name: str, rows: int, repeat: int, network: Link) -> Task:
    sql = COUNT if name == "count" else SUM
    if name in REVEALING:
        # Where bytes cost so much, whatever saves some is taken.
        slow = dataclasses.replace(network, bytes_per_second=1.0)
        plan = planned(sql, rows, slow, reveal=True)
        root = dataclasses.replace(plan.root, input=revealed(plan.root.input, REVEALING[name]))
        plan = dataclasses.replace(plan, root=root)
    else:
        plan = planned(sql, rows, network, reveal=False)
    one, other = data(rows)
    matches = np.isin(other["k"].to_numpy(), one["k"].to_numpy())
    answer = {"n": [int(matches.sum())], "s": [int(other["x"].to_numpy()[matches].sum())]}
    return Task(name=name, rows=rows, repeat=repeat, plan=plan, answer=answer)


def catalog_sql(rows: int, *, reveal: bool) -> str:
    """Two tables of unique keys."""
    clause = "REVEALING INTERSECTION (k)" if reveal else ""
    key = f"k BIGINT UNIQUE NOT NULL CHECK (k BETWEEN 0 AND {KEY_RANGE - 1})"
    value = f"x BIGINT NOT NULL CHECK (x BETWEEN 0 AND {2**32 - 1})"
    return "".join(
        f"CREATE TABLE t_{owner} ({key}, {value}) OWNED BY {owner} ROWS {rows} {clause};"
        for owner in OWNERS
    )


def planned(sql: str, rows: int, network: Link, *, reveal: bool) -> SecurePlan:
    catalog = load_catalog(catalog_sql(rows, reveal=reveal), parties=PARTIES)
    (statement,) = parse(sql)
    return plan_query(
        bind(statement, catalog, parties=PARTIES, text=sql),
        parties=PARTIES,
        asker=OWNERS[0],
        pricer=DryRunPricer(PARTIES),
        link=network.running("replicated"),
    )


def revealed(operator: Operator, by: IntersectionAlgorithm) -> Operator:
    """The plan by the one or the other way to reveal."""
    if isinstance(operator, Intersection):
        return dataclasses.replace(operator, by=by)
    below: Operator = operator.input  # type: ignore[attr-defined]
    return dataclasses.replace(operator, input=revealed(below, by))  # type: ignore[call-arg]


def data(rows: int) -> tuple[pa.Table, pa.Table]:
    """Both owners' tables: keys are an odd multiple of their number, so none stands twice."""
    numbers = np.arange(rows, dtype=np.uint64)
    tables = []
    for start in (0, rows // 2):
        keys = (numbers + np.uint64(start)) * np.uint64(0x9E3779B1) % np.uint64(KEY_RANGE)
        values = keys * np.uint64(0x85EBCA6B) % np.uint64(KEY_RANGE)
        made = {"k": keys.astype(np.int64), "x": values.astype(np.int64)}
        tables.append(pa.table(made))
    return tables[0], tables[1]


def run_party(
    channel: TlsChannel, session_id: bytes, leader: Connection, *, tasks: Sequence[Task]
) -> None:
    """Runs every task and reports each, without the first run, which warms up."""
    party = PARTIES[channel.party]
    keys = agree_keys(channel, session_id)
    for each in tasks:
        source = DuckDbSource(load_catalog(catalog_sql(each.rows, reveal=False), parties=PARTIES))
        if party in OWNERS:
            source.register_table(f"t_{party}", data(each.rows)[OWNERS.index(party)])
        runs = []
        for _ in range(each.repeat + 1):
            protocol = open_protocol(
                "replicated", channel, keys, context=session_id, preparation=()
            )
            found: list[pa.Table | None] = []
            runs.append(measured(channel, partial(run, each, protocol, party, source, found)))
            check(each, found[0])
        source.close()
        leader.send(runs[1:])


def run(
    each: Task,
    protocol: SharingProtocol,
    party: str,
    source: DuckDbSource,
    found: list[pa.Table | None],
) -> None:
    """Runs the plan, and adds this party's result to what was found."""
    found.append(
        run_plan(
            each.plan,
            protocol=protocol,
            party=party,
            source=source,
            watch=_no_watch,
        )
    )


def _no_watch(number: int, step: str) -> None:
    """Nobody follows the steps."""


def check(each: Task, table: pa.Table | None) -> None:
    if table is not None:
        got = {name: [int(v) for v in values] for name, values in table.to_pydict().items()}
        if any(got[name] != each.answer[name] for name in got):
            raise AssertionError(f"{each.name} gave {got} and not {each.answer}")


def lead(tasks: Sequence[Task], parties: Sequence[Connection]) -> None:
    for each in tasks:
        runs = list(zip(*(party.recv() for party in parties), strict=True))
        cost = DryRunPricer(PARTIES).plan_cost(each.plan).total
        print(line(each, runs, cost), flush=True)


def line(each: Task, runs: Sequence[Sequence[Usage]], cost: Cost) -> str:
    """`runs` holds what every party used in each run."""
    seconds = statistics.median(max(one.seconds for one in run) for run in runs)
    cpu = statistics.median(max(one.cpu_seconds for one in run) for run in runs)
    sent = statistics.median(max(one.sent_bytes for one in run) for run in runs)
    rounds = max(one.depth for run in runs for one in run)
    peak = max(one.peak_bytes for run in runs for one in run)
    about = "about " if cost.expected else ""
    how = ", ".join(algorithms(each.plan.root))
    return (
        f"{each.name:<10} {each.rows:>9} {seconds:>8.3f} {cpu:>8.3f} {sent / 1e6:>9.2f} "
        f"{sent / each.rows:>10.2f} {rounds:>6} {peak / 2**20:>9.0f}  "
        f"{about}{cost.rounds} rounds, {max(cost.sent_bytes) / 1e6:.2f} MB ({how})"
    )


def algorithms(operator: Operator) -> list[str]:
    """By what the plan's join runs."""
    below = [name for child in children(operator) for name in algorithms(child)]
    match operator:
        case Intersection(by=by):
            return [by]
        case Join():
            return [*below, str(getattr(operator, "by", operator.sort))]
        case _:
            return below


if __name__ == "__main__":
    main()
