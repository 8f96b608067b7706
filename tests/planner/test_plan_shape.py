"""Shapes of plans: who runs what, sizes, widths, forms, sort algorithms, shuffles."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tacit.planner.secure import (
    Aggregate,
    AlignedSum,
    Concat,
    Fragment,
    Join,
    Operator,
    Project,
    SecurePlan,
    Sort,
    children,
)

HERE = Path(__file__).parent
SPINE = dict(
    zip(
        ("q01", "q03", "q04", "q05", "q06", "q12", "q14", "q19"),
        (HERE / "spine.sql").read_text().splitlines(),
        strict=True,
    )
)
Planners = Callable[[str], Any]


def operators(operator: Operator) -> Iterator[Operator]:
    yield operator
    for child in children(operator):
        yield from operators(child)


def found(plan: SecurePlan, kind: type) -> list[Any]:
    return [o for o in operators(plan.root) if isinstance(o, kind)]


def test_one_owner_answers_alone(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan(SPINE["q01"])
    (fragment,) = found(plan, Fragment)
    assert fragment.owner == "p2"
    assert plan.root.input == fragment
    assert not plan.root.shuffle
    assert " ORDER BY " in fragment.sql
    assert fragment.rows == 6


def test_public_tables_alone_are_the_askers(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan("SELECT n_name FROM nation", asker="p3")
    assert [f.owner for f in found(plan, Fragment)] == ["p3"]


def test_early_grouping_needs_no_grouping_after_the_join(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan(SPINE["q03"])
    assert found(plan, Aggregate) == []
    (join,) = found(plan, Join)
    assert join.rows == 15000
    assert not join.check_unique


def test_keys_across_owners_are_checked(tpch_plans: Planners) -> None:
    plan = tpch_plans("horizontal").plan(SPINE["q05"])
    joins = found(plan, Join)
    assert len(joins) == 3
    assert all(join.check_unique for join in joins)
    assert all(isinstance(i, Fragment) for c in found(plan, Concat) for i in c.inputs)


def test_dimensions_join_before_the_fact_table(tpch_plans: Planners) -> None:
    plan = tpch_plans("horizontal").plan(SPINE["q05"])
    sizes = sorted(join.rows for join in found(plan, Join))
    assert sizes[0] < sizes[1] == sizes[2]


def test_small_domains_need_no_sort(tpch_plans: Planners) -> None:
    plan = tpch_plans("horizontal").plan(SPINE["q01"])
    (summed,) = found(plan, AlignedSum)
    assert summed.key_values == ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1))
    assert [f.owner for f in summed.inputs] == ["p1", "p2", "p3"]
    assert found(plan, Sort) == []
    assert not plan.root.shuffle
    assert {form for fragment in summed.inputs for form in fragment.forms} == {"ring"}


def test_hidden_group_keys_are_shuffled_away(tpch_plans: Planners) -> None:
    sql = "SELECT count(*) FROM lineitem GROUP BY l_returnflag"
    assert tpch_plans("horizontal").plan(sql).root.shuffle
    shown = "SELECT l_returnflag, count(*) FROM lineitem GROUP BY l_returnflag"
    assert not tpch_plans("horizontal").plan(shown).root.shuffle
    having = "SELECT p_brand FROM part, lineitem WHERE p_partkey = l_partkey GROUP BY p_brand "
    assert tpch_plans("vertical").plan(having + "HAVING count(*) > 9").root.shuffle


def test_expressions_are_computed_by_their_owner(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan(SPINE["q12"])
    orders = next(f for f in found(plan, Fragment) if f.owner == "p1")
    assert orders.sql.count("CASE WHEN") == 2
    assert "o_orderpriority" not in [column.name for column in orders.columns]
    assert [column.encoding.width for column in orders.columns] == [16, 1, 1]


def test_an_owners_filter_narrows_what_is_shared(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan(SPINE["q12"])
    (grouping,) = found(plan, Aggregate)
    assert grouping.rows == 2
    assert grouping.columns[0].encoding.domain == ("MAIL", "SHIP")


def test_join_keys_share_their_encoding(tpch_plans: Planners) -> None:
    for layout in ("vertical", "horizontal"):
        for sql in SPINE.values():
            for join in found(tpch_plans(layout).plan(sql), Join):
                left = {c.id: c.encoding for c in join.probe.columns}
                right = {c.id: c.encoding for c in join.build.columns}
                for a, b in zip(join.probe_keys, join.build_keys, strict=True):
                    assert left[a] == right[b]


def test_sums_beside_ring_fragments(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan(SPINE["q19"])
    lineitem = next(f for f in found(plan, Fragment) if f.owner == "p2")
    assert lineitem.forms == ("bits", "ring", "bits", "bits", "bits")


def test_averages_are_bounded_by_what_is_averaged(tpch_plans: Planners) -> None:
    plan = tpch_plans("horizontal").plan("SELECT avg(l_quantity) FROM lineitem")
    project = found(plan, Project)[0]
    encoding = project.columns[0].encoding
    assert encoding.hi >> encoding.fraction_bits == 50
    assert encoding.fraction_bits >= 33 + (61000).bit_length()


def test_wide_keys_are_sorted_by_quicksort(tpch_plans: Planners) -> None:
    sql = "SELECT p_name, count(*) FROM part, lineitem WHERE p_partkey = l_partkey GROUP BY p_name"
    (grouping,) = found(tpch_plans("vertical").plan(sql), Aggregate)
    assert grouping.sort == "quick"


def test_orders_already_given_cost_nothing(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan(SPINE["q04"])
    assert found(plan, Sort) == []


def test_limits_are_applied_inside(tpch_plans: Planners) -> None:
    (sort,) = found(tpch_plans("vertical").plan(SPINE["q03"]), Sort)
    assert (sort.limit, sort.rows) == (10, 10)


def test_recipients_stand_in_the_order_of_the_parties(tpch_plans: Planners) -> None:
    plan = tpch_plans("vertical").plan("SELECT count(*) FROM orders REVEAL TO p3, p2")
    assert plan.root.recipients == ("p2", "p3")
    assert tpch_plans("vertical").plan("SELECT 1").root.recipients == ("p1",)


SCRIPT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("planning", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["planning"] = module
spec.loader.exec_module(module)
for layout in ("vertical", "horizontal"):
    planner = module.Planner(module.tpch_catalog(layout), module.TPCH_PARTIES, {}, None)
    for sql in (module.HERE / "spine.sql").read_text().splitlines():
        print(planner.plan(sql).digest)
"""


@pytest.mark.parametrize("seed", ["1", "77"])
def test_every_process_makes_the_same_plan(tpch_plans: Planners, seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", SCRIPT, str(HERE / "conftest.py")]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    layouts = [tpch_plans(layout) for layout in ("vertical", "horizontal")]
    here = [planner.plan(sql).digest for planner in layouts for sql in SPINE.values()]
    assert output.stdout.split() == here
