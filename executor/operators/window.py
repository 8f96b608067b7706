"""Window functions over shared rows, without a segmented-scan network for sums and ranks.

1. Shuffle, where a function can tell rows apart that tie; sort by (invalid, partition keys, order
   keys). Flags mark the rows that begin a partition, and those that begin a group of peers.
2. Row numbers are public; that of a partition's first row is copied down to its rows, that of its
   last row up (window_edges.py). Row numbers, ranks and counts of rows are differences of these.
3. Sums and counts are differences of running sums at the two ends of a frame.
4. The first, last or n-th value of a frame is read there; in a frame of one row it is a shift.
5. MIN and MAX are scans that double their reach (window_extremes.py).

Cost: one sort, one copy (about 12 rounds) for everything that stands at partitions' and peers'
ends; MIN and MAX some log2(rows) rounds of comparisons. Source: PROTOCOLS, section 5.
"""

from __future__ import annotations

from ...planner.secure import Window, WindowSpec, tells_ties_apart
from ..sharing.protocol import SharingProtocol
from .table import SecretColumn, SecretTable, encoding_of_column
from .window_edges import Edge, Edges, edges_of
from .window_extremes import extreme_edges, extreme_values
from .window_rows import sorted_rows
from .window_values import Values

RANKS = ("row_number", "rank", "dense_rank", "ntile")
EXTREMES = ("min", "max")


def window(p: SharingProtocol, node: Window, table: SecretTable) -> SecretTable:
    """The rows of the input in the window's order, with one column more per function."""
    if table.rows == 0:
        return _no_rows(p, node, table)
    shuffled = any(tells_ties_apart(spec.function, spec.frame) for spec in node.calls)
    rows = sorted_rows(p, node, table, shuffled=shuffled)
    edges = Edges(p, rows.begins, rows.peers)
    values = Values(p, rows, edges, node.calls)
    edges.copy([edges.index, *values.copied], _edges(node.calls, rows.rows))
    found = extreme_values(p, rows, edges, [c for c in node.calls if c.function in EXTREMES])
    found |= values.columns()
    columns = {**rows.kept, **found}
    return SecretTable(table.rows, {c.id: columns[c.id] for c in node.columns}, rows.valid)


def _edges(calls: tuple[WindowSpec, ...], rows: int) -> frozenset[Edge]:
    """Every edge that some function reads."""
    found: set[Edge] = set()
    for spec in calls:
        if spec.function in RANKS:
            found.add("start")
            found |= {"peer_start"} if spec.function == "rank" else set()
            found |= {"end"} if spec.function == "ntile" else set()
        elif spec.function in EXTREMES:
            found |= extreme_edges(spec.frame, rows)
        else:
            found |= edges_of(spec.frame)
    return frozenset(found)


def _no_rows(p: SharingProtocol, node: Window, table: SecretTable) -> SecretTable:
    columns: dict[int, SecretColumn] = {}
    for column in node.columns:
        encoding = encoding_of_column(column)
        columns[column.id] = SecretColumn(
            encoding=encoding,
            rows=0,
            bits=p.constant_bits(0, encoding.width, 0),
            null=p.constant_bits(0, 1, 0) if column.nullable else None,
        )
    return SecretTable(0, columns, table.valid)
