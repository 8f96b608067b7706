"""Base oblivious transfers: 128 of them start an extension.

Setting: a sender and a receiver, either may be curious; random-oracle model, CDH in the group
(Naor and Pinkas, SODA 2001, section 3.1, with random messages and one y for all transfers).
C is a point that the session's context hashes to: nobody knows its logarithm.
  1. Sender: y random, sends Y = y G. Receiver, for each transfer i with choice c: x random,
     P_c = x G, P_(1-c) = C - P_c; sends P_0.
  2. Keys of transfer i at the sender: K_b = hash(i, b, y P_b), where y P_1 = y C - y P_0; the
     receiver knows K_c = hash(i, c, x Y) alone: with both it would know y C.
P_0 is a uniform point, whatever c is. The session's context goes into every hash.
Cost: 1 round; 32 bytes per transfer from the receiver, 32 from the sender; per transfer one
multiplication of a point at each end, and one of the generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .group import (
    POINT_BYTES,
    checked,
    generator_times,
    hash_to_point,
    random_scalar,
    subtract,
    times,
    times_received,
)

KEY_BYTES = 16
SENDER_BYTES = POINT_BYTES


def receiver_bytes(count: int) -> int:
    """Bytes that the receiver of `count` transfers sends."""
    return POINT_BYTES * count


class BaseSender:
    """Ends with two random keys per transfer. `context` names the session, its ends and direction.

    Serves once.
    """

    def __init__(self, context: bytes) -> None:
        self._context = context
        self._scalar = random_scalar()
        self.message = generator_times(self._scalar)

    def keys(self, received: bytes, peer: int) -> list[tuple[bytes, bytes]]:
        """The pairs of keys. PeerViolationError if a point of the receiver is invalid."""
        both = times(self._scalar, _sum_of_points(self._context))
        pairs = []
        for number, start in enumerate(range(0, len(received), POINT_BYTES)):
            zero = times_received(self._scalar, received[start : start + POINT_BYTES], peer)
            one = subtract(both, zero)
            pairs.append((self._key(number, 0, zero), self._key(number, 1, one)))
        return pairs

    def _key(self, number: int, choice: int, shared: bytes) -> bytes:
        return _key(self._context, number, choice, self.message, shared)


class BaseReceiver:
    """Ends with the key of its choice for each transfer. Serves once."""

    def __init__(self, context: bytes, choices: Sequence[int]) -> None:
        self._context = context
        self._choices = tuple(choices)
        self._scalars = [random_scalar() for _ in choices]
        total = _sum_of_points(context)
        own = map(generator_times, self._scalars)
        self.message = b"".join(
            subtract(total, point) if choice else point
            for choice, point in zip(choices, own, strict=True)
        )

    def keys(self, received: bytes, peer: int) -> list[bytes]:
        """The chosen keys. PeerViolationError if the sender's point is invalid."""
        point = checked(received, peer)
        return [
            _key(self._context, number, choice, point, times(scalar, point))
            for number, (choice, scalar) in enumerate(
                zip(self._choices, self._scalars, strict=True)
            )
        ]


def _sum_of_points(context: bytes) -> bytes:
    """C."""
    return hash_to_point(b"sum of the points of a base transfer", context)


def _key(context: bytes, number: int, choice: int, point: bytes, shared: bytes) -> bytes:
    state = hashlib.sha256(b"tacit base transfer")
    for part in (context, number.to_bytes(4, "big"), bytes([choice]), point, shared):
        state.update(len(part).to_bytes(8, "big") + part)
    return state.digest()[:KEY_BYTES]
