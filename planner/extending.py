"""Adding a computed column, or a join with public tables, to a node at the place that can do it."""

from __future__ import annotations

import dataclasses

from ..query.bound import ColumnRef, Expression
from ..query.datatypes import Column
from .expressions import call, reference, substitute
from .logical import Ids, Node, Union, join, project, with_fresh_ids
from .ownership import is_partitioned


def computed_column(expression: Expression, ids: Ids) -> Column:
    """A fresh column to hold the expression."""
    return Column(
        id=ids.fresh(), name="", type=expression.type, encoding=None, nullable=expression.nullable
    )


def input_column(expression: Expression, ids: Ids) -> Column:
    """The column that brings an expression to a node: a plain reference keeps its id and name."""
    if not isinstance(expression, ColumnRef):
        return computed_column(expression, ids)
    return Column(
        id=expression.id,
        name=expression.name,
        type=expression.type,
        encoding=None,
        nullable=expression.nullable,
    )


def extend(node: Node, column: Column, expression: Expression, ids: Ids) -> Node:
    """`node` with `column` = `expression` added; within each part of a partitioned relation."""
    if isinstance(node, Union) and is_partitioned(node):
        inputs = []
        for inner in node.inputs:
            by: dict[int, Expression] = {
                outer.id: reference(own)
                for outer, own in zip(node.columns, inner.columns, strict=True)
            }
            own_column = ids.copy(column)
            inputs.append(extend(inner, own_column, substitute(expression, by), ids))
        return dataclasses.replace(node, inputs=tuple(inputs), columns=(*node.columns, column))
    kept = tuple((c, reference(c)) for c in node.columns)
    return project(node, (*kept, (column, expression)))


def join_public(node: Union, public: Node, pairs: tuple[tuple[int, int], ...], ids: Ids) -> Union:
    """An inner join of a partitioned relation with public tables: every part joins its own copy."""
    inputs = []
    for inner in node.inputs:
        copy = with_fresh_ids(public, ids)
        own = dict(zip(node.ids, inner.columns, strict=True))
        other = dict(zip(public.ids, copy.columns, strict=True))
        condition = tuple(
            call("=", [reference(own[left]), reference(other[right])]) for left, right in pairs
        )
        inputs.append(join("inner", inner, copy, condition))
    return dataclasses.replace(node, inputs=tuple(inputs), columns=node.columns + public.columns)
