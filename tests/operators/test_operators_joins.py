"""Joins of every kind: keys that are NULL, composite, repeated; both sorts; a broken promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hand_built import (
    Built,
    check_on_all_data,
    encoded,
    filled,
    fragment,
    number,
    plan_of,
    run_and_compare,
    with_runs,
)
from in_memory import run_in_memory
from tacit.planner.secure import Form, Fragment, Join, JoinKind, Operator
from tacit.query.datatypes import Encoding, VarcharType
from tacit.query.errors import SessionError

LEFT_UNIQUE = {"build": (10,)}
COMPOSITE_UNIQUE = {"build": (10, 11)}


def probe_side(rows: int, *, nullable: bool, form: Form = "bits") -> Fragment:
    return fragment(
        "probe",
        "alice",
        rows,
        number(0, -2, 250, nullable=nullable),
        number(1, 0, 20, nullable=nullable),
        number(2, -7, 1000, nullable=nullable),
        forms=("bits", "bits", form),
    )


def build_side(rows: int, *, nullable: bool, form: Form = "bits") -> Fragment:
    """Its key has another range than the probe's; text and numbers go along."""
    columns = (
        number(10, 0, 230, nullable=nullable),
        number(11, -1, 20, nullable=nullable),
        number(12, -900, 70, nullable=nullable),
        encoded(13, VarcharType(3), Encoding(lo=0, hi=256**3 - 1, text_bytes=3), nullable=nullable),
    )
    return fragment("build", "bob", rows, *columns, forms=("bits", "bits", form, "bits"))


def joined(
    kind: JoinKind,
    *,
    keys: int = 1,
    nullable: bool = False,
    checked: bool = False,
    form: Form = "bits",
    build_rows: Callable[[int], int] = lambda rows: rows,
) -> Callable[[int], Operator]:
    def made(rows: int) -> Operator:
        probe = probe_side(rows, nullable=nullable, form=form)
        build = build_side(build_rows(rows), nullable=nullable, form=form)
        carried = build.columns if kind in ("inner", "left") else ()
        if kind == "left":
            carried = tuple(
                encoded(c.id, c.type, c.encoding, nullable=True)  # type: ignore[arg-type]
                for c in carried
            )
        return Join(
            columns=(*probe.columns, *carried),
            rows=rows,
            kind=kind,
            probe=probe,
            build=build,
            probe_keys=(0, 1)[:keys],
            build_keys=(10, 11)[:keys],
            check_unique=checked,
            sort="radix",
        )

    return made


def after_each_other(rows: int) -> Operator:
    """A join whose probe is a join: rows that are not valid any more meet a build side."""
    first = joined("semi", nullable=True)(rows)
    again = fragment("again", "carol", rows, number(20, 0, 260), number(21, 0, 9))
    return Join(
        columns=(*first.columns, *again.columns),
        rows=rows,
        kind="inner",
        probe=first,
        build=again,
        probe_keys=(0,),
        build_keys=(20,),
        check_unique=True,
        sort="radix",
    )


def joined_build(rows: int) -> Operator:
    """A join whose build side has lost rows in a semi-join."""
    kept = fragment("kept", "carol", rows, number(20, 0, 230))
    build = build_side(rows, nullable=True)
    fewer = Join(
        columns=build.columns,
        rows=rows,
        kind="anti",
        probe=build,
        build=kept,
        probe_keys=(10,),
        build_keys=(20,),
        check_unique=False,
        sort="radix",
    )
    probe = probe_side(rows, nullable=True)
    return Join(
        columns=(*probe.columns, *build.columns),
        rows=rows,
        kind="inner",
        probe=probe,
        build=fewer,
        probe_keys=(0,),
        build_keys=(10,),
        check_unique=False,
        sort="radix",
    )


def _cases() -> list[Built]:
    found = []
    for kind in ("inner", "left"):
        for checked in (False, True):
            for keys, unique in ((1, LEFT_UNIQUE), (2, COMPOSITE_UNIQUE)):
                name = f"{kind}, {keys} keys{', checked' if checked else ''}"
                made = joined(kind, keys=keys, checked=checked)  # type: ignore[arg-type]
                found.append(Built(name, made, unique=unique))
        nullable = joined(kind, nullable=True, checked=True, form="ring")  # type: ignore[arg-type]
        found.append(Built(f"{kind}, nullable", nullable, unique=LEFT_UNIQUE))
        both = joined(kind, keys=2, nullable=True, form="both")  # type: ignore[arg-type]
        found.append(Built(f"{kind}, nullable, 2 keys", both, unique=COMPOSITE_UNIQUE))
        tiny = joined(kind, checked=True, build_rows=lambda rows: 1)  # type: ignore[arg-type]
        found.append(Built(f"{kind}, one build row", tiny, unique=LEFT_UNIQUE))
    for kind in ("semi", "anti"):
        for keys in (1, 2):
            for nullable_keys in (False, True):
                name = f"{kind}, {keys} keys{', nullable' if nullable_keys else ''}"
                made = joined(kind, keys=keys, nullable=nullable_keys)  # type: ignore[arg-type]
                found.append(Built(name, made))
        more = joined(kind, form="ring", build_rows=lambda rows: 2 * rows + 1)  # type: ignore[arg-type]
        found.append(Built(f"{kind}, more build rows", more))
    unique = {"build": (10,), "again": (20,)}
    found.append(Built("a join of a join", after_each_other, unique=unique))
    found.append(Built("a build side with rows gone", joined_build, unique=LEFT_UNIQUE))
    return found


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(_cases()))
def test_joins(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)


@pytest.mark.parametrize("kind", ["inner", "left"])
def test_a_left_join_keeps_what_matches_nothing(kind: JoinKind) -> None:
    """Disjoint ranges: an inner join has no row, a left join every row with NULLs."""
    probe = fragment("probe", "alice", 70, number(0, 0, 9, nullable=True))
    build = fragment("build", "bob", 30, number(10, 100, 200), number(11, 1, 5))
    carried = number(11, 1, 5, nullable=True)
    join = Join(
        columns=(*probe.columns, carried),
        rows=70,
        kind=kind,
        probe=probe,
        build=build,
        probe_keys=(0,),
        build_keys=(10,),
        check_unique=True,
        sort="quick",
    )
    built = Built("disjoint", lambda rows: join, unique=LEFT_UNIQUE)
    outcome = run_and_compare(built, 70, sort="quick", kind="distinct")
    assert outcome.table.num_rows == (70 if kind == "left" else 0)
    assert outcome.table.column("c11").null_count == outcome.table.num_rows


@pytest.mark.parametrize("sort", ["radix", "quick"])
def test_a_repeated_build_key_fails_the_query(sort: str) -> None:
    built = Built("clash", joined("inner", checked=True), unique=LEFT_UNIQUE)
    sources = built.sources(65, "random")
    item = build_side(65, nullable=False)
    sources["bob"].given["build"] = filled(item, "random", np.random.default_rng(1))
    with pytest.raises(SessionError, match="declares unique occurs twice"):
        run_in_memory(plan_of(joined("inner", checked=True)(65)), sources)


@pytest.mark.parametrize("nullable", [False, True])
def test_rows_that_are_gone_and_null_keys_do_not_clash(nullable: bool) -> None:
    """Only usable build rows must differ: NULL keys may repeat, filtered rows may, too."""
    built = Built("nulls", joined("left", nullable=nullable, checked=True), unique={})
    kind = "nulls" if nullable else "empty"
    outcome = run_and_compare(built, 64, sort="radix", kind=kind)
    assert outcome.table.num_rows == (64 if nullable else 0)
