"""Proposals of CREATE TABLE statements for files."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet
from tacit.connectors import check_source, describe_file, open_source
from tacit.query import load_catalog
from tacit.query.errors import ConfigurationError

CSV = "Visit ID,admitted,ward,cost,note,stay\n" + "".join(
    f"{1000 + n},2021-03-{1 + n % 28:02},{'AB'[n % 2]},{n * 1.25:.2f},note {n},{n % 7}\n"
    for n in range(61)
)


def statement(proposal: str) -> list[str]:
    """The lines of the CREATE TABLE statement, without the comments above it."""
    lines = [line for line in proposal.splitlines() if not line.startswith("--")]
    return [line.strip() for line in lines]


def test_a_csv_file_is_described_with_bounds_domains_and_a_key(tmp_path: Path) -> None:
    (tmp_path / "stays.csv").write_text(CSV, encoding="utf-8")
    proposal = describe_file(tmp_path / "stays.csv", table="visits", owner="mercy")
    assert "must be reviewed" in proposal
    assert statement(proposal) == [
        "CREATE TABLE visits (",
        '"visit id" BIGINT CHECK ("visit id" BETWEEN 1000 AND 1100) PRIMARY KEY,',
        "admitted DATE CHECK (admitted BETWEEN DATE '2021-01-01' AND DATE '2021-12-31') NOT NULL,",
        "ward VARCHAR(1) CHECK (ward IN ('A', 'B')) NOT NULL,",
        "cost DECIMAL(4,2) CHECK (cost BETWEEN 0 AND 75) NOT NULL,",
        "note VARCHAR(8) NOT NULL UNIQUE,",
        "stay BIGINT CHECK (stay BETWEEN 0 AND 6) NOT NULL",
        ") OWNED BY mercy ROWS 61;",
    ]


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "a": pa.array([-128, 127, None], pa.int8()),
            "b": pa.array([1, 2, 3], pa.uint32()),
            "c": pa.array(["1.25", "99.99", None]).cast(pa.decimal128(4, 2)),
            "d": [True, False, None],
            "e": [datetime.datetime(1999, 5, 1), None, datetime.datetime(2001, 1, 1)],
            "f": [1 / 3, None, -2000.5],
            "g": [[1], [2], None],
            "h": pa.array([None, None, None], pa.int32()),
        }
    )
    parquet.write_table(table, tmp_path / "My-File.parquet")
    proposal = describe_file(tmp_path / "My-File.parquet")
    catalog = load_catalog(proposal, parties=("owner", "grace", "mercy"))
    (tmp_path / "sources.sql").write_text("ATTACH 'My-File.parquet' AS \"my-file\";")
    source = open_source(tmp_path, catalog, "owner", public_directory=tmp_path)
    check_source(source, catalog, "owner")
    source.close()
    assert "-- g is INTEGER[], which has no declaration." in proposal.replace("BIGINT", "INTEGER")
    assert statement(proposal) == [
        'CREATE TABLE "my-file" (',
        "a TINYINT CHECK (a BETWEEN -128 AND 127),",
        "b BIGINT CHECK (b BETWEEN 1 AND 3) PRIMARY KEY,",
        "c DECIMAL(4,2) CHECK (c BETWEEN 1 AND 99.99),",
        "d BOOLEAN,",
        "e TIMESTAMP CHECK (e BETWEEN TIMESTAMP '1999-01-01 00:00:00' AND"
        " TIMESTAMP '2001-12-31 23:59:59.999999'),",
        "f DOUBLE(6) CHECK (f BETWEEN -2100 AND 1),",
        "h INTEGER",
        ") OWNED BY owner ROWS 3;",
    ]


def test_a_table_of_a_database_file_is_described(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "h.duckdb")) as database:
        database.execute("CREATE TABLE wards AS SELECT 'x' AS name FROM range(3)")
    proposal = describe_file(tmp_path / "h.duckdb", table="wards", owner="mercy")
    assert "name VARCHAR(1) CHECK (name IN ('x')) NOT NULL" in proposal
    assert describe_file(tmp_path / "h.duckdb", owner="mercy") == proposal  # its only table


def test_a_database_file_tells_which_tables_it_has(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "h.duckdb")) as database:
        database.execute("CREATE TABLE wards (name TEXT); CREATE VIEW all_wards AS FROM wards")
    with pytest.raises(ConfigurationError, match="has the tables all_wards, wards: say which"):
        describe_file(tmp_path / "h.duckdb")
    with pytest.raises(ConfigurationError, match="has no table ward; it has all_wards, wards"):
        describe_file(tmp_path / "h.duckdb", table="ward")
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(ConfigurationError, match="cannot be read as a database"):
        describe_file(tmp_path / "text.duckdb")


def test_a_file_keeps_the_promises_proposed_for_it(tmp_path: Path) -> None:
    (tmp_path / "stays.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "sources.sql").write_text("ATTACH 'stays.csv' AS stays;", encoding="utf-8")
    proposal = describe_file(tmp_path / "stays.csv", owner="mercy")
    catalog = load_catalog(proposal, parties=("grace", "mercy", "registry"))
    source = open_source(tmp_path, catalog, "mercy", public_directory=tmp_path)
    check_source(source, catalog, "mercy")
    assert source.execute("SELECT count(*) AS n FROM stays").to_pydict() == {"n": [61]}
    source.close()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file .*none\.csv"):
        describe_file(tmp_path / "none.csv")
    with pytest.raises(ConfigurationError, match="it is a directory"):
        describe_file(tmp_path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ConfigurationError, match=r"empty\.csv is empty"):
        describe_file(tmp_path / "empty.csv")
