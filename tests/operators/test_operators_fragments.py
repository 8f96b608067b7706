"""Fragments in every form and type, concatenations, aligned sums: answers, costs, transcripts."""

from __future__ import annotations

import pytest
from hand_built import ROWS, Built, check_on_all_data, encoded, fragment, number
from tacit.planner.secure import AlignedSum, Concat, Operator
from tacit.query.datatypes import (
    BOOLEAN,
    DATE,
    HUGEINT,
    TIMESTAMP,
    DecimalType,
    DoubleType,
    Encoding,
    VarcharType,
)
from tacit.query.ranges import domain_encoding

COLOURS = domain_encoding(["blue", "green", "red"])


def numbers(rows: int) -> Operator:
    """Every form, nullable or not: signed, constant, wider than 32 bits."""
    ranges = [(0, 100), (-50, 20), (7, 7), (-(2**40), 2**40)]
    columns, forms = [], []
    for form in ("bits", "ring", "both"):
        for nullable in (False, True):
            for lo, hi in ranges:
                columns.append(number(len(columns), lo, hi, nullable=nullable))
                forms.append(form)
    return fragment("t", "bob", rows, *columns, forms=tuple(forms))  # type: ignore[arg-type]


def types(rows: int) -> Operator:
    """Every type, nullable or not, as planes; text and numbers beyond 64 bits among them."""
    kinds = [
        (BOOLEAN, Encoding(lo=0, hi=1)),
        (VarcharType(5), COLOURS),
        (VarcharType(3), Encoding(lo=0, hi=256**3 - 1, text_bytes=3)),
        (VarcharType(21), Encoding(lo=0, hi=256**21 - 1, text_bytes=21)),
        (DATE, Encoding(lo=-9000, hi=9000)),
        (TIMESTAMP, Encoding(lo=-(10**15), hi=10**15)),
        (DecimalType(9, 2), Encoding(lo=-99999, hi=99999)),
        (DecimalType(38, 3), Encoding(lo=-(10**30), hi=10**30)),
        (HUGEINT, Encoding(lo=-(2**99), hi=2**100)),
        (DoubleType(2), Encoding(lo=-500, hi=500)),
    ]
    columns = [
        encoded(2 * i + int(nullable), type, encoding, nullable=nullable)
        for i, (type, encoding) in enumerate(kinds)
        for nullable in (False, True)
    ]
    return fragment("t", "carol", rows, *columns)


def from_three(rows: int) -> Operator:
    """Parts in different forms, ranges and nullability, one of them a constant."""
    parts = [
        fragment("a", "alice", rows, number(0, 0, 9), number(1, 5, 90), forms=("bits", "ring")),
        fragment(
            "b",
            "bob",
            rows + 3,
            number(2, -4, 20, nullable=True),
            number(3, -8, 70, nullable=True),
            forms=("bits", "ring"),
        ),
        fragment("c", "carol", rows, number(4, 3, 3), number(5, 2, 2), forms=("bits", "ring")),
    ]
    columns = (number(6, -4, 20, nullable=True), number(7, -8, 90, nullable=True))
    return Concat(columns=columns, rows=3 * rows + 3, inputs=tuple(parts))


def mixed_forms(rows: int) -> Operator:
    """One part's ring column beside another's planes, and beside both."""
    parts = [
        fragment("a", "alice", rows, number(0, 0, 9), number(1, -5, 90), forms=("ring", "both")),
        fragment("b", "bob", rows, number(2, -3, 9), number(3, 0, 90), forms=("bits", "ring")),
    ]
    columns = (number(4, -3, 9), number(5, -5, 90))
    return Concat(columns=columns, rows=2 * rows, inputs=tuple(parts))


def texts(rows: int) -> Operator:
    """Texts of different lengths, and domains that are one."""
    short, long = (Encoding(lo=0, hi=256**n - 1, text_bytes=n) for n in (3, 9))
    parts = [
        fragment(
            "a",
            "alice",
            rows,
            encoded(0, VarcharType(3), short),
            encoded(1, VarcharType(5), COLOURS, nullable=True),
        ),
        fragment(
            "b",
            "bob",
            rows,
            encoded(2, VarcharType(9), long, nullable=True),
            encoded(3, VarcharType(5), COLOURS),
        ),
    ]
    columns = (
        encoded(4, VarcharType(9), long, nullable=True),
        encoded(5, VarcharType(5), COLOURS, nullable=True),
    )
    return Concat(columns=columns, rows=2 * rows, inputs=tuple(parts))


def one_row_sums(rows: int) -> Operator:
    """Partial totals of three owners; the second column NULL at some or all of them."""
    parts = [
        fragment(
            name,
            owner,
            1,
            number(3 * i, -50, 50),
            number(3 * i + 1, -9, 9, nullable=True),
            number(3 * i + 2, 0, 9, nullable=i == 1),
            forms=("ring", "ring", "bits"),
        )
        for i, (name, owner) in enumerate([("a", "alice"), ("b", "bob"), ("c", "carol")])
    ]
    columns = (
        number(9, -150, 150),
        number(10, -27, 27, nullable=True),
        number(11, 0, 27),
    )
    return AlignedSum(columns=columns, rows=1, inputs=tuple(parts), keys=(), key_values=((),))


def sums_by_group(rows: int) -> Operator:
    """One row for each of `rows` public groups, the last one's key NULL."""
    parts = [
        fragment(
            name,
            owner,
            rows,
            number(3 * i, -50, 50),
            number(3 * i + 1, -9, 9, nullable=True),
            forms="ring",
        )
        for i, (name, owner) in enumerate([("a", "alice"), ("b", "bob")])
    ]
    keys = tuple((None if row == rows - 1 else row - 5, row % 3) for row in range(rows))
    columns = (
        number(7, -5, rows, nullable=True),
        encoded(8, VarcharType(5), COLOURS),
        number(9, -100, 100),
        number(10, -18, 18, nullable=True),
    )
    return AlignedSum(columns=columns, rows=rows, inputs=tuple(parts), keys=(7, 8), key_values=keys)


CASES = [
    Built("numbers", numbers),
    Built("types", types),
    Built("concat of three", from_three),
    Built("concat of forms", mixed_forms),
    Built("concat of texts", texts),
    Built("sums of one row", one_row_sums, dense=("a", "b", "c")),
    Built("sums by group", sums_by_group, dense=("a", "b")),
]


@pytest.mark.parametrize("built", CASES, ids=lambda built: built.name)
@pytest.mark.parametrize("rows", ROWS)
def test_rows_enter_and_leave(built: Built, rows: int) -> None:
    check_on_all_data(built, rows, "radix")
