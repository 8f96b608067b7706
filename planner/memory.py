"""How much memory a plan takes at each compute party while it runs, from its public sizes.

With everything in memory (planner/spilling.py says it for relations that wait on disk): a node at
rest, the shares that the owners give, and what the operators work on that run at the same time:
sorts and joins gather, compare and move rows in several forms at once. The factor is what the
resident sets of nodes showed (docs/performance.md), rounded up: a bound to refuse by, not an exact
figure.
"""

from __future__ import annotations

from collections.abc import Iterator

from .secure import (
    Aggregate,
    Expand,
    Fragment,
    Intersection,
    Join,
    Operator,
    Sort,
    Stored,
    Window,
    children,
)

NODE_BYTES = 2**28
"""A node that has answered small queries, its database included."""

MOVING = 12
"""How many times its rows an operator holds that sorts them or looks them up."""

COMPUTING = 4
"""The same for one that computes row by row."""

SIDE_BY_SIDE_BYTES = 2**28
"""Operators run one after the other where they would work on more than this side by side."""

SCRATCH_BITS = 64
"""Of each row that moves: its number, its place, and flags."""


def memory_bytes(root: Operator, components: int) -> int:
    """The predicted peak with everything in memory. `components`: a party's part of a share."""
    operators = list(every_operator(root))
    given = sum(relation_bytes(o) for o in operators if isinstance(o, Fragment | Stored))
    most = max(working_bytes(o) for o in operators)
    if run_side_by_side(root, components):
        most = max(most, bytes_side_by_side(root))
    return NODE_BYTES + components * (given + most)


def run_side_by_side(root: Operator, components: int) -> bool:
    """Whether what operators work on that could share rounds is so little that they do.

    With more rows a round is nothing beside the bytes of one.
    """
    return components * bytes_side_by_side(root) <= SIDE_BY_SIDE_BYTES


def bytes_side_by_side(root: Operator) -> int:
    """What operators work on at most that do not need each other."""
    found: dict[int, int] = {}

    def visit(operator: Operator) -> int:
        inputs = {id(below): below for below in children(operator)}
        if id(operator) not in found:
            beside = sum(visit(below) for below in inputs.values())
            found[id(operator)] = max(working_bytes(operator), beside) if inputs else 0
        return found[id(operator)]

    return visit(root)


def relation_bytes(operator: Operator) -> int:
    """Bytes of one component of a relation: columns, their null planes, the valid plane."""
    return operator.rows * row_bits(operator) // 8


def every_operator(root: Operator) -> Iterator[Operator]:
    """Every operator of a plan, once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if id(found) not in seen:
            seen.add(id(found))
            waiting += children(found)
            yield found


def working_bytes(operator: Operator) -> int:
    inputs = children(operator)
    if not inputs:
        return relation_bytes(operator)
    rows = max(operator.rows, sum(below.rows for below in inputs))
    bits = max(row_bits(operator), sum(row_bits(below) for below in inputs))
    moves = isinstance(operator, Join | Expand | Aggregate | Sort | Window | Intersection)
    factor = MOVING if moves else COMPUTING
    return factor * rows * (bits + SCRATCH_BITS * moves) // 8


def row_bits(operator: Operator) -> int:
    """Bits of a row, with null and valid flags."""
    widths = (
        (0 if column.encoding is None else column.encoding.width) + column.nullable
        for column in operator.columns
    )
    return 1 + sum(widths)
