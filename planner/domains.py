"""Conditions on strings with a public domain, decided for every value of the domain at planning."""

from __future__ import annotations

import duckdb

from ..query.bound import Call
from ..query.datatypes import Column
from ..query.errors import UnsupportedError
from .sql import expression_sql, text_literal


def satisfying(
    condition: Call, column: Column, domain: tuple[str, ...]
) -> tuple[tuple[str, ...], bool | None]:
    """The values of the domain for which the condition is TRUE, and what it is for NULL.

    The condition reads no other column; DuckDB decides it, with no table at hand. It must not be
    NULL for a value: UnsupportedError otherwise.
    """
    texts = ", ".join(text_literal(value) for value in domain)
    predicate = expression_sql(condition, {column.id: "v"})
    sql = f"SELECT v, {predicate} FROM (SELECT unnest([{texts}, NULL]::VARCHAR[]) AS v)"
    try:
        with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as database:
            found = dict(database.execute(sql).fetchall())
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UnsupportedError(f"DuckDB refuses this: {reason}", span=condition.span) from None
    if any(found[value] is None for value in domain):
        raise UnsupportedError(
            f"this use of {condition.function} over columns of several owners is not supported",
            span=condition.span,
            hint="compare the column itself, or test it with IS NULL apart",
        )
    return tuple(value for value in domain if found[value]), found[None]
