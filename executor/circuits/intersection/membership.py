"""Which rows of one list of long random tags stand in another."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

Tags = NDArray[np.uint8]
"""Shape (n, size), size at least 8: bytes that look random."""


def in_random_order(tags: Tags) -> Tags:
    """The tags by size: an order that says nothing, as they look random."""
    return tags[np.argsort(_first_words(tags))]


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
    place = np.searchsorted(ordered, first)
    open_rows = np.flatnonzero(place < len(ordered))
    while len(open_rows):  # twice at most, but for words of 64 random bits that meet by chance
        at = place[open_rows]
        same_word = ordered[at] == first[open_rows]
        same = same_word & (among[at] == tags[open_rows]).all(axis=1)
        found[open_rows[same]] = True
        open_rows = open_rows[same_word & ~same & (at + 1 < len(ordered))]
        place[open_rows] += 1
    return found


def _first_words(tags: Tags) -> NDArray[np.uint64]:
    return np.ascontiguousarray(tags[:, :8]).view(np.uint64).reshape(-1)
