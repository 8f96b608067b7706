"""Statements that are SQL of tacit but no query: refused by name, each with what to do instead."""

from __future__ import annotations

from . import syntax
from .errors import UnsupportedError


def refused_statement(statement: syntax.Statement) -> UnsupportedError:
    """The error for a statement that does not run as a query."""
    what, hint = _reason(statement)
    return UnsupportedError(what, span=statement.span, hint=hint)


def _reason(statement: syntax.Statement) -> tuple[str, str]:
    match statement:
        case syntax.CreateTable():
            return (
                "CREATE TABLE does not run as a query",
                "declare tables in catalog.sql, which every party holds",
            )
        case syntax.CreateSharedTable():
            return (
                "CREATE SHARED TABLE is not supported",
                "write the query as a common table: WITH name AS (SELECT ...) SELECT ...",
            )
        case syntax.CreateModel():
            return (
                "CREATE MODEL is not supported",
                "query the sums and counts that the model needs",
            )
        case syntax.Drop(what=what):
            return (f"DROP {what.upper()} is not supported", "tables are declared in catalog.sql")
        case syntax.Show(model=None):
            return ("SHOW TABLES is not supported", r"use \d in the REPL, or read catalog.sql")
        case syntax.Show():
            return ("SHOW MODEL is not supported", "query the aggregates that the model needs")
        case syntax.Describe():
            return ("DESCRIBE is not supported", r"use \d TABLE in the REPL, or read catalog.sql")
        case syntax.Evaluate():
            return ("EVALUATE MODEL is not supported", "query the aggregates that it needs")
        case syntax.Copy():
            return (
                "COPY is not supported",
                "run the query with tacit run --format csv, json or parquet",
            )
        case syntax.Attach():
            return (
                "ATTACH does not run as a query",
                "attach files in sources.sql of the party that owns them",
            )
        case syntax.Explain():
            return ("EXPLAIN of an EXPLAIN", "write EXPLAIN once, in front of the query")
        case _:
            raise AssertionError(type(statement).__name__)
