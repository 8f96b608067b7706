"""Cuckoo tables: distinct keys in bins, each in one of three bins that follow from it.

Whoever builds a table knows its keys; whoever looks up computes the three bins of its own keys.
Nothing here is a protocol: both do so in clear, under a public seed that is drawn when the keys of
both are fixed (`draw_seed`), so that nobody can have chosen keys that do not fit.

Size. A table of m keys has 1.3 m + 108 bins, by the public bound m. It can be filled unless some s
keys have their bins among s - 1. In the least such set every bin is hit twice or more, and the
expected number of such sets, summed over s, is below 2^-40 for every m (the test computes the sum;
ranges of m under a few hundred need the constant term, where 4 keys may have the same 3 bins). The
published figures, 1.27 m to 1.3 m bins by experiment (Pinkas, Schneider, Zohner, TOPS 2018, section
3.2), agree. Up to 3 keys fit into 3 bins, whatever these are. As the placement is exact (a key that
finds no place by evicting others is placed by a search for an augmenting path), nothing else fails.

A table that cannot be filled ends the session (SessionError). There is no second seed in the same
session: whether one was needed would tell others something about keys. That a session ended tells
them as little, as it happens with a probability below 2^-40 over the seed, whatever the keys are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...planner.cuckoo_size import CHOICES, bins_for
from ...query.errors import InternalError, SessionError
from ..sharing.protocol import SharingProtocol
from .key_hash import KeyHash

SEED_BITS = 128

_EVICTION_ROUNDS = 200
"""Rounds of simultaneous evictions before the few keys that still wait are placed one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class CuckooTable:
    """`rows[b]`: the row of the key in bin b, 0 where there is none; `filled[b]`: is there one?"""

    rows: NDArray[np.intp]
    filled: NDArray[np.bool_]


def draw_seed(p: SharingProtocol) -> bytes | None:
    """A fresh public seed that nobody chose; None in a dry run. 1 round, 128 bits."""
    opened = p.open([p.random_bits(SEED_BITS, 1)])
    return None if opened is None else opened[0].astype("<u8").tobytes()


def candidates(keys: NDArray[np.uint8], seed: bytes, bins: int) -> NDArray[np.intp]:
    """The bins of every key, shape (n, 3): distinct, and the same for equal keys.

    `keys`: one row of bytes per key, shape (n, size).
    """
    if bins < CHOICES:
        raise InternalError("a cuckoo table has at least three bins")
    draws = KeyHash(seed, b"cuckoo table").words(keys, 2)
    first, second, third = (draws[:, i] % np.uint64(bins - i) for i in range(CHOICES))
    second += second >= first
    third += third >= np.minimum(first, second)
    third += third >= np.maximum(first, second)
    return np.stack([first, second, third], axis=1).astype(np.intp)


def cuckoo_table(keys: NDArray[np.uint8], seed: bytes, bins: int) -> CuckooTable:
    """Every key in one of its candidates; at most `bins_for`'s number of keys, all distinct.

    Errors: InternalError if two keys are equal; SessionError if they do not fit (see above).
    """
    if bins < bins_for(len(keys)):
        raise InternalError("a cuckoo table has fewer bins than its keys need")
    choices = candidates(keys, seed, bins)
    _refuse_duplicates(keys, choices, bins)
    occupant = _placed(choices, bins)
    filled = occupant >= 0
    return CuckooTable(np.where(filled, occupant, 0), filled)


def _refuse_duplicates(keys: NDArray[np.uint8], choices: NDArray[np.intp], bins: int) -> None:
    """Compares those keys in full that agree in two of their bins, of which there are few."""
    code = choices[:, 0] * bins + choices[:, 1]
    ordered = np.sort(code)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    suspects = np.ascontiguousarray(keys[np.isin(code, shared)])
    if len(suspects) and len(np.unique(suspects, axis=0)) < len(suspects):
        raise InternalError("a key stands twice in a cuckoo table")


def _placed(choices: NDArray[np.intp], bins: int) -> NDArray[np.intp]:
    """For each bin the key in it, or -1."""
    occupant = np.full(bins, -1, np.intp)
    turn = np.zeros(len(choices), np.intp)  # which of its bins a key tries next
    waiting = np.arange(len(choices))
    for _ in range(_EVICTION_ROUNDS):
        waiting = _settled(choices, occupant, turn, waiting)
        if not len(waiting):
            return occupant
        target = choices[waiting, turn[waiting]]
        before = occupant[target]
        occupant[target] = waiting  # of several that want one bin, one gets it
        won = occupant[target] == waiting
        turn[waiting] = (turn[waiting] + 1) % CHOICES
        waiting = np.concatenate([waiting[~won], before[won]])
    for key in _settled(choices, occupant, turn, waiting):
        _augment(choices, occupant, int(key))
    return occupant


def _settled(
    choices: NDArray[np.intp],
    occupant: NDArray[np.intp],
    turn: NDArray[np.intp],
    waiting: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Puts keys into bins that are free, where one of theirs is; the keys that still wait."""
    for place in range(CHOICES):
        target = choices[waiting, place]
        free = occupant[target] < 0
        occupant[target[free]] = waiting[free]
        done = occupant[target] == waiting
        turn[waiting[done]] = (place + 1) % CHOICES
        waiting = waiting[~done]
    return waiting


def _augment(choices: NDArray[np.intp], occupant: NDArray[np.intp], key: int) -> None:
    """Places one more key, by moving others along the shortest path to a free bin."""
    came_from = np.full(len(occupant), -1, np.intp)  # the key that would move into the bin
    frontier = np.array([key])
    while len(frontier):
        target = choices[frontier].reshape(-1)
        source = np.repeat(frontier, CHOICES)
        new = came_from[target] < 0
        came_from[target[new]] = source[new]
        reached = np.unique(target[new])
        free = reached[occupant[reached] < 0]
        if len(free):
            return _move(choices, occupant, came_from, int(free[0]), key)
        frontier = occupant[reached]
    raise SessionError("the keys do not fit into a table under this session's seed; run it again")


def _move(
    choices: NDArray[np.intp],
    occupant: NDArray[np.intp],
    came_from: NDArray[np.intp],
    free: int,
    key: int,
) -> None:
    """Moves every key of the path that ends in the free bin by one bin; `key` gets the first."""
    moving = int(came_from[free])
    while moving != key:
        here = next(int(bin) for bin in choices[moving] if occupant[bin] == moving)
        occupant[free] = moving
        free, moving = here, int(came_from[here])
    occupant[free] = key
