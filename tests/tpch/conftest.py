"""TPC-H federations and their oracle, shared with benchmarks/."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from in_memory import Federation

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


@pytest.fixture(scope="session")
def tpch_in_memory(
    tpch_federation: Callable[[str, float], Path],
) -> Iterator[Callable[[str, float], Federation]]:
    """A federation in memory by layout and scale."""
    made: dict[tuple[str, float], Federation] = {}

    def federation(layout: str, scale: float) -> Federation:
        if (layout, scale) not in made:
            directory = tpch_federation(layout, scale)
            made[layout, scale] = Federation(
                (directory / "catalog.sql").read_text(encoding="utf-8"),
                parts_of(directory),
                parties=load("tpch_data").parties_of(layout),
                protocol=load("tpch_data").protocol_of(layout),
                public_directory=directory,
                preparation=load("tpch_data").preparation(layout),
            )
        return made[layout, scale]

    yield federation
    for one in made.values():
        for source in one.sources.values():
            source.close()


def parts_of(directory: Path) -> dict[str, dict[str, pa.Table]]:
    """Each party's tables in a federation directory, the public ones among them."""
    return {
        party: {
            file.stem: duckdb.read_parquet(str(file)).to_arrow_table()
            for file in (*(directory / party).glob("*.parquet"), *directory.glob("*.parquet"))
        }
        for party in load("tpch_data").PARTIES
        if (directory / party).exists()
    }


@pytest.fixture(scope="session")
def tpch_parts(
    tpch_federation: Callable[[str, float], Path],
) -> Callable[[str, float], dict[str, dict[str, pa.Table]]]:
    """Each party's tables by layout and scale."""
    return lambda layout, scale: parts_of(tpch_federation(layout, scale))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrises tests that take `layout` and `number` with every query in every layout.

    Of a test marked `every_third`, the default suite runs each query in one layout, another one
    from query to query; of a test marked `only(numbers)`, these queries. The rest is slow.
    """
    if not {"layout", "number"} <= set(metafunc.fixturenames):
        return
    data = load("tpch_data")
    third = metafunc.definition.get_closest_marker("every_third") is not None
    only = metafunc.definition.get_closest_marker("only")
    cases = []
    for place, layout in enumerate(data.LAYOUTS):
        for number in data.QUERIES:
            slow = third and (number + place) % len(data.LAYOUTS) != 0
            slow = slow or (only is not None and number not in only.args[0])
            marks = [pytest.mark.slow] if slow else []
            cases.append(pytest.param(layout, number, id=f"{layout}-{number:02}", marks=marks))
    metafunc.parametrize(("layout", "number"), cases)
