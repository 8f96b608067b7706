"""Bounds on the number of different values of a column, NULL included, by column id.

A key of a table with 1,500 rows has at most 1,500 values, behind whatever join it stands. A column
that is not mentioned has no bound but the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .expressions import column_pair, columns_of
from .logical import Aggregate, Filter, Join, Node, Once, Project, Scan, Sort, Union, Window

Distinct = dict[int, int]


def project_distinct(node: Project, below: Mapping[int, int]) -> Distinct:
    """A computed column has no more values than the one column that it reads."""
    found: Distinct = {}
    for column, expression in zip(node.columns, node.expressions, strict=True):
        read = columns_of(expression)
        if not read:
            found[column.id] = 1
        elif len(read) == 1:
            (source,) = read
            if source in below:
                found[column.id] = below[source]
    return found


def join_distinct(node: Join, left: Mapping[int, int], right: Mapping[int, int]) -> Distinct:
    """Equal columns share the smaller bound; a null-extended side has NULL besides."""
    if node.kind in ("semi", "anti"):
        return dict(left)
    ours = _extended(left) if node.kind in ("right", "full") else left
    theirs = _extended(right) if node.kind in ("left", "full") else right
    found = {**ours, **theirs}
    for pair in map(column_pair, node.condition):
        if node.kind != "inner" or pair is None:
            continue
        bounds = [found[i] for i in pair if i in found]
        found.update(dict.fromkeys(pair, min(bounds)) if bounds else {})
    return found


def _extended(distinct: Mapping[int, int]) -> Distinct:
    return {i: bound + 1 for i, bound in distinct.items()}


def union_distinct(node: Union, inputs: Sequence[Mapping[int, int]]) -> Distinct:
    """The sum over the inputs, where each of them has a bound."""
    found: Distinct = {}
    for position, column in enumerate(node.columns):
        own = [i.columns[position].id for i in node.inputs]
        bounds = [known.get(i) for known, i in zip(inputs, own, strict=True)]
        if None not in bounds:
            found[column.id] = sum(bound for bound in bounds if bound is not None)
    return found


def node_distinct(node: Node, rows: int, inputs: Sequence[Mapping[int, int]]) -> Distinct:
    """The bounds of a node, given those of its inputs and its bound on rows."""
    match node:
        case Scan():
            found: Distinct = dict.fromkeys(node.ids, rows)
        case Filter() | Sort() | Once() | Aggregate() | Window():
            found = dict(inputs[0])
        case Project():
            found = project_distinct(node, inputs[0])
        case Join():
            found = join_distinct(node, inputs[0], inputs[1])
        case Union():
            found = union_distinct(node, inputs)
        case _:
            found = {}
    return {i: min(bound, rows) for i, bound in found.items() if i in node.ids}
