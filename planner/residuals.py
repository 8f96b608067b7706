"""EXISTS with one comparison between the sides beyond equalities, by the group's MIN and MAX.

    EXISTS (s WHERE s.k = o.k AND s.x <> o.y)   =>   min(x) <> o.y OR max(x) <> o.y, of the group k
    EXISTS (s WHERE s.k = o.k AND s.x < o.y)    =>   min(x) < o.y

MIN and MAX skip NULLs, which no comparison finds true; of nothing they are NULL, which is not TRUE.
"""

from __future__ import annotations

import dataclasses

from ..query.bound import Call, Expression
from ..query.datatypes import Column
from .expressions import call, columns_of, disjunction, reference
from .extending import computed_column
from .logical import Ids, Node, project
from .secure import AggregateFunction
from .subquery_joins import aggregate, kept

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "<>": "<>"}
EXTREMES: dict[str, tuple[AggregateFunction, ...]] = {
    "<": ("min",),
    "<=": ("min",),
    ">": ("max",),
    ">=": ("max",),
    "<>": ("min", "max"),
}


def compared(condition: Expression, node: Node) -> tuple[Expression, str, Expression] | None:
    """The condition as (what `node` computes, comparison, what the other side computes)."""
    match condition:
        case Call(function=function, arguments=(a, b)) if function in MIRRORED:
            known = frozenset(node.ids)
            for own, operator, other in ((a, function, b), (b, MIRRORED[function], a)):
                mine = columns_of(own)
                if mine and mine <= known and not columns_of(other) & known:
                    return own, operator, other
    return None


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
