"""Set intersection by Diffie-Hellman on a prime-order group: for few keys, as it needs no set-up.

Setting: two owners of distinct keys, either may be curious; both learn which of their keys the
other has, and nothing else. Random-oracle model, DDH on the prime-order group of edwards25519
(Meadows, S&P 1986; Huberman, Franklin, Hogg, EC 1999).
Each owner has a random scalar, a and b, for this run alone.
  1. Owner A sends a H(x) for its keys x, among random points up to its public bound, in the order
     of their bytes; B likewise. H is a hash to the group: nobody knows a logarithm of its values.
  2. Either multiplies what it received by its scalar and sends the first bytes of each back.
  A key x is with the other owner if ab H(x) is among A's own multiples of B's points.
To try a key that is not its own, an owner would need the other's scalar: keys may be as few as
they like. Cost: 2 rounds; 32 bytes for each own key and 16 for each of the other's; one hash to
the group for each own key, and a multiplication for each key of both: about a quarter of a
millisecond for each key, one at a time, as libsodium multiplies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...sharing.ot.group import (
    POINT_BYTES,
    hash_to_point,
    random_point,
    random_scalar,
    times,
    times_received,
)
from ...sharing.protocol import SharingProtocol
from .membership import contained, in_random_order
from .pair import Pair

_TAG_BYTES = 16

_OWN_SECONDS, _OTHERS_SECONDS = 2.5e-4, 1.5e-4
"""Processor time for an own key, which is hashed and multiplied, and for one of the other's."""


def match_by_points(
    p: SharingProtocol, pair: Pair, keys: NDArray[np.uint8] | None
) -> NDArray[np.bool_] | None:
    """For each own key, whether the other owner has it; None at others. `keys`: rows of bytes."""
    first, second = pair.bounds
    there = pair.both_send((POINT_BYTES * first, POINT_BYTES * second))
    back = pair.both_send((_TAG_BYTES * second, _TAG_BYTES * first))
    if keys is None or pair.seed is None:
        p.exchange(there, {}, _OWN_SECONDS * max(pair.bounds))
        p.exchange(back, {}, _OTHERS_SECONDS * min(pair.bounds))
        return None
    peer, scalar = pair.peer(p.party), random_scalar()
    points = [hash_to_point(pair.seed, row.tobytes()) for row in keys]
    points += [random_point() for _ in range(pair.bound(p.party) - len(points))]
    points = [times(scalar, point) for point in points]  # of all, so that time tells no number
    order = sorted(range(len(points)), key=points.__getitem__)
    received = p.exchange(there, {peer: [_bytes([points[i] for i in order])]})
    theirs = [
        times_received(scalar, point.tobytes(), peer)[:_TAG_BYTES]
        for point in _received(received, peer, POINT_BYTES)
    ]
    doubled = _bytes(theirs).reshape(-1, _TAG_BYTES)
    received = p.exchange(back, {peer: [doubled]})
    own = np.empty((len(points), _TAG_BYTES), np.uint8)
    own[order] = _received(received, peer, _TAG_BYTES)
    return contained(own[: len(keys)], in_random_order(doubled))


def _received(
    received: dict[int, NDArray[np.uint8]] | None, peer: int, size: int
) -> NDArray[np.uint8]:
    payload = (received or {}).get(peer, np.empty(0, np.uint8))
    return payload.reshape(-1, size)


def _bytes(parts: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(parts), np.uint8)
