"""When a quicksort compares what: a plan of batches that depends on public sizes alone.

A stage knows the order of the first `sample` rows (a uniform sample, once the rows are shuffled)
and finds the order of the first `rows`: the others go down the balanced search tree of the
sample, one batch for each of its `depth` levels, and then all pairs that ended in the same gap
are compared in one more batch. The next stage takes the result as its sample. The first stage has
no sample: all its rows are in one gap.

Only the number of pairs is random. Two rows are in the same gap with probability 2 / (sample + 2),
so its expectation is known; its relative standard deviation is close to 1 / sqrt(sample)
(Greenwood, Journal of the Royal Statistical Society 109, 1946), so samples are never so small that
what a sort sends would stray far from what is predicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

_SPREAD = 0.01
"""The relative standard deviation that the number of comparisons may have."""

_WORD_VARIANCE = 64**2 / 12
"""How far a number of bits strays when it is rounded up to whole words."""

_SAMPLE_SPREAD = 0.03
"""The same for sorting the sample, a small part of the whole."""


_MUCH = 1.25
"""How many times the cheapest schedule's price one may cost before others are looked for."""

_OTHER_BATCHES = tuple(1 << power for power in range(4, 18, 2))
"""Samples that are ordered as if a batch were worth so much stray less or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Orders the first `rows` rows, given the order of the first `sample` = 2^depth - 1."""

    rows: int
    depth: int

    @property
    def sample(self) -> int:
        return (1 << self.depth) - 1

    @property
    def rest(self) -> int:
        return self.rows - self.sample

    @property
    def expected_pairs(self) -> float:
        """Pairs of the rest that are compared in the last batch, in expectation."""
        return self.rest * (self.rest - 1) / (self.sample + 2)

    @property
    def variance(self) -> float:
        """The variance of the number of pairs, rounded up to whole words of a plane: for few pairs
        the words alone make it stray. With no sample all pairs are compared."""
        return self.expected_pairs**2 / self.sample + _WORD_VARIANCE if self.sample else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All stages, the smallest first."""

    stages: tuple[Stage, ...]

    @property
    def batches(self) -> int:
        return sum(stage.depth + 1 for stage in self.stages)

    @property
    def comparisons(self) -> float:
        """How many comparisons are made, in expectation."""
        return sum(stage.depth * stage.rest + stage.expected_pairs for stage in self.stages)


@lru_cache(maxsize=4096)
def plan_stages(rows: int, batch: int = 1 << 16) -> Schedule:
    """The cheapest schedule for so many rows, at least 2.

    `batch`: the rounds of a batch are worth so many comparisons: few rounds for few rows, few
    comparisons (about 1.04 log2 n for each of a million rows) for many.
    """
    choices = list(_schedules(rows, batch))
    least = min(stages_price(choice, batch) for choice in choices)
    steady = _cheapest_steady(choices, _SPREAD, batch)
    if stages_price(steady, batch) > _MUCH * least:
        choices += [choice for other in _OTHER_BATCHES for choice in _schedules(rows, other)]
        steady = _cheapest_steady(choices, _SPREAD, batch)
    return steady


def _schedules(rows: int, batch: int) -> Iterator[Schedule]:
    """One for each depth of the last stage, whose sample is ordered by the cheapest schedule."""
    for depth in range((rows - 1).bit_length()):
        yield Schedule(stages=(*_before(depth, batch), Stage(rows=rows, depth=depth)))


def _cheapest_steady(choices: Iterable[Schedule], spread: float, batch: int) -> Schedule:
    """The cheapest of the schedules that do not stray far; one without a sample is among them."""
    steady = (choice for choice in choices if _spread(choice) <= spread)
    return min(steady, key=lambda choice: stages_price(choice, batch))


@lru_cache(maxsize=1024)
def _before(depth: int, batch: int) -> tuple[Stage, ...]:
    """The stages that order a sample of 2^depth - 1 rows."""
    sample = (1 << depth) - 1
    if sample < 2:
        return ()
    return _cheapest_steady(_schedules(sample, batch), _SAMPLE_SPREAD, batch).stages


def _spread(schedule: Schedule) -> float:
    deviation = sqrt(sum(stage.variance for stage in schedule.stages))
    return deviation / schedule.comparisons


def stages_price(schedule: Schedule, batch: int) -> float:
    """What a schedule costs, in comparisons."""
    return schedule.comparisons + batch * schedule.batches
