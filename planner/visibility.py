"""Which columns of a secure plan a party knows in clear, and what it knows of their rows.

A fragment's columns are known to its owner, row by row. Operators that keep the rows where they are
keep that: filters, checks, projections of plain references, and joins for the rows that are asked
(the probe). A column that is computed, or that comes from the other side of a join, is known to
nobody, and so is one whose rows have several owners or have been moved. Two owners who learn which
of their keys match put their own rows in the order of the common keys, and know these. A party that
puts rows in the order of groups, whose keys it knows, knows the groups' keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..query.bound import ColumnRef
from .known_groups import keeps_all_groups
from .secure import (
    Aggregate,
    Attach,
    Check,
    Filter,
    Fragment,
    Intersection,
    Join,
    Operator,
    Product,
    Project,
    children,
)

Visibility = Mapping[int, str]
"""The party that knows a column, by column id."""


def known_to(operator: Operator) -> Visibility:
    """The columns of the operator's output that a party knows, with that party's name."""
    return known_after(operator, [known_to(child) for child in children(operator)])


def known_after(operator: Operator, inputs: Sequence[Visibility]) -> Visibility:
    """The same where it is known for the operator's inputs."""
    if isinstance(operator, Fragment):
        return {column.id: operator.owner for column in operator.columns}
    if isinstance(operator, Intersection):
        sides = (operator.probe, operator.build) if operator.aligned else (operator.probe,)
        owners = {column.id: side.owner for side in sides for column in side.columns}
        return {c.id: owners[c.id] for c in operator.columns if c.id in owners}
    if isinstance(operator, Aggregate) and _makes_groups(operator):
        return {key: inputs[0][key] for key in operator.keys if key in _alike(operator)}
    return {
        after: inputs[0][before] for after, before in _kept(operator).items() if before in inputs[0]
    }


def unique_keys(operator: Operator) -> tuple[frozenset[int], ...]:
    """Columns that no two rows of the fragment that they come from agree on, unless by NULLs.

    That holds for all of its rows, also for those that a secret condition has dropped.
    """
    if isinstance(operator, Fragment):
        return tuple(map(frozenset, operator.unique))
    if isinstance(operator, Aggregate) and _makes_groups(operator):
        return (frozenset(operator.keys),)
    renamed: dict[int, int] = {}
    for after, before in _kept(operator).items():
        renamed.setdefault(before, after)
    below = children(operator)
    return tuple(
        frozenset(renamed[i] for i in key)
        for key in (unique_keys(below[0]) if _keeps_rows(operator) else ())
        if key <= renamed.keys()
    )


def is_whole(operator: Operator) -> bool:
    """True if the rows are a fragment's, none of them dropped by a secret condition."""
    match operator:
        case Fragment():
            return True
        case Project() | Check():
            return is_whole(operator.input)
        case Join(kind="left") | Attach(kind="cross" | "left"):
            return is_whole(operator.probe)
        case _:
            return False


def _makes_groups(operator: Aggregate) -> bool:
    """True if the party that knows the keys of the rows knows those of the groups, in order."""
    return operator.sort == "known" and keeps_all_groups(operator)


def _alike(operator: Aggregate) -> frozenset[int]:
    """Columns whose codes the operator leaves as they are."""
    given = {column.id: column for column in operator.input.columns}
    same = (c for c in operator.columns if c.id in given and c.encoding == given[c.id].encoding)
    return frozenset(column.id for column in same)


def _keeps_rows(operator: Operator) -> bool:
    """True for operators whose row r is row r of their first input."""
    if isinstance(operator, Product):
        return operator.kind in ("semi", "anti")
    return isinstance(operator, Filter | Check | Project | Join | Attach)


def _kept(operator: Operator) -> dict[int, int]:
    """Output columns that are columns of the first input, row by row and code by code."""
    if not _keeps_rows(operator):
        return {}
    given = {column.id: column for column in children(operator)[0].columns}
    if isinstance(operator, Project):
        pairs = zip(operator.columns, operator.expressions, strict=True)
        sources = [(c, e.id) for c, e in pairs if isinstance(e, ColumnRef)]
    else:
        sources = [(c, c.id) for c in operator.columns if c.id in given]
    return {c.id: i for c, i in sources if c.encoding == given[i].encoding}
