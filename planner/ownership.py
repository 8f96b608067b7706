"""Who can compute a logical node."""

from __future__ import annotations

from .logical import Node, Scan, Union, children


def owners(node: Node) -> frozenset[str]:
    """Who owns the tables below; public tables have no owner.

    A shared table is its holders' together: no one of them can compute on it alone.
    """
    if isinstance(node, Scan):
        if node.table.sharing is not None:
            return frozenset(node.table.sharing.holders)
        return frozenset() if node.owner is None else frozenset([node.owner])
    return frozenset[str]().union(*(owners(child) for child in children(node)))


def is_local(node: Node) -> bool:
    """True if one owner alone can compute the node."""
    return len(owners(node)) <= 1


def is_partitioned(node: Node) -> bool:
    """True for a UNION ALL of parts that one owner each can compute."""
    return isinstance(node, Union) and all(is_local(inner) for inner in node.inputs)
