"""When the operators of a plan run: from the leaves to the root, in turn or side by side.

An operator that occurs twice in a plan runs once. Relations carry columns that are computed when
they are first needed; what lies above a relation that several operators read is therefore never run
side by side, as one operator could find a column while another is computing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...planner.secure import Operator, children
from .table import SecretTable


def post_order(operator: Operator) -> Iterator[Operator]:
    """All operators, inputs before those who use them."""
    for child in children(operator):
        yield from post_order(child)
    yield operator


class Schedule:
    """Which operators may start, and the relations that wait for others.

    Operators are named by the position of the first that equals them. A relation is let go as soon
    as the last operator that reads it has it.
    """

    def __init__(self, operators: list[Operator], *, side_by_side: bool) -> None:
        places: dict[Operator, int] = {}
        for position, operator in enumerate(operators):
            places.setdefault(operator, position)
        self._most = len(operators) if side_by_side else 1
        self._inputs = {
            place: [places[below] for below in children(operator)]
            for operator, place in places.items()
        }
        self._readers = Counter(below for inputs in self._inputs.values() for below in set(inputs))
        self._common: dict[int, frozenset[int]] = {}
        for place, inputs in self._inputs.items():
            several = frozenset(below for below in inputs if self._readers[below] > 1)
            self._common[place] = several.union(*(self._common[below] for below in inputs))
        self._waiting = list(self._inputs)
        self._running: set[int] = set()
        self._relations: dict[int, SecretTable] = {}

    @property
    def places(self) -> list[int]:
        """The positions of all operators, of equal ones that of the first."""
        return list(self._inputs)

    def start(self) -> Iterator[int]:
        """The operators that start now, in their order."""
        for place in list(self._waiting):
            if len(self._running) < self._most and self._may_start(place):
                self._waiting.remove(place)
                self._running.add(place)
                yield place

    def take(self, place: int) -> list[SecretTable]:
        """The inputs of an operator that starts."""
        inputs = [self._relations[below] for below in self._inputs[place]]
        for below in set(self._inputs[place]):
            self._readers[below] -= 1
            if not self._readers[below]:
                del self._relations[below]
        return inputs

    def put(self, place: int, table: SecretTable) -> None:
        """The relation of an operator that has ended."""
        self._running.remove(place)
        self._relations[place] = table

    def _may_start(self, place: int) -> bool:
        ready = all(below in self._relations for below in self._inputs[place])
        common = self._common[place]
        return ready and not any(common & self._common[other] for other in self._running)
