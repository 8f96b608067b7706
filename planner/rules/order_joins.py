"""Join order: each owner's own joins first, then the cheapest order of joins on unique keys.

    customer, orders, lineitem, supplier, nation, region  (TPC-H 5, comma joins)
    =>  (lineitem JOIN (orders JOIN customer)) JOIN (supplier JOIN (nation JOIN region))

The right input of every join is unique on the join key (the build side of a secure join), except
where one owner joins alone. Public tables go to the smallest relation that they can restrict.
Equalities beyond the unique key become a Filter above. Sizes are public bounds, so the order
discloses nothing.
"""

from __future__ import annotations

from ...query.bound import Expression
from ..expressions import conjuncts
from ..logical import Filter, Join, Node, children, with_children
from .context import Context
from .join_graph import JoinGraph


def order_joins(plan: Node, context: Context) -> Node:
    group = flatten(plan)
    if group is None:
        inputs = tuple(order_joins(child, context) for child in children(plan))
        return with_children(plan, inputs)
    leaves, conditions = group
    return JoinGraph([order_joins(leaf, context) for leaf in leaves], conditions, context).tree()


def flatten(node: Node) -> tuple[list[Node], list[Expression]] | None:
    """Leaves and conditions of a group of inner joins; None if the node is not one."""
    match node:
        case Join(kind="inner", left=left, right=right):
            leaves: list[Node] = []
            conditions = [p for c in node.condition for p in conjuncts(c)]
            for side in (left, right):
                inner = flatten(side)
                leaves += [side] if inner is None else inner[0]
                conditions += [] if inner is None else inner[1]
            return leaves, conditions
        case Filter(input=input, predicate=predicate):
            inner = flatten(input)
            return None if inner is None else (inner[0], inner[1] + list(conjuncts(predicate)))
        case _:
            return None
