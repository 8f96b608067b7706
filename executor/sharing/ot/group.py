"""The prime-order subgroup of edwards25519, as libsodium computes in it.

Points travel as 32 bytes in canonical form; every point from a peer is validated before use.
"""

from __future__ import annotations

import hashlib
import os

import nacl.exceptions
from nacl import bindings as sodium

from ....query.errors import PeerViolationError

POINT_BYTES: int = sodium.crypto_core_ed25519_BYTES


def random_scalar() -> bytes:
    """A uniformly random non-zero scalar, from the operating system."""
    while True:
        scalar = sodium.crypto_core_ed25519_scalar_reduce(os.urandom(64))
        if any(scalar):
            return bytes(scalar)


def random_point() -> bytes:
    """A random point whose discrete logarithm nobody knows."""
    return hash_to_point(os.urandom(32))


def generator_times(scalar: bytes) -> bytes:
    return bytes(sodium.crypto_scalarmult_ed25519_base_noclamp(scalar))


def times(scalar: bytes, point: bytes) -> bytes:
    return bytes(sodium.crypto_scalarmult_ed25519_noclamp(scalar, point))


def add(one: bytes, other: bytes) -> bytes:
    return bytes(sodium.crypto_core_ed25519_add(one, other))


def subtract(one: bytes, other: bytes) -> bytes:
    return bytes(sodium.crypto_core_ed25519_sub(one, other))


def hash_to_point(*parts: bytes) -> bytes:
    """A point that stands for a random oracle's value at `parts`.

    Two Elligator images are added, as one alone reaches about half of the group.
    """
    state = hashlib.sha512(b"tacit hash to point")
    for part in parts:
        state.update(len(part).to_bytes(8, "big") + part)
    digest = state.digest()
    halves = (bytes(sodium.crypto_core_ed25519_from_uniform(d)) for d in (digest[:32], digest[32:]))
    return add(*halves)


def times_received(scalar: bytes, point: bytes, party: int) -> bytes:
    """The multiple of a peer's point, which libsodium validates as `checked` does."""
    try:
        return times(scalar, point)
    except nacl.exceptions.RuntimeError:
        raise _no_point(party) from None


def checked(point: bytes, party: int) -> bytes:
    """The point. PeerViolationError unless it is a canonical point of the prime-order subgroup."""
    if not sodium.crypto_core_ed25519_is_valid_point(point):
        raise _no_point(party)
    return point


def _no_point(party: int) -> PeerViolationError:
    return PeerViolationError(
        f"party {party} sent bytes that are no point of the group", party=str(party)
    )
