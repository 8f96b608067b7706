"""Ranges of encoded values: exact interval arithmetic, scales aligned, strings merged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from tacit.query.bound import Aggregate, Select
from tacit.query.bounds import natural_encoding, union_of
from tacit.query.datatypes import DOUBLE, Column, DecimalType, Encoding, IntegerType, VarcharType
from tacit.query.ranges import encoding_of

DAY = 86_400_000_000


def ranges(select: Callable[[str], Select], text: str) -> Encoding | None:
    """The encoding that the binder states for an expression over `things`."""
    return select(f"SELECT {text} AS x FROM things").columns[0].encoding


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("tiny + num", -103, 105),
        ("tiny - num", -103, 105),
        ("tiny * num", -500, 500),
        ("-tiny", -5, 3),
        ("abs(tiny)", 0, 5),
        ("abs(id)", 1, 1000),
        ("dec + fine", -500000, 1024900),
        ("tiny + dec", -5300, 10499),
        ("dec * fine", -5000 * 25000, 9999 * 25000),
        ("1 - dec", -9899, 5100),
        ("dec * (1 - fine)", -9999 * 15000, 9999 * 10000),
        ("dbl * 2", -2000, 2000),
        ("dbl + dec", -6000, 10999),
        ("0.5", 5, 5),
        ("NULL", 0, 0),
        ("TRUE", 1, 1),
        ("num > 3", 0, 1),
        ("num IN (1, 2)", 0, 1),
        ("CASE WHEN ok THEN dec ELSE 0 END", -5000, 9999),
        ("CASE WHEN ok THEN tiny ELSE NULL END", -3, 5),
        ("CASE WHEN ok THEN 1 ELSE 0 END", 0, 1),
        ("CASE WHEN ok THEN dec WHEN num = 1 THEN 1000 ELSE fine END", -500000, 10000000),
        ("coalesce(num, 7)", -100, 100),
        ("coalesce(num, 700)", -100, 700),
        ("nullif(tiny, 0)", -3, 5),
        ("greatest(tiny, 2)", 2, 5),
        ("least(tiny, 2)", -3, 2),
        ("greatest(num, id)", 1, 1000),
        ("sign(id)", 1, 1),
        ("sign(tiny)", -1, 1),
        ("num // 7", -14, 14),
        ("id // 7", 0, 142),
        ("num % 7", -6, 6),
        ("id % 7", 0, 6),
        ("round(fine)", -1, 4),
        ("CAST(dec AS INTEGER)", -50, 100),
        ("CAST(tiny AS DECIMAL(9,3))", -3000, 5000),
        ("CAST(day AS TIMESTAMP)", 10956 * DAY, 12477 * DAY),
        ("day - due", 10956 - 11687, 12477 - 10957),
        ("extract(year FROM day)", 1999, 2004),
        ("extract(month FROM day)", 1, 12),
        ("length(note)", 0, 5),
        ("length(kind)", 0, 2),
        ("day + 30", 10986, 12507),
        ("day + INTERVAL 1 MONTH", 10987 * DAY, 12506 * DAY),
        ("day - INTERVAL 2 HOUR", 10956 * DAY - 7200000000, 12477 * DAY - 7200000000),
        ("sum(dec)", -(10**38) + 1, 10**38 - 1),
        ("count(*)", -(2**62), 2**62 - 1),
    ],
)  # fmt: skip
def test_numbers(select: Callable[[str], Select], text: str, low: int, high: int) -> None:
    """The smallest and the largest encoded value."""
    assert ranges(select, text) == Encoding(lo=low, hi=high)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("kind", Encoding(lo=0, hi=2, domain=("ab", "c", "ä"))),
        ("'x'", Encoding(lo=0, hi=0, domain=("x",))),
        (
            "CASE WHEN ok THEN 'yes' WHEN num = 1 THEN 'no' END",
            Encoding(lo=0, hi=1, domain=("no", "yes")),
        ),
        ("coalesce(kind, 'b')", Encoding(lo=0, hi=3, domain=("ab", "b", "c", "ä"))),
        ("coalesce(note, 'toolong')", Encoding(lo=0, hi=256**7 - 1, text_bytes=7)),
        ("CASE WHEN ok THEN note ELSE kind END", Encoding(lo=0, hi=256**5 - 1, text_bytes=5)),
        ("substring(note, 1, 2)", Encoding(lo=0, hi=256**5 - 1, text_bytes=5)),
        ("CAST(num AS VARCHAR)", Encoding(lo=0, hi=256**4 - 1, text_bytes=4)),
        ("dec / 2", None),
        ("avg(dec)", None),
    ],
)
def test_strings_and_the_unbounded(
    select: Callable[[str], Select], text: str, encoding: Encoding | None
) -> None:
    """Domains merge and sort by bytes; what has no public bound has no encoding."""
    assert ranges(select, text) == encoding


def test_aggregates_by_callback(select: Callable[[str], Select]) -> None:
    """The caller knows the rows, and so the ranges of aggregates."""
    query = select("SELECT sum(tiny) + 1, count(*) * sum(dec) FROM things")
    stated = {"sum": Encoding(lo=-300, hi=500), "count_star": Encoding(lo=0, hi=100)}

    def aggregate(node: Aggregate) -> Encoding:
        return stated[node.function]

    found = [encoding_of(item, {}, aggregate) for item in query.items]
    assert found == [Encoding(lo=-299, hi=501), Encoding(lo=-30000, hi=50000)]


def test_narrower_columns_give_narrower_ranges(select: Callable[[str], Select]) -> None:
    """The ranges are those of the columns that are passed, not of the declaration."""
    query = select("SELECT num * 2 AS x FROM things")
    assert query.relation is not None
    columns = {
        column.id: dataclasses.replace(column, encoding=Encoding(lo=3, hi=4))
        for column in query.relation.columns
    }
    assert encoding_of(query.items[0], columns) == Encoding(lo=6, hi=8)
    unknown: dict[int, Column] = {}
    assert encoding_of(query.items[0], unknown) == natural_encoding(IntegerType(32))


def test_natural_ranges() -> None:
    """BIGINT and HUGEINT stay within 63 bits; what needs a declaration has no range."""
    assert natural_encoding(IntegerType(64)) == Encoding(lo=-(2**62), hi=2**62 - 1)
    assert natural_encoding(IntegerType(128)) == natural_encoding(IntegerType(64))
    assert natural_encoding(DecimalType(3, 1)) == Encoding(lo=-999, hi=999)
    assert natural_encoding(VarcharType()) is None
    assert natural_encoding(DOUBLE) is None


def test_unions() -> None:
    """Ranges, domains and paddings merge; kinds that do not mix have no common encoding."""
    number, other = Encoding(lo=1, hi=2), Encoding(lo=-5, hi=0)
    domain, text = Encoding(lo=0, hi=0, domain=("abc",)), Encoding(lo=0, hi=255, text_bytes=1)
    assert union_of(number, other) == Encoding(lo=-5, hi=2)
    assert union_of(domain, text) == Encoding(lo=0, hi=256**3 - 1, text_bytes=3)
    assert union_of(number, domain) is None
    assert union_of(number, None) is None
    assert union_of(number, Encoding(lo=0, hi=1, fraction_bits=3)) is None
