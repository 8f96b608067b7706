"""Joins of keys that repeat on both sides: all pairs, NULL keys, and the bound on the pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hand_built import (
    Built,
    Tables,
    check_on_all_data,
    encoded,
    fragment,
    number,
    plan_of,
    with_runs,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from in_memory import PARTIES, run_in_memory
from tacit.planner.secure import Expand, Fragment, Join, Operator
from tacit.query.datatypes import Encoding, VarcharType
from tacit.query.errors import SessionError

OTHERS = 9
TEXT = Encoding(lo=0, hi=256**3 - 1, text_bytes=3)


def sides(left: int, right: int, *, nullable: bool = False, form: Any = "bits") -> list[Fragment]:
    """Keys of different ranges, a text and a constant among the columns."""
    return [
        fragment(
            "left",
            "alice",
            left,
            number(0, -2, 9, nullable=nullable),
            number(1, 0, 3, nullable=nullable),
            number(2, -7, 1000, nullable=True),
            number(3, 5, 5),
            forms=("bits", "bits", form, "bits"),
        ),
        fragment(
            "right",
            "bob",
            right,
            number(10, 0, 12, nullable=nullable),
            number(11, -1, 3, nullable=nullable),
            number(12, -900, 70, nullable=True),
            encoded(13, VarcharType(3), TEXT, nullable=nullable),
            forms=("bits", "bits", form, "bits"),
        ),
    ]


def expanded(
    left: Operator,
    right: Operator,
    *,
    keys: int = 1,
    rows: int | None = None,
    overflow: str | None = None,
) -> Expand:
    return Expand(
        columns=(*left.columns, *right.columns),
        rows=left.rows * right.rows if rows is None else rows,
        left=left,
        right=right,
        left_keys=(0, 1)[:keys],
        right_keys=(10, 11)[:keys],
        overflow=overflow,
        sort="radix",
    )


def joined(*, keys: int, nullable: bool, form: str, other: int = OTHERS) -> Callable[[int], Expand]:
    def made(rows: int) -> Expand:
        left, right = sides(rows, other, nullable=nullable, form=form)
        return expanded(left, right, keys=keys)

    return made


def without_some_rows(rows: int) -> Operator:
    """Rows that an earlier join has taken from either side match nothing."""
    left, right = sides(rows, OTHERS, nullable=True)
    kept = fragment("kept", "carol", 5, number(20, 0, 9))
    fewer = [
        Join(
            columns=side.columns,
            rows=side.rows,
            kind="anti",
            probe=side,
            build=kept,
            probe_keys=(key,),
            build_keys=(20,),
            check_unique=False,
            sort="radix",
        )
        for side, key in ((left, 0), (right, 10))
    ]
    return expanded(fewer[0], fewer[1])


def _cases() -> list[Built]:
    found = [
        Built(f"{keys} keys, {form}{', nullable' if nullable else ''}", made)
        for keys in (1, 2)
        for form in ("bits", "ring", "both")
        for nullable in (False, True)
        for made in [joined(keys=keys, nullable=nullable, form=form)]
    ]
    found.append(Built("one right row", joined(keys=1, nullable=True, form="bits", other=1)))
    found.append(Built("rows that are gone", without_some_rows))
    return found


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(_cases()))
def test_expanded_joins(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)


Keys = list[int | None]
keys_of = st.lists(st.none() | st.integers(0, 3), max_size=7)


def pairs_of(left: Keys, right: Keys) -> list[tuple[int, int]]:
    """Plain Python: places of matching rows."""
    return sorted(
        (i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a is not None and a == b
    )


def run(left: Keys, right: Keys, bound: int) -> list[tuple[int, int]]:
    """The places that the secure join pairs, of sides padded to 8 rows."""
    given_left = fragment("left", "alice", 8, number(0, 0, 3, nullable=True), number(1, 0, 7))
    given_right = fragment("right", "bob", 8, number(10, 0, 3, nullable=True), number(11, 0, 7))
    plan = plan_of(expanded(given_left, given_right, rows=bound, overflow="more than fit"))
    tables: dict[str, Tables] = {party: Tables({}) for party in PARTIES}
    for party, name, keys, first in (("alice", "left", left, 0), ("bob", "right", right, 10)):
        columns = {f"c{first}": keys, f"c{first + 1}": list(range(len(keys)))}
        arrays = {column: pa.array(values, pa.int64()) for column, values in columns.items()}
        tables[party].given[name] = pa.table(arrays)
    table = run_in_memory(plan, tables).table
    return sorted(zip(table["c1"].to_pylist(), table["c11"].to_pylist(), strict=True))


@given(left=keys_of, right=keys_of, bound=st.integers(1, 30))
@example(left=[], right=[1, 1], bound=1)
@example(left=[2, 2, 2], right=[2, 2], bound=6)
@example(left=[2, 2, 2], right=[2, 2], bound=5)
@example(left=[1] * 7, right=[1] * 7, bound=1)
@example(left=[1] * 8, right=[1] * 8, bound=64)
@example(left=[None, 0, 1], right=[1, None, 1], bound=2)
@settings(max_examples=25, deadline=None)
def test_pairs_are_those_of_plain_python_or_the_query_fails(
    left: Keys, right: Keys, bound: int
) -> None:
    expected = pairs_of(left, right)
    if len(expected) > bound:
        with pytest.raises(SessionError, match="more than fit"):
            run(left, right, bound)
    else:
        assert run(left, right, bound) == expected
