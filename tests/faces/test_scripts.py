"""Scripts and COPY on real nodes: read whole before they run, stopped at the first error."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
import tacit
from pyarrow import csv, parquet
from tacit.cli import main
from tacit.executor.client.copying import read_copy
from tacit.executor.client.scripts import read_script
from tacit.query.errors import BindError, SqlError, SqlSyntaxError, UnsupportedError, UserError

COUNTS = "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward ORDER BY ward"
MAKE = (
    "CREATE SHARED TABLE made AS SELECT v.ward, p.sex FROM visits v, patients p "
    "WHERE v.patient_id = p.patient_id"
)


@pytest.fixture
def federation(running) -> Iterator[tacit.Federation]:
    with tacit.connect(running, "mercy") as opened:
        yield opened
        opened.query("DROP TABLE IF EXISTS made")


def run(running, *arguments):
    return main(["run", "--federation", str(running), "--party", "mercy", *map(str, arguments)])


def test_a_script_runs_in_order(running, federation, capfd, tmp_path):
    target = tmp_path / "made.csv"
    path = tmp_path / "script.sql"
    path.write_text(
        f"{MAKE};\nSHOW TABLES;\nDESCRIBE made;\nEXPLAIN SELECT * FROM made;\n"
        f"SELECT sex, COUNT(*) AS n FROM made GROUP BY sex ORDER BY sex;\n"
        f"COPY made TO '{target}';\nDROP TABLE made;\n"
    )
    assert run(running, path) == 0
    told = capfd.readouterr()
    assert "made       | shared" in told.out
    assert "F   | 3" in told.out
    assert "shared table made  rows 40" in told.out
    assert "made is kept by all parties: 2 columns, at most 40 rows" in told.err
    assert "made is gone at all parties" in told.err
    assert sorted(csv.read_csv(target)["sex"].to_pylist()) == ["F", "F", "F", "M"]


@pytest.mark.parametrize(
    ("late", "words"),
    [
        ("SELECT 1 +", "the text ends too early"),
        ("SELECT wart FROM visits", r"did you mean ward\?.*|there is no column wart"),
        ("SELECT approx_quantile(cost, 0.5) FROM visits", "approx_quantile"),
        ("COPY visits TO '/nowhere/at/all.csv'", "there is no directory"),
        ("DESCRIBE nothing", "there is no table nothing"),
        ("DROP TABLE visits", "declared in catalog"),
    ],
)
def test_a_mistake_further_down_ends_a_script_before_it_runs(federation, late, words):
    answers: list[int] = []
    with pytest.raises(UserError, match=words):
        federation.run_script(f"{MAKE};\n{COUNTS};\n{late}", progress=lambda p: answers.append(1))
    assert "made" not in federation.client().catalog().tables


def test_the_place_of_a_mistake_is_the_script_s(running, federation, capfd, tmp_path):
    path = tmp_path / "script.sql"
    path.write_text(f"{COUNTS};\n\nSELECT wart\nFROM visits;\n")
    assert run(running, path) == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert "(line 3, column 8)" in told.err
    assert "statement 2 of 2 (line 3); nothing has run" in told.err


def test_an_error_of_what_depends_on_the_script_stops_it_there(running, federation, capfd):
    assert run(running, "-c", f"{MAKE};\n{COUNTS};\nSELECT wart FROM made;\n{COUNTS}") == 1
    told = capfd.readouterr()
    assert told.out.count("heart") == 1
    assert "(line 3, column 8)" in told.err
    assert "statement 3 of 4 (line 3); 2 statements before it are done" in told.err
    assert federation.query("SELECT COUNT(*) AS n FROM made").to_arrow()["n"].to_pylist() == [4]


def test_a_script_from_python(federation):
    made, counted, dropped = federation.run_script(
        f"{MAKE}; SELECT COUNT(*) AS n FROM made; DROP TABLE made"
    )
    assert "kept by all parties" in made.message
    assert counted.to_arrow().to_pydict() == {"n": [4]}
    assert "gone" in str(dropped)
    with pytest.raises(UserError, match="this statement gives no rows"):
        made.to_arrow()
    with pytest.raises(BindError) as caught:
        federation.run_script("SELECT 1 AS x; SELECT y FROM visits")
    assert caught.value.__notes__ == ["statement 2 of 2 (line 1); nothing has run"]


# COPY


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet", "arrow"])
def test_copy_writes_the_answer_in_the_form_of_the_suffix(federation, tmp_path, suffix):
    path = tmp_path / f"counts.{suffix}"
    answer = federation.query(f"COPY ({COUNTS}) TO '{path}'")
    assert answer.to_arrow().to_pydict() == {"Count": [2]}
    match suffix:
        case "csv":
            assert path.read_text() == '"ward","n"\n"eye",3\n"heart",2\n'
        case "json":
            assert path.read_text().startswith('[{"ward": "eye", "n": 3}')
        case "parquet":
            assert parquet.read_table(path).num_rows == 2
        case _:
            with pa.ipc.open_file(path) as reader:
                assert reader.read_all().num_rows == 2
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_copy_takes_options_of_csv(federation, tmp_path):
    path = tmp_path / "wards.txt"
    options = "(FORMAT csv, HEADER false, DELIMITER '|')"
    answer = federation.query(f"COPY wards TO '{path}' {options}")
    assert answer.to_arrow().to_pydict() == {"Count": [2]}
    assert sorted(path.read_text().splitlines()) == ['"eye"|12', '"heart"|30']


def test_copy_is_for_recipients(federation, tmp_path):
    path = tmp_path / "counts.csv"
    with pytest.raises(UserError, match="mercy is not among the recipients"):
        federation.query(f"COPY ({COUNTS} REVEAL TO grace) TO '{path}'")
    assert not path.exists()
    answer = federation.query(f"COPY ({COUNTS} REVEAL TO grace, mercy) TO '{path}'")
    assert set(answer.recipients) == {"mercy", "grace"}
    assert path.exists()


def test_a_copy_that_fails_leaves_the_old_file(federation, tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("old")
    with pytest.raises(BindError) as caught:
        federation.query(f"COPY (SELECT wart FROM visits) TO '{path}'")
    assert caught.value.text[caught.value.span.start : caught.value.span.stop] == "wart"
    assert str(caught.value).count("COPY") == 1
    assert path.read_text() == "old"
    with pytest.raises(UserError, match="it is a directory"):
        federation.query(f"COPY ({COUNTS}) TO '{tmp_path}'")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("(FORMAT xlsx)", "does not know this FORMAT"),
        ("(DELIMITER 'ab')", "does not know this DELIMITER"),
        ("(COMPRESSION gzip)", "does not know this COMPRESSION"),
        ("(FORMAT json, HEADER)", "HEADER is an option of CSV"),
    ],
)
def test_what_copy_does_not_know_is_refused(options, words):
    with pytest.raises(SqlError, match=words):
        read_copy(f"COPY t TO 'file.csv' {options}", "mercy")


def test_copy_is_no_plan(federation):
    with pytest.raises(UnsupportedError, match="COPY does not run as a query"):
        federation.query("EXPLAIN COPY visits TO 'a.csv'")
    assert read_copy("SELECT 1", "mercy") is None


def test_a_script_is_read_whole():
    steps = read_script("-- two\nSELECT 1;\n\nDROP TABLE a;")
    assert [(step.number, step.line, step.gives_rows) for step in steps] == [
        (1, 2, True),
        (2, 4, False),
    ]
    with pytest.raises(SqlSyntaxError):
        read_script("SELECT 1; SELEC 2")
