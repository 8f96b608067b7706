"""The groups of rows whose keys a party knows, as it works them out alone, over its own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...query.errors import InternalError
from .known import Flags, Known, Packed

_Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KnownGroups:
    """Groups in ascending order of their keys (NULL last), of rows that are there.

    order: the row that stands at each place once equal keys stand together, padding last. heads:
    for every place that of the first row of its group. ends: all places, the groups' last rows
    first. examples: a row of each group.
    """

    order: _Order
    heads: _Order
    ends: _Order
    examples: _Order

    def keys(self, known: Known, groups: int) -> Known:
        """A key of so many groups, of which those that there are come first."""
        if known.rows_bytes is None or known.nulls is None:
            raise InternalError("a key is not known here")
        packed = np.zeros((groups, known.rows_bytes.shape[1]), np.uint8)
        nulls, padding = np.zeros(groups, np.bool_), np.ones(groups, np.bool_)
        count = len(self.examples)
        packed[:count] = known.rows_bytes[self.examples]
        nulls[:count] = known.nulls[self.examples]
        padding[:count] = False
        return Known(owner=known.owner, rows_bytes=packed, nulls=nulls, padding=padding)


def known_groups(keys: Sequence[Known | None]) -> KnownGroups | None:
    """The groups by these keys, the first of which is the most significant.

    None where this party does not know them.
    """
    ranked: list[NDArray[np.uint64] | Flags] = []
    padding: Flags | None = None
    for known in reversed(keys):
        if known is None or known.rows_bytes is None or known.nulls is None:
            return None
        padding = known.padding
        ranked += [*_words(known.rows_bytes), known.nulls]
    assert padding is not None, "a grouping has a key"
    order = np.lexsort([*ranked, padding]).astype(np.intp, copy=False)
    rows, there = len(order), int(np.count_nonzero(~padding))
    first = np.zeros(rows, np.bool_)
    first[:1] = True
    for values in [*ranked, padding]:
        ordered = values[order]
        first[1:] |= ordered[1:] != ordered[:-1]
    numbers = np.arange(rows, dtype=np.intp)
    last = np.append(first[1:], True)
    last[there:] = False
    return KnownGroups(
        order=order,
        heads=np.maximum.accumulate(np.where(first, numbers, 0)),
        ends=np.concatenate([numbers[last], numbers[~last]]),
        examples=order[last],
    )


def _words(packed: Packed) -> list[NDArray[np.uint64]]:
    """Little-endian numbers as words, the least significant first."""
    rows, size = packed.shape
    wide = np.zeros((rows, 8 * -(-size // 8)), np.uint8)
    wide[:, :size] = packed
    return list(wide.view("<u8").T)
