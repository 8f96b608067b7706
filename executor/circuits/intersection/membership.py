"""Which rows of one list of long random tags stand in another."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

Tags = NDArray[np.uint8]
"""Shape (n, size), size at least 8: bytes that look random."""


def in_random_order(tags: Tags) -> Tags:
    """The tags by size: an order that says nothing, as they look random."""
    return np.take(tags, np.argsort(_first_words(tags)), axis=0)


def filled_up(tags: Tags, count: int) -> Tags:
    """The tags among random ones, `count` in all, in random order."""
    missing, size = count - len(tags), tags.shape[1]
    others = np.frombuffer(os.urandom(missing * size), np.uint8).reshape(missing, size)
    return in_random_order(np.concatenate([tags, others]))


def contained(tags: Tags, among: Tags) -> NDArray[np.bool_]:
    """For each of `tags`, whether it stands in `among`, which `in_random_order` has ordered."""
    found = np.zeros(len(tags), np.bool_)
    if not len(among):
        return found
    first, ordered = _first_words(tags), _first_words(among)
    rows = np.argsort(first)  # neighbours look in neighbouring places, which the cache likes
    place = np.searchsorted(ordered, first[rows])
    while len(rows):  # twice at most, but for words of 64 random bits that meet by chance
        inside = place < len(ordered)
        rows, place = rows[inside], place[inside]
        near = ordered[place] == first[rows]
        rows, place = rows[near], place[near]
        same = (np.take(among, place, axis=0) == np.take(tags, rows, axis=0)).all(axis=1)
        found[rows[same]] = True
        rows, place = rows[~same], place[~same] + 1
    return found


def _first_words(tags: Tags) -> NDArray[np.uint64]:
    return np.ascontiguousarray(tags[:, :8]).view(np.uint64).reshape(-1)
