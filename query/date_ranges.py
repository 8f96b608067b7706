"""Public ranges of functions of dates and timestamps. `unit`: encoded values per day."""

from __future__ import annotations

from . import moments
from .bound import Interval
from .datatypes import Encoding
from .periods import PART_PERIODS, last_day_of_month, part_of_day, period_start

_PARTS = {
    "year": (1, 9999),
    "isoyear": (0, 9999),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (1, 53),
    "day": (1, 31),
    "doy": (1, 366),
    "dow": (0, 6),
    "isodow": (1, 7),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "millisecond": (0, 59_999),
    "microsecond": (0, 59_999_999),
    "decade": (0, 999),
    "century": (1, 100),
    "millennium": (1, 10),
}

_MONOTONE = frozenset({"year", "isoyear", "decade", "century", "millennium"})

_TIME_UNITS = {
    "day": moments.DAY_MICROSECONDS,
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
    "microsecond": 1,
}


def extract_range(part: str, inner: Encoding | None, unit: int) -> Encoding | None:
    """The range of EXTRACT(part FROM ...); None for a part that is not known here."""
    if part not in _PARTS:
        return None
    low, high = _PARTS[part]
    if inner is not None and part in _MONOTONE:
        assert part in PART_PERIODS
        first, last = (part_of_day(part, end // unit) for end in (inner.lo, inner.hi))
        low = low if first is None else max(low, first)
        high = high if last is None else min(high, last)
    return Encoding(lo=low, hi=high)


def truncated_range(period: str, inner: Encoding, unit: int) -> Encoding:
    """The range of DATE_TRUNC, in microseconds."""
    day = moments.DAY_MICROSECONDS
    ends = (inner.lo * day // unit, inner.hi * day // unit)
    step = _TIME_UNITS.get(period)
    if step is not None:
        return Encoding(lo=ends[0] // step * step, hi=ends[1] // step * step)
    low, high = (period_start(period, end // day) * day for end in ends)
    return Encoding(lo=low, hi=high)


def last_day_range(inner: Encoding, unit: int) -> Encoding:
    """The range of LAST_DAY, in days."""
    low, high = (last_day_of_month(end // unit) for end in (inner.lo, inner.hi))
    return Encoding(lo=low, hi=high)


def shifted_range(inner: Encoding, step: Interval, unit: int) -> Encoding:
    """The range of a moment plus an interval, in microseconds. ValueError beyond the calendar.

    Months are added to the day; the time of day stays, so that moments of clipped days may change
    their order: then the whole first and last days count.
    """
    day = moments.DAY_MICROSECONDS
    low, high = inner.lo * day // unit, inner.hi * day // unit
    spread = 0
    if step.months and unit != 1:
        low, high, spread = low // day * day, high // day * day, day - 1
    return Encoding(lo=moments.shift(low, step), hi=moments.shift(high, step) + spread)
