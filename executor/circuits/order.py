"""Row orders that nobody knows: secret shuffles and public placements, one after the other.

What a placement opens is uniformly random to everyone, because a fresh secret shuffle stands
before or behind it; so an order may be kept, applied to further columns of the same relation, and
undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..sharing.groups import grouped, moved_in_groups, on_disk
from ..sharing.messages import share_bytes
from ..sharing.protocol import SharingProtocol, ShuffleHandle
from ..sharing.shares import Bits, Ring, Share
from .rows import permute_rows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shuffled:
    """A secret shuffle, or the undoing of one."""

    handle: ShuffleHandle
    backwards: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Placed:
    """Row r comes from row source[r]; None in a dry run."""

    source: NDArray[np.intp] | None

    @property
    def inverse(self) -> NDArray[np.intp] | None:
        return None if self.source is None else inverse_permutation(self.source)


Step: TypeAlias = Shuffled | Placed


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Order:
    """A new order of a relation's rows, as the steps that lead to it."""

    steps: tuple[Step, ...] = ()

    def apply(self, p: SharingProtocol, columns: Sequence[Share]) -> list[Share]:
        """Brings further columns of the same relation into this order.

        Cost: 2 rounds and 4/3 W bits per row for each shuffle among the steps.
        """
        moved = list(columns)
        if moved:
            for step in self.steps:
                moved = _forwards(p, step, moved)
        return moved

    def undo(self, p: SharingProtocol, columns: Sequence[Share]) -> list[Share]:
        """From this order back to the relation's own. Costs the same as `apply`."""
        moved = list(columns)
        if moved:
            for step in reversed(self.steps):
                moved = _backwards(p, step, moved)
        return moved


def shuffle_rows(p: SharingProtocol, columns: Sequence[Share]) -> tuple[list[Share], ShuffleHandle]:
    """All columns in one uniformly random order that nobody knows, group by group.

    Cost: 2 rounds for every group (sharing/groups.py); 4/3 W bits per row.
    """
    first, *others = grouped(columns, share_bytes)
    moved, handle = p.shuffle(first)
    moved = on_disk(p, moved)
    for group in others:
        moved += on_disk(p, p.shuffle_again(handle, group))
    return moved, handle


def place(
    p: SharingProtocol, columns: Sequence[Share], source: NDArray[np.intp] | None
) -> list[Share]:
    """Row r of every result is row source[r]. Local."""
    return moved_in_groups(p, columns, lambda group: [_permute(x, source) for x in group])


def inverse_permutation(source: NDArray[Any]) -> NDArray[np.intp]:
    """The permutation that undoes `source`."""
    inverse = np.empty(len(source), dtype=np.intp)
    inverse[source] = np.arange(len(source), dtype=np.intp)
    return inverse


def _permute(column: Share, source: NDArray[np.intp] | None) -> Share:
    match column:
        case Bits():
            return permute_rows(column, source)
        case Ring():
            return permute_rows(column, source)


def _forwards(p: SharingProtocol, step: Step, columns: list[Share]) -> list[Share]:
    match step:
        case Shuffled(handle, backwards):
            move = p.unshuffle if backwards else p.shuffle_again
            return moved_in_groups(p, columns, lambda group: move(handle, group))
        case Placed(source):
            return place(p, columns, source)


def _backwards(p: SharingProtocol, step: Step, columns: list[Share]) -> list[Share]:
    match step:
        case Shuffled(handle, backwards):
            return _forwards(p, Shuffled(handle, not backwards), columns)
        case Placed():
            return place(p, columns, step.inverse)
