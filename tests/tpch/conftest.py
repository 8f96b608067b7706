"""TPC-H federations and their oracle, shared with benchmarks/."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    """A module of benchmarks/, which is not part of the installed package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def tpch_data() -> ModuleType:
    """benchmarks/tpch_data.py"""
    return load("tpch_data")


@pytest.fixture(scope="session")
def tpch_oracle() -> ModuleType:
    """benchmarks/tpch_oracle.py"""
    return load("tpch_oracle")


@pytest.fixture(scope="session")
def tpch_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], Path]:
    """The generated data of a scale factor, one Parquet file per table."""
    cache = tmp_path_factory.mktemp("tpch")
    return lambda scale: Path(load("tpch_data").generate(scale, cache))


@pytest.fixture(scope="session")
def tpch_federation(
    tpch_files: Callable[[float], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, float], Path]:
    """A federation directory (catalog.sql, PARTY/sources.sql, files) by layout and scale."""
    made: dict[tuple[str, float], Path] = {}

    def federation(layout: str, scale: float) -> Path:
        if (layout, scale) not in made:
            target = tmp_path_factory.mktemp(layout)
            load("tpch_data").write_federation(layout, scale, target, data=tpch_files(scale))
            made[layout, scale] = target
        return made[layout, scale]

    return federation


@pytest.fixture
def oracle(tpch_files: Callable[[float], Path]) -> Iterator[Callable[[float], Any]]:
    """DuckDB on the whole data of a scale factor."""
    opened: list[Any] = []

    def open_oracle(scale: float) -> Any:
        opened.append(load("tpch_oracle").Oracle(tpch_files(scale)))
        return opened[-1]

    yield open_oracle
    for one in opened:
        one.close()
