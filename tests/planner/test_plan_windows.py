"""What is known of window functions at planning, and how their plans look."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tacit.planner.logical import Window, walk
from tacit.planner.plan import logical_plans
from tacit.planner.rules import USUAL
from tacit.planner.secure import Fragment, Operator, Reveal, children
from tacit.planner.secure import Window as SecureWindow
from tacit.query.errors import UserError

JOINED = "FROM visits v JOIN patients p ON v.patient_id = p.patient_id"


def facts_of(planner: Any, sql: str) -> tuple[Window, Any]:
    nodes, context = logical_plans(planner.bound(sql), planner.parties)
    (window,) = [n for n in walk(nodes[USUAL]) if isinstance(n, Window)]
    return window, context.facts(window)


def operators(operator: Operator) -> list[Operator]:
    return [operator, *(o for child in children(operator) for o in operators(child))]


def windows_of(root: Reveal) -> list[SecureWindow]:
    return [o for o in operators(root) if isinstance(o, SecureWindow)]


@pytest.mark.parametrize(
    ("call", "low", "high"),
    [
        ("row_number() OVER (ORDER BY v.cost)", 1, 240),
        ("rank() OVER (ORDER BY v.cost)", 1, 240),
        ("ntile(7) OVER (ORDER BY v.cost)", 1, 7),
        ("ntile(1000) OVER (ORDER BY v.cost)", 1, 240),
        ("count(*) OVER (ORDER BY v.visit_id)", 0, 240),
        ("count(*) OVER (ORDER BY v.visit_id ROWS 2 PRECEDING)", 0, 3),
        ("sum(v.cost) OVER (PARTITION BY p.sex)", -1000 * 240, 999999 * 240),
        ("sum(v.cost) OVER (ORDER BY p.sex ROWS 1 PRECEDING)", -2000, 2 * 999999),
        ("max(v.cost) OVER (ORDER BY p.sex)", -1000, 999999),
    ],
)
def test_ranges(hospital: Any, call: str, low: int, high: int) -> None:
    window, facts = facts_of(hospital, f"SELECT {call} {JOINED}")
    (made,) = window.calls
    encoding = facts.ranges[made.column.id]
    assert (encoding.lo, encoding.hi) == (low, high)


def test_a_row_number_is_a_key_within_its_partition(hospital: Any) -> None:
    window, facts = facts_of(
        hospital, f"SELECT row_number() OVER (PARTITION BY p.sex ORDER BY v.cost) {JOINED}"
    )
    (number,) = window.calls
    assert facts.unique_on(frozenset([*window.partition, number.column.id]))
    assert not facts.unique_on(frozenset([number.column.id]))


def test_one_window_for_each_partition_and_order(hospital: Any) -> None:
    """Totals of whole partitions go along with any order of the same partitions."""
    plan = hospital.plan(
        "SELECT rank() OVER (PARTITION BY p.sex ORDER BY v.cost), "
        "dense_rank() OVER (PARTITION BY p.sex ORDER BY v.cost), "
        "v.cost / sum(v.cost) OVER (PARTITION BY p.sex), "
        f"lag(v.cost) OVER (PARTITION BY p.sex ORDER BY v.cost DESC) {JOINED}"
    )
    found = {tuple(c.function for c in w.calls) for w in windows_of(plan.root)}
    assert found == {("rank", "dense_rank", "sum"), ("nth_value",)}


def test_what_tells_ties_apart_keeps_a_window_of_its_own(hospital: Any) -> None:
    plan = hospital.plan(
        "SELECT row_number() OVER (PARTITION BY p.sex), "
        f"rank() OVER (PARTITION BY p.sex ORDER BY v.cost) {JOINED}"
    )
    assert len(windows_of(plan.root)) == 2


def test_one_owner_runs_windows_alone_with_ties_in_random_order(hospital: Any) -> None:
    plan = hospital.plan("SELECT lab_id, row_number() OVER (ORDER BY value) FROM labs")
    assert isinstance(plan.root.input, Fragment)
    assert "random()" in plan.root.input.sql
    ranked = hospital.plan("SELECT lab_id, rank() OVER (ORDER BY value) FROM labs")
    assert "random()" not in ranked.root.input.sql


def test_parts_of_a_table_share_their_windows(hospital: Any) -> None:
    """A partition may have rows at both owners: no window runs in a part."""
    plan = hospital.plan("SELECT rank() OVER (PARTITION BY ward ORDER BY cost) FROM visits")
    assert len(windows_of(plan.root)) == 1
    assert not any("OVER" in o.sql for o in operators(plan.root) if isinstance(o, Fragment))


def test_a_sum_that_does_not_fit_is_refused_at_its_place(hospital: Any) -> None:
    factor = " * ".join(["p.born"] * 12)
    sql = f"SELECT sum({factor} * v.visit_id) OVER () {JOINED}"
    with pytest.raises(UserError) as caught:
        hospital.plan(sql)
    assert caught.value.span is not None
    assert re.match(r"sum\(|p\.born", sql[caught.value.span.start :])


def test_one_function_in_several_steps_is_read_in_one_place(hospital: Any) -> None:
    """AVG and a default of LAG are several columns of one window: ties there fit each other."""
    hospital.plan(
        "SELECT avg(v.cost) OVER (ORDER BY v.admitted ROWS 1 PRECEDING), "
        f"lag(v.cost, 1, 0) OVER (ORDER BY v.admitted) {JOINED}"
    )
