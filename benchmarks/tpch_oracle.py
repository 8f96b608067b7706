"""What DuckDB answers on all the data in one place, and whether an answer equals it."""

from __future__ import annotations

import math
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

ORDERED_BY = {
    1: ("l_returnflag", "l_linestatus"),
    2: ("s_acctbal", "n_name", "s_name", "p_partkey"),
    3: ("revenue", "o_orderdate"),
    4: ("o_orderpriority",),
    5: ("revenue",),
    7: ("supp_nation", "cust_nation", "l_year"),
    8: ("o_year",),
    9: ("nation", "o_year"),
    10: ("revenue",),
    11: ("value",),
    12: ("l_shipmode",),
    13: ("custdist", "c_count"),
    15: ("s_suppkey",),
    16: ("supplier_cnt", "p_brand", "p_type", "p_size"),
    18: ("o_totalprice", "o_orderdate"),
    20: ("s_name",),
    21: ("numwait", "s_name"),
    22: ("cntrycode",),
}
"""By query: the columns of its ORDER BY. The others give one row."""

TOLERANCE = 1e-9


class Oracle:
    """A plain DuckDB over every Parquet file of a directory."""

    def __init__(self, data: Path) -> None:
        self._connection = duckdb.connect()
        for path in sorted(data.glob("*.parquet")):
            source = str(path).replace("'", "''")
            self._connection.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM '{source}'")

    def answer(self, sql: str) -> pa.Table:
        """The result of one SELECT."""
        return self._connection.sql(sql).to_arrow_table()

    def seconds(self, sql: str, runs: int = 3) -> float:
        """The shortest of a few runs."""
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.answer(sql)
            times.append(time.perf_counter() - start)
        return min(times)

    def close(self) -> None:
        self._connection.close()


def difference(
    actual: pa.Table, expected: pa.Table, *, ordered_by: tuple[str, ...] = ()
) -> str | None:
    """What distinguishes an answer from the expected one; None if nothing does.

    Values are equal exactly, doubles within 1e-9 relative. The rows are equal as a multiset, and
    the columns `ordered_by` are equal row by row.
    """
    if actual.column_names != expected.column_names:
        return f"columns {actual.column_names} instead of {expected.column_names}"
    if actual.num_rows != expected.num_rows:
        return f"{actual.num_rows} rows instead of {expected.num_rows}"
    for name in ordered_by:
        pairs = zip(_values(actual, name), _values(expected, name), strict=True)
        for number, (one, other) in enumerate(pairs, 1):
            if not _same(one, other):
                return f"row {number}, column {name}: {one} instead of {other} in the order"
    for mine, theirs in zip(_sorted_rows(actual), _sorted_rows(expected), strict=True):
        if not all(_same(one, other) for one, other in zip(mine, theirs, strict=True)):
            return f"row {mine} instead of {theirs}"
    return None


def _values(table: pa.Table, name: str) -> list[Any]:
    return [_plain(value) for value in table.column(name).to_pylist()]


def _plain(value: Any) -> Any:
    """Integers and decimals as one kind of number."""
    exact = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return Decimal(value) if exact else value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE) or (math.isnan(one) and one != other)
    return type(one) is type(other) and bool(one == other)


def _sorted_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows in an order that doubles influence last."""
    columns = [_values(table, name) for name in table.column_names]
    rows = list(zip(*columns, strict=True))
    return sorted(rows, key=lambda row: (_order(row, floats=False), _order(row, floats=True)))


def _order(row: tuple[Any, ...], *, floats: bool) -> list[tuple[bool, str, Any]]:
    kept = [value for value in row if isinstance(value, float) == floats]
    return [(value is None, type(value).__name__, 0 if value is None else value) for value in kept]
