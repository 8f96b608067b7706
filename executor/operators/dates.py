"""Dates and timestamps over shares: parts, truncation, and constant intervals.

What is constant within a calendar period is a public table over the periods of the column's range
(query/periods.py, circuits/lookup.py). Days within a period are differences from its first day,
days of the week remainders of 7. Times of day are remainders of microseconds.

Cost: a table costs about one AND per period and a few per plane, in ceil(log2 w) rounds; see
circuits/divide_constant.py for divisions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...query.bound import Call, Interval, Literal
from ...query.datatypes import DateType, Encoding
from ...query.errors import InternalError
from ...query.moments import DAY_MICROSECONDS
from ...query.periods import (
    PART_PERIODS,
    last_day_of_month,
    month_shifts,
    part_of_day,
    period_start,
    period_starts,
)
from ..circuits.add import add, subtract
from ..circuits.convert import ring_to_word
from ..circuits.lookup import boundaries, step_function
from .divided import floor_divided, remainder
from .table import SecretColumn, need_bits, need_ring, scale_ring, zero_extend

if TYPE_CHECKING:
    from .expression import Evaluator

_TIMES = {
    "hour": (3_600_000_000, 24),
    "minute": (60_000_000, 60),
    "second": (1_000_000, 60),
    "millisecond": (1_000, 60_000),
    "microsecond": (1, 60_000_000),
}
"""Parts of the time of day: the unit in microseconds, and after how many units it starts anew."""

_TIME_UNITS = {name: unit for name, (unit, _) in _TIMES.items()}


def extract(evaluator: Evaluator, call: Call) -> SecretColumn:
    """EXTRACT(part FROM date or timestamp)."""
    label, operand = call.arguments
    part = str(label.value) if isinstance(label, Literal) else ""
    value = evaluator.evaluate(operand)
    is_date = isinstance(operand.type, DateType)
    if part in PART_PERIODS:
        unit = 1 if is_date else DAY_MICROSECONDS
        return _by_period(
            evaluator, value, PART_PERIODS[part], lambda day: _known(part, day), unit=unit
        )
    if part in _TIMES:
        return _time_part(evaluator, value, part, is_date=is_date)
    days = value if is_date else floor_divided(evaluator.protocol, value, DAY_MICROSECONDS)
    match part:
        case "day":
            return _days_since(evaluator, days, "month", 31)
        case "doy":
            return _days_since(evaluator, days, "year", 366)
        case "dow" | "isodow":
            return _weekday(evaluator, days, first=int(part == "isodow"))
        case _:
            raise InternalError(f"EXTRACT of {part} over shares was not planned away")


def date_trunc(evaluator: Evaluator, call: Call) -> SecretColumn:
    """DATE_TRUNC(unit, date or timestamp), a timestamp."""
    label, operand = call.arguments
    unit = str(label.value) if isinstance(label, Literal) else ""
    value = evaluator.evaluate(operand)
    is_date = isinstance(operand.type, DateType)
    if is_date and (unit == "day" or unit in _TIME_UNITS):
        return _scaled(evaluator, value, DAY_MICROSECONDS)
    step = DAY_MICROSECONDS if unit == "day" else _TIME_UNITS.get(unit)
    if step is not None:
        quotient = floor_divided(evaluator.protocol, value, step)
        return _scaled(evaluator, quotient, step)
    return _by_period(
        evaluator,
        value,
        unit,
        lambda day: period_start(unit, day) * DAY_MICROSECONDS,
        unit=1 if is_date else DAY_MICROSECONDS,
    )


def last_day(evaluator: Evaluator, call: Call) -> SecretColumn:
    """The last day of the month of a date or a timestamp."""
    (operand,) = call.arguments
    unit = 1 if isinstance(operand.type, DateType) else DAY_MICROSECONDS
    value = evaluator.evaluate(operand)
    return _by_period(evaluator, value, "month", last_day_of_month, unit=unit)


def shifted(evaluator: Evaluator, call: Call) -> SecretColumn:
    """A date or timestamp plus or minus a constant interval, a timestamp."""
    p = evaluator.protocol
    operand, constant = call.arguments
    if not isinstance(constant, Literal):
        operand, constant = constant, operand
    interval = constant.value if isinstance(constant, Literal) else None
    if not isinstance(interval, Interval):
        raise InternalError("an interval that is no constant was not planned away")
    sign = -1 if call.function == "-" else 1
    value = evaluator.evaluate(operand, "ring")
    unit = DAY_MICROSECONDS if isinstance(operand.type, DateType) else 1
    (ring,) = need_ring(p, [value])
    moved = scale_ring(ring, unit)
    if interval.months:
        days = _added_days(evaluator, value, sign * interval.months, unit=DAY_MICROSECONDS // unit)
        moved = moved + scale_ring(need_ring(p, [days])[0], DAY_MICROSECONDS)
    constant_part = sign * (interval.days * DAY_MICROSECONDS + interval.microseconds)
    return SecretColumn(
        encoding=evaluator.encoding(call),
        rows=value.rows,
        ring=p.add_public(moved, constant_part),
        null=value.null,
    )


def date_of(evaluator: Evaluator, value: SecretColumn) -> SecretColumn:
    """The date of a timestamp."""
    return floor_divided(evaluator.protocol, value, DAY_MICROSECONDS)


def timestamp_of(evaluator: Evaluator, value: SecretColumn) -> SecretColumn:
    """The midnight that a date begins with."""
    return _scaled(evaluator, value, DAY_MICROSECONDS)


def _known(part: str, day: int) -> int:
    value = part_of_day(part, day)
    if value is None:
        raise InternalError(f"{part} is no part of a date")
    return value


def _scaled(evaluator: Evaluator, value: SecretColumn, factor: int) -> SecretColumn:
    (ring,) = need_ring(evaluator.protocol, [value])
    return SecretColumn(
        encoding=Encoding(lo=value.encoding.lo * factor, hi=value.encoding.hi * factor),
        rows=value.rows,
        ring=scale_ring(ring, factor),
        null=value.null,
        clean_ring=value.clean_ring,
    )


def _by_period(
    evaluator: Evaluator,
    value: SecretColumn,
    period: str,
    function: Callable[[int], int],
    *,
    unit: int,
) -> SecretColumn:
    """A function of the day that is constant within periods; `unit`: encoded values per day."""
    lo, hi = value.encoding.lo, value.encoding.hi
    starts = [day * unit for day in period_starts(period, lo // unit, hi // unit)]
    return _table(evaluator, value, starts, lambda moment: function(moment // unit))


def _table(
    evaluator: Evaluator, value: SecretColumn, starts: list[int], function: Callable[[int], int]
) -> SecretColumn:
    """A function that changes only at `starts`, of a column of shares."""
    p, encoding = evaluator.protocol, value.encoding
    thresholds, values = boundaries(function, starts, encoding.lo, encoding.hi)
    made = Encoding(lo=min(values), hi=max(values))
    (planes,) = need_bits(p, [value])
    codes = [v - made.lo for v in values]
    bits = step_function(p, planes, thresholds, codes, width=made.width)
    return SecretColumn(encoding=made, rows=value.rows, bits=bits, null=value.null)


def _added_days(
    evaluator: Evaluator, value: SecretColumn, months: int, *, unit: int
) -> SecretColumn:
    encoding = value.encoding
    starts, added = month_shifts(encoding.lo // unit, encoding.hi // unit, months)
    scaled = [start * unit for start in starts]
    return _table(evaluator, value, scaled, lambda moment: added(moment // unit))


def _days_since(evaluator: Evaluator, days: SecretColumn, period: str, most: int) -> SecretColumn:
    """1 + the days since the period began, from the lowest planes of both alone."""
    p, width = evaluator.protocol, most.bit_length()
    lo, hi = days.encoding.lo, days.encoding.hi
    thresholds, starts = boundaries(
        lambda day: period_start(period, day), period_starts(period, lo, hi), lo, hi
    )
    codes = [(start - lo) % (1 << width) for start in starts]
    (planes,) = need_bits(p, [days])
    first = step_function(p, planes, thresholds, codes, width=width)
    since = subtract(p, zero_extend(planes, width), first, width=width)
    return SecretColumn(
        encoding=Encoding(lo=1, hi=most), rows=days.rows, bits=since, null=days.null
    )


def _weekday(evaluator: Evaluator, days: SecretColumn, *, first: int) -> SecretColumn:
    """x mod 7 = (x + floor(x / 7)) mod 8, as -7 = 1 mod 8. 1970-01-01 was a Thursday."""
    p = evaluator.protocol
    offset = 4 - first
    offset -= (days.encoding.lo + offset) // 7 * 7
    moved = SecretColumn(
        encoding=Encoding(lo=days.encoding.lo + offset, hi=days.encoding.hi + offset),
        rows=days.rows,
        ring=p.add_public(need_ring(p, [days])[0], offset),
    )
    (weeks,) = need_bits(p, [floor_divided(p, moved, 7)])
    (low,) = ring_to_word(p, need_ring(p, [moved]), 3)
    total = add(p, low, zero_extend(weeks, 3), width=3)
    return SecretColumn(
        encoding=Encoding(lo=first, hi=first + 6), rows=days.rows, bits=total, null=days.null
    )


def _time_part(
    evaluator: Evaluator, value: SecretColumn, part: str, *, is_date: bool
) -> SecretColumn:
    p = evaluator.protocol
    unit, period = _TIMES[part]
    if is_date:
        return SecretColumn(
            encoding=Encoding(lo=0, hi=0),
            rows=value.rows,
            bits=p.constant_bits(0, 0, value.rows),
            null=value.null,
        )
    return remainder(p, floor_divided(p, value, unit), period)
