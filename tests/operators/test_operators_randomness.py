"""What is random in a run: a quicksort's sizes, and every bit that a party sends."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hand_built import Built, Tables, assert_cost_is_exact, fragment, number
from in_memory import PARTIES, Outcome, run_in_memory
from tacit.executor.circuits.sort import sort
from tacit.executor.operators import aggregate
from tacit.planner.secure import Aggregate, AggregateSpec, Join, Operator, Sort, SortKey


def grouped(rows: int) -> Operator:
    """SELECT k, count(*), sum(v) GROUP BY k."""
    table = fragment(
        "t", "bob", rows, number(0, 0, 4095), number(1, 0, 9, nullable=True), forms=("bits", "ring")
    )
    count = AggregateSpec(column=number(2, 0, rows), function="count_star", argument=None)
    total = AggregateSpec(column=number(3, 0, 9 * rows, nullable=True), function="sum", argument=1)
    return Aggregate(
        columns=(table.columns[0], count.column, total.column),
        rows=rows,
        input=table,
        keys=(0,),
        aggregates=(count, total),
        sort="quick",
    )


def sorted_rows(rows: int) -> Operator:
    """SELECT k, v ORDER BY k DESC."""
    table = fragment("t", "bob", rows, number(0, 0, 4095), number(1, 0, 9, nullable=True))
    return Sort(
        columns=table.columns,
        rows=rows,
        input=table,
        keys=(SortKey(column=0, descending=True, nulls_first=False),),
        limit=None,
        offset=0,
        sort="quick",
    )


def semi_joined(rows: int) -> Operator:
    """SELECT k, v WHERE k IN (a column of another owner, with duplicates)."""
    probe = fragment("t", "bob", rows // 2, number(0, 0, 4095), number(1, 0, 9, nullable=True))
    build = fragment("u", "carol", rows - rows // 2, number(10, 0, 4095))
    return Join(
        columns=probe.columns,
        rows=probe.rows,
        kind="semi",
        probe=probe,
        build=build,
        probe_keys=(0,),
        build_keys=(10,),
        check_unique=False,
        sort="quick",
    )


CASES = [
    Built("group by", grouped),
    Built("order by", sorted_rows),
    Built("semi join", semi_joined),
]


def run(built: Built, rows: int, kind: str, *, record: bool = False) -> Outcome:
    return run_in_memory(built.plan(rows, "quick"), built.sources(rows, kind), record=record)


@pytest.mark.parametrize("built", CASES, ids=lambda built: built.name)
@pytest.mark.parametrize("rows", [1200, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_quicksort_costs_what_is_predicted(built: Built, rows: int) -> None:
    """Rounds and messages exactly in every run, bytes within 3 % of their mean."""
    sent = []
    for _ in range(6):
        outcome = run(built, rows, "random")
        assert outcome.predicted.expected
        assert outcome.measured.rounds == outcome.predicted.rounds
        assert outcome.measured.messages == outcome.predicted.messages
        sent.append(outcome.measured.sent_bytes)
    assert np.mean(sent, axis=0) == pytest.approx(outcome.predicted.sent_bytes, rel=0.03)


SLOWLY = pytest.mark.slow


@pytest.mark.parametrize(
    ("built", "rows", "runs"),
    [
        pytest.param(CASES[0], 1150, 60, id="group by"),
        *(pytest.param(c, 1150, 60, id=f"{c.name}, few", marks=SLOWLY) for c in CASES[1:]),
        *(pytest.param(c, 2500, 200, id=f"{c.name}, many", marks=SLOWLY) for c in CASES),
    ],
)
def test_a_quicksort_sends_alike_for_equal_and_for_distinct_keys(
    built: Built, rows: int, runs: int
) -> None:
    """Kinds, receivers and rounds are the same in every run; bytes in distribution.

    Kolmogorov-Smirnov on the bytes of the whole query, p = 0.001. With 200 runs of 2500 rows:
    pytest -m slow tests/operators/test_operators_randomness.py
    """
    sizes: dict[str, list[int]] = {}
    shapes = set()
    for kind in ("equal", "distinct"):
        outcomes = [run(built, rows, kind, record=True) for _ in range(runs)]
        sizes[kind] = [sum(outcome.measured.sent_bytes) for outcome in outcomes]
        shapes |= {_kinds(outcome) for outcome in outcomes}
    assert len(shapes) == 1
    assert len({*sizes["equal"]}) > 5
    assert smirnov_distance(sizes["equal"], sizes["distinct"]) < 1.95 * (2 / runs) ** 0.5


def test_the_distribution_tells_if_ties_were_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same test sees a group-by that promises its sort distinct keys where they are equal."""

    def promising(*arguments: Any, **options: Any) -> Any:
        return sort(*arguments, **options, distinct=True)

    monkeypatch.setattr(aggregate, "sort", promising)
    sizes = {
        kind: [sum(run(CASES[0], 5000, kind).measured.sent_bytes) for _ in range(4)]
        for kind in ("equal", "distinct")
    }
    assert smirnov_distance(sizes["equal"], sizes["distinct"]) == 1


def _kinds(outcome: Outcome) -> tuple[object, ...]:
    """Rounds, and who sends frames of what kind to whom, in order."""
    sent = [tuple((peer, kind) for peer, kind, _ in party) for party in outcome.transcripts]
    return (outcome.measured.rounds, *sent)


def smirnov_distance(first: list[int], second: list[int]) -> float:
    """The greatest difference between two empirical distribution functions."""
    points = np.array(sorted({*first, *second}))
    steps = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (first, second)]
    return float(np.max(np.abs(steps[0] - steps[1])))


# ---- uniformity


def everything_at_once(rows: int) -> Operator:
    """A semi-join, then groups of what is left, then their order, then the shuffled reveal."""
    probe = fragment(
        "t", "bob", rows, number(0, 0, 63), number(1, 0, 9, nullable=True), forms=("bits", "ring")
    )
    build = fragment("u", "carol", rows, number(10, 0, 63))
    join = Join(
        columns=probe.columns,
        rows=rows,
        kind="semi",
        probe=probe,
        build=build,
        probe_keys=(0,),
        build_keys=(10,),
        check_unique=False,
        sort="radix",
    )
    total = AggregateSpec(column=number(3, 0, 9 * rows, nullable=True), function="sum", argument=1)
    largest = AggregateSpec(column=number(4, 0, 9, nullable=True), function="max", argument=1)
    groups = Aggregate(
        columns=(probe.columns[0], total.column, largest.column),
        rows=rows,
        input=join,
        keys=(0,),
        aggregates=(total, largest),
        sort="radix",
    )
    return Sort(
        columns=groups.columns,
        rows=rows,
        input=groups,
        keys=(SortKey(column=3, descending=True, nulls_first=False),),
        limit=None,
        offset=0,
        sort="radix",
    )


@pytest.mark.parametrize(
    ("algorithm", "runs"),
    [
        ("radix", 48),
        pytest.param("quick", 48, marks=SLOWLY),
        pytest.param("radix", 400, marks=SLOWLY),
        pytest.param("quick", 400, marks=SLOWLY),
    ],
)
def test_every_bit_sent_is_a_fair_coin_whatever_the_data(algorithm: str, runs: int) -> None:
    """Over many runs on all-zero data and on random data, every bit of every frame is as often 1
    as a fair coin is (chi-square of the counts against the binomial distribution); but for bits
    that are always 0, the padding of rows, and those are the same for all data.

    INPUT frames and all later ones; 400 runs: pytest -m slow.
    """
    built = Built("all", everything_at_once)
    rows = 64
    padding: list[list[np.ndarray]] = []
    for kind in ("zero", "random"):
        sources = built.sources(rows, "equal" if kind == "zero" else kind)
        if kind == "zero":
            sources = {party: _zeroed(source) for party, source in sources.items()}
        ones = [np.zeros(0)] * len(PARTIES)
        for number_of_run in range(runs):
            outcome = run_in_memory(built.plan(rows, algorithm), sources, record=True)
            assert_cost_is_exact(outcome)
            for party, frames in enumerate(outcome.captured):
                sent = np.frombuffer(b"".join(frames), dtype=np.uint8)
                bits = np.unpackbits(sent).astype(np.uint16)
                ones[party] = bits if number_of_run == 0 else ones[party] + bits
        padding.append([np.flatnonzero(count == 0) for count in ones])
        for count in ones:
            assert (count > 0).mean() > 0.5
            assert not (count == runs).any()
            assert _binomial_excess(count[count > 0], runs) < 5
    for zero, other in zip(*padding, strict=True):
        assert np.array_equal(zero, other)


def _zeroed(source: Tables) -> Tables:
    """The same tables, every value of every row 0."""
    return Tables(
        {
            name: pa.table({c: [0] * len(table) for c in table.column_names})
            for name, table in source.given.items()
        }
    )


def _binomial_excess(count: np.ndarray, runs: int) -> float:
    """Chi-square of the counts against fair coins, in standard deviations above its mean."""
    chance = np.array([comb(runs, k) for k in range(runs + 1)], dtype=object)
    expected = (chance * len(count) / 2**runs).astype(float)
    observed = np.bincount(count.astype(np.int64), minlength=runs + 1).astype(float)
    common = expected >= 10
    groups = [(observed[common], expected[common])]
    rest = (observed[~common].sum(), expected[~common].sum())
    terms = ((groups[0][0] - groups[0][1]) ** 2 / groups[0][1]).sum()
    freedom = int(common.sum()) - 1
    if rest[1] > 0:
        terms += (rest[0] - rest[1]) ** 2 / max(rest[1], 1e-9)
        freedom += 1
    return float((terms - freedom) / (2 * freedom) ** 0.5)
