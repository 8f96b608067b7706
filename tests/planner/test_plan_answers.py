"""Plans give DuckDB's answers on the pooled tables, whoever owns them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LAYOUTS = ("vertical", "horizontal")
SPINE = ("q01", "q03", "q04", "q05", "q06", "q12", "q14", "q19")


def statements(name: str) -> list[str]:
    """The statements of a file, one on each line."""
    return [line.rstrip(";") for line in (HERE / name).read_text().splitlines() if line]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sql", statements("queries.sql"))
def test_general_queries(tpch: Callable[[str], Any], layout: str, sql: str) -> None:
    tpch(layout).check(sql)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sql", statements("spine.sql"), ids=SPINE)
def test_tpch_spine(tpch: Callable[[str], Any], layout: str, sql: str) -> None:
    tpch(layout).check(sql)


@pytest.mark.parametrize("sql", statements("null_queries.sql"))
def test_queries_over_nulls(hospital: Any, sql: str) -> None:
    hospital.check(sql)
