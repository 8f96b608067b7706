"""EXISTS with one comparison between the sides beyond equalities, by the group's MIN and MAX.

    EXISTS (s WHERE s.k = o.k AND s.x <> o.y)   =>   min(x) <> o.y OR max(x) <> o.y, of the group k
    EXISTS (s WHERE s.k = o.k AND s.x < o.y)    =>   min(x) < o.y

MIN and MAX skip NULLs, which no comparison finds true; of nothing they are NULL, which is not TRUE.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import Expression
from ..query.datatypes import Column
from .decorrelate import compared
from .expressions import call, disjunction, reference
from .extending import computed_column
from .logical import Ids, Node, project
from .secure import AggregateFunction
from .subquery_joins import aggregate, kept

EXTREMES: dict[str, tuple[AggregateFunction, ...]] = {
    "<": ("min",),
    "<=": ("min",),
    ">": ("max",),
    ">=": ("max",),
    "<>": ("min", "max"),
}


def extremes(
    node: Node, keys: tuple[Column, ...], condition: Expression, ids: Ids
) -> tuple[Node, Expression] | None:
    """The groups of `node` by its key columns with what decides the condition, and the test.

    The test reads the groups' columns as those of an outer join, and is NULL rather than FALSE
    where there is no group. None if there is no such form.
    """
    parts = compared(condition, node)
    if parts is None:
        return None
    own, operator, other = parts
    column = computed_column(own, ids)
    below = project(node, (*kept(keys), (column, own)))
    functions = tuple((function, column) for function in EXTREMES[operator])
    grouped, found = aggregate(below, keys, functions, ids)
    tests = [
        call(operator, [reference(dataclasses.replace(c, nullable=True)), other], like=condition)
        for c in found
    ]
    return grouped, disjunction(tests)
