"""From a file's types to the catalog's, without ever losing a digit silently.

A value that the declared type cannot hold exactly is "wrong": a date with a time of day, a decimal
with more digits than its scale, a text that is no number. Only DOUBLE(s) rounds: half away from
zero, to s decimals, here at the source, so that local and secure evaluation see the same numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..query.catalog import ColumnDefinition
from ..query.datatypes import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    SqlType,
    TimestampType,
    VarcharType,
)
from ..query.errors import ConfigurationError
from .files import RawColumn
from .spelling import duckdb_type, quote_name, quote_text

DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")
INTEGER_DIGITS = {
    "TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 39,
    "UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20, "UHUGEINT": 39,
}  # fmt: skip
FLOATS = ("FLOAT", "DOUBLE")
TIMESTAMPS = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How one declared column is read: DuckDB expressions over the file's columns.

    `raw` is the file's column. `value` is its value in the declared type; it never raises, and is
    arbitrary where `wrong` holds. `wrong` None: every value fits by its type.
    """

    column: ColumnDefinition
    raw: str
    value: str
    wrong: str | None

    @property
    def complaint(self) -> str:
        """What is to be said about a value that is wrong."""
        return f"value is not exactly a {self.column.type}"

    def strict(self, table: str) -> str:
        """The value, or an error that names table and column but no value."""
        if self.wrong is None:
            return self.value
        message = quote_text(f"table {table}, column {self.column.name}: {self.complaint}")
        return f"CASE WHEN {self.wrong} THEN error({message}) ELSE {self.value} END"


def convert(source: RawColumn, column: ColumnDefinition, table: str) -> Conversion:
    """The conversion of a file's column; ConfigurationError if the types do not belong together."""
    raw = quote_name(source.name)
    rule = _from_text if source.type == "VARCHAR" else _from_typed
    found = rule(raw, source, column.type)
    if found is None:
        raise ConfigurationError(
            f"table {table}, column {column.name}: the catalog declares {column.type}, but the"
            f" column of the file is {source.type}"
        )
    value, wrong = found
    return Conversion(column=column, raw=raw, value=value, wrong=wrong)


Rule = tuple[str, str | None] | None
"""(value, wrong), or None if the types do not belong together."""


def _from_typed(raw: str, source: RawColumn, kind: SqlType) -> Rule:
    """Columns of Parquet, Arrow and database files, which have types of their own."""
    target = duckdb_type(kind)
    attempt = f"TRY_CAST({raw} AS {target})"
    missing = f"({attempt} IS NULL AND {raw} IS NOT NULL)"
    match kind:
        case BooleanType() | DateType() | TimestampType() if source.type == target:
            return raw, None
        case IntegerType() | DecimalType() if source.type == target:
            return raw, None
        case IntegerType() | DecimalType() if _is_number(source.type):
            return attempt, _inexact(raw, attempt, missing, source.type, kind)
        case DoubleType(scale=scale) if _is_number(source.type):
            return _rounded(f"CAST({raw} AS DOUBLE)", scale), None
        case DateType() if source.type in TIMESTAMPS:
            return attempt, f"{missing} OR {attempt} <> {raw}"
        case TimestampType() if source.type == "TIMESTAMP_NS":
            return attempt, f"{missing} OR epoch_ns({raw}) % 1000 <> 0"
        case TimestampType() if source.type == "DATE" or source.type in TIMESTAMPS:
            return attempt, missing
        case VarcharType() if source.type.startswith("ENUM("):
            return f"CAST({raw} AS VARCHAR)", None
        case _:
            return None


def _from_text(raw: str, source: RawColumn, kind: SqlType) -> Rule:
    """Text, as CSV files have it: plain numerals, detected date formats, ISO 8601 otherwise."""
    attempt = f"TRY_CAST({raw} AS {duckdb_type(kind)})"
    missing = f"({attempt} IS NULL AND {raw} IS NOT NULL)"
    match kind:
        case VarcharType():
            return raw, None
        case BooleanType():
            return attempt, missing
        case IntegerType() | DecimalType():
            digits = kind.scale if isinstance(kind, DecimalType) else 0
            return attempt, f"NOT regexp_full_match({raw}, {_numeral(digits)}) OR {missing}"
        case DoubleType(scale=scale):
            return _rounded(attempt, scale), missing
        case DateType():
            day = _parsed(raw, source.date_format, "DATE")
            instant = _parsed(raw, source.date_format, "TIMESTAMP")
            return day, f"({day} IS NULL AND {raw} IS NOT NULL) OR {instant} <> {day}"
        case TimestampType():
            instant = _parsed(raw, source.timestamp_format, "TIMESTAMP")
            finer = f"regexp_matches({raw}, '\\.[0-9]{{6}}[0-9]*[1-9]')"
            return instant, f"({instant} IS NULL AND {raw} IS NOT NULL) OR {finer}"
        case _:
            return None


def _numeral(scale: int) -> str:
    """A pattern for numerals with at most `scale` decimals that are not zero."""
    decimals = f"[0-9]{{0,{scale}}}0*"
    some = f"|\\.[0-9]{{1,{scale}}}0*" if scale else ""
    return quote_text(f"\\s*[+-]?([0-9]+(\\.{decimals})?{some})\\s*")


def _parsed(raw: str, pattern: str | None, target: str) -> str:
    """A text as DATE or TIMESTAMP, NULL where it is none."""
    if pattern is None or pattern.startswith("%Y-%m-%d"):
        return f"TRY_CAST({raw} AS {target})"
    return f"CAST(try_strptime({raw}, {quote_text(pattern)}) AS {target})"


def _rounded(value: str, scale: int | None) -> str:
    return value if scale is None else f"round({value}, {scale})"


def _is_number(raw_type: str) -> bool:
    return raw_type in FLOATS or _digits(raw_type) is not None


def _digits(raw_type: str) -> tuple[int, int] | None:
    """The digits before and after the point that an exact number type may need."""
    if raw_type in INTEGER_DIGITS:
        return INTEGER_DIGITS[raw_type], 0
    found = DECIMAL.fullmatch(raw_type)
    return None if found is None else (int(found[1]) - int(found[2]), int(found[2]))


def _inexact(raw: str, attempt: str, missing: str, raw_type: str, kind: SqlType) -> str | None:
    """Numbers that the target cannot hold: too large, or with too many digits.

    A float is taken for the decimal that it is the nearest float of.
    """
    source, target = _digits(raw_type), _digits(duckdb_type(kind))
    if source is None or target is None:
        return f"{missing} OR CAST({attempt} AS {raw_type}) <> {raw}"
    if source[1] > target[1]:
        return f"{missing} OR TRY_CAST({attempt} AS DECIMAL(38,{source[1]})) <> {raw}"
    certain = target[0] - (0 if isinstance(kind, DecimalType) else 1)
    return None if source[0] <= certain else missing
