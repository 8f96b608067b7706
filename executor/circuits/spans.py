"""Bit patterns of public values over the planes of a word, span by span, merged as a tree.

A level knows something for every pattern that a value has in a span of planes; neighbouring spans
become one, so that values share the patterns that they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Span = tuple[int, int]


def root_patterns(
    leaves: Sequence[dict[int, T]],
    values: Sequence[int],
    join: Callable[[list[tuple[T, T, bool]]], list[T]],
) -> dict[int, T]:
    """What is known of every value over all planes, given what is known plane by plane.

    `join` takes (high, low, whether the low span starts above plane 0) for all patterns of one
    level, and gives what is known of both together. It is called ceil(log2 planes) times.
    """
    level = list(leaves)
    spans: list[Span] = [(plane, plane + 1) for plane in range(len(level))]
    while len(spans) > 1:
        spans, level = _merged(spans, level, values, join)
    return level[0]


def _merged(
    spans: list[Span],
    level: list[dict[int, T]],
    values: Sequence[int],
    join: Callable[[list[tuple[T, T, bool]]], list[T]],
) -> tuple[list[Span], list[dict[int, T]]]:
    """Neighbouring spans as one; the last one stays where their number is odd."""
    merged: list[Span] = []
    places: list[list[int]] = []
    pairs: list[tuple[T, T, bool]] = []
    for low in range(0, len(spans) - 1, 2):
        start, middle, stop = spans[low][0], spans[low][1], spans[low + 1][1]
        bits = middle - start
        patterns = sorted({v >> start & (1 << stop - start) - 1 for v in values})
        under, over = level[low], level[low + 1]
        pairs += [(over[v >> bits], under[v & (1 << bits) - 1], start > 0) for v in patterns]
        places.append(patterns)
        merged.append((start, stop))
    joined = iter(join(pairs))
    result = [{pattern: next(joined) for pattern in patterns} for patterns in places]
    if len(spans) % 2:
        merged.append(spans[-1])
        result.append(level[-1])
    return merged, result
