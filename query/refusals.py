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
        case syntax.CreateModel():
            return (
                "CREATE MODEL is not supported",
                "query the sums and counts that the model needs",
            )
        case syntax.Drop(what="model"):
            return ("DROP MODEL is not supported", "there are no models to drop")
        case syntax.Show(model=str()):
            return ("SHOW MODEL is not supported", "query the aggregates that the model needs")
        case syntax.Drop() | syntax.Show() | syntax.Describe():
            return (f"{_words(statement)} has no plan", "write it without EXPLAIN")
        case syntax.Evaluate():
            return ("EVALUATE MODEL is not supported", "query the aggregates that it needs")
        case syntax.Copy():
            return (
                "COPY does not run as a query: the client of the party that asks writes the file",
                "put EXPLAIN in front of its query, or write COPY as a statement of its own",
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


def _words(statement: syntax.Statement) -> str:
    match statement:
        case syntax.Drop():
            return "DROP TABLE"
        case syntax.Show():
            return "SHOW TABLES"
        case _:
            return "DESCRIBE"
