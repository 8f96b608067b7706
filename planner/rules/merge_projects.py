"""Projections over projections become one, and projections move into partitioned relations.

    Project(b = a + 1, Project(a = x * 2, t))   =>   Project(b = x * 2 + 1, t)
    Project(p, UNION ALL of parts)              =>   UNION ALL of Project(p, part)

Not where that would compute something twice. Owners then compute everything that their parts allow.
"""

from __future__ import annotations

import dataclasses
from collections import Counter

from ...query.bound import ColumnRef, Expression, Literal
from ..expressions import reference, substitute, walk
from ..logical import Node, Project, Union
from ..ownership import is_local, is_partitioned
from .context import Context
from .rewriting import map_nodes


def merge_projects(plan: Node, context: Context) -> Node:
    def visit(node: Node) -> Node:
        if not isinstance(node, Project):
            return node
        if isinstance(node.input, Project) and _cheap(node, node.input):
            return _merged(node, node.input)
        if isinstance(node.input, Union) and is_partitioned(node.input) and not is_local(node):
            return _into_parts(node, node.input, context)
        return node

    return map_nodes(plan, visit)


def _cheap(outer: Project, inner: Project) -> bool:
    uses = Counter(
        part.id for e in outer.expressions for part in walk(e) if isinstance(part, ColumnRef)
    )
    computed = {
        column.id
        for column, e in zip(inner.columns, inner.expressions, strict=True)
        if not isinstance(e, ColumnRef | Literal)
    }
    return all(uses[i] <= 1 for i in computed)


def _merged(outer: Project, inner: Project) -> Project:
    by = dict(zip(inner.ids, inner.expressions, strict=True))
    expressions = tuple(substitute(e, by) for e in outer.expressions)
    return dataclasses.replace(outer, input=inner.input, expressions=expressions)


def _into_parts(node: Project, union: Union, context: Context) -> Union:
    inputs = []
    for part in union.inputs:
        by: dict[int, Expression] = {
            outer.id: reference(own) for outer, own in zip(union.columns, part.columns, strict=True)
        }
        columns = tuple(context.ids.copy(column) for column in node.columns)
        expressions = tuple(substitute(e, by) for e in node.expressions)
        projected = Project(columns=columns, input=part, expressions=expressions, span=node.span)
        inputs.append(_merge_again(projected))
    renamed = {
        e.id: c.id
        for c, e in zip(node.columns, node.expressions, strict=True)
        if isinstance(e, ColumnRef)
    }
    unique = tuple(
        tuple(renamed[i] for i in key) for key in union.unique if set(key) <= renamed.keys()
    )
    return Union(columns=node.columns, inputs=tuple(inputs), unique=unique, span=union.span)


def _merge_again(node: Project) -> Project:
    inner = node.input
    return _merged(node, inner) if isinstance(inner, Project) and _cheap(node, inner) else node
