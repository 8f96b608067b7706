"""Puncturable seeds: all but one of 2^k seeds, from k base transfers.

The dealer has a binary tree of seeds; for each level it offers the XOR of all left children and
that of all right children, and the receiver takes the side that its path does NOT go to. It then
knows every leaf but the one of its index.
(Goldreich, Goldwasser, Micali, JACM 1986; Boyle et al., CCS 2019.)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from .base import KEY_BYTES


def offers_bytes(depth: int) -> int:
    """Bytes of the dealer's masked offers for one tree."""
    return 2 * KEY_BYTES * depth


def path_choices(index: int, depth: int) -> list[int]:
    """The base transfers' choices of the receiver whose leaf `index` stays hidden, top first."""
    return [1 - (index >> level & 1) for level in reversed(range(depth))]


def deal(keys: Sequence[tuple[bytes, bytes]]) -> tuple[list[bytes], bytes]:
    """The leaves of a fresh tree of depth len(keys), and the offers masked by the base keys."""
    nodes = [os.urandom(KEY_BYTES)]
    offers = b""
    for level, pair in enumerate(keys):
        nodes = [child for node in nodes for child in _children(node, level)]
        for side in (0, 1):
            offers += _xor(_fold(nodes[side::2]), pair[side])
    return nodes, offers


def recover(index: int, keys: Sequence[bytes], offers: bytes) -> list[bytes | None]:
    """The leaves of the dealer's tree but the one of `index`, which is None."""
    nodes: list[bytes | None] = [None]
    depth = len(keys)
    for level, key in enumerate(keys):
        hidden = index >> (depth - level)
        below: list[bytes | None] = []
        for node in nodes:
            below += [None, None] if node is None else _children(node, level)
        side = 1 - (index >> (depth - level - 1) & 1)
        at = 2 * KEY_BYTES * level + KEY_BYTES * side
        total = _xor(offers[at : at + KEY_BYTES], key)
        known = [node for node in below[side::2] if node is not None]
        below[2 * hidden + side] = _xor(total, _fold(known))
        nodes = below
    return nodes


def _children(node: bytes, level: int) -> tuple[bytes, bytes]:
    digest = hashlib.sha256(b"tacit seed tree" + bytes([level]) + node).digest()
    return digest[:KEY_BYTES], digest[KEY_BYTES:]


def _fold(nodes: Sequence[bytes]) -> bytes:
    total = bytes(KEY_BYTES)
    for node in nodes:
        total = _xor(total, node)
    return total


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
