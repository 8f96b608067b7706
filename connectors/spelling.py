"""How names, constants and types are written in DuckDB's SQL."""

from __future__ import annotations

from decimal import Decimal

from ..query.datatypes import (
    DateType,
    DecimalType,
    DoubleType,
    SqlType,
    TimestampType,
    VarcharType,
)


def quote_name(name: str) -> str:
    """An identifier, always in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def duckdb_type(kind: SqlType) -> str:
    """The DuckDB type that holds values of a SQL type; lengths and declared scales are dropped."""
    match kind:
        case VarcharType():
            return "VARCHAR"
        case DoubleType():
            return "DOUBLE"
        case _:
            return str(kind)


def encoded_constant(kind: SqlType, encoded: int) -> str:
    """The value with that encoding, as a DuckDB constant that compares exactly with the type.

    For DOUBLE(s) it is the encoded number itself.
    """
    match kind:
        case DecimalType(scale=scale):
            digits = format(Decimal(encoded).scaleb(-scale), "f")
            return f"CAST('{digits}' AS DECIMAL(38,{scale}))"
        case DateType():
            return f"(DATE '1970-01-01' + ({encoded}))"
        case TimestampType():
            return f"make_timestamp({encoded})"
        case DoubleType():
            return f"CAST('{encoded}' AS DOUBLE)"
        case _:
            return f"CAST('{encoded}' AS HUGEINT)"
