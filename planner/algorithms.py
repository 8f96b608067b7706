"""Which sort each operator uses: both are priced on the named link, the cheaper one is kept."""

from __future__ import annotations

import dataclasses

from .cost import Link, Pricer, replace_sort
from .public_groups import public_groups
from .secure import (
    Aggregate,
    AlignedSum,
    Attach,
    Concat,
    Expand,
    Join,
    Operator,
    Product,
    Root,
    Sort,
    Window,
    children,
)

RADIX_WIDTH = 32


def choose_sorts(root: Root, pricer: Pricer, link: Link) -> Root:
    """The plan with a sort algorithm for every operator that sorts. Deterministic."""
    return dataclasses.replace(root, input=_choose(root.input, pricer, link))


def _choose(operator: Operator, pricer: Pricer, link: Link) -> Operator:
    operator = with_inputs(
        operator, tuple(_choose(child, pricer, link) for child in children(operator))
    )
    options = [option for _, option in options_of(operator)]
    if len(options) <= 1:
        return options[0] if options else operator
    return min(options, key=lambda option: link.seconds(pricer.operator_cost(option)))


def options_of(operator: Operator) -> list[tuple[str, Operator]]:
    """The ways in which an operator could run, with a name for each; none if nothing is to choose.

    Of equal ones the first is taken.
    """
    if not isinstance(operator, Join | Expand | Aggregate | Sort | Window) or not sorts(operator):
        return []
    return [(f"{name} sort", replace_sort(operator, name)) for name in _algorithms(operator)]


def _algorithms(operator: Join | Expand | Aggregate | Sort | Window) -> tuple[str, ...]:
    """The sort algorithms that come into question."""
    names = ("quick",) if key_width(operator) > RADIX_WIDTH else ("quick", "radix")
    match operator:
        case Sort() if 0 < operator.rows < operator.input.rows:
            return (*names, "select")
        case Aggregate() if public_groups(operator) is not None:
            return (*names, "dense")
        case _:
            return names


def sorts(operator: Operator) -> bool:
    """True if the operator runs a sort whose algorithm matters."""
    match operator:
        case Aggregate(keys=()):
            return any(a.function.endswith("_distinct") for a in operator.aggregates)
        case Join() | Expand() | Aggregate() | Window():
            return True
        case Sort():
            return bool(operator.keys)
        case _:
            return False


MOVED_ALONG = ("sum", "count", "any_value", "constant")
"""Aggregates whose argument does not extend the sort key."""


def key_width(operator: Join | Expand | Aggregate | Sort | Window) -> int:
    """Planes of the widest key that the operator sorts by."""
    match operator:
        case Join():
            return _width(operator.build, operator.build_keys)
        case Expand():
            return max(operator.rows.bit_length(), _width(operator.right, operator.right_keys))
        case Window():
            order = tuple(key.column for key in operator.order)
            return 1 + _width(operator.input, (*operator.partition, *order))
        case Sort():
            return _width(operator.input, tuple(key.column for key in operator.keys))
        case Aggregate():
            extended = [
                (a.argument if a.order is None else a.order)
                for a in operator.aggregates
                if a.argument is not None and a.function not in MOVED_ALONG
            ]
            widest = max((_width(operator.input, (i,)) for i in extended), default=0)
            return _width(operator.input, operator.keys) + widest


def _width(operator: Operator, ids: tuple[int, ...]) -> int:
    by_id = {column.id: column for column in operator.columns}
    total = 0
    for column_id in ids:
        column = by_id[column_id]
        assert column.encoding is not None
        total += column.encoding.width + column.nullable
    return total


def with_inputs(operator: Operator, inputs: tuple[Operator, ...]) -> Operator:
    """The same operator over other inputs."""
    if inputs == children(operator):
        return operator
    match operator:
        case Join() | Attach():
            return dataclasses.replace(operator, probe=inputs[0], build=inputs[1])
        case Product() | Expand():
            return dataclasses.replace(operator, left=inputs[0], right=inputs[1])
        case Concat() | AlignedSum():
            return dataclasses.replace(operator, inputs=inputs)
        case _:
            return dataclasses.replace(operator, input=inputs[0])  # type: ignore[call-arg]
