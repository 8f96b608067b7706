"""Looking entries up by moving rows: what the party that knows the requests decides, and sums.

Once equal requests stand together, copies are running sums of differences; see owner_moves.py.
Rows are ring vectors (1-D), or packed bits (2-D), for which plus and minus are XOR.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Order = NDArray[np.intp]
_Flags = NDArray[np.bool_]


Choices = tuple[_Order | None, _Order | None, _Order | None]
"""The rows that each of the three moves of a lookup takes; None where they are not known."""


def lookup_choices(source: _Order | None, entries: int) -> Choices:
    """What the owner of the requests decides; `source`: the entry that every request asks for.

    The first move takes no more entries than there are requests: more are never asked for.
    """
    if source is None:
        return None, None, None
    first, requests = _grouped(source)
    wanted = _among(source, entries)
    kept = min(entries, len(source))
    order = np.concatenate([np.flatnonzero(wanted), np.flatnonzero(~wanted)])[:kept]
    starts = kept + np.arange(len(source), dtype=np.intp)
    starts[first] = np.arange(int(np.count_nonzero(first)), dtype=np.intp)
    return order, starts, requests


def repetitions(source: _Order, entries: int) -> tuple[_Order, _Flags, _Order]:
    """The same by repetition: an order of max(entries, requests) rows, in which equal requests
    stand together and the first of them is the entry; who repeats the row before it; and the order
    that brings every request to its place."""
    first, requests = _grouped(source)
    taken = np.empty(len(source), np.intp)
    taken[requests] = source
    heads = np.flatnonzero(first)
    rows = max(entries, len(source))
    order = np.empty(rows, np.intp)
    order[heads] = taken[heads]
    order[~_among(heads, rows)] = np.flatnonzero(~_among(source, rows))
    return order, ~first, requests


def _grouped(source: _Order) -> tuple[_Flags, _Order]:
    """Of the requests in the order of entries, which are the first of theirs; where each stands."""
    by_entry, asked = _sorted(source)
    first = np.ones(len(source), dtype=np.bool_)
    first[1:] = asked[1:] != asked[:-1]
    requests = np.empty(len(source), dtype=np.intp)
    requests[by_entry] = np.arange(len(source), dtype=np.intp)
    return first, requests


def _sorted(source: _Order) -> tuple[_Order, _Order]:
    """The requests in ascending order of what they ask for, and what that is.

    Sorts one number for each, its own number in the low bits, which is several times as fast as
    sorting by a key. Numbers of rows have 31 bits at most.
    """
    low_bits = max(len(source) - 1, 1).bit_length()
    keys = (source.astype(np.int64) << low_bits) | np.arange(len(source), dtype=np.int64)
    keys.sort()
    return (keys & ((1 << low_bits) - 1)).astype(np.intp), (keys >> low_bits).astype(np.intp)


def _among(numbers: _Order, rows: int) -> _Flags:
    """Which rows of so many are among the numbers."""
    found = np.zeros(rows, dtype=np.bool_)
    found[numbers] = True
    return found


def differences(array: NDArray[Any]) -> NDArray[Any]:
    """Every row less the one before it."""
    steps = array.copy()
    if array.ndim == 1:
        steps[1:] -= array[:-1]
    else:
        steps[1:] ^= array[:-1]
    return steps


def with_zeros(array: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.concatenate([array, np.zeros((rows, *array.shape[1:]), array.dtype)])


def running(array: NDArray[Any]) -> NDArray[Any]:
    """Every row and all before it, added up; packed rows in words of eight bytes."""
    if array.ndim == 1:
        return np.cumsum(array, dtype=array.dtype)
    rows, size = array.shape
    wide = np.zeros((rows, -(-size // 8) * 8), np.uint8)
    wide[:, :size] = array
    lanes = wide.view(np.uint64)
    for lane in range(lanes.shape[1]):
        lanes[:, lane] = np.bitwise_xor.accumulate(lanes[:, lane])
    return np.ascontiguousarray(wide[:, :size])
