"""All of TPC-H in memory, in every layout: the answers are DuckDB's, and none is trivial."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from in_memory import Federation

SCALE = 0.001
QUERIES = range(1, 23)


def _varied() -> Callable[[int, str], str]:
    spec = importlib.util.spec_from_file_location("varied", Path(__file__).with_name("varied.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.varied  # type: ignore[no-any-return]


varied = _varied()


def test_a_query_equals_the_oracle(
    layout: str,
    number: int,
    *,
    tpch_in_memory: Callable[[str, float], Federation],
    tpch_data: ModuleType,
    tpch_oracle: ModuleType,
) -> None:
    federation = tpch_in_memory(layout, SCALE)
    sql = varied(number, tpch_data.query_text(number))
    outcome = federation.query(sql)
    keys = tpch_oracle.ORDERED_BY.get(number, ())
    expected = federation.oracle(sql)
    assert tpch_oracle.difference(outcome.table, expected, ordered_by=keys) is None
    assert outcome.measured.rounds == outcome.predicted.rounds


@pytest.mark.parametrize("number", QUERIES)
def test_the_answer_tells_something(
    number: int, tpch_in_memory: Callable[[str, float], Federation], tpch_data: ModuleType
) -> None:
    """The oracle's answer has rows, and no column of it is NULL or 0 throughout."""
    sql = varied(number, tpch_data.query_text(number))
    answer = tpch_in_memory("vertical", SCALE).oracle(sql)
    assert answer.num_rows > 0
    for name in answer.column_names:
        values: list[Any] = answer.column(name).to_pylist()
        assert name == "o_shippriority" or any(values), name


@pytest.mark.parametrize(
    "number", [6, 14, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 3, 12))]
)
def test_two_parties_answer_alone(
    number: int,
    *,
    tpch_in_memory: Callable[[str, float], Federation],
    tpch_data: ModuleType,
    tpch_oracle: ModuleType,
) -> None:
    federation = tpch_in_memory("two", SCALE)
    sql = varied(number, tpch_data.query_text(number))
    outcome = federation.query(sql)
    keys = tpch_oracle.ORDERED_BY.get(number, ())
    assert tpch_oracle.difference(outcome.table, federation.oracle(sql), ordered_by=keys) is None
    assert outcome.measured.rounds == outcome.predicted.rounds
    assert outcome.ahead == outcome.predicted_ahead
