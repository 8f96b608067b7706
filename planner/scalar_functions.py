"""Scalar functions of numbers, dates and timestamps over shared columns, in the circuits' terms.

What circuits compute takes constants where the SQL function takes them here: places of ROUND,
intervals, parts of dates. Dates and timestamps need a public range of not too many periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ..query.bound import Call, Case, Expression, Interval, Literal
from ..query.datatypes import (
    DATE,
    DateType,
    DoubleType,
    Encoding,
    IntegerType,
    TimestampType,
)
from ..query.date_ranges import shifted_range
from ..query.errors import UnsupportedError
from ..query.moments import DAY_MICROSECONDS, scale_interval
from ..query.periods import MAX_PERIODS, PART_PERIODS, number_of_periods
from .expressions import call
from .ranging import expression_range
from .scales import at_scale, rescaled, scale_of

Ranges = Mapping[int, Encoding | None]

DIFFERENCES = {"year": 1, "quarter": 4, "month": 12}
"""Periods that DATEDIFF counts by their numbers, with how many a year has."""

_MONTHS = tuple(
    str.split(
        "January February March April May June July August September October November December"
    )
)
_WEEKDAYS = tuple(str.split("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"))

_DAY_PARTS = frozenset({"day", "doy", "dow", "isodow"})
_TIME_PARTS = frozenset({"hour", "minute", "second", "millisecond", "microsecond"})
_UNITS = frozenset({"year", "decade", "century", "millennium", "quarter", "month", "week"})


def of_moment(node: Call, arguments: tuple[Expression, ...], ranges: Ranges) -> Expression | None:
    """EXTRACT, DATE_TRUNC, LAST_DAY, and moments plus or minus intervals; None for what is not."""
    match node.function:
        case "extract" | "date_trunc":
            label, operand = arguments
            unit = str(label.value) if isinstance(label, Literal) else ""
            known = _UNITS | _DAY_PARTS | _TIME_PARTS | {"isoyear"}
            if unit not in known or not isinstance(operand.type, DateType | TimestampType):
                return None
            period = _period(node.function, unit)
            if period is not None:
                _check_periods(node, operand, period, ranges)
            return call(node.function, [label, operand], type=node.type, like=node)
        case "last_day":
            _check_periods(node, arguments[0], "month", ranges)
            return call(node.function, arguments, type=node.type, like=node)
        case "monthname" | "dayname":
            return _named(node, arguments[0], ranges)
        case "+" | "-" if isinstance(node.type, TimestampType):
            return _shifted(node, arguments, ranges)
        case "datediff":
            return _difference(node, arguments)
        case _:
            return None


def of_number(node: Call, arguments: tuple[Expression, ...]) -> Expression | None:
    """ROUND, TRUNC, FLOOR, CEIL, // and %; None for what is not exact."""
    scales = [scale_of(argument.type) for argument in arguments]
    known = [scale for scale in scales if scale is not None]
    if len(known) < len(scales):
        return None
    match node.function:
        case "round" | "trunc" | "floor" | "ceil":
            return _to_places(node, arguments, known[0])
        case "//" | "%":
            scale = max(known)
            if isinstance(node.type, DoubleType):
                return None
            first, second = (rescaled(argument, scale) for argument in arguments)
            if isinstance(second, Literal) and not second.value:
                return Literal(type=node.type, nullable=True, value=None, span=node.span)
            sure = isinstance(second, Literal)
            nullable = first.nullable or second.nullable or not sure
            type = at_scale(node.type, 0 if node.function == "//" else scale)
            return call(node.function, [first, second], type=type, nullable=nullable, like=node)
        case _:
            return None


def _to_places(node: Call, arguments: tuple[Expression, ...], scale: int) -> Expression | None:
    """A DOUBLE is rounded in binary, where a half of the last decimal is none: only to integers."""
    places = 0
    if len(arguments) > 1:
        given = arguments[1].value if isinstance(arguments[1], Literal) else None
        if not isinstance(given, int):
            return None
        places = given
    if isinstance(arguments[0].type, DoubleType) and places < scale:
        binary = places > 0 and node.function in ("round", "trunc")
        if binary or not keeps_integers(arguments[0]):
            raise UnsupportedError(
                f"{node.function.upper()} of this DOUBLE over columns of several owners is not "
                "supported: it depends on binary digits",
                span=node.span,
                hint="CAST the columns that it is made of to DECIMAL(p,s) first",
            )
    type = at_scale(node.type, max(0, min(scale, places)))
    if places >= scale:
        return arguments[0]
    return call(node.function, arguments, type=type, like=node)


def keeps_integers(expression: Expression) -> bool:
    """Whether a DOUBLE computed in binary lies on the same side of every half as its decimal value.

    The double nearest to a decimal number does, and so does its sum with a whole number; sums and
    products of others may miss an integer by their last binary digit.
    """
    match expression:
        case Call(function="+" | "-", arguments=(left, right)):
            return (
                (_is_whole(left) or _is_whole(right))
                and keeps_integers(left)
                and keeps_integers(right)
            )
        case Call(function="*"):
            return all(map(_is_whole, expression.arguments))
        case Call(
            function="cast" | "negate" | "abs" | "coalesce" | "greatest" | "least" | "nullif"
        ):
            return all(map(keeps_integers, expression.arguments))
        case Case(branches=branches, otherwise=otherwise):
            values = [value for _, value in branches]
            return all(map(keeps_integers, values + ([] if otherwise is None else [otherwise])))
        case _:
            return True


def _is_whole(expression: Expression) -> bool:
    """Whether a number is an integer, perhaps written with decimals."""
    if isinstance(expression, Literal):
        return isinstance(expression.value, int | Decimal) and expression.value % 1 == 0
    if isinstance(expression, Call) and expression.function == "cast":
        before, after = scale_of(expression.arguments[0].type), scale_of(expression.type)
        if before is not None and (after is None or after >= before):
            return _is_whole(expression.arguments[0])
    return scale_of(expression.type) == 0


def _period(function: str, unit: str) -> str | None:
    """The period whose beginnings a table is made of; None if there is no table."""
    if function == "date_trunc":
        return unit if unit in _UNITS else None
    return {"day": "month", "doy": "year"}.get(unit, PART_PERIODS.get(unit))


def _check_periods(node: Call, operand: Expression, period: str, ranges: Ranges) -> None:
    """UnsupportedError if the public range has too many periods for a table."""
    encoding = expression_range(operand, ranges)
    unit = 1 if isinstance(operand.type, DateType) else DAY_MICROSECONDS
    count = MAX_PERIODS + 1
    if encoding is not None:
        count = number_of_periods(period, encoding.lo // unit, encoding.hi // unit)
    if count > MAX_PERIODS:
        raise UnsupportedError(
            f"{node.function.upper()} over a column of shares needs a table of {count} periods, "
            f"more than {MAX_PERIODS}",
            span=node.span,
            hint="declare CHECK (column BETWEEN ... AND ...) bounds for the date",
        )


def _named(node: Call, moment: Expression, ranges: Ranges) -> Expression:
    """The English name of the month, or of the day of the week from Sunday on."""
    part, names = ("month", _MONTHS) if node.function == "monthname" else ("dow", _WEEKDAYS)
    if part == "month":
        _check_periods(node, moment, "month", ranges)
    texts = [Literal(type=node.type, nullable=False, value=name) for name in names]
    return call(
        "mapped",
        [_part(part, moment), *texts],
        type=node.type,
        nullable=moment.nullable,
        like=node,
    )


def _shifted(node: Call, arguments: tuple[Expression, ...], ranges: Ranges) -> Expression | None:
    first, second = arguments
    start, interval = (
        (second, first)
        if isinstance(second.type, DateType | TimestampType)
        else (
            first,
            second,
        )
    )
    if not isinstance(interval, Literal) or not isinstance(interval.value, Interval):
        return None
    if interval.value.months:
        _check_periods(node, start, "month", ranges)
    _check_calendar(node, start, interval.value, ranges)
    return call(
        node.function, [start, interval], type=node.type, nullable=start.nullable, like=node
    )


def _check_calendar(node: Call, start: Expression, interval: Interval, ranges: Ranges) -> None:
    """UnsupportedError if the moment may leave the years 1 to 9999."""
    encoding = expression_range(start, ranges)
    unit = 1 if isinstance(start.type, DateType) else DAY_MICROSECONDS
    step = scale_interval(interval, -1 if node.function == "-" else 1)
    try:
        if encoding is not None:
            shifted_range(encoding, step, unit)
    except ValueError:
        raise UnsupportedError(
            "the moment may leave the years 1 to 9999",
            span=node.span,
            hint="declare CHECK (column BETWEEN ... AND ...) bounds for the date",
        ) from None


def _difference(node: Call, arguments: tuple[Expression, ...]) -> Expression | None:
    """DATEDIFF: how many periods begin between two moments, from the periods' numbers."""
    label, *moments = arguments
    part = str(label.value).lower().removesuffix("s") if isinstance(label, Literal) else ""
    if part == "day":
        days = [_as_date(moment) for moment in moments]
        return call("-", days[::-1], type=node.type, like=node)
    if part not in DIFFERENCES:
        return None
    numbers = [_number_of_period(part, moment) for moment in moments]
    return call("-", numbers[::-1], type=node.type, like=node)


def _as_date(moment: Expression) -> Expression:
    if isinstance(moment.type, DateType):
        return moment
    return call("cast", [moment], type=DATE, nullable=moment.nullable)


def _number_of_period(part: str, moment: Expression) -> Expression:
    number = _part(part if DIFFERENCES[part] == 1 else "year", moment)
    if DIFFERENCES[part] == 1:
        return number
    factor = Literal(type=IntegerType(64), nullable=False, value=DIFFERENCES[part])
    years = call("*", [number, factor], type=number.type, nullable=number.nullable)
    return call("+", [years, _part(part, moment)], type=number.type, nullable=number.nullable)


def _part(part: str, moment: Expression) -> Expression:
    label = Literal(type=DATE, nullable=False, value=part)
    return call("extract", [label, moment], type=IntegerType(64), nullable=moment.nullable)
