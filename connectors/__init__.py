"""Sources of data: a party's files behind DuckDB, and columns to integers and back."""

from __future__ import annotations

from .check import check_source
from .decode import decode_column
from .describe import describe_file
from .duckdb_source import DuckDbSource, open_source
from .encode import EncodedColumn, encode_column

__all__ = [
    "DuckDbSource",
    "EncodedColumn",
    "check_source",
    "decode_column",
    "describe_file",
    "encode_column",
    "open_source",
]
