"""The sharing protocols by name: between how many parties each runs, how it opens, its price."""

from __future__ import annotations

from collections.abc import Sequence

from ...planner.protocol_facts import PROTOCOLS, ProtocolFacts
from ..transport.channel import Channel
from .additive.counting import CountingAdditive
from .additive.pool import Demand, Item
from .additive.protocol import AdditiveProtocol
from .counting import Counting, CountingProtocol
from .outsider import AdditiveOutsider, ReplicatedOutsider
from .protocol import SharingProtocol
from .randomness import SessionKeys
from .replicated import ReplicatedProtocol

CountedProtocol = CountingProtocol | CountingAdditive


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


def open_outside(name: str, channel: Channel, *, outsiders: int) -> SharingProtocol:
    """The protocol of a party beside the compute parties, one of so many."""
    if name == "replicated":
        return ReplicatedOutsider(channel, outsiders)
    return AdditiveOutsider(channel, outsiders)


def counting_protocol(
    name: str,
    parties: int,
    preparation: Sequence[Item] | None = None,
    *,
    outsiders: int = 0,
) -> CountedProtocol:
    """The protocol's price counter; with a preparation, as a whole run counts it."""
    if name == "replicated":
        return CountingProtocol(parties, outsiders)
    prepared = None if preparation is None else Demand(preparation)
    return CountingAdditive(parties, prepared, outsiders=outsiders)


__all__ = [
    "PROTOCOLS",
    "Counting",
    "ProtocolFacts",
    "counting_protocol",
    "open_outside",
    "open_protocol",
]
