"""Joins without a bound by the catalog: expanded to a stated bound, or failing loudly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from in_memory import Federation
from tacit.planner import pair_bounds
from tacit.planner.secure import Expand, Operator, Product, children
from tacit.query.errors import SessionError

KEY = "v.person_id = d.person_id"

QUERIES = [
    f"SELECT v.nights, d.drug, d.dose FROM visits v JOIN drugs d ON {KEY}",
    f"SELECT v.nights, d.drug FROM visits v LEFT JOIN drugs d ON {KEY}",
    f"SELECT v.nights, d.dose FROM visits v LEFT JOIN drugs d ON {KEY} AND d.dose > 99 * v.nights",
    f"SELECT v.nights, d.dose FROM visits v FULL JOIN drugs d ON {KEY}",
    f"SELECT v.day, d.dose FROM visits v FULL JOIN drugs d ON {KEY} AND d.dose > 99 * v.nights",
    f"SELECT v.day, v.cost FROM visits v WHERE EXISTS (SELECT 1 FROM drugs d WHERE {KEY} "
    "AND d.dose * v.nights > 900)",
    f"SELECT v.day, v.cost FROM visits v WHERE NOT EXISTS (SELECT 1 FROM drugs d WHERE {KEY} "
    "AND d.dose * v.nights > 900)",
    f"SELECT max(v.nights * d.dose) FROM visits v JOIN drugs d ON {KEY} AND v.day > "
    "DATE '2020-01-01'",
    "SELECT a.drug, b.ward FROM drugs a JOIN visits b ON a.drug = b.ward",
]


def operators(operator: Operator) -> Iterator[Operator]:
    yield operator
    for child in children(operator):
        yield from operators(child)


@pytest.fixture
def no_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all joins were too large for all pairs."""
    monkeypatch.setattr(pair_bounds, "MAX_PAIRS", 0)


@pytest.mark.parametrize("sql", QUERIES)
@pytest.mark.usefixtures("no_pairs")
def test_joins_of_a_stated_bound_give_what_duckdb_gives(clinic: Any, sql: str) -> None:
    plan = clinic.plan(sql)
    found = [o for o in operators(plan.root) if isinstance(o, Expand)]
    assert [o.rows for o in found][:1] == [pair_bounds.PAIRS_PER_ROW * (80 + 64)]
    assert all(o.overflow is not None for o in found)
    clinic.check(sql)


CATALOG = """
CREATE TABLE left_rows (k INTEGER CHECK (k BETWEEN 1 AND 9), a INTEGER) OWNED BY alice ROWS 40;
CREATE TABLE right_rows (k INTEGER CHECK (k BETWEEN 1 AND 9), b INTEGER) OWNED BY bob ROWS 40;
CREATE TABLE others (k INTEGER) OWNED BY carol ROWS 1;
"""


def sized(left: int, right: int) -> dict[str, dict[str, pa.Table]]:
    """Sides of one key, so many rows each."""
    sides = {}
    for name, rows, value in (("left_rows", left, "a"), ("right_rows", right, "b")):
        columns = {"k": pa.array([3] * rows, pa.int32()), value: pa.array(range(rows), pa.int32())}
        sides[name] = pa.table(columns)
    others = pa.table({"k": pa.array([1], pa.int32())})
    return {
        "alice": {"left_rows": sides["left_rows"]},
        "bob": {"right_rows": sides["right_rows"]},
        "carol": {"others": others},
    }


PAIRS = "SELECT a, b FROM left_rows l JOIN right_rows r ON l.k = r.k"


@pytest.mark.usefixtures("no_pairs")
def test_a_join_at_its_bound_runs_and_one_beyond_it_fails(
    federate: Callable[..., Federation],
) -> None:
    """The bound is 4 * (40 + 40) = 320 pairs."""
    assert federate(CATALOG, sized(16, 20)).query(PAIRS).table.num_rows == 320
    with pytest.raises(SessionError, match="the join on k = k has more than 320 pairs of rows"):
        federate(CATALOG, sized(17, 19)).query(PAIRS)


@pytest.mark.usefixtures("no_pairs")
def test_a_join_that_fits_and_one_that_does_not_look_alike(
    federate: Callable[..., Federation],
) -> None:
    """Before the flag is opened, the messages have the same sizes whatever the pairs."""
    one, two = (federate(CATALOG, sized(*sizes), record=True) for sizes in ((3, 4), (16, 20)))
    assert one.query(PAIRS).transcripts == two.query(PAIRS).transcripts


def test_how_a_join_runs(clinic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs where that cannot fail; expanded by the catalog's bound where it is cheaper."""

    def kinds(sql: str) -> set[type[Operator]]:
        return {type(o) for o in operators(clinic.plan(sql).root)} & {Expand, Product}

    bounded = "SELECT v.cost, c.days FROM visits v JOIN courses c ON v.person_id = c.patient"
    assert kinds(QUERIES[0]) == {Product}
    assert kinds(bounded) == {Expand}
    assert kinds(f"{bounded} AND c.slot = 1") == set()
    (found,) = [o for o in operators(clinic.plan(bounded).root) if isinstance(o, Expand)]
    assert (found.rows, found.overflow) == (3 * 80, None)
    monkeypatch.setattr(pair_bounds, "MAX_PAIRS", 0)
    assert kinds(QUERIES[0]) == {Expand}
