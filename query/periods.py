"""Calendar periods as step functions of the day: where periods begin within a public range.

Days count from 1970-01-01. A function of dates that is constant within a period changes only at
the period's first day, so that its table needs one entry for each period of the range.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from .moments import DAY_MICROSECONDS, FIRST_DATE, LAST_DATE, extract_part

_EPOCH = date(1970, 1, 1)

_YEARS = {"year": 1, "decade": 10, "century": 100, "millennium": 1000}
_MONTHS = {"month": 1, "quarter": 3}
_DAYS = {"week": 7, "day": 1}

MAX_PERIODS = 16_384
"""Periods of a range that a table is made for."""

PART_PERIODS = {
    "year": "year",
    "decade": "year",
    "century": "year",
    "millennium": "year",
    "quarter": "quarter",
    "month": "month",
    "week": "week",
    "isoyear": "week",
}
"""Parts that EXTRACT gives, with a period in which the part is constant."""


def number_of_periods(period: str, lo: int, hi: int) -> int:
    """About how many periods begin between two days."""
    months = _MONTHS.get(period, 12)
    days = _DAYS.get(period, 28 * months)
    return (hi - lo) // days + 1


def period_start(period: str, day: int) -> int:
    """The first day of the period that a day lies in, as DATE_TRUNC gives it."""
    moment = _date(day)
    if period in _YEARS:
        step = _YEARS[period]
        return _days(date(max(1, moment.year // step * step), 1, 1))
    if period in _MONTHS:
        step = _MONTHS[period]
        return _days(date(moment.year, (moment.month - 1) // step * step + 1, 1))
    return day - moment.weekday() if period == "week" else day


def next_period(period: str, day: int) -> int:
    """The first day after the period that a day lies in; beyond the calendar, a day after it."""
    first = _date(period_start(period, day))
    if period in _DAYS:
        return _days(first) + _DAYS[period]
    if period in _YEARS:
        step = _YEARS[period]
        year, month = first.year // step * step + step, 1
    else:
        year, month = first.year, first.month + _MONTHS[period]
        year, month = (year + 1, 1) if month > 12 else (year, month)
    return LAST_DATE + 1 if year > 9999 else _days(date(year, month, 1))


def period_starts(period: str, lo: int, hi: int) -> list[int]:
    """The first days of periods that begin after day `lo` and not after day `hi`."""
    return list(_starts(period, lo, hi))


def _starts(period: str, lo: int, hi: int) -> Iterator[int]:
    day = next_period(period, lo)
    while day <= hi:
        yield day
        day = next_period(period, day)


def part_of_day(part: str, day: int) -> int | None:
    """EXTRACT of a part from a date; None for a part that dates do not have here."""
    moment = _date(day)
    match part:
        case "millennium":
            return (moment.year - 1) // 1000 + 1
        case "isoyear":
            return moment.isocalendar().year
        case _:
            return extract_part(part, day * DAY_MICROSECONDS)


def last_day_of_month(day: int) -> int:
    """The last day of the month that a day lies in."""
    moment = _date(day)
    return day + calendar.monthrange(moment.year, moment.month)[1] - moment.day


def month_shifts(lo: int, hi: int, months: int) -> tuple[list[int], Callable[[int], int]]:
    """Adding months to the days of a range: where the number of days added changes, and to what.

    A day that the other month does not have becomes that month's last day.
    """
    starts = []
    for first in [period_start("month", lo), *period_starts("month", lo, hi)]:
        own = next_period("month", first) - first
        other = last_day_of_month(_shifted(first, months)) - _shifted(first, months) + 1
        starts += [first, *(first + day for day in range(other, own))]

    def added(day: int) -> int:
        return _shifted(day, months) - day

    return [start for start in starts if lo < start <= hi], added


def _shifted(day: int, months: int) -> int:
    """ValueError if the day leaves the years 1 to 9999."""
    moment = _date(day)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError("the day leaves the years 1 to 9999")
    last = calendar.monthrange(year, month + 1)[1]
    return _days(date(year, month + 1, min(moment.day, last)))


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=min(max(day, FIRST_DATE), LAST_DATE))


def _days(moment: date) -> int:
    return (moment - _EPOCH).days
