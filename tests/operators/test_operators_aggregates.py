"""Every aggregate function, by groups and over everything, one pass or several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
    with_runs,
)
from tacit.planner.secure import (
    Aggregate,
    AggregateFunction,
    AggregateSpec,
    Concat,
    Filter,
    Form,
    Fragment,
    Operator,
    Project,
)
from tacit.query.datatypes import BOOLEAN, Column, Encoding, VarcharType

FUNCTIONS: tuple[AggregateFunction, ...] = (
    "count",
    "sum",
    "min",
    "max",
    "count_distinct",
    "sum_distinct",
)
PADDED = Encoding(lo=0, hi=256**3 - 1, text_bytes=3)


def given(rows: int, *, nullable: bool, form: Form = "bits") -> Fragment:
    """Two keys, three arguments."""
    columns = (
        number(0, -2, 6, nullable=nullable),
        encoded(1, VarcharType(3), PADDED, nullable=nullable),
        number(2, -9, 20, nullable=nullable),
        number(3, 0, 50, nullable=nullable),
        encoded(4, BOOLEAN, Encoding(lo=0, hi=1), nullable=nullable),
    )
    return fragment("t", "carol", rows, *columns, forms=("bits", "bits", form, form, "bits"))


def spec(
    identity: int, function: AggregateFunction, source: Column | None, rows: int
) -> AggregateSpec:
    """An aggregate with the range that its argument and the row count give."""
    if function in ("count_star", "count", "count_distinct") or source is None:
        column = number(identity, 0, rows)
    elif function in ("min", "max"):
        assert source.encoding is not None
        column = encoded(identity, source.type, source.encoding, nullable=True)
    else:
        assert source.encoding is not None
        lo, hi = source.encoding.lo * rows, source.encoding.hi * rows
        column = number(identity, min(lo, 0), max(hi, 0), nullable=True)
    argument = None if source is None else source.id
    return AggregateSpec(column=column, function=function, argument=argument)


def aggregated(
    table: Operator,
    keys: tuple[int, ...],
    specs: tuple[AggregateSpec, ...],
    groups: int | None = None,
) -> Aggregate:
    by_id = {c.id: c for c in table.columns}
    rows = min(table.rows, groups or table.rows) if keys else 1
    return Aggregate(
        columns=(*(by_id[k] for k in keys), *(s.column for s in specs)),
        rows=rows,
        input=table,
        keys=keys,
        aggregates=specs,
        sort="radix",
    )


def one_function(
    function: AggregateFunction, keys: tuple[int, ...], *, nullable: bool, form: Form
) -> Callable[[int], Operator]:
    def made(rows: int) -> Operator:
        table = given(rows, nullable=nullable, form=form)
        sources = table.columns[2:4] if function.startswith("sum") else table.columns[2:]
        if function in ("min", "max", "count"):
            sources = (*sources, table.columns[1])
        specs = tuple(spec(100 + i, function, c, rows) for i, c in enumerate(sources))
        return aggregated(table, keys, specs)

    return made


def everything(keys: tuple[int, ...], *, nullable: bool) -> Callable[[int], Operator]:
    """All functions at once: several passes whose groups align; rows that a filter took away."""

    def made(rows: int) -> Operator:
        table = given(rows, nullable=nullable, form="both")
        kept = Filter(
            columns=table.columns,
            rows=rows,
            input=table,
            predicate=call("<>", ref(table.columns[2]), lit(5)),
        )
        wanted = [spec(100, "count_star", None, rows)]
        for i, function in enumerate(FUNCTIONS):
            wanted.append(spec(110 + 2 * i, function, table.columns[2], rows))
            wanted.append(spec(111 + 2 * i, function, table.columns[3], rows))
        return aggregated(kept, keys, tuple(wanted))

    return made


def distinct(rows: int) -> Operator:
    """SELECT DISTINCT: no aggregate at all."""
    return aggregated(given(rows, nullable=True), (0, 4), ())


def few_groups(rows: int) -> Operator:
    """A public bound on the groups far below the rows."""
    table = given(rows, nullable=True)
    specs = (spec(100, "count_star", None, rows), spec(101, "max", table.columns[3], rows))
    return aggregated(table, (4,), specs, groups=3)


def constant_key(rows: int) -> Operator:
    """A key of one possible value has no planes."""
    table = fragment("t", "bob", rows, number(0, 4, 4), number(1, 0, 9, nullable=True))
    specs = (spec(100, "sum", table.columns[1], rows), spec(101, "min", table.columns[1], rows))
    return aggregated(table, (0,), specs, groups=1)


def twice(rows: int) -> Operator:
    """Groups of groups of the parts of two owners."""
    parts = [
        fragment("a", "alice", rows, number(0, 0, 5), number(1, 0, 7)),
        fragment("b", "bob", rows, number(2, 0, 5), number(3, 0, 7)),
    ]
    columns = (number(4, 0, 5), number(5, 0, 7))
    both = Concat(columns=columns, rows=2 * rows, inputs=tuple(parts))
    counted = aggregated(both, (4, 5), (spec(6, "count_star", None, 2 * rows),))
    size = counted.columns[-1]
    return aggregated(
        counted, (4,), (spec(7, "max", size, rows), spec(8, "count_star", None, 2 * rows))
    )


def any_of_them(keys: tuple[int, ...], *, nullable: bool) -> Callable[[int], Operator]:
    """ANY_VALUE where every row that is not NULL has the same value, and constants of the group."""

    def made(rows: int) -> Operator:
        table = given(rows, nullable=nullable)
        argument = table.columns[2]
        same = call("=", ref(argument), lit(20))
        absent = call("is_null", ref(argument))
        kept = Filter(
            columns=table.columns, rows=rows, input=table, predicate=call("or", same, absent)
        )
        wanted = [
            AggregateSpec(
                column=number(100, -9, 20, nullable=True), function="any_value", argument=2
            ),
            spec(101, "sum", argument, rows),
            spec(102, "max", table.columns[3], rows),
        ]
        for identity, key in zip((103, 104), keys, strict=False):
            column = replace(table.columns[key], id=identity, name=f"c{identity}")
            wanted.append(AggregateSpec(column=column, function="constant", argument=key))
        return aggregated(kept, keys, tuple(wanted))

    return made


def picked(keys: tuple[int, ...], *, nullable: bool) -> Callable[[int], Operator]:
    """ARG_MIN and ARG_MAX whose argument follows from the order, so that ties do not matter."""

    def made(rows: int) -> Operator:
        table = given(rows, nullable=nullable)
        order = table.columns[2]
        doubled = number(5, -18, 40, nullable=nullable)
        below = Project(
            columns=(*table.columns, doubled),
            rows=rows,
            input=table,
            expressions=(*(ref(c) for c in table.columns), call("+", ref(order), ref(order))),
        )
        wanted = [spec(100, "max", order, rows)]
        for identity, function in ((101, "arg_min"), (102, "arg_max")):
            column = number(identity, -18, 40, nullable=True)
            wanted.append(
                AggregateSpec(column=column, function=function, argument=5, order=2)  # type: ignore[arg-type]
            )
        return aggregated(below, keys, tuple(wanted))

    return made


def _cases() -> list[Built]:
    found = [
        Built("distinct", distinct, ordered=(0, 4)),
        Built("few groups", few_groups, ordered=(4,)),
        Built("constant key", constant_key, ordered=(0,)),
        Built("twice", twice, ordered=(4,)),
    ]
    for keys, shown in (((), "all"), ((0,), "by one"), ((1, 0), "by two")):
        order = keys or None
        for nullable in (False, True):
            suffix = f"{shown}{', nullable' if nullable else ''}"
            found.append(
                Built(f"everything ({suffix})", everything(keys, nullable=nullable), ordered=order)
            )
            found.append(
                Built(f"any value ({suffix})", any_of_them(keys, nullable=nullable), ordered=order)
            )
            found.append(
                Built(f"picked ({suffix})", picked(keys, nullable=nullable), ordered=order)
            )
            if len(keys) == 2:
                continue
            for function in FUNCTIONS:
                for form in ("bits", "ring"):
                    made = one_function(function, keys, nullable=nullable, form=form)  # type: ignore[arg-type]
                    found.append(Built(f"{function} ({suffix}, {form})", made, ordered=order))
    return found


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(_cases()))
def test_aggregates(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)
