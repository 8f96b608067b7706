"""Functions of numbers, dates, timestamps and texts over every form, with and without NULLs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hand_built import (
    Built,
    call,
    case,
    check_on_all_data,
    computed,
    encoded,
    fragment,
    lit,
    number,
    ref,
)
from tacit.planner.secure import Form, Fragment, Operator, Project
from tacit.query.bound import Expression, Interval
from tacit.query.bounds import text_encoding
from tacit.query.datatypes import (
    BIGINT,
    DATE,
    INTEGER,
    INTERVAL,
    TIMESTAMP,
    DecimalType,
    DoubleType,
    Encoding,
    VarcharType,
)
from tacit.query.moments import parse_date, parse_timestamp
from tacit.query.ranges import domain_encoding

DAYS = Encoding(lo=parse_date("2019-12-20"), hi=parse_date("2021-03-05"))
MOMENTS = Encoding(
    lo=parse_timestamp("1969-12-30 22:10:00"), hi=parse_timestamp("1970-03-02 01:02:03.000004")
)
CENTS = DecimalType(9, 2)
PARTS = ("year", "quarter", "month", "week", "isoyear", "day", "doy", "dow", "isodow", "decade")
TIMES = ("hour", "minute", "second", "millisecond", "microsecond")
UNITS = ("year", "quarter", "month", "week", "day", "decade", "century")


def projected(given: Fragment, expressions: Sequence[Expression]) -> Operator:
    """The columns given and one for each expression."""
    kept = [ref(c) for c in given.columns]
    new = [computed(100 + i, e, given.columns) for i, e in enumerate(expressions)]
    return Project(
        columns=(*given.columns, *new),
        rows=given.rows,
        input=given,
        expressions=(*kept, *expressions),
    )


def amounts(rows: int, form: Form, *, nullable: bool) -> Operator:
    """Rounding, divisions and remainders of negative and positive numbers."""
    given = fragment(
        "t",
        "bob",
        rows,
        number(0, -2503, 2510, nullable=nullable, type=CENTS),
        number(1, -13, 9, nullable=nullable),
        number(2, 7, 40, nullable=nullable),
        number(3, -(1 << 40), 1 << 41, nullable=nullable),
        number(4, -905, 1204, nullable=nullable, type=DoubleType(2)),
        forms=form,
    )
    cents, small, positive, large, double = map(ref, given.columns)
    whole = DecimalType(9, 0)
    found: list[Expression] = [
        call(f, x, type=t)
        for f in ("round", "trunc", "floor", "ceil")
        for x, t in ((cents, whole), (double, DoubleType(0)))
    ]
    found += [call(f, cents, lit(1, INTEGER), type=DecimalType(9, 1)) for f in ("round", "trunc")]
    found += [call(f, cents, lit(-1, INTEGER), type=whole) for f in ("round", "trunc")]
    found += [
        call("round", large, lit(-3, INTEGER), type=BIGINT),
        call("cast", double, type=INTEGER),
    ]
    found += [call("cast", cents, type=INTEGER), call("cast", cents, type=DecimalType(9, 1))]
    pairs = [(small, lit(4)), (small, lit(-4)), (large, lit(1000)), (large, lit(8))]
    pairs += [(small, positive), (positive, small), (large, small), (small, lit(100))]
    found += [call(f, x, y, type=BIGINT) for f in ("//", "%") for x, y in pairs]
    found.append(call("%", cents, lit(Decimal(1), CENTS), type=CENTS))
    return projected(given, found)


def moments(rows: int, form: Form, *, nullable: bool) -> Operator:
    """Parts of dates and timestamps, truncation, and constant intervals."""
    given = fragment(
        "t",
        "bob",
        rows,
        encoded(0, DATE, DAYS, nullable=nullable),
        encoded(1, TIMESTAMP, MOMENTS, nullable=nullable),
        forms=form,
    )
    day, moment = map(ref, given.columns)
    found: list[Expression] = [
        call("extract", text(part), x, type=BIGINT) for part in PARTS for x in (day, moment)
    ]
    found += [call("extract", text(part), moment, type=BIGINT) for part in TIMES]
    found += [
        call("date_trunc", text(unit), x, type=TIMESTAMP) for unit in UNITS for x in (day, moment)
    ]
    found += [call("date_trunc", text(unit), moment, type=TIMESTAMP) for unit in TIMES]
    intervals = [
        Interval(months=1),
        Interval(months=-13, days=2),
        Interval(days=40),
        Interval(microseconds=-7_200_000_001),
    ]
    found += [
        call(sign, x, lit(interval, INTERVAL), type=TIMESTAMP)
        for sign in "+-"
        for interval in intervals
        for x in (day, moment)
    ]
    found += [call("last_day", x, type=DATE) for x in (day, moment)]
    found += [call("cast", day, type=TIMESTAMP), call("cast", moment, type=DATE)]
    found.append(call("<", call("cast", day, type=TIMESTAMP), lit(DAYS.lo * 10**11, TIMESTAMP)))
    return projected(given, found)


def texts(rows: int, form: Form, *, nullable: bool) -> Operator:
    """Padded texts and a domain, alone and together."""
    five, domain = VarcharType(5), domain_encoding(["", "b a", "nét", "zz z"])
    given = fragment(
        "t",
        "bob",
        rows,
        encoded(0, five, text_encoding(5), nullable=nullable),
        encoded(1, five, domain, nullable=nullable),
        encoded(2, five, domain_encoding(["a", "nét"]), nullable=nullable),
        forms="bits" if form == "ring" else form,
    )
    padded, code, other = map(ref, given.columns)
    found: list[Expression] = [
        call("like", x, text(pattern))
        for x in (padded, code)
        for pattern in ("%", "", "a%", "%t", "%é%", "_é_", "b a", "%a%a%", "z%z")
    ]
    found.append(call("like", padded, text("a!%%"), text("!")))
    for first, count in ((1, 2), (2, 1), (3, 9), (7, 1), (1, 0)):
        found.append(call("substring", padded, lit(first, INTEGER), lit(count, INTEGER), type=five))
    found += [call("substring", code, lit(2, INTEGER), type=five)]
    found += [call(f, x, type=BIGINT) for f in ("length", "strlen") for x in (padded, code)]
    found += [call(f, padded, type=five) for f in ("trim", "ltrim", "rtrim")]
    found += [call(f, code, text("zb "), type=five) for f in ("trim", "ltrim", "rtrim")]
    found.append(call("concat", text("<"), padded, text("-"), code, text(">"), type=VarcharType()))
    found.append(call("concat", padded, other, type=VarcharType()))
    names = [text(name) for name in ("zero", "one", "two", "three")]
    found.append(call("mapped", code, *names, type=five))
    found.append(call("mapped", code, lit(5), lit(None), lit(-3), lit(5), type=BIGINT))
    found += [call(f, code, other) for f in ("=", "<", ">=", "is_distinct")]
    found += [call(f, padded, other) for f in ("=", "<", "<>")]
    found.append(case((call("=", code, other), code), otherwise=other))
    found.append(case((call("<", code, other), padded), otherwise=other))
    return projected(given, found)


def text(value: str) -> Expression:
    return lit(value, VarcharType(len(value.encode())))


def _cases() -> list[Built]:
    found = []
    kinds: tuple[tuple[Form, bool], ...] = (("bits", True), ("ring", False))
    for build in (amounts, moments, texts):
        for form, nullable in kinds:

            def made(rows, build=build, form=form, nullable=nullable):  # type: ignore[no-untyped-def]
                return build(rows, form, nullable=nullable)

            found.append(Built(f"{build.__name__} ({form}{', NULLs' * nullable})", made))
    return found


@pytest.mark.parametrize("built", _cases(), ids=lambda built: built.name)
def test_functions(built: Built) -> None:
    check_on_all_data(built, 65, "radix")
