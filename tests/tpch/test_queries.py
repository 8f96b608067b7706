"""TPC-H on a federation of real processes equals DuckDB on all the data in one place.

A few queries at scale factor 0.01 by default. All 22 in every layout, some in the layout `two`, and
all at 0.1 in `vertical`:

    pytest -m "slow or not slow" tests/tpch/test_queries.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from tacit.executor.client.local import LocalFederation, create_local

QUICK = (2, 3, 6, 13, 15, 22)
"""The queries that the default suite runs, in every layout at scale factor 0.01."""


@pytest.fixture(scope="module")
def running(
    tpch_federation: Any, tpch_data: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, float], LocalFederation]]:
    """A federation of processes by layout and scale factor, ready for queries; one at a time."""
    last: dict[tuple[str, float], LocalFederation] = {}

    def stop() -> None:
        for one in last.values():
            one.stop()
        last.clear()

    def start(layout: str, scale: float) -> LocalFederation:
        if (layout, scale) not in last:
            stop()
            target = tmp_path_factory.mktemp("tpch") / "federation"
            directory = create_local(tpch_federation(layout, scale), target=target)
            last[layout, scale] = LocalFederation.start(directory)
            with last[layout, scale].client("broker") as client:
                for statement in tpch_data.preparation(layout):
                    client.query(statement)
        return last[layout, scale]

    yield start
    stop()


@pytest.fixture
def check(
    running: Callable[[str, float], LocalFederation],
    oracle: Callable[[float], Any],
    tpch_data: ModuleType,
    tpch_oracle: ModuleType,
) -> Callable[[str, int, float], None]:
    """Asserts that a query's answer from running nodes equals DuckDB's."""

    def checked(layout: str, number: int, scale: float) -> None:
        sql = tpch_data.query_text(number)
        with running(layout, scale).client("broker") as client:
            result = client.query(sql)
        keys = tpch_oracle.ORDERED_BY.get(number, ())
        expected = oracle(scale).answer(sql)
        assert tpch_oracle.difference(result.table, expected, ordered_by=keys) is None

    return checked


@pytest.mark.only(QUICK)
def test_a_query_runs_unchanged_and_equals_the_oracle(
    layout: str, number: int, check: Callable[[str, int, float], None]
) -> None:
    check(layout, number, 0.01)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("query", [1, 3, 6, 12, 14])
def test_two_parties_answer_alone(query: int, check: Callable[[str, int, float], None]) -> None:
    check("two", query, 0.01)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("query", range(1, 23))
def test_ten_times_the_rows(query: int, check: Callable[[str, int, float], None]) -> None:
    check("vertical", query, 0.1)
