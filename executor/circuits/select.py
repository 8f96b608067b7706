"""Choosing between shared values by a shared flag, in one round."""

from __future__ import annotations

from collections.abc import Sequence

from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring


def select(p: SharingProtocol, choices: Sequence[tuple[Bits, Bits, Bits]]) -> list[Bits]:
    """flag ? x : y, for every (flag, x, y); the flag has one plane, x and y the same width.

    Cost: w ANDs for each, 1 round for all.
    """
    if not choices:
        return []
    for flag, x, y in choices:
        if x.width != y.width or flag.width != 1:
            raise ValueError(f"cannot choose by {flag!r} between {x!r} and {y!r}")
    products = mask(p, [(flag, x ^ y) for flag, x, y in choices])
    return [product ^ y for product, (_, _, y) in zip(products, choices, strict=True)]


def select_ring(p: SharingProtocol, choices: Sequence[tuple[Ring, Ring, Ring]]) -> list[Ring]:
    """flag ? x : y, for every (flag, x, y); the flag is 0 or 1 in the same ring.

    Cost: one product for each, 1 round for all.
    """
    if not choices:
        return []
    products = p.multiply([(flag, x - y) for flag, x, y in choices])
    return [product + y for product, (_, _, y) in zip(products, choices, strict=True)]


def mask(p: SharingProtocol, items: Sequence[tuple[Bits, Bits]]) -> list[Bits]:
    """flag & x, for every (flag, x): x where the flag is 1, else 0.

    Cost: w ANDs for each, 1 round for all.
    """
    pairs = [(x, flag) for flag, x in items if x.width]
    gated = iter(p.and_(pairs) if pairs else [])
    return [next(gated) if x.width else x for _, x in items]
