"""TPC-H on a federation of real processes equals DuckDB on all the data in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tacit.executor.client.local import LocalFederation, create_local

SCALE = 0.01
QUERIES = (1, 3, 4, 5, 6, 12, 14, 19)


@pytest.fixture(scope="module", params=["vertical", "horizontal"])
def federation(
    request: pytest.FixtureRequest,
    tpch_federation: Callable[[str, float], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LocalFederation]:
    plain = tpch_federation(request.param, SCALE)
    target = tmp_path_factory.mktemp("tpch") / "federation"
    with LocalFederation.start(create_local(plain, target=target)) as running:
        yield running


@pytest.mark.parametrize("number", QUERIES)
def test_a_query_runs_unchanged_and_equals_the_oracle(
    number: int,
    federation: LocalFederation,
    oracle: Callable[[float], Any],
    tpch_data: ModuleType,
    tpch_oracle: ModuleType,
) -> None:
    sql = tpch_data.query_text(number)
    with federation.client("broker") as client:
        result = client.query(sql)
    keys = tpch_oracle.ORDERED_BY.get(number, ())
    expected = oracle(SCALE).answer(sql)
    assert tpch_oracle.difference(result.table, expected, ordered_by=keys) is None
