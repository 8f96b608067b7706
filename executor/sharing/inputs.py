"""How a party's own columns become replicated shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .link import Link, split
from .protocol import Input
from .randomness import Purpose
from .rounds import Round
from .shares import Bits, Ring, Share, words


def share_inputs(link: Link, round_: Round, inputs: Sequence[Input]) -> list[Share]:
    """Shares every owner's columns. 1 round; every owner sends its columns' bits once.

    Owner j: x_j comes from the stream with party j-1, x_{j+1} = v - x_j is sent to party j+1, and
    x_{j+2} = 0.
    """
    columns = [_Column(link, item) for item in inputs]
    outgoing = [column.second for column in columns if column.item.owner == link.party]
    received = link.exchange(round_, {link.next: outgoing})
    theirs = [column for column in columns if column.item.owner == link.previous]
    payload = received.get(link.previous, np.empty(0, dtype=np.uint8))
    pieces = [(column.first.shape, column.first.dtype) for column in theirs]
    for column, values in zip(theirs, split(payload, pieces), strict=True):
        column.first = values
    return [_share(column.item, (column.first, column.second)) for column in columns]


class _Column:
    """This party's components of one input column, as far as it can make them alone."""

    def __init__(self, link: Link, item: Input) -> None:
        self.item = item
        shape = (item.rows,) if item.bits else (item.width, words(item.rows))
        dtype = np.dtype(f"uint{item.bits or 64}")
        if item.owner == link.party:
            mask = link.stream(link.previous, Purpose.INPUT).draw(shape, dtype)
            values = _owned(item, shape, dtype)
            self.first = mask
            self.second = values - mask if item.bits else values ^ mask
        elif item.owner == link.next:
            self.first = np.zeros(shape, dtype)
            self.second = link.stream(link.next, Purpose.INPUT).draw(shape, dtype)
        else:
            self.first = np.empty(shape, dtype)
            self.second = np.zeros(shape, dtype)


def _owned(item: Input, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    values = item.values
    if values is None or values.shape != shape:
        raise ValueError("the owner of an input has its values, in the stated shape")
    return values.astype(dtype, copy=False)


def _share(item: Input, parts: tuple[NDArray[Any], NDArray[Any]]) -> Share:
    if item.bits:
        return Ring(item.rows, item.bits, parts)
    return Bits(item.rows, item.width, parts)
