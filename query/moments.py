"""Dates, timestamps and intervals as numbers: parsing, printing, arithmetic.

A date is days since 1970-01-01, a timestamp microseconds since 1970-01-01 00:00, both within the
years 1 to 9999 of the proleptic Gregorian calendar.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta

from .bound import Interval

DAY_MICROSECONDS = 86_400_000_000

_EPOCH = date(1970, 1, 1)
_EPOCH_TIME = datetime(1970, 1, 1)

FIRST_DATE = (date.min - _EPOCH).days
LAST_DATE = (date.max - _EPOCH).days
FIRST_TIMESTAMP = FIRST_DATE * DAY_MICROSECONDS
LAST_TIMESTAMP = (LAST_DATE + 1) * DAY_MICROSECONDS - 1

_DATE = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*")
_TIMESTAMP = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?)?\s*"
)
_INTERVAL_PART = re.compile(
    r"\s*(?:([+-]?)(\d+):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?|([+-]?\d+(?:\.\d+)?)\s*([a-zA-Z]+))"
)

_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_DAYS = {"week": 7, "day": 1}
_MICROSECONDS = {
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
    "microsecond": 1,
}


def parse_date(text: str) -> int:
    """Days of 'YYYY-MM-DD'; a time of day behind it is dropped. ValueError if it is no date."""
    match = _DATE.fullmatch(text)
    if match is None:
        return parse_timestamp(text) // DAY_MICROSECONDS
    year, month, day = (int(part) for part in match.groups())
    return (date(year, month, day) - _EPOCH).days


def parse_timestamp(text: str) -> int:
    """Microseconds of 'YYYY-MM-DD[ HH:MM[:SS[.ffffff]]]'. ValueError if it is no timestamp."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micros = int((match[7] or "0").ljust(6, "0"))
    moment = datetime(year, month, day, hour, minute, second, micros)
    return _microseconds(moment - _EPOCH_TIME)


def format_date(days: int) -> str:
    """'YYYY-MM-DD'."""
    return (_EPOCH + timedelta(days=days)).isoformat()


def format_timestamp(microseconds: int) -> str:
    """'YYYY-MM-DD HH:MM:SS[.ffffff]', as DuckDB prints it."""
    text = (_EPOCH_TIME + timedelta(microseconds=microseconds)).isoformat(" ")
    return text.rstrip("0") if "." in text else text


def parse_interval(text: str, unit: str | None) -> Interval:
    """An interval from '3' with a unit, or from parts such as '1 year 2 days 03:00'.

    unit: singular, lower case. ValueError if the text is no interval.
    """
    if unit is not None:
        return unit_interval(int(text), unit)
    total = Interval()
    position = 0
    while position < len(text.rstrip()):
        match = _INTERVAL_PART.match(text, position)
        if match is None:
            raise ValueError(text)
        total = add_intervals(total, _interval_part(match))
        position = match.end()
    if position == 0:
        raise ValueError(text)
    return total


def _interval_part(match: re.Match[str]) -> Interval:
    sign, hours, minutes, seconds, fraction, amount, unit = match.groups()
    if amount is not None:
        name = unit.lower()
        name = name if name in _MICROSECONDS else name.removesuffix("s")
        if "." in amount:
            raise ValueError(match[0])
        return unit_interval(int(amount), name)
    micros = int(hours) * 3_600_000_000 + int(minutes) * 60_000_000
    micros += int(seconds or 0) * 1_000_000 + int((fraction or "0").ljust(6, "0"))
    return Interval(microseconds=-micros if sign == "-" else micros)


def unit_interval(amount: int, unit: str) -> Interval:
    """amount times one unit. ValueError for an unknown unit."""
    if unit in _MONTHS:
        return Interval(months=amount * _MONTHS[unit])
    if unit in _DAYS:
        return Interval(days=amount * _DAYS[unit])
    if unit in _MICROSECONDS:
        return Interval(microseconds=amount * _MICROSECONDS[unit])
    raise ValueError(unit)


def add_intervals(left: Interval, right: Interval) -> Interval:
    """The sum, part by part."""
    return Interval(
        months=left.months + right.months,
        days=left.days + right.days,
        microseconds=left.microseconds + right.microseconds,
    )


def scale_interval(interval: Interval, factor: int) -> Interval:
    """The interval times a whole number."""
    return Interval(
        months=interval.months * factor,
        days=interval.days * factor,
        microseconds=interval.microseconds * factor,
    )


def shift(microseconds: int, interval: Interval) -> int:
    """A timestamp plus an interval: months first (clipped to the month's last day), then the rest.

    ValueError if the result leaves the years 1 to 9999.
    """
    try:
        moment = _EPOCH_TIME + timedelta(microseconds=microseconds)
        months = moment.year * 12 + moment.month - 1 + interval.months
        year, month = divmod(months, 12)
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        moment = moment.replace(year=year, month=month + 1, day=day)
        moment += timedelta(days=interval.days, microseconds=interval.microseconds)
    except (OverflowError, calendar.IllegalMonthError) as error:
        raise ValueError("the moment leaves the years 1 to 9999") from error
    return _microseconds(moment - _EPOCH_TIME)


def extract_part(part: str, microseconds: int) -> int | None:
    """EXTRACT of a whole-numbered part from a timestamp; None for a part not known here."""
    moment = _EPOCH_TIME + timedelta(microseconds=microseconds)
    match part:
        case "year" | "month" | "day" | "hour" | "minute" | "second":
            return int(getattr(moment, part))
        case "quarter":
            return (moment.month + 2) // 3
        case "doy":
            return moment.timetuple().tm_yday
        case "dow":
            return moment.isoweekday() % 7
        case "isodow":
            return moment.isoweekday()
        case "week":
            return moment.isocalendar().week
        case "decade":
            return moment.year // 10
        case "century":
            return (moment.year - 1) // 100 + 1
        case _:
            return None


def _microseconds(delta: timedelta) -> int:
    return delta // timedelta(microseconds=1)
