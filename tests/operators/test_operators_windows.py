"""Window functions over every shape of frame: the plaintext answer, the cost, one transcript."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hand_built import (
    Built,
    call,
    check_on_all_data,
    encoded,
    fragment,
    lit,
    number,
    ref,
    run_and_compare,
    with_runs,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.planner.secure import (
    Concat,
    Filter,
    Fragment,
    Operator,
    SortKey,
    Window,
    WindowFunction,
    WindowSpec,
)
from tacit.planner.windowing import frame_is_empty, may_be_null
from tacit.query.bound import Frame
from tacit.query.datatypes import BIGINT, BOOLEAN, HUGEINT, Column, Encoding, VarcharType

PADDED = Encoding(lo=0, hi=256**3 - 1, text_bytes=3)
WHOLE = Frame(unit="rows", start=None, stop=None)

FRAMES = {
    "whole": WHOLE,
    "running": Frame(unit="rows", start=None, stop=0),
    "rest": Frame(unit="rows", start=0, stop=None),
    "up to before": Frame(unit="rows", start=None, stop=-2),
    "up to after": Frame(unit="rows", start=None, stop=3),
    "from before": Frame(unit="rows", start=-3, stop=None),
    "from after": Frame(unit="rows", start=1, stop=None),
    "around": Frame(unit="rows", start=-2, stop=5),
    "before": Frame(unit="rows", start=-6, stop=-2),
    "after": Frame(unit="rows", start=1, stop=4),
    "row": Frame(unit="rows", start=0, stop=0),
    "row before": Frame(unit="rows", start=-2, stop=-2),
    "row after": Frame(unit="rows", start=3, stop=3),
    "far": Frame(unit="rows", start=-999, stop=998),
    "beyond": Frame(unit="rows", start=500, stop=900),
    "to peers": Frame(unit="range", start=None, stop=0),
    "from peers": Frame(unit="range", start=0, stop=None),
}


def given_rows(rows: int, *, nullable: bool) -> Fragment:
    """A unique number, a key, an order with ties, and three arguments."""
    columns = (
        number(0, 0, 4095),
        number(1, -1, 2, nullable=nullable),
        number(2, 0, 6, nullable=nullable),
        number(3, -9, 20, nullable=nullable),
        encoded(4, VarcharType(3), PADDED, nullable=nullable),
        encoded(5, BOOLEAN, Encoding(lo=0, hi=1), nullable=nullable),
    )
    forms = ("bits", "bits", "bits", "both", "bits", "bits")
    return fragment("t", "carol", rows, *columns, forms=forms)  # type: ignore[arg-type]


def spec(
    identity: int,
    function: WindowFunction,
    argument: Column | None,
    rows: int,
    frame: Frame = WHOLE,
    *,
    count: int = 1,
) -> WindowSpec:
    """A call with the range that its argument and the row count give."""
    nullable = may_be_null(function, argument, count, frame)
    if function in ("row_number", "rank", "dense_rank", "ntile"):
        column = number(identity, 1, max(1, rows))
    elif argument is None or function == "count":
        column = number(identity, 0, rows)
    elif function == "sum":
        assert argument.encoding is not None
        low, high = min(0, argument.encoding.lo * rows), max(0, argument.encoding.hi * rows)
        range_ = Encoding(lo=low, hi=high)
        type = BIGINT if range_.fits_ring else HUGEINT
        column = encoded(identity, type, range_, nullable=nullable)
    else:
        assert argument.encoding is not None
        column = encoded(identity, argument.type, argument.encoding, nullable=nullable)
    return WindowSpec(
        column=column,
        function=function,
        argument=None if argument is None else argument.id,
        number=count,
        frame=frame,
    )


def windowed(
    table: Operator,
    partition: tuple[int, ...],
    order: tuple[SortKey, ...],
    calls: tuple[WindowSpec, ...],
) -> Window:
    return Window(
        columns=(*table.columns, *(c.column for c in calls)),
        rows=table.rows,
        input=table,
        partition=partition,
        order=order,
        calls=calls,
        sort="radix",
    )


def by(column: int, *, descending: bool = False, nulls_first: bool = False) -> SortKey:
    return SortKey(column=column, descending=descending, nulls_first=nulls_first)


def over_frame(frame: Frame, *, nullable: bool) -> Callable[[int], Operator]:
    """Every framed function; in ROWS frames the order is total, as ties are open there."""

    def made(rows: int) -> Operator:
        table = given_rows(rows, nullable=nullable)
        _, _, _, value, text, truth = table.columns
        calls = (
            spec(100, "count_star", None, rows, frame),
            spec(101, "count", value, rows, frame),
            spec(102, "sum", value, rows, frame),
            spec(103, "min", value, rows, frame),
            spec(104, "max", text, rows, frame),
            spec(105, "max", truth, rows, frame),
        )
        order = (by(2), by(0, descending=True))
        if frame.unit == "range":
            return windowed(table, (1,), order[:1], calls)
        looked_up = (
            spec(106, "nth_value", value, rows, frame),
            spec(107, "nth_value", text, rows, frame, count=3),
            spec(108, "last_value", value, rows, frame),
        )
        return windowed(table, (1,), order, calls + looked_up)

    return made


def ranks(*, nullable: bool) -> Callable[[int], Operator]:
    """Ranks with ties, rows that a filter took away, NULLs first and descending."""

    def made(rows: int) -> Operator:
        table = given_rows(rows, nullable=nullable)
        kept = Filter(
            columns=table.columns,
            rows=rows,
            input=table,
            predicate=call("<>", ref(table.columns[3]), lit(5)),
        )
        calls = (
            spec(100, "rank", None, rows),
            spec(101, "dense_rank", None, rows),
            spec(102, "count_star", None, rows, FRAMES["to peers"]),
        )
        order = (by(2, descending=True, nulls_first=True), by(5))
        return windowed(kept, (1,), order, calls)

    return made


def places(partition: tuple[int, ...]) -> Callable[[int], Operator]:
    """Row numbers and tiles of a total order."""

    def made(rows: int) -> Operator:
        table = given_rows(rows, nullable=True)
        calls = (
            spec(100, "row_number", None, rows),
            spec(101, "ntile", None, rows, count=3),
            spec(102, "ntile", None, rows, count=1),
            spec(103, "ntile", None, rows, count=1000),
        )
        return windowed(table, partition, (by(0),), calls)

    return made


def unordered(rows: int) -> Operator:
    """Without an order all rows are peers."""
    table = given_rows(rows, nullable=True)
    calls = (
        spec(100, "rank", None, rows),
        spec(101, "sum", table.columns[3], rows),
        spec(102, "max", table.columns[3], rows),
    )
    return windowed(table, (4,), (), calls)


def nothing_to_sort_by(rows: int) -> Operator:
    """One partition, no order."""
    table = given_rows(rows, nullable=False)
    return windowed(table, (), (), (spec(100, "sum", table.columns[3], rows),))


def wide(rows: int) -> Operator:
    """Sums beyond the ring run in limbs."""
    big = encoded(1, HUGEINT, Encoding(lo=-(1 << 70), hi=1 << 71), nullable=True)
    table = fragment("t", "bob", rows, number(0, 0, 4095), big, number(2, -1, 1))
    calls = (
        spec(100, "sum", big, rows, FRAMES["running"]),
        spec(101, "sum", big, rows, FRAMES["around"]),
        spec(102, "max", big, rows),
    )
    return windowed(table, (2,), (by(0),), calls)


def twice(rows: int) -> Operator:
    """A window over a window over the parts of two owners."""
    parts = [
        fragment("a", "alice", rows, number(0, 0, 5), number(1, 0, 7)),
        fragment("b", "bob", rows, number(2, 0, 5), number(3, 0, 7)),
    ]
    columns = (number(4, 0, 5), number(5, 0, 7))
    both = Concat(columns=columns, rows=2 * rows, inputs=tuple(parts))
    total = spec(6, "sum", columns[1], 2 * rows, FRAMES["to peers"])
    first = windowed(both, (4,), (by(5),), (total,))
    calls = (
        spec(7, "rank", None, 2 * rows),
        spec(8, "max", total.column, 2 * rows, FRAMES["from peers"]),
    )
    return windowed(first, (5,), (by(6),), calls)


CASES = [
    Built("unordered", unordered),
    Built("nothing to sort by", nothing_to_sort_by),
    Built("twice", twice),
    Built("wide", wide, unique={"t": (0,)}),
    Built("places", places((1,)), unique={"t": (0,)}),
    Built("places of all", places(()), unique={"t": (0,)}),
    Built("ranks", ranks(nullable=False)),
    Built("ranks, nullable", ranks(nullable=True)),
]


def framed(*, nullable: bool) -> list[Built]:
    return [
        Built(name, over_frame(frame, nullable=nullable), unique={"t": (0,)})
        for name, frame in FRAMES.items()
    ]


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(CASES))
def test_places_and_ranks(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(framed(nullable=True)))
def test_frames(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort, ("random", "equal", "empty"))


@pytest.mark.slow
@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(framed(nullable=False)))
def test_frames_without_nulls(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)


OFFSETS = st.none() | st.integers(-9, 9)
FUNCTIONS = tuple(f for f in get_args(WindowFunction) if f not in ("rank", "dense_rank"))
CALLS = st.tuples(st.sampled_from(FUNCTIONS), OFFSETS, OFFSETS, st.integers(1, 4))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(CALLS, min_size=1, max_size=4), st.integers(1, 40), st.booleans(), st.integers(0, 9)
)
def test_any_calls_over_any_frames(calls, rows, nullable, seed):
    def made(rows: int) -> Operator:
        table = given_rows(rows, nullable=nullable)
        specs = []
        for place, (function, start, stop, count) in enumerate(calls):
            frame = Frame(unit="rows", start=start, stop=stop)
            has_frame = function not in ("row_number", "ntile") and not frame_is_empty(frame)
            plain = function in ("row_number", "ntile", "count_star")
            argument = None if plain else table.columns[3]
            many = count if function in ("ntile", "nth_value") else 1
            specs.append(
                spec(
                    100 + place,
                    function,
                    argument,
                    rows,
                    frame if has_frame else WHOLE,
                    count=many,
                )
            )
        return windowed(table, (1,), (by(2, nulls_first=True), by(0)), tuple(specs))

    run_and_compare(Built("any", made, unique={"t": (0,)}), rows, sort="radix", seed=seed)


def test_no_rows() -> None:
    built = Built("none", over_frame(FRAMES["running"], nullable=True), unique={"t": (0,)})
    run_and_compare(built, 0, sort="radix")
