"""Applying a change to all expressions, or all nodes, of a logical plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ...query.bound import Expression
from ..logical import Check, Filter, Join, Node, Project, children, keep, with_children


def map_nodes(node: Node, change: Callable[[Node], Node]) -> Node:
    """Rebuilds the plan from the leaves up, changing every node once."""
    inputs = tuple(map_nodes(child, change) for child in children(node))
    return change(with_children(node, inputs))


def map_expressions(node: Node, change: Callable[[Expression], Expression]) -> Node:
    """Changes every predicate, join condition and projected expression."""

    def visit(inner: Node) -> Node:
        match inner:
            case Filter():
                return keep(inner.input, change(inner.predicate))
            case Check():
                return dataclasses.replace(inner, condition=change(inner.condition))
            case Project():
                return dataclasses.replace(
                    inner, expressions=tuple(change(e) for e in inner.expressions)
                )
            case Join():
                return dataclasses.replace(
                    inner, condition=tuple(change(e) for e in inner.condition)
                )
            case _:
                return inner

    return map_nodes(node, visit)
