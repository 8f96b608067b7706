"""The TPC-H federations themselves: nothing is lost in dealing, and the bounds hold."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tacit.connectors import check_source, open_source
from tacit.query import load_catalog

SCALE = 0.01
TABLES = {"region": 5, "nation": 25, "part": 2000, "supplier": 100, "partsupp": 8000,
          "customer": 1500, "orders": 15000, "lineitem": 60175}  # fmt: skip


@pytest.mark.parametrize("layout", ["vertical", "horizontal", "shared", "two"])
def test_every_party_s_data_keep_the_catalog_s_promises(
    layout: str, tpch_federation: Callable[[str, float], Path], tpch_data: ModuleType
) -> None:
    directory = tpch_federation(layout, SCALE)
    parties = tpch_data.parties_of(layout)
    text = (directory / "catalog.sql").read_text(encoding="utf-8")
    catalog = load_catalog(text, parties=parties, directory=directory)
    rows = dict.fromkeys(TABLES, 0)
    for party in parties:
        source = open_source(directory / party, catalog, party, public_directory=directory)
        check_source(source, catalog, party)
        for table in source.tables():
            found = source.execute(f"SELECT count(*) AS n FROM {table}").to_pydict()["n"][0]
            name = table.removesuffix(tpch_data.SOURCE)
            if name in tpch_data.PUBLIC:
                assert found == TABLES[name]
            rows[name] += found if name in tpch_data.OWNERS else 0
        source.close()
    owned = {table: rows[table] for table in tpch_data.OWNERS}
    assert owned == {table: TABLES[table] for table in tpch_data.OWNERS}


def test_parts_are_dealt_at_random_and_together_are_the_table(
    tpch_federation: Callable[[str, float], Path], tpch_files: Callable[[float], Path]
) -> None:
    directory = tpch_federation("horizontal", SCALE)
    places = [directory / party for party in ("broker", "carrier", "maker")]
    *parts, whole = (
        duckdb.read_parquet(str(place / "orders.parquet")).to_arrow_table()
        for place in (*places, tpch_files(SCALE))
    )
    assert [len(part) for part in parts] == [5000, 5000, 5000]
    assert pa.concat_tables(parts).sort_by("o_orderkey").equals(whole.sort_by("o_orderkey"))
    for part in parts:
        assert 0.2 < (part["o_orderkey"].to_numpy() < 30000).mean() < 0.8


def test_the_oracle_answers_every_query(
    oracle: Callable[[float], Any], tpch_data: ModuleType, tpch_oracle: ModuleType
) -> None:
    database = oracle(SCALE)
    for number in tpch_data.QUERIES:
        answer = database.answer(tpch_data.query_text(number))
        assert answer.num_rows > 0
        keys = tpch_oracle.ORDERED_BY.get(number, ())
        assert tpch_oracle.difference(answer, answer, ordered_by=keys) is None


@pytest.mark.parametrize(
    ("actual", "expected", "keys", "message"),
    [
        ({"a": [1, 2]}, {"a": [2, 1]}, (), None),
        ({"a": [1, 2]}, {"a": [2, 1]}, ("a",), "row 1, column a: 1 instead of 2 in the order"),
        ({"a": [1]}, {"a": [Decimal("1.0")]}, (), None),
        ({"a": [1]}, {"a": [1, 1]}, (), "1 rows instead of 2"),
        ({"a": [1]}, {"b": [1]}, (), "columns"),
        ({"a": [1, 1, 2]}, {"a": [1, 2, 2]}, (), "row"),
        ({"a": [None]}, {"a": [0]}, (), "row"),
        ({"a": [1.0]}, {"a": [1.0 + 1e-11]}, (), None),
        ({"a": [1.0]}, {"a": [1.0 + 1e-7]}, (), "row"),
        ({"a": ["x"], "b": [0.5]}, {"a": ["x"], "b": [0.5]}, ("a",), None),
    ],
)
def test_answers_are_compared_exactly_but_for_doubles(
    actual: dict[str, list[Any]],
    expected: dict[str, list[Any]],
    keys: tuple[str, ...],
    message: str | None,
    tpch_oracle: ModuleType,
) -> None:
    found = tpch_oracle.difference(pa.table(actual), pa.table(expected), ordered_by=keys)
    assert (found is None) if message is None else (found is not None and message in found)
