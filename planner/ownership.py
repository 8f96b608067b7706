"""Who can compute a logical node."""

from __future__ import annotations

from .logical import Node, Union


def is_local(node: Node) -> bool:
    """True if one owner alone can compute the node."""
    return len(node.owners) <= 1


def is_partitioned(node: Node) -> bool:
    """True for a UNION ALL of parts that one owner each can compute."""
    return isinstance(node, Union) and all(is_local(inner) for inner in node.inputs)
