"""Aggregates for every possible group of small public domains."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hand_built import (
    Built,
    assert_cost_is_exact,
    call,
    encoded,
    fragment,
    lit,
    number,
    ref,
    run_and_compare,
)
from in_memory import Outcome
from tacit.executor.operators import aggregate_dense
from tacit.planner.public_groups import public_groups
from tacit.planner.secure import Aggregate, AggregateSpec, Filter, Operator
from tacit.query.datatypes import BOOLEAN, HUGEINT, Column, Encoding

WIDE = 1 << 62


def counted(identity: int, argument: int | None, rows: int) -> AggregateSpec:
    function = "count_star" if argument is None else "count"
    return AggregateSpec(
        column=number(identity, 0, rows),
        function=function,  # type: ignore[arg-type]
        argument=argument,
    )


def summed(identity: int, source: Column, rows: int) -> AggregateSpec:
    assert source.encoding is not None
    lo, hi = source.encoding.lo * rows, source.encoding.hi * rows
    column = encoded(identity, HUGEINT, Encoding(lo=min(lo, 0), hi=max(hi, 0)), nullable=True)
    return AggregateSpec(column=column, function="sum", argument=source.id)


def grouped(
    keys: tuple[int, ...], *, nullable: bool, groups: int, empty: bool = False
) -> Callable[[int], Operator]:
    """Counts and sums, one beyond the ring, of rows of which a filter takes some away."""

    def made(rows: int) -> Aggregate:
        columns = (
            number(0, -2, 2, nullable=nullable),
            encoded(1, BOOLEAN, Encoding(lo=0, hi=1), nullable=nullable),
            number(2, -9, 20, nullable=nullable),
            number(3, -WIDE, WIDE, nullable=nullable),
        )
        forms = ("bits", "bits", "bits", "bits")
        table = fragment("t", "carol", rows, *columns, forms=forms)
        predicate = call("=", ref(columns[2]), lit(50 if empty else 3))
        if not empty:
            predicate = call("<>", ref(columns[2]), lit(3))
        kept = Filter(columns=columns, rows=rows, input=table, predicate=predicate)
        by_id = {c.id: c for c in columns}
        specs = (
            counted(100, None, rows),
            counted(101, 2, rows),
            summed(102, columns[2], rows),
            summed(103, columns[3], rows),
        )
        return Aggregate(
            columns=(*(by_id[k] for k in keys), *(s.column for s in specs)),
            rows=groups,
            input=kept,
            keys=keys,
            aggregates=specs,
            sort="dense",
        )

    return made


CASES = [
    Built("one key", grouped((0,), nullable=False, groups=5)),
    Built("one key that may be NULL", grouped((0,), nullable=True, groups=6)),
    Built("two keys", grouped((0, 1), nullable=False, groups=10)),
    Built("two keys that may be NULL", grouped((1, 0), nullable=True, groups=18)),
    Built("no row left", grouped((0, 1), nullable=True, groups=18, empty=True)),
]


@pytest.mark.parametrize("built", CASES, ids=lambda built: built.name)
@pytest.mark.parametrize("kind", ["random", "empty"])
def test_every_possible_group_is_added_up(built: Built, kind: str) -> None:
    outcome = run_and_compare(built, 65, sort="dense", kind=kind)
    assert_cost_is_exact(outcome)


def test_transcripts_do_not_depend_on_the_rows_and_flags_come_in_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes: list[Outcome] = []
    for batch, rows in ((1 << 24, 65), (200, 66)):
        monkeypatch.setattr(aggregate_dense, "_FLAGS_AT_ONCE", batch)
        for kind in ("random", "empty"):
            outcomes.append(run_and_compare(CASES[3], rows, sort="dense", kind=kind))
            assert_cost_is_exact(outcomes[-1])
    assert outcomes[0].transcripts == outcomes[1].transcripts
    assert outcomes[2].transcripts == outcomes[3].transcripts
    assert outcomes[0].measured.rounds < outcomes[2].measured.rounds


def test_only_sums_and_counts_of_few_groups_are_dense() -> None:
    node = grouped((0,), nullable=False, groups=5)(65)
    assert isinstance(node, Aggregate)
    assert public_groups(node) == ((-2,), (-1,), (0,), (1,), (2,))
    fewer = grouped((0,), nullable=False, groups=4)(65)
    assert isinstance(fewer, Aggregate)
    assert public_groups(fewer) is None
