"""N parties of `additive` in threads over in-memory channels."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tacit.executor.sharing.additive.pool import Demand
from tacit.executor.sharing.additive.protocol import AdditiveProtocol
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.transport.memory import MemoryChannel, memory_channels


class Parties:
    """Runs one function as N parties; `channels` and `protocols` are those of the last run.

    Counters start after the key agreement.
    """

    def __init__(self) -> None:
        self.channels: list[MemoryChannel] = []
        self.protocols: list[Any] = []
        self.errors: list[BaseException | None] = []

    def __call__(
        self,
        parties: int,
        function: Callable[[Any], Any],
        *,
        record: bool = False,
        demand: Demand | None = None,
        set_up: bool = True,
        expect_errors: bool = False,
    ) -> list[Any]:
        self.channels = memory_channels(parties, deadline_seconds=60, record=record)
        self.protocols = [None] * parties
        self.errors = [None] * parties
        results: list[Any] = [None] * parties

        def run(party: int) -> None:
            channel = self.channels[party]
            try:
                keys = agree_keys(channel, b"a test")
                channel.counters.sent_bytes = channel.counters.sent_messages = 0
                channel.counters.depth = 0
                if channel.counters.transcript is not None:
                    channel.counters.transcript.clear()
                    channel.captured.clear()
                protocol = AdditiveProtocol(channel, keys, b"a test")
                self.protocols[party] = protocol
                if set_up:
                    protocol.set_up()
                if demand is not None:
                    protocol.prepare(demand)
                results[party] = function(protocol)
            except BaseException as error:
                self.errors[party] = error
            finally:
                channel.close()

        threads = [threading.Thread(target=run, args=(party,)) for party in range(parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first = next((error for error in self.errors if error is not None), None)
        if first is not None and not expect_errors:
            raise first
        return results


@pytest.fixture
def parties() -> Parties:
    """A callable (number of parties, function of the protocol) -> results by party."""
    return Parties()
