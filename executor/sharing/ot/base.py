"""Base oblivious transfers: 128 of them start an extension.

Setting: a sender and a receiver, either may be curious; random-oracle model, CDH in the group
(Masny and Rindal, "Endemic Oblivious Transfer", CCS 2019, figure 8, with random messages).
  1. Sender: y random, sends Y = y G. Receiver, for each transfer i with choice c: x random, a
     random point R_(1-c), R_c = x G - H(i, c, R_(1-c)); sends (R_0, R_1).
  2. Both keys of transfer i at the sender: K_b = hash(i, b, y (R_b + H(i, b, R_(1-b)))); the
     receiver knows K_c = hash(i, c, x Y) alone.
R_0 and R_1 are both uniform points, whatever c is. The session's context goes into every hash.
Cost: 1 round; 64 bytes per transfer from the receiver, 32 from the sender.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .group import (
    POINT_BYTES,
    add,
    checked,
    generator_times,
    hash_to_point,
    random_point,
    random_scalar,
    subtract,
    times,
)

KEY_BYTES = 16
SENDER_BYTES = POINT_BYTES


def receiver_bytes(count: int) -> int:
    """Bytes that the receiver of `count` transfers sends."""
    return 2 * POINT_BYTES * count


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
        size = 2 * POINT_BYTES
        pairs = []
        for number, start in enumerate(range(0, len(received), size)):
            points = [
                checked(received[at : at + POINT_BYTES], peer)
                for at in (start, start + POINT_BYTES)
            ]
            made = []
            for choice in (0, 1):
                mask = _mask(self._context, number, choice, points[1 - choice])
                shared = times(self._scalar, add(points[choice], mask))
                made.append(_key(self._context, number, choice, self.message, shared))
            pairs.append((made[0], made[1]))
        return pairs


class BaseReceiver:
    """Ends with the key of its choice for each transfer. Serves once."""

    def __init__(self, context: bytes, choices: Sequence[int]) -> None:
        self._context = context
        self._choices = tuple(choices)
        self._scalars = [random_scalar() for _ in choices]
        self.message = b"".join(
            self._pair(number, choice, scalar)
            for number, (choice, scalar) in enumerate(zip(choices, self._scalars, strict=True))
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

    def _pair(self, number: int, choice: int, scalar: bytes) -> bytes:
        other = random_point()
        chosen = subtract(generator_times(scalar), _mask(self._context, number, choice, other))
        return chosen + other if choice == 0 else other + chosen


def _mask(context: bytes, number: int, choice: int, other: bytes) -> bytes:
    return hash_to_point(context, number.to_bytes(4, "big"), bytes([choice]), other)


def _key(context: bytes, number: int, choice: int, point: bytes, shared: bytes) -> bytes:
    state = hashlib.sha256(b"tacit base transfer")
    for part in (context, number.to_bytes(4, "big"), bytes([choice]), point, shared):
        state.update(len(part).to_bytes(8, "big") + part)
    return state.digest()[:KEY_BYTES]
