"""Joins whose keys parties know in clear: every way, every kind, over keys of every sort.

All data sets of one shape give the same answer as a plaintext run, cost what was predicted, and
leave the same transcript.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from hand_built import (
    Built,
    call,
    check_on_all_data,
    encoded,
    fragment,
    lit,
    number,
    plan_of,
    ref,
)
from in_memory import PARTIES, run_in_memory
from tacit.executor.operators.comparison import common_encoding
from tacit.planner.known_joins import known_options
from tacit.planner.secure import Filter, Form, Fragment, Join, JoinKind, Operator, Project
from tacit.query.datatypes import DATE, Column, Encoding, VarcharType
from tacit.query.errors import DataError

KINDS: tuple[JoinKind, ...] = ("inner", "left", "semi", "anti")
WAYS = ("index", "domain", "domain placed", "cuckoo", "cuckoo placed")
"""By an index; through a table of the build that it is moved into, or that it entered as."""

TEXT = VarcharType(3)
TEXTS = Encoding(lo=0, hi=3, domain=("ash", "elm", "fir", "oak"))
DAYS = (Encoding(lo=10_000, hi=10_080), Encoding(lo=9_990, hi=10_070))
WIDE = Encoding(lo=0, hi=256**11 - 1, text_bytes=11)


def numbers(start: int, lo: int, *, nullable: bool = False) -> tuple[Column, ...]:
    return (number(start, lo, 90, nullable=nullable),)


KEYS: dict[str, tuple[tuple[Column, ...], tuple[Column, ...]]] = {
    "numbers": (numbers(0, -3), numbers(10, 1)),
    "nullable": (numbers(0, -3, nullable=True), numbers(10, 1, nullable=True)),
    "dates": (
        (encoded(0, DATE, DAYS[0], nullable=True),),
        (encoded(10, DATE, DAYS[1]),),
    ),
    "composite": (
        (number(0, 0, 20, nullable=True), encoded(1, TEXT, TEXTS)),
        (number(10, 0, 25), encoded(11, TEXT, TEXTS, nullable=True)),
    ),
    "texts": (
        (encoded(0, VarcharType(11), WIDE, nullable=True), number(1, 0, 80)),
        (encoded(10, VarcharType(11), WIDE), number(11, 0, 70)),
    ),
}


def alike(left: tuple[Column, ...], right: tuple[Column, ...]) -> tuple[tuple[Column, ...], ...]:
    """The same keys, in one encoding on both sides."""
    common = [
        common_encoding(a.encoding, b.encoding)  # type: ignore[arg-type]
        for a, b in zip(left, right, strict=True)
    ]
    return tuple(
        tuple(replace(c, encoding=e) for c, e in zip(side, common, strict=True))
        for side in (left, right)
    )


def joined(
    kind: JoinKind, way: str, keys: str, *, form: Form = "bits", dropped: bool = False
) -> Callable[[int], Operator]:
    """A join of alice's rows with bob's, or with her own where she makes an index.

    `dropped`: the build has lost rows by a condition that nobody knows.
    """

    def made(rows: int) -> Operator:
        left, right = KEYS[keys] if "cuckoo" not in way else alike(*KEYS[keys])
        count = min(rows, 60)
        probe = fragment(
            "probe", "alice", rows, *left, number(2, -7, 1000), forms=form_of(left, form)
        )
        carried = (number(12, -900, 70, nullable=True), number(13, 5, 260))
        owner = "alice" if way == "index" else "bob"
        build: Operator = fragment(
            "build", owner, count, *right, *carried, forms=(*form_of(right, form), form)
        )
        assert isinstance(build, Fragment)
        build = replace(build, unique=(tuple(c.id for c in right),))
        if dropped:
            predicate = call("<", ref(carried[1]), lit(200))
            build = Filter(columns=build.columns, rows=count, input=build, predicate=predicate)
        return chosen(kind, way, (probe, left), (build, right))

    return made


def form_of(keys: tuple[Column, ...], form: Form) -> tuple[Form, ...]:
    return (*("bits" for _ in keys), form)


Side = tuple[Operator, tuple[Column, ...]]
"""A relation and its key columns."""


def chosen(kind: JoinKind, way: str, left: Side, right: Side) -> Join:
    """The join, run as the planner would run it in the given way."""
    probe, build = left[0], right[0]
    carried = build.columns if kind in ("inner", "left") else ()
    if kind == "left":
        carried = tuple(replace(c, nullable=True) for c in carried)
    by_sort = Join(
        columns=(*probe.columns, *carried),
        rows=probe.rows,
        kind=kind,
        probe=probe,
        build=build,
        probe_keys=tuple(c.id for c in left[1]),
        build_keys=tuple(c.id for c in right[1]),
        check_unique=False,
        sort="radix",
    )
    alone = {build} if "placed" in way and isinstance(build, Fragment) else set()
    options = known_options(by_sort, PARTIES, alone)
    (found,) = (o for o in options if o.by == way.split(maxsplit=1)[0])
    return found


def _cases() -> list[Built]:
    found = []
    for way in WAYS:
        for kind in KINDS:
            for keys in KEYS:
                if keys == "texts" and way.startswith("domain"):
                    continue
                right = KEYS[keys][1]
                distinct = right[1:] if keys == "texts" else right
                unique = {"build": tuple(c.id for c in distinct)}
                form: Form = "ring" if keys == "nullable" else "both" if keys == "dates" else "bits"
                made = joined(kind, way, keys, form=form)
                found.append(Built(f"{kind} by {way}, {keys}", made, unique=unique))
            if "placed" not in way:
                dropped = joined(kind, way, "nullable", dropped=True)
                name = f"{kind} by {way}, of what a filter leaves"
                found.append(Built(name, dropped, unique={"build": (10,)}))
    return found


CASES = _cases()


@pytest.mark.parametrize(
    ("built", "rows"),
    [
        pytest.param(built, rows, id=f"{built.name}-{rows}", marks=marks)
        for place, built in enumerate(CASES)
        for rows in (1, 65, 200)
        for marks in [() if rows == 65 or (rows == 1 and place % 5 == 0) else pytest.mark.slow]
    ],
)
def test_known_joins(built: Built, rows: int) -> None:
    check_on_all_data(built, rows, "radix")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("matching", [True, False])
def test_all_rows_match_or_none(kind: JoinKind, way: str, *, matching: bool) -> None:
    """Keys 0 to 49 on one side; on the other these, or 50 to 99."""
    left, right = number(0, 0, 99), number(10, 0, 99)
    probe = fragment("probe", "alice", 60, left)
    owner = "alice" if way == "index" else "bob"
    build = replace(fragment("build", owner, 50, right, number(12, 1, 7)), unique=((10,),))
    built = Built("ends", lambda rows: chosen(kind, way, (probe, (left,)), (build, (right,))))
    sources = built.sources(60, "empty")
    start = 0 if matching else 50
    keys = [i % 50 for i in range(60)]
    sources["alice"].given["probe"] = pa.table({"c0": pa.array(keys, pa.int64())})
    sources[owner].given["build"] = pa.table(
        {
            "c10": pa.array(range(start, start + 50), pa.int64()),
            "c12": pa.array([1 + i % 7 for i in range(50)], pa.int64()),
        }
    )
    table = run_in_memory(plan_of(built.operator(60)), sources).table
    kept = matching != (kind == "anti") or kind == "left"
    assert table.num_rows == (60 if kept else 0)
    if kind == "left":
        assert table.column("c12").null_count == (0 if matching else 60)


@pytest.mark.parametrize("way", WAYS)
def test_a_repeated_build_key_stops_its_owner(way: str) -> None:
    built = Built("clash", joined("inner", way, "numbers"))
    sources = built.sources(65, "equal")
    with pytest.raises(DataError, match="declares unique occurs twice"):
        run_in_memory(plan_of(built.operator(65)), sources)


@pytest.mark.parametrize("way", ["index", "domain", "cuckoo"])
def test_keys_that_are_not_computed_yet(way: str) -> None:
    """The build is a projection, whose columns wait until they are asked for."""
    left, right = alike(*KEYS["nullable"])

    def made(rows: int) -> Operator:
        probe = fragment("probe", "alice", rows, *left)
        owner = "alice" if way == "index" else "bob"
        given = replace(fragment("build", owner, min(rows, 60), *right), unique=((10,),))
        renamed = tuple(replace(column, id=column.id + 10) for column in right)
        build = Project(
            columns=renamed, rows=given.rows, input=given, expressions=tuple(map(ref, right))
        )
        return chosen("semi", way, (probe, left), (build, renamed))

    check_on_all_data(Built("waiting", made, unique={"build": (10,)}), 65, "radix")


@pytest.mark.parametrize("way", ["index", "domain placed", "cuckoo placed"])
@pytest.mark.parametrize("kind", ["semi", "anti"])
def test_keys_may_repeat_where_nothing_is_carried(kind: JoinKind, way: str) -> None:
    left, right = alike(*KEYS["nullable"])
    probe = fragment("probe", "alice", 65, *left)
    build = fragment("build", "alice" if way == "index" else "bob", 130, *right)
    built = Built("repeated", lambda rows: chosen(kind, way, (probe, left), (build, right)))
    check_on_all_data(built, 65, "radix")


def test_the_columns_of_the_probe_stay_known() -> None:
    """A second join on a key of the first join's probe, through a filter and a renaming."""
    left, right = number(0, 0, 60), number(10, 0, 50)
    second, third = number(1, 0, 40, nullable=True), number(20, 0, 40)

    def made(rows: int) -> Operator:
        probe = fragment("probe", "alice", rows, left, second)
        build = replace(fragment("build", "bob", min(rows, 45), right), unique=((10,),))
        first = chosen("semi", "domain placed", (probe, (left,)), (build, (right,)))
        predicate = call("<", ref(left), lit(50))
        kept = Filter(columns=first.columns, rows=rows, input=first, predicate=predicate)
        renamed = number(3, 0, 40, nullable=True)
        shown = Project(columns=(renamed,), rows=rows, input=kept, expressions=(ref(second),))
        again = fragment("again", "carol", min(rows, 40), third, number(21, 0, 9))
        again = replace(again, unique=((20,),))
        return chosen("left", "domain", (shown, (renamed,)), (again, (third,)))

    built = Built("a chain", made, unique={"build": (10,), "again": (20,)})
    check_on_all_data(built, 65, "radix")
