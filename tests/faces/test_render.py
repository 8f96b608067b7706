"""Answers look right, and CSV and JSON lose nothing."""

import datetime
import io
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet
from tacit.executor.client.amounts import counted, in_bytes, in_seconds
from tacit.executor.client.output import form_of, write_output
from tacit.executor.client.render import display_width, render, text_table
from tacit.query.errors import UserError

ROWS = pa.table(
    {
        "name": pa.array(["Ada", "", None]),
        "cost": pa.array([Decimal("12.50"), Decimal("-3.00"), None]),
        "ratio": pa.array([0.1, float("nan"), 1 / 3]),
        "day": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1999, 1, 1)]),
        "well": pa.array([True, False, None]),
    }
)


def test_text_table_aligns_numbers_to_the_right():
    assert text_table(ROWS).splitlines() == [
        "name | cost  | ratio          | day        | well",
        "-----+-------+----------------+------------+------",
        "Ada  | 12.50 |            0.1 | 2024-02-29 | true",
        "     | -3.00 |            nan | NULL       | false",
        "NULL |  NULL | 0.333333333333 | 1999-01-01 | NULL",
    ]


def test_text_table_without_rows_still_has_its_header():
    assert text_table(ROWS.slice(0, 0)).splitlines()[0].startswith("name | cost")


def test_a_value_cannot_steer_the_terminal():
    table = pa.table({"\x1b[2Jname": ["\x1b]0;owned\x07", "two\nlines"]})
    shown = text_table(table)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"two\nlines" in shown


def test_wide_characters_count_twice():
    assert display_width("医院") == 4
    assert display_width("é") == 1
    assert display_width("e\u0301") == 1


def test_csv_tells_null_from_the_empty_text():
    lines = render([ROWS], "csv").decode().splitlines()
    assert lines[2].startswith('"",-3.00,nan,,false')
    assert lines[3].startswith(",,0.3333333333333333,1999-01-01,")


def test_json_keeps_decimals_exact():
    table = pa.table({"x": [Decimal("0.10000000000000000000000001"), None]})
    text = render([table], "json").decode()
    assert '"x": 0.10000000000000000000000001}' in text
    assert json.loads(text, parse_float=Decimal)[0]["x"] == Decimal("0.10000000000000000000000001")


def test_json_of_every_type_is_json():
    rows = json.loads(render([ROWS], "json"))
    assert rows[0] == {
        "name": "Ada",
        "cost": 12.5,
        "ratio": 0.1,
        "day": "2024-02-29",
        "well": True,
    }
    assert rows[1]["ratio"] is None


def test_parquet_round_trips():
    assert parquet.read_table(io.BytesIO(render([ROWS], "parquet"))).schema == ROWS.schema


def test_parquet_refuses_two_answers():
    with pytest.raises(UserError, match="holds one answer, but the statements gave 2"):
        render([ROWS, ROWS], "parquet")


def test_two_answers_are_parted_by_an_empty_line():
    assert "\n\n" in render([ROWS, ROWS], "csv").decode()
    assert "\n\n" in render([ROWS, ROWS], "table").decode()


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "answer.csv"
    path.write_text("old")
    write_output(b"new", path)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_a_clear_error(tmp_path):
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"cannot write the answer to .*full: No space left"):
        write_output(b"x" * 10_000, full)


def test_a_missing_folder_is_a_clear_error(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"):
        write_output(b"x", tmp_path / "none" / "answer.csv")


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", "csv"), ("a.JSON", "json"), ("a.parquet", "parquet"), ("a", "table")],
)
def test_the_suffix_names_the_form(tmp_path, name, form):
    assert form_of(tmp_path / name) == form


def test_amounts_in_words():
    assert [in_bytes(n) for n in (0, 999, 1_234, 56_789, 999_999, 1_234_567, 2_500_000_000)] == [
        "0 B",
        "999 B",
        "1.2 kB",
        "57 kB",
        "1.0 MB",
        "1.2 MB",
        "2.5 GB",
    ]
    assert [in_seconds(s) for s in (0.123, 12.34, 75.2)] == ["0.12 s", "12.3 s", "1 min 15 s"]
    assert [counted(1, "row"), counted(2_000, "row")] == ["1 row", "2,000 rows"]
