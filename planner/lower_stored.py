"""Scans of shared tables: the shares as they are stored, brought to the encodings that meet.

Scan(s.name, s.n)  =>  Stored(name, n of s)
Scan(s.name) where s.name meets a column of another domain
                   =>  Project(name under the common domain, Stored(name of s))
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..query.bound import Case, Expression, Literal
from ..query.datatypes import Column, Encoding
from .expressions import call, reference
from .logical import Scan
from .secure import Operator, Stored
from .secure import Project as SecureProject

if TYPE_CHECKING:
    from .lower import Lowering


def lower_stored(lowering: Lowering, node: Scan, needed: frozenset[int]) -> Operator:
    """The needed columns of a shared table."""
    sharing = node.table.sharing
    assert sharing is not None
    places = {column.name: place for place, column in enumerate(node.table.columns)}
    kept = [(c, places[n]) for c, n in zip(node.columns, node.names, strict=True) if c.id in needed]
    stored = Stored(
        columns=tuple(column for column, _ in kept),
        rows=node.table.rows,
        table=node.table.name,
        version=sharing.version,
        places=tuple(place for _, place in kept),
    )
    targets = tuple(lowering.encoded(column, column.encoding) for column, _ in kept)
    if targets == stored.columns:
        return stored
    return SecureProject(
        columns=targets,
        rows=stored.rows,
        input=stored,
        expressions=tuple(
            _recoded(column, target.encoding)
            for column, target in zip(stored.columns, targets, strict=True)
        ),
    )


def _recoded(column: Column, target: Encoding | None) -> Expression:
    """The column itself; a string of a public domain, value by value, if its codes change."""
    domain = None if column.encoding is None else column.encoding.domain
    if domain is None or target == column.encoding:
        return reference(column)
    texts = [Literal(type=column.type, nullable=False, value=value) for value in domain]
    known = dataclasses.replace(reference(column), nullable=False)
    branches = tuple((call("=", [known, text]), text) for text in texts[:-1])
    if column.nullable:
        branches = ((call("is_null", [reference(column)]), _null(column)), *branches)
    return Case(type=column.type, nullable=column.nullable, branches=branches, otherwise=texts[-1])


def _null(column: Column) -> Literal:
    return Literal(type=column.type, nullable=True, value=None)
