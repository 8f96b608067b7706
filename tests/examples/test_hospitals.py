"""The hospitals: their files keep the catalog's promises, their questions have right answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import feather
from tacit.connectors import check_source, open_source
from tacit.executor.client.local import LocalFederation, create_local
from tacit.query import load_catalog

EXAMPLE = Path(__file__).parents[2] / "examples" / "hospitals"
QUESTIONS = sorted(EXAMPLE.glob("*_*.sql"))
PARTIES = ("grace", "mercy", "registry")


@pytest.fixture(scope="module")
def oracle() -> Iterator[duckdb.DuckDBPyConnection]:
    """All data in one place, held to the catalog's constraints by DuckDB itself."""
    connection = duckdb.connect()
    ddl = (EXAMPLE / "catalog.sql").read_text(encoding="utf-8").replace("PUBLIC ", "")
    connection.execute(re.sub(r"\) (OWNED BY|FROM) [^;]*;", ");", ddl))
    connection.register("buried", feather.read_table(EXAMPLE / "registry" / "deaths.arrow"))
    files = {
        "patients": f"'{EXAMPLE}/registry/patients.parquet'",
        "deaths": "buried",
        "icd10": f"'{EXAMPLE}/icd10.csv'",
    }
    for table, source in files.items():
        connection.execute(f"INSERT INTO {table} SELECT * FROM {source}")
    parts = {"mercy": "mercy/visits.csv", "grace": "grace/visits.parquet"}
    for party, file in parts.items():
        connection.execute(f"CREATE SCHEMA {party}")
        connection.execute(f"CREATE TABLE {party}.visits AS FROM visits LIMIT 0")
        connection.execute(f"INSERT INTO {party}.visits SELECT * FROM '{EXAMPLE}/{file}'")
        connection.execute(f"INSERT INTO visits SELECT * FROM {party}.visits")
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFederation]:
    """The example's three parties as processes."""
    target = tmp_path_factory.mktemp("hospitals") / "federation"
    with LocalFederation.start(create_local(EXAMPLE, target=target)) as running:
        yield running


def answer(oracle: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    return oracle.sql(re.sub(r"REVEAL TO [^;]*", "", text)).to_arrow_table()


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    columns = [table.column(name).to_pylist() for name in table.column_names]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("party", PARTIES)
def test_every_party_s_files_keep_the_catalog_s_promises(party: str) -> None:
    text = (EXAMPLE / "catalog.sql").read_text(encoding="utf-8")
    catalog = load_catalog(text, parties=PARTIES, directory=EXAMPLE)
    source = open_source(EXAMPLE / party, catalog, party, public_directory=EXAMPLE)
    check_source(source, catalog, party)
    source.close()


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < 400_000


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_the_federation_answers_as_one_database_would(
    question: Path, federation: LocalFederation, oracle: duckdb.DuckDBPyConnection
) -> None:
    text = question.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    expected = answer(oracle, text)
    assert expected.num_rows > 0
    asked = re.search(r"^-- asked by (\w+)", text, re.MULTILINE)
    with federation.client(asked[1] if asked else "grace") as client:
        found = client.query(text).table
    assert found is not None
    assert found.column_names == expected.column_names
    for mine, theirs in zip(rows(found), rows(expected), strict=True):
        for one, other in zip(mine, theirs, strict=True):
            assert one == (pytest.approx(other, rel=1e-9) if isinstance(other, float) else other)
