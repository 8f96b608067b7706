"""One party's side of `replicated`: rounds between three parties, and zero sharings."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ..transport.channel import Channel
from .messages import PARTIES
from .randomness import Purpose, SessionKeys
from .rounds import Rounds, split


class Link(Rounds):
    """Runs the rounds of `messages` over a channel; draws zero sharings."""

    def __init__(self, channel: Channel, keys: SessionKeys) -> None:
        if channel.parties != PARTIES:
            raise ValueError("replicated sharing runs between three parties with their own keys")
        super().__init__(channel, keys)
        self.next = (channel.party + 1) % PARTIES
        self.previous = (channel.party - 1) % PARTIES

    def fill_zero_bits(self, target: NDArray[Any]) -> None:
        """Overwrites the target with this party's component of a fresh XOR sharing of zero."""
        self.stream(self.next, Purpose.ZERO).fill(target)
        self.stream(self.previous, Purpose.ZERO).xor_into(target)

    def fill_zero_ring(self, target: NDArray[Any]) -> None:
        """Overwrites the target with this party's component of a fresh additive sharing of zero."""
        self.stream(self.next, Purpose.ZERO).fill(target)
        self.stream(self.previous, Purpose.ZERO).subtract_from(target)


__all__ = ["Link", "split"]
