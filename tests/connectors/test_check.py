"""The owner's check of its data against the catalog's promises."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tacit.connectors import check_source, open_source
from tacit.query.catalog import Catalog, ColumnDefinition, ForeignKey, Table
from tacit.query.datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    TIMESTAMP,
    DecimalType,
    DoubleType,
    Encoding,
    SqlType,
    VarcharType,
)
from tacit.query.errors import DataError

DOMAIN = Encoding(lo=0, hi=1, domain=("F", "M"))


def column(name: str, kind: SqlType, lo: int, hi: int, **rest: Any) -> ColumnDefinition:
    given: dict[str, Any] = {"nullable": True, "checked": True, **rest}
    encoding = given.pop("encoding", Encoding(lo=lo, hi=hi))
    return ColumnDefinition(name=name, type=kind, encoding=encoding, **given)


COLUMNS = (
    column("id", BIGINT, 1, 999, nullable=False),
    column("cost", DecimalType(9, 2), 0, 99999999),
    column("weight", DoubleType(1), 0, 2000),
    column("day", DATE, 16436, 22279),
    column("seen", TIMESTAMP, 0, 2 * 10**15),
    column("open", BOOLEAN, 0, 1, checked=False),
    column("sex", VarcharType(1), 0, 1, encoding=DOMAIN),
    column("ward", VarcharType(4), 0, 256**4 - 1, checked=False),
    column("note", VarcharType(None), 0, 0, encoding=None, checked=False),
)
HEADER = ",".join(c.name for c in COLUMNS)
GOOD = "1,999999.99,200.04,2015-01-01,2030-01-01 10:00:00.5,true,F,grü"
VISITS = Table(name="visits", columns=COLUMNS, owners=("mercy", "grace"), rows=4,
               primary_key=("id",))  # fmt: skip


def check(tmp_path: Path, lines: list[str], table: Table = VISITS, *others: Table) -> None:
    header = ",".join(c.name for c in table.columns)
    (tmp_path / "v.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    (tmp_path / "sources.sql").write_text(f"ATTACH 'v.csv' AS {table.name};", encoding="utf-8")
    catalog = Catalog(tables={t.name: t for t in (table, *others)})
    source = open_source(tmp_path, catalog, "mercy", public_directory=tmp_path)
    try:
        check_source(source, catalog, "mercy")
    finally:
        source.close()


def test_data_that_keep_every_promise_pass(tmp_path: Path) -> None:
    check(tmp_path, [f"{GOOD},anything", "2,,,,,,,,", "999,0,0,2030-12-31,1970-01-01,f,M,,"])
    check(tmp_path, [])


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("cost", "-0.01", "column cost, row 2: value is outside CHECK 0..999999.99"),
        ("cost", "1000000", "column cost, row 2: value is outside CHECK 0..999999.99"),
        ("cost", "1.005", r"column cost, row 2: value is not exactly a DECIMAL\(9,2\)"),
        ("id", "0", "column id, row 2: value is outside CHECK 1..999"),
        ("id", "x7", "column id, row 2: value is not exactly a BIGINT"),
        ("id", "", "column id, row 2: NULL in a column that is NOT NULL"),
        ("id", "1", "column id, row 2: the key is not unique"),
        ("weight", "200.06", "column weight, row 2: value is outside CHECK 0..200"),
        ("weight", "nan", "column weight, row 2: value is not finite"),
        ("weight", "-inf", "column weight, row 2: value is not finite"),
        ("weight", "1e300", "column weight, row 2: value is outside CHECK 0..200"),
        ("day", "2014-12-31", "column day, row 2: value is outside CHECK 2015-01-01..2030-12-31"),
        ("day", "infinity", "column day, row 2: value is not finite"),
        ("seen", "1969-12-31 23:59:59", "column seen, row 2: value is outside CHECK 1970-01-01"),
        ("open", "maybe", "column open, row 2: value is not exactly a BOOLEAN"),
        ("sex", "X", "column sex, row 2: value is not in the declared domain"),
        ("ward", "grün", "column ward, row 2: value has more than 4 bytes"),
        ("ward", "a\0", "column ward, row 2: value has a NUL byte"),
    ],
)
def test_the_first_offending_row_is_named_and_its_value_is_not(
    tmp_path: Path, place: str, value: str, message: str
) -> None:
    good = [*GOOD.split(","), ""]
    bad = ["2", *good[1:]]
    bad[[c.name for c in COLUMNS].index(place)] = value
    with pytest.raises(DataError, match=f"table visits, {message}"):
        check(tmp_path, [",".join(good), ",".join(bad), ",".join(["3", *bad[1:]])])


def test_of_several_offences_the_earliest_row_is_told(tmp_path: Path) -> None:
    bad = [f"5{GOOD[1:]},", "6,-1,,,,,,,", "0,,,,,,,,"]
    with pytest.raises(DataError, match="column cost, row 2"):
        check(tmp_path, bad)


def test_more_rows_than_declared_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="table visits: 5 rows, but the catalog declares 4"):
        check(tmp_path, [f"{n},,,,,,,," for n in range(1, 6)])


def test_a_table_without_a_file_is_named(tmp_path: Path) -> None:
    other = dataclasses.replace(VISITS, name="wards", owners=("mercy",))
    with pytest.raises(DataError, match="table wards: mercy owns a part, but attaches no file"):
        check(tmp_path, [], VISITS, other)
    check(tmp_path, [], VISITS, dataclasses.replace(other, owners=("grace",)))


def test_a_unique_pair_may_repeat_only_with_nulls(tmp_path: Path) -> None:
    columns = (column("a", BIGINT, 0, 9), column("b", BIGINT, 0, 9))
    table = Table(name="t", columns=columns, owners=("mercy",), rows=9, unique=(("a", "b"),))
    check(tmp_path, ["1,2", "1,3", "1,", "1,"], table)
    with pytest.raises(DataError, match="columns a, b, row 4: the key is not unique"):
        check(tmp_path, ["1,2", "1,3", "1,", "1,3", "1,2"], table)


def test_references_are_checked_where_the_target_is_whole_here(tmp_path: Path) -> None:
    columns = (column("a", BIGINT, 0, 9),)
    codes = Table(name="codes", columns=columns, owners=(), rows=9, primary_key=("a",),
                  public_file="codes.csv")  # fmt: skip
    (tmp_path / "codes.csv").write_text("a\n1\n2\n", encoding="utf-8")
    reference = ForeignKey(columns=("a",), table="codes", referenced=("a",))
    table = Table(name="t", columns=columns, owners=("mercy",), rows=9, foreign_keys=(reference,))
    check(tmp_path, ["1", "2", "", "2"], table, codes)
    with pytest.raises(DataError, match="table t, column a, row 3: no such row in codes"):
        check(tmp_path, ["1", "2", "3"], table, codes)
