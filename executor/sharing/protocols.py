"""The sharing protocols by name: between how many parties each runs, how it opens, its price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..transport.channel import Channel
from .additive.counting import CountingAdditive
from .additive.pool import Demand, Item
from .additive.protocol import AdditiveProtocol
from .counting import Counting, CountingProtocol
from .protocol import SharingProtocol
from .randomness import SessionKeys
from .replicated import ReplicatedProtocol

CountedProtocol = CountingProtocol | CountingAdditive


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFacts:
    """What is public about a protocol. `assumption` ends "learns nothing as long as ...".

    `components`: of how many components of a shared value one party holds.
    """

    name: str
    least_parties: int
    most_parties: int
    components: int
    assumption: str

    @property
    def numbers(self) -> str:
        """For people: between how many parties it runs."""
        if self.least_parties == self.most_parties:
            return f"exactly {self.least_parties}"
        return f"{self.least_parties} to {self.most_parties}"

    def runs_between(self, parties: int) -> bool:
        return self.least_parties <= parties <= self.most_parties


PROTOCOLS = {
    "replicated": ProtocolFacts(
        name="replicated",
        least_parties=3,
        most_parties=3,
        components=2,
        assumption="no two parties pool what they see",
    ),
    "additive": ProtocolFacts(
        name="additive",
        least_parties=2,
        most_parties=5,
        components=1,
        assumption="not all other parties pool what they see",
    ),
}


def open_protocol(
    name: str,
    channel: Channel,
    keys: SessionKeys,
    *,
    context: bytes,
    preparation: Sequence[Item],
) -> SharingProtocol:
    """A protocol ready for a plan's run, with its set-up and its preparation behind it.

    `context` is what the session's keys are bound to. Errors: whatever a round raises.
    """
    if name == "replicated":
        return ReplicatedProtocol(channel, keys)
    protocol = AdditiveProtocol(channel, keys, context)
    protocol.set_up()
    protocol.prepare(Demand(preparation))
    return protocol


def counting_protocol(
    name: str, parties: int, preparation: Sequence[Item] | None = None
) -> CountedProtocol:
    """The protocol's price counter; with a preparation, as a whole run counts it."""
    if name == "replicated":
        return CountingProtocol(parties)
    return CountingAdditive(parties, None if preparation is None else Demand(preparation))


__all__ = ["PROTOCOLS", "Counting", "ProtocolFacts", "counting_protocol", "open_protocol"]
