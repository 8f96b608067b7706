"""Columns taken group by group, so that no step holds all of a large relation in several forms.

Groups follow from public sizes alone. They are so large that the rounds of one more are nothing
beside its bytes, on any network: 16 MiB take over a second at 100 Mbit/s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from numpy.typing import NDArray

from ...planner.spilling import GROUP_BYTES
from .messages import share_bytes
from .protocol import SharingProtocol
from .shares import Share

T = TypeVar("T")


def grouped(items: Sequence[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in their order, as few groups as hold GROUP_BYTES each; none is empty."""
    group: list[T] = []
    total = 0
    for item in items:
        if group and total + size(item) > GROUP_BYTES:
            yield group
            group, total = [], 0
        group.append(item)
        total += size(item)
    if group:
        yield group


def moved_in_groups(
    p: SharingProtocol, columns: Sequence[Share], move: Callable[[list[Share]], list[Share]]
) -> list[Share]:
    """What `move` makes of the columns; what is ready waits on disk where memory is spared."""
    moved: list[Share] = []
    for group in grouped(columns, share_bytes):
        moved += on_disk(p, move(group))
    return moved


def one_by_one(
    p: SharingProtocol, columns: Sequence[Share], change: Callable[[Share], Share]
) -> list[Share]:
    """Every column changed locally, so that at most one is in memory where this is spared."""
    return [ready for column in columns for ready in on_disk(p, [change(column)])]


def array_on_disk(p: SharingProtocol, array: NDArray[Any]) -> NDArray[Any]:
    """The same array, on disk where this party spares its memory. Local."""
    return array if p.spill is None else p.spill.keep_arrays([array])[0]


def on_disk(p: SharingProtocol, shares: list[Share]) -> list[Share]:
    """The same shares, on disk where this party spares its memory. Local."""
    return shares if p.spill is None else p.spill.keep(shares)
