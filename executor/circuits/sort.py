"""Sorting a relation by secret keys: one function over two algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Share
from .order import Order
from .quicksort import quicksort
from .radix import radix_order

Algorithm: TypeAlias = Literal["quick", "radix"]


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """The keys and the columns in their new order, and the order itself."""

    keys: Bits
    columns: list[Share]
    order: Order


def sort(
    p: SharingProtocol,
    keys: Bits,
    columns: Sequence[Share],
    *,
    algorithm: Algorithm,
    distinct: bool = False,
    stable: bool = True,
) -> Sorted:
    """The rows in ascending order of the unsigned value of all key planes.

    Rows with equal keys keep their original order (both algorithms are stable anyway, so `stable`
    asks for nothing more). `distinct` promises that no two keys are equal, which spares the
    quicksort its tie-breaker; a false promise would reveal which rows tie.

    Cost: see radix.py and quicksort.py. Keys without planes, and fewer than two rows, cost
    nothing.
    """
    if keys.width == 0 or keys.rows < 2:
        return Sorted(keys, list(columns), Order())
    match algorithm:
        case "quick":
            moved, order = quicksort(p, keys, columns, distinct=distinct)
        case "radix":
            order = radix_order(p, keys)
            moved = order.apply(p, [keys, *columns])
        case _:
            assert_never(algorithm)
    return _sorted(moved, order)


def _sorted(moved: list[Share], order: Order) -> Sorted:
    keys = moved[0]
    assert isinstance(keys, Bits)
    return Sorted(keys, moved[1:], order)
