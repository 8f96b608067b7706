"""The intersection of two owners' keys, revealed to both of them, by one of two protocols."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....planner.secure import IntersectionAlgorithm
from ...sharing.protocol import SharingProtocol
from ..cuckoo import draw_seed
from .pair import Pair
from .points import match_by_points
from .transfers import match_by_transfers


def intersect(
    p: SharingProtocol,
    owners: tuple[int, int],
    bounds: tuple[int, int],
    keys: NDArray[np.uint8] | None,
    algorithm: IntersectionAlgorithm,
) -> NDArray[np.bool_] | None:
    """For each of this owner's keys, whether the other owner has it; None at others.

    `owners`: two compute parties, of whom each has at most so many distinct `keys` (rows of bytes,
    at most its bound, of one size at both). Either learns what is returned to it, which is all that
    it may learn of the other's keys; the other parties learn nothing.
    Cost: a round for the public seed, and those of the algorithm.
    """
    pair = Pair(owners=owners, bounds=bounds, seed=draw_seed(p))
    match algorithm:
        case "points":
            return match_by_points(p, pair, keys)
        case "transfers":
            return match_by_transfers(p, pair, keys)
