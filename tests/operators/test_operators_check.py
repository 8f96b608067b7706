"""Checks: rows that hold pass unchanged, a row that does not fails the query at every party."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hand_built import (
    Built,
    call,
    check_on_all_data,
    fragment,
    lit,
    number,
    plan_of,
    ref,
    with_runs,
)
from in_memory import run_in_memory
from tacit.planner.secure import Check, Filter, Operator
from tacit.query.errors import SessionError

MESSAGE = "a row is larger than it may be"


def checked(
    limit: int, *, nullable: bool = False, only: int | None = None
) -> Callable[..., Operator]:
    """Rows of at most `limit`; `only`: a filter below leaves those above it out."""

    def made(rows: int) -> Operator:
        below: Operator = fragment("rows", "alice", rows, number(0, 0, 200, nullable=nullable))
        (column,) = below.columns
        if only is not None:
            kept = call("<=", ref(column), lit(only))
            below = Filter(columns=below.columns, rows=rows, input=below, predicate=kept)
        return Check(
            columns=below.columns,
            rows=rows,
            input=below,
            condition=call("<=", ref(column), lit(limit)),
            message=MESSAGE,
        )

    return made


CASES = [
    Built("every row holds", checked(200)),
    Built("rows that are gone do not matter", checked(50, nullable=True, only=50)),
]


@pytest.mark.parametrize(("built", "rows", "sort"), with_runs(CASES))
def test_what_holds_passes(built: Built, rows: int, sort: str) -> None:
    check_on_all_data(built, rows, sort)


@pytest.mark.parametrize("nullable", [False, True])
def test_one_row_that_does_not_hold_fails_the_query(nullable: bool) -> None:
    """A condition that is NULL does not hold either."""
    made = checked(199 if not nullable else 200, nullable=nullable)
    built = Built("broken", made)
    with pytest.raises(SessionError, match=MESSAGE):
        run_in_memory(plan_of(made(65)), built.sources(65, "random"))
