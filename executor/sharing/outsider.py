"""The protocol as an outsider sees it: it gives inputs and receives results, and computes nothing.

Everything between is a dry run: the shares have no parts, and only their public shapes are followed
up to what is revealed. So an outsider runs the same operators as everybody, and sees nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from ..transport.channel import Channel
from .additive.counting import CountingAdditive
from .additive.messages import held_components as held_in_additive
from .counting import CountingProtocol
from .messages import HELD
from .outside import give_inputs, take_reveal
from .protocol import Input
from .randomness import SessionKeys
from .rounds import Rounds
from .shares import Share


class ReplicatedOutsider(CountingProtocol):
    """An outsider's side of `replicated`; implements `SharingProtocol`."""

    def __init__(self, channel: Channel, outsiders: int) -> None:
        super().__init__(channel.parties, outsiders)
        self.party = channel.party
        self._link = _link(channel)

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        give_inputs(self._link, HELD, inputs)
        return super().input(inputs)

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        return take_reveal(self._link, shares, recipient) if recipient == self.party else None


class AdditiveOutsider(CountingAdditive):
    """An outsider's side of `additive`; implements `SharingProtocol`."""

    def __init__(self, channel: Channel, outsiders: int) -> None:
        super().__init__(channel.parties, outsiders=outsiders)
        self.party = channel.party
        self._link = _link(channel)

    def input(self, inputs: Sequence[Input]) -> list[Share]:
        give_inputs(self._link, held_in_additive(self.parties), inputs)
        return super().input(inputs)

    def reveal(self, shares: Sequence[Share], recipient: int) -> list[NDArray[Any]] | None:
        return take_reveal(self._link, shares, recipient) if recipient == self.party else None


def _link(channel: Channel) -> Rounds:
    """Rounds without keys: what an outsider sends is masked by its own randomness."""
    return Rounds(channel, SessionKeys(channel.party, channel.parties, {}))
