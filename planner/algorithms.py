"""How each operator runs: all ways are priced on the named link, the cheapest one is kept.

Sorts are quick or radix; joins and groupings may also run without one (known_joins.py,
known_groups.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from .cost import Link, Pricer, replace_sort
from .known_groups import may_be_known
from .known_joins import key_owner, known_options
from .public_groups import public_groups
from .secure import (
    Aggregate,
    AlignedSum,
    Attach,
    Concat,
    Expand,
    Fragment,
    Join,
    Operator,
    Product,
    Root,
    Sort,
    Window,
    children,
)

RADIX_WIDTH = 32


def choose_algorithms(root: Root, pricer: Pricer, link: Link, parties: Collection[str]) -> Root:
    """The plan with the cheapest algorithm for every operator. Deterministic.

    `parties`: those that compute, who may move rows by what they know.
    """
    choice = _Choice(pricer, link, parties, _standing_once(root))
    return dataclasses.replace(root, input=choice.of(root.input))


@dataclass(frozen=True, slots=True)
class _Choice:
    """`alone`: fragments that stand at one place of the plan only."""

    pricer: Pricer
    link: Link
    parties: Collection[str]
    alone: Collection[Fragment]

    def of(self, operator: Operator) -> Operator:
        """The operator and everything below it, each by its cheapest algorithm."""
        operator = with_inputs(operator, tuple(map(self.of, children(operator))))
        options = [option for _, option in options_of(operator, self.parties, self.alone)]
        if len(options) <= 1:
            return options[0] if options else operator
        seconds = [self._seconds(option, operator) for option in options]
        return options[seconds.index(min(seconds))]

    def _seconds(self, option: Operator, given: Operator) -> float:
        """What the option takes, and how much more than before its inputs."""
        total = self.link.seconds(self.pricer.operator_cost(option))
        for new, old in zip(children(option), children(given), strict=True):
            if new != old:
                total += self.link.seconds(self.pricer.operator_cost(new))
                total -= self.link.seconds(self.pricer.operator_cost(old))
        return total


def options_of(
    operator: Operator, parties: Collection[str], alone: Collection[Fragment]
) -> list[tuple[str, Operator]]:
    """The ways in which an operator could run, with a name for each; none if nothing is to choose.

    Of equal ones the first is taken. `alone`: fragments that no other operator reads.
    """
    if not isinstance(operator, Join | Expand | Aggregate | Sort | Window) or not sorts(operator):
        return []
    options = [(f"{name} sort", replace_sort(operator, name)) for name in _algorithms(operator)]
    if isinstance(operator, Join):
        options += [(o.by, o) for o in known_options(operator, parties, alone)]
    if isinstance(operator, Aggregate) and _known(operator, parties):
        options.append(("known keys", replace_sort(operator, "known")))
    return options


def _known(operator: Aggregate, parties: Collection[str]) -> bool:
    """Whether a compute party knows the keys, and can group by them."""
    owner = key_owner(operator.input, operator.keys)
    return may_be_known(operator, owner, parties)


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


def _standing_once(root: Operator) -> frozenset[Fragment]:
    """Fragments that one operator reads, once. Operators that are equal run once, as one."""
    readers: dict[Fragment, set[tuple[Operator, int]]] = {}

    def visit(operator: Operator) -> None:
        for place, child in enumerate(children(operator)):
            if isinstance(child, Fragment):
                readers.setdefault(child, set()).add((operator, place))
            visit(child)

    visit(root)
    return frozenset(fragment for fragment, found in readers.items() if len(found) == 1)


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
