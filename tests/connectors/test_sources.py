"""Binding files to the catalog's tables, and what fragments may and may not do with them."""

from __future__ import annotations

import datetime
import hashlib
import threading
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from tacit.connectors import DuckDbSource, open_source
from tacit.connectors.sources_file import Attachment, parse_sources
from tacit.query.catalog import Catalog, ColumnDefinition, Table
from tacit.query.datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    INTEGER,
    TIMESTAMP,
    DecimalType,
    DoubleType,
    Encoding,
    SqlType,
    VarcharType,
)
from tacit.query.errors import (
    SECOND_ROW,
    CancelledError,
    ConfigurationError,
    DataError,
    InternalError,
    SessionError,
)

WIDE = Encoding(lo=-(2**63), hi=2**63 - 1)


def column(name: str, kind: SqlType, *, nullable: bool = True) -> ColumnDefinition:
    return ColumnDefinition(name=name, type=kind, nullable=nullable, encoding=WIDE)


def catalog(*columns: ColumnDefinition, owners: tuple[str, ...] = ("mercy",)) -> Catalog:
    table = Table(name="visits", columns=columns, owners=owners, rows=100)
    return Catalog(tables={"visits": table})


VISITS = catalog(
    column("patient_id", BIGINT),
    column("cost", DecimalType(9, 2)),
    column("admitted", DATE),
    column("ward", VarcharType(20)),
)
ARROW = pa.table(
    {
        "extra": [0, 0, 0],
        "Patient_ID": pa.array([3, 1, None], pa.int32()),
        "ward": ["a", None, "ü"],
        "admitted": [datetime.date(2020, 1, 31), None, datetime.date(1969, 12, 31)],
        "cost": pa.array([Decimal("1.50"), None, Decimal("-7.25")], pa.decimal128(7, 2)),
    }
)
ROWS = ARROW.select(["Patient_ID", "cost", "admitted", "ward"]).to_pylist()
CSV = "extra;Patient_ID;ward;admitted;cost\n0;3;a;31/01/2020;1.50\n0;1;;;\n0;;ü;31/12/1969;-7.25\n"


def party(tmp_path: Path, sources: str) -> Path:
    (tmp_path / "sources.sql").write_text(sources, encoding="utf-8")
    return tmp_path


def write(path: Path) -> None:
    match path.suffix:
        case ".parquet":
            parquet.write_table(ARROW, path)
        case ".feather":
            feather.write_feather(ARROW, path)
        case ".arrow":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, ARROW.schema) as out:
                out.write_table(ARROW)
        case ".csv":
            path.write_text(CSV, encoding="utf-8")


@pytest.mark.parametrize("file", ["v.parquet", "v.feather", "v.arrow", "v.csv", "it's a file.csv"])
def test_a_file_is_read_with_the_catalog_s_columns_and_types(tmp_path: Path, file: str) -> None:
    write(tmp_path / file)
    quoted = file.replace("'", "''")
    directory = party(tmp_path, f"ATTACH '{quoted}' AS visits;")
    source = open_source(directory, VISITS, "mercy", public_directory=tmp_path)
    result = source.execute("SELECT * FROM visits")
    assert source.tables() == ("visits",)
    assert result.schema.names == ["patient_id", "cost", "admitted", "ward"]
    assert result.schema.types == [pa.int64(), pa.decimal128(9, 2), pa.date32(), pa.string()]
    assert [tuple(row.values()) for row in result.to_pylist()] == [
        tuple(row.values()) for row in ROWS
    ]
    source.close()


def test_a_table_of_a_database_file_is_read(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "h.duckdb")) as database:
        database.execute("CREATE TABLE admissions AS SELECT 7 AS patient_id")
    directory = party(tmp_path, "ATTACH 'h.duckdb' AS visits (TABLE 'admissions');")
    source = open_source(
        directory, catalog(column("patient_id", BIGINT)), "mercy", public_directory=tmp_path
    )
    assert source.execute("SELECT patient_id FROM visits").to_pydict() == {"patient_id": [7]}
    source.close()


def test_a_data_frame_is_bound_under_a_catalog_name() -> None:
    source = DuckDbSource(catalog(column("patient_id", BIGINT), column("ward", VarcharType(4))))
    source.lock()
    source.register_table("visits", pd.DataFrame({"patient_id": [1.0, None], "ward": ["a", None]}))
    assert source.execute("SELECT * FROM visits").to_pylist() == [
        {"patient_id": 1, "ward": "a"},
        {"patient_id": None, "ward": None},
    ]
    with pytest.raises(ConfigurationError, match="no table nothing"):
        source.register_table("nothing", ARROW)
    source.close()


def test_columns_and_predicates_are_pushed_into_the_scan(tmp_path: Path) -> None:
    write(tmp_path / "v.parquet")
    directory = party(tmp_path, "ATTACH 'v.parquet' AS visits;")
    source = open_source(directory, VISITS, "mercy", public_directory=tmp_path)
    connection = source._connection
    plan = connection.execute("EXPLAIN SELECT patient_id FROM visits WHERE ward = 'a'").fetchall()
    text = str(plan)
    assert "extra" not in text
    assert "cost" not in text
    assert "Filters" in text
    source.close()


def cell(kind: SqlType, data: pa.Array | str, tmp_path: Path) -> object:
    """The single value of a one-cell file, as the catalog's type."""
    if isinstance(data, str):
        (tmp_path / "v.csv").write_text(f"id,x\n1,{data}\n", encoding="utf-8")
        directory = party(tmp_path, "ATTACH 'v.csv' AS visits;")
    else:
        parquet.write_table(pa.table({"x": data}), tmp_path / "v.parquet")
        directory = party(tmp_path, "ATTACH 'v.parquet' AS visits;")
    source = open_source(directory, catalog(column("x", kind)), "mercy", public_directory=tmp_path)
    try:
        return source.execute("SELECT x FROM visits").column(0)[0].as_py()
    finally:
        source.close()


NOON = datetime.datetime(2020, 1, 1, 12)
DAY = datetime.date(2020, 1, 1)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (BIGINT, " 12 ", 12),
        (BIGINT, pa.array([12.0]), 12),
        (DecimalType(9, 2), "1.500", Decimal("1.50")),
        (DecimalType(9, 2), ".5", Decimal("0.50")),
        (DecimalType(9, 2), "-3.", Decimal("-3.00")),
        (DecimalType(9, 2), pa.array([0.29]), Decimal("0.29")),
        (DecimalType(9, 2), pa.array([0.29], pa.float32()), Decimal("0.29")),
        (DecimalType(9, 2), pa.array([Decimal("1.500")]), Decimal("1.50")),
        (DecimalType(9, 2), pa.array([7], pa.int16()), Decimal("7.00")),
        (DoubleType(2), "0.125", 0.13),
        (DoubleType(2), pa.array([-0.125]), -0.13),
        (DoubleType(2), pa.array([Decimal("1.005")]), 1.0),
        (BOOLEAN, "true", True),
        (DATE, "2020-01-01", DAY),
        (DATE, pa.array([datetime.datetime(2020, 1, 1)], pa.timestamp("ns")), DAY),
        (TIMESTAMP, "2020-01-01 12:00:00", NOON),
        (TIMESTAMP, pa.array([NOON], pa.timestamp("ns")), NOON),
        (TIMESTAMP, pa.array([DAY]), datetime.datetime(2020, 1, 1)),
        (VarcharType(4), pa.array(["ab"]).dictionary_encode(), "ab"),
    ],
)
def test_values_are_converted_exactly(
    tmp_path: Path, kind: SqlType, data: pa.Array | str, expected: object
) -> None:
    assert cell(kind, data, tmp_path) == expected


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (BIGINT, "1.5"),
        (BIGINT, "1_000"),
        (BIGINT, "99999999999999999999"),
        (BIGINT, "abc"),
        (INTEGER, pa.array([2**31])),
        (BIGINT, pa.array([1.5])),
        (BIGINT, pa.array([float("nan")])),
        (DecimalType(9, 2), "1.005"),
        (DecimalType(9, 2), "1e2"),
        (DecimalType(9, 2), "12345678.90"),
        (DecimalType(9, 2), pa.array([1.005])),
        (DecimalType(9, 2), pa.array([Decimal("1.005")])),
        (DecimalType(3, 2), pa.array([10], pa.int64())),
        (DoubleType(2), "abc"),
        (BOOLEAN, "perhaps"),
        (DATE, "2020-13-01"),
        (DATE, "2020-01-01 12:00:00"),
        (DATE, pa.array([NOON])),
        (TIMESTAMP, "2020-01-01 12:00:00.1234567"),
        (TIMESTAMP, pa.array([1], pa.timestamp("ns"))),
    ],
)
def test_what_a_type_cannot_hold_is_never_rounded(
    tmp_path: Path, kind: SqlType, data: pa.Array | str
) -> None:
    with pytest.raises(DataError, match="table visits, column x: value is not exactly a") as caught:
        cell(kind, data, tmp_path)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (VarcharType(4), pa.array([1])),
        (BIGINT, pa.array([True])),
        (DATE, pa.array([1])),
        (BOOLEAN, pa.array([1])),
        (BIGINT, pa.array([[1]])),
    ],
)
def test_types_that_do_not_belong_together_are_refused(
    tmp_path: Path, kind: SqlType, data: pa.Array
) -> None:
    with pytest.raises(ConfigurationError, match="table visits, column x: the catalog declares"):
        cell(kind, data, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "a,x\r\n1,2\r\n3,4\r\n",
        "a\tx\n1\t2\n3\t4\n",
        'a|x\n"1"|"2"\n"3"|4',
        "x\n2\n4\n",
    ],
)
def test_csv_dialects_are_detected(tmp_path: Path, text: str) -> None:
    (tmp_path / "v.csv").write_bytes(text.encode())
    directory = party(tmp_path, "ATTACH 'v.csv' AS visits;")
    source = open_source(
        directory, catalog(column("x", BIGINT)), "mercy", public_directory=tmp_path
    )
    assert source.execute("SELECT x FROM visits").to_pydict() == {"x": [2, 4]}
    source.close()


def test_an_empty_csv_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("x,y\n", encoding="utf-8")
    directory = party(tmp_path, "ATTACH 'v.csv' AS visits;")
    source = open_source(
        directory, catalog(column("x", BIGINT)), "mercy", public_directory=tmp_path
    )
    assert source.execute("SELECT x FROM visits").num_rows == 0
    source.close()


def test_a_ragged_csv_line_is_named_and_not_shown(tmp_path: Path) -> None:
    lines = ["x,y", "1,2"] + ["3,4"] * 30000 + ["5,6,secret", "7,8"]
    (tmp_path / "v.csv").write_text("\n".join(lines), encoding="utf-8")
    directory = party(tmp_path, "ATTACH 'v.csv' AS visits;")
    source = open_source(
        directory, catalog(column("x", BIGINT)), "mercy", public_directory=tmp_path
    )
    with pytest.raises(DataError, match="line 30003 of a CSV file is malformed") as caught:
        source.execute("SELECT sum(x) FROM visits")
    assert "secret" not in str(caught.value)
    source.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{other}')",
        "SELECT * FROM '{other}'",
        "SELECT * FROM read_text('{other}')",
        "COPY visits TO '{other}.copy'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW visits",
        "ATTACH '{other}.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT 1; SELECT 2",
        "",
        "SELECT nothing FROM visits",
        "SELECT",
    ],
)
def test_fragments_can_only_select_from_bound_tables(tmp_path: Path, sql: str) -> None:
    write(tmp_path / "v.parquet")
    other = tmp_path / "other.csv"
    other.write_text("secret\n1\n", encoding="utf-8")
    directory = party(tmp_path, "ATTACH 'v.parquet' AS visits;")
    source = open_source(directory, VISITS, "mercy", public_directory=tmp_path)
    with pytest.raises((InternalError, DataError)):
        source.execute(sql.format(other=other))
    assert source.execute("SELECT count(*) AS n FROM visits").to_pydict() == {"n": [3]}
    source.close()


def test_a_fragment_is_given_the_parameters_that_it_names(tmp_path: Path) -> None:
    write(tmp_path / "v.parquet")
    directory = party(tmp_path, "ATTACH 'v.parquet' AS visits;")
    source = open_source(directory, VISITS, "mercy", public_directory=tmp_path)
    given = {"key": "a"}
    named = source.execute("SELECT $key AS k, '$key' AS text FROM visits LIMIT 1", given)
    assert named.to_pylist() == [{"k": "a", "text": "$key"}]
    assert source.execute("SELECT '$key' AS t FROM visits LIMIT 1", given).num_rows == 1
    with pytest.raises(DataError):
        source.execute("SELECT $key FROM visits")
    source.close()


def test_a_fragment_s_own_failure_shows_no_value(tmp_path: Path) -> None:
    write(tmp_path / "v.parquet")
    directory = party(tmp_path, "ATTACH 'v.parquet' AS visits;")
    source = open_source(directory, VISITS, "mercy", public_directory=tmp_path)
    with pytest.raises(DataError, match=r"failed \(ConversionException\)") as caught:
        source.execute("SELECT CAST(ward AS BIGINT) FROM visits")
    assert caught.value.__cause__ is None
    source.close()


def test_a_running_fragment_can_be_interrupted_and_the_source_lives_on() -> None:
    source = DuckDbSource(catalog(column("n", BIGINT)))
    source.register_table("visits", pa.table({"n": pa.array(range(4000), pa.int64())}))
    endless = "SELECT count(*) FROM visits a, visits b, visits c WHERE (a.n * b.n) % 7 = c.n % 5"
    timer = threading.Timer(0.2, source.interrupt)
    timer.start()
    with pytest.raises(CancelledError):
        source.execute(endless)
    timer.join()
    assert source.execute("SELECT count(*) FROM visits").column(0).to_pylist() == [4000]
    source.close()


def public_catalog(content: bytes) -> Catalog:
    table = Table(
        name="codes",
        columns=(column("code", BIGINT),),
        owners=(),
        rows=10,
        public_file="codes.csv",
        content_hash=hashlib.sha256(content).hexdigest(),
    )
    return Catalog(tables={"codes": table})


def test_a_public_table_is_bound_at_a_party_without_data(tmp_path: Path) -> None:
    content = b"code\n1\n2\n"
    (tmp_path / "codes.csv").write_bytes(content)
    source = open_source(
        tmp_path / "helper", public_catalog(content), "helper", public_directory=tmp_path
    )
    assert source.execute("SELECT sum(code) AS s FROM codes").to_pydict() == {"s": [Decimal(3)]}
    source.close()


def test_a_public_table_with_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_bytes(b"code\n1\n3\n")
    with pytest.raises(ConfigurationError, match="not the content that the catalog declares"):
        open_source(tmp_path, public_catalog(b"code\n1\n2\n"), "any", public_directory=tmp_path)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ("ATTACH 'v.parquet' AS visit;", "line 1: the catalog has no table visit; did you mean"),
        ("\n\nATTACH 'w.parquet' AS visits;", "line 3: there is no file .*w.parquet"),
        ("ATTACH 'v.xlsx' AS visits;", "line 1: .*not a kind of file"),
        ("ATTACH 'broken.parquet' AS visits;", "line 1: .*cannot be read as parquet"),
        ("ATTACH 'broken.arrow' AS visits;", "line 1: .*cannot be read as an Arrow file"),
        ("ATTACH 'other.csv' AS visits;", "line 1: table visits: no column patient_id in"),
        ("ATTACH 'v.parquet' AS visits (TABLE 'x');", r"line 1: .*takes no \(TABLE 'name'\)"),
    ],
)
def test_a_wrong_attachment_says_file_line_and_reason(
    tmp_path: Path, sources: str, message: str
) -> None:
    write(tmp_path / "v.parquet")
    for name in ("v.xlsx", "broken.parquet", "broken.arrow"):
        (tmp_path / name).write_text("nothing of the kind", encoding="utf-8")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_source(party(tmp_path, sources), VISITS, "mercy", public_directory=tmp_path)
    assert "sources.sql" in str(caught.value)


def test_only_owners_attach_a_table(tmp_path: Path) -> None:
    write(tmp_path / "v.parquet")
    directory = party(tmp_path, "ATTACH 'v.parquet' AS visits;")
    with pytest.raises(ConfigurationError, match="owned by mercy, not registry"):
        open_source(directory, VISITS, "registry", public_directory=tmp_path)


def test_a_sources_file_lists_attachments() -> None:
    text = """-- what we have
    ATTACH 'it''s.csv' AS Visits; /* a
    comment; */ attach 'h.duckdb' as "Wards" (table 'w');"""
    assert parse_sources(text, Path("sources.sql")) == (
        Attachment(table="visits", file="it's.csv", inner_table=None, line=2),
        Attachment(table="wards", file="h.duckdb", inner_table="w", line=3),
    )
    assert parse_sources(" -- nothing\n", Path("sources.sql")) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DROP TABLE x;", "line 1: expected a statement of the form ATTACH .* found DROP"),
        ("ATTACH visits;", "line 1: expected the name of a file in single quotes, found visits"),
        ("ATTACH 'a.csv' visits;", "line 1: expected AS and the name of a table, found visits"),
        ("ATTACH 'a.csv' AS visits", "line 1: expected ';', found the end of the file"),
        ("ATTACH 'a.csv' AS\n;", "line 2: expected the name of a table, found ;"),
        ("ATTACH 'a.csv' AS x (TABLE y);", "expected the name of a table in single quotes"),
        ("\n# note", "line 2: unexpected character '#'"),
        ("ATTACH 'a.csv", "line 1: unexpected character"),
        ("ATTACH 'a.csv' AS x;\nATTACH 'b.csv' AS X;", "line 2: table x is attached twice"),
    ],
)
def test_a_malformed_sources_file_says_where(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"sources.sql, {message}|sources.sql.*{message}"):
        parse_sources(text, Path("sources.sql"))


def test_a_value_that_quotes_our_own_words_is_not_shown() -> None:
    source = DuckDbSource(VISITS)
    source.register_table("visits", ARROW)
    with pytest.raises(DataError) as caught:
        source.execute("SELECT CAST('Invalid Input Error: table ' || ward AS BIGINT) FROM visits")
    assert str(caught.value).startswith("reading this party's tables failed")
    source.close()


def test_a_fragment_s_memory_is_limited() -> None:
    source = DuckDbSource(catalog(column("n", BIGINT)), memory_bytes=2**25)
    source.register_table("visits", pa.table({"n": pa.array(range(3000), pa.int64())}))
    with pytest.raises(DataError, match="more memory than it may have"):
        source.execute("SELECT count(DISTINCT a.n * 3000 + b.n) FROM visits a, visits b")
    assert source.execute("SELECT count(*) FROM visits").column(0).to_pylist() == [3000]
    source.close()


def test_a_second_row_of_a_subquery_is_told_as_such(tmp_path: Path) -> None:
    """The words stand in the plan, so everybody may read them; other errors are the owner's."""
    write(tmp_path / "v.csv")
    directory = party(tmp_path, "ATTACH 'v.csv' AS visits;")
    source = open_source(directory, VISITS, "mercy", public_directory=tmp_path)
    with pytest.raises(SessionError, match=SECOND_ROW):
        source.execute(f"SELECT error('{SECOND_ROW}') FROM visits")
    with pytest.raises(DataError):
        source.execute(f"SELECT error('{SECOND_ROW}' || ward) FROM visits WHERE ward IS NOT NULL")
    source.close()
