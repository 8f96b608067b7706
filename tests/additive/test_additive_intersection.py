"""Two owners without a helper learn which of their keys the other has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tacit.executor.circuits.intersection.intersect import intersect
from tacit.executor.sharing.additive.counting import CountingAdditive


@pytest.mark.parametrize("algorithm", ["points", "transfers"])
def test_both_learn_their_common_keys_at_the_predicted_cost(parties, algorithm):
    keys = [np.array([[1], [2], [3]], np.uint8), np.array([[3], [4], [1], [9]], np.uint8)]

    def run(p: Any) -> Any:
        before = p._link._channel.counters.sent_bytes
        here = intersect(p, (0, 1), (5, 4), keys[p.party], algorithm)
        return here.tolist(), p._link._channel.counters.sent_bytes - before

    first, second = parties(2, run)
    assert first[0] == [True, False, True]
    assert second[0] == [True, False, True, False]
    counting = CountingAdditive(2)
    intersect(counting, (0, 1), (5, 4), None, algorithm)
    assert counting.cost().sent_bytes == (first[1], second[1])
