"""Joins with one row: there or not, NULL or not, in every form; used in the form that it lacks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hand_built import (
    Built,
    call,
    check_on_all_data,
    encoded,
    fragment,
    number,
    ref,
    with_runs,
)
from tacit.planner.secure import (
    Aggregate,
    AggregateSpec,
    Attach,
    AttachKind,
    Filter,
    Form,
    Operator,
    Sort,
)
from tacit.query.datatypes import Encoding, VarcharType


def one_row(*, nullable: bool, form: Form) -> Operator:
    """A row that its owner may have or not, of numbers and text."""
    text = Encoding(lo=0, hi=256**3 - 1, text_bytes=3)
    return fragment(
        "build",
        "bob",
        1,
        number(10, -5, 230, nullable=nullable),
        encoded(11, VarcharType(3), text, nullable=nullable),
        number(12, 7, 7),
        forms=(form, "bits", "bits"),
    )


def counted() -> Operator:
    """A row that is there for sure."""
    below = fragment("counted", "carol", 20, number(20, -3, 40, nullable=True), forms="ring")
    (column,) = below.columns
    specs = (
        AggregateSpec(column=number(30, 0, 20), function="count_star", argument=None),
        AggregateSpec(
            column=number(31, -60, 800, nullable=True), function="sum", argument=column.id
        ),
    )
    return Aggregate(
        columns=tuple(spec.column for spec in specs),
        rows=1,
        input=below,
        keys=(),
        aggregates=specs,
        sort="radix",
    )


def no_row() -> Operator:
    """A relation of zero rows, publicly."""
    build = one_row(nullable=True, form="bits")
    return Sort(
        columns=build.columns, rows=0, input=build, keys=(), limit=0, offset=0, sort="radix"
    )


def attached(kind: AttachKind, build: Operator) -> Callable[[int], Operator]:
    def made(rows: int) -> Operator:
        probe = fragment("probe", "alice", rows, number(0, -2, 250, nullable=True))
        carried = build.columns
        if kind == "left":
            carried = tuple(
                encoded(c.id, c.type, c.encoding, nullable=True)  # type: ignore[arg-type]
                for c in carried
            )
        return Attach(
            columns=(*probe.columns, *carried), rows=rows, kind=kind, probe=probe, build=build
        )

    return made


def compared(kind: AttachKind, build: Operator) -> Callable[[int], Operator]:
    """The row's number compared with the probe's, in another form than it came in."""

    def made(rows: int) -> Operator:
        below = attached(kind, build)(rows)
        columns = {c.id: c for c in below.columns}
        other = columns[31] if 31 in columns else columns[10]
        return Filter(
            columns=below.columns,
            rows=rows,
            input=below,
            predicate=call(">", ref(other), ref(columns[0])),
        )

    return made


def _cases() -> list[Built]:
    found = [
        Built("cross", attached("cross", counted())),
        Built("cross, compared", compared("cross", counted())),
        Built("inner, no row", attached("inner", no_row())),
        Built("left, no row", attached("left", no_row())),
    ]
    kinds: tuple[AttachKind, ...] = ("inner", "left")
    forms: tuple[Form, ...] = ("bits", "ring", "both")
    for kind in kinds:
        for form in forms:
            build = one_row(nullable=form != "both", form=form)
            found.append(Built(f"{kind}, {form}", attached(kind, build)))
            found.append(Built(f"{kind}, {form}, compared", compared(kind, build)))
    return found


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(_cases()))
def test_joins_with_one_row(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)
