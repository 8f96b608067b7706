"""Conditions on strings with a public domain, decided for every value of the domain at planning."""

from __future__ import annotations

import duckdb

from ..query.bound import Call
from ..query.datatypes import Column
from ..query.errors import UnsupportedError
from .sql import expression_sql, text_literal


def satisfying(condition: Call, column: Column, domain: tuple[str, ...]) -> tuple[str, ...]:
    """The values of the domain for which the condition is TRUE, in the domain's order.

    The condition reads no other column; DuckDB decides it, with no table at hand.
    """
    texts = ", ".join(text_literal(value) for value in domain)
    predicate = expression_sql(condition, {column.id: "v"})
    sql = f"SELECT v FROM (SELECT unnest([{texts}]::VARCHAR[]) AS v) WHERE {predicate}"
    try:
        with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as database:
            found = {row[0] for row in database.execute(sql).fetchall()}
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UnsupportedError(f"DuckDB refuses this: {reason}", span=condition.span) from None
    return tuple(value for value in domain if value in found)
