"""When a quicksort compares what: a plan of batches that depends on the row count alone.

A stage knows the order of the first `sample` rows (a uniform sample, once the rows are shuffled)
and finds the order of the first `rows`: the others go down the balanced search tree of the
sample, one batch for each of its `depth` levels, and then all pairs that ended in the same gap
are compared in one more batch. The next stage takes the result as its sample. The first stage has
no sample: all its rows are in one gap.

Only the number of pairs is random: two rows are in the same gap with probability
2 / (sample + 2), so its expectation is known, and it concentrates, being a sum over many gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_BATCH_IN_COMPARISONS = 1 << 16
"""The rounds of a batch are worth so many comparisons: few rounds for few rows, few comparisons
(about 1.04 log2 n for each of a million rows) for many."""


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
def plan_stages(rows: int) -> Schedule:
    """The cheapest schedule for so many rows, at least 2."""
    choices = [
        Schedule(stages=(*_before(depth), Stage(rows=rows, depth=depth)))
        for depth in range((rows - 1).bit_length())
    ]
    return min(choices, key=_price)


def _before(depth: int) -> tuple[Stage, ...]:
    """The stages that order a sample of 2^depth - 1 rows."""
    sample = (1 << depth) - 1
    return plan_stages(sample).stages if sample > 1 else ()


def _price(schedule: Schedule) -> float:
    return schedule.comparisons + _BATCH_IN_COMPARISONS * schedule.batches
