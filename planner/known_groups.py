"""When GROUP BY needs no sort: one compute party knows the keys of all rows in clear.

    orders JOIN customers, GROUP BY o_custkey      broker knows orders' rows, o_custkey too
    =>  broker orders the rows, and takes the last row of each group to the front

It does not know which rows are valid, so that every key among its rows has a group, also where a
secret condition has dropped all of its rows; `most_groups` bounds how many these are.
"""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from .secure import Aggregate

ADDED = ("count_star", "count", "sum")
"""What is added up, row by row."""

TAKEN = ("any_value", "constant")
"""What one row of a group gives."""


def may_be_known(node: Aggregate, owner: str | None, parties: Collection[str]) -> bool:
    """Whether `owner`, which knows the keys of all rows, can put these in the order of groups."""
    if owner not in parties or not node.keys or not node.rows:
        return False
    return all(spec.function in (*ADDED, *TAKEN) for spec in node.aggregates)


def most_groups(node: Aggregate) -> int:
    """How many different keys the rows can have, valid or not."""
    by_id = {column.id: column for column in node.input.columns}
    sizes = []
    for key in node.keys:
        encoding = by_id[key].encoding
        assert encoding is not None, "a key has a public range"
        sizes.append(encoding.hi - encoding.lo + 1 + by_id[key].nullable)
    return min(node.input.rows, prod(sizes))


def keeps_all_groups(node: Aggregate) -> bool:
    """Whether the result has room for all of them, so that their places need not be secret."""
    return node.rows >= most_groups(node)
