"""Opening replicated shares: to everybody, or to one party."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .link import Link, split
from .messages import open_round, reveal_round
from .shares import Bits, Ring, Share, Words


def open_to_all(link: Link, shares: Sequence[Share]) -> list[NDArray[Any]]:
    """Party i sends x_i to party i+1, which lacks it."""
    outgoing = [visible(share, share.parts[0]) for share in shares]
    received = link.exchange(open_round(shares), {link.next: outgoing})
    return combined(shares, received.get(link.previous))


def reveal_to(link: Link, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
    """The party before the recipient sends the component that the recipient lacks."""
    sends = link.next == recipient
    outgoing = [visible(share, share.parts[0]) for share in shares] if sends else []
    received = link.exchange(reveal_round(shares, recipient), {recipient: outgoing})
    if link.party != recipient:
        return None
    return combined(shares, received.get(link.previous))


def freshly_masked(link: Link, share: Share) -> NDArray[Any]:
    """The component x_i under a fresh sharing of zero: with the other parties' ones it tells the
    value, and nothing of how the value came about."""
    mask = np.empty_like(share.parts[0], order="C")
    if isinstance(share, Ring):
        link.fill_zero_ring(mask)
        mask += share.parts[0]
        return mask
    link.fill_zero_bits(mask)
    mask ^= share.parts[0]
    clear_padding(mask, share.rows)
    return mask


def visible(share: Share, part: NDArray[Any]) -> NDArray[Any]:
    """A component as it may be sent for opening: the bits past the last row are cleared."""
    if isinstance(share, Ring) or share.rows % 64 == 0:
        return np.ascontiguousarray(part)
    result = part.copy()
    clear_padding(result, share.rows)
    return result


def combined(shares: Sequence[Share], payload: NDArray[np.uint8] | None) -> list[NDArray[Any]]:
    """Combines the component received with the two at hand."""
    payload = np.empty(0, dtype=np.uint8) if payload is None else payload
    missing = split(payload, [(share.parts[0].shape, share.parts[0].dtype) for share in shares])
    return [_sum(share, values) for share, values in zip(shares, missing, strict=True)]


def clear_padding(planes: Words, rows: int) -> None:
    if rows % 64:
        planes[:, -1] &= np.uint64((1 << rows % 64) - 1)


def _sum(share: Share, missing: NDArray[Any]) -> NDArray[Any]:
    """The value, in the place of the component that was missing."""
    function = np.add if isinstance(share, Ring) else np.bitwise_xor
    for part in share.parts:
        function(missing, part, out=missing)
    if isinstance(share, Bits):
        clear_padding(missing, share.rows)
    return missing
