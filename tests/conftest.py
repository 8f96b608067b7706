"""Fixtures that the tests of several folders use."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.sharing.replicated import ReplicatedProtocol
from tacit.executor.transport.memory import MemoryChannel, memory_channels

pytest.register_assert_rewrite("in_memory", "hand_built", "golden")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="write the files of golden texts anew")


def pytest_configure() -> None:
    """Ctrl-C reaches the programs that tests start: what a shell has its jobs in the background
    ignore is ignored by their children, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    """Whether golden texts are to be written, not compared."""
    return bool(request.config.getoption("--accept"))


class ThreeParties:
    """Runs one function as three parties, in threads over in-memory channels.

    `channels` and `keys` are those of the last run. Counters start after the key agreement.
    """

    def __init__(self) -> None:
        self.channels: list[MemoryChannel] = []
        self.keys: list[Any] = []
        self.errors: list[BaseException | None] = []

    def __call__(
        self,
        function: Callable[[Any], Any],
        *,
        record: bool = False,
        deadline_seconds: float = 30,
        expect_errors: bool = False,
    ) -> list[Any]:
        """The function's results at the parties 0, 1, 2; it takes the protocol (its `.party`).

        The first error of any party is raised here, unless errors are expected: then they are left
        in `errors`.
        """
        self.channels = memory_channels(3, deadline_seconds=deadline_seconds, record=record)
        self.keys = [None] * 3
        self.errors = [None] * 3
        results: list[Any] = [None] * 3
        caught: list[BaseException] = []

        def run(party: int) -> None:
            channel = self.channels[party]
            try:
                self.keys[party] = agree_keys(channel, b"a test")
                forget(channel)
                results[party] = function(ReplicatedProtocol(channel, self.keys[party]))
            except BaseException as error:
                self.errors[party] = error
                caught.append(error)
            finally:
                channel.close()

        threads = [threading.Thread(target=run, args=(party,)) for party in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if caught and not expect_errors:
            raise caught[0]
        return results


def forget(channel: MemoryChannel) -> None:
    """Sets the counters back to zero."""
    counters = channel.counters
    counters.sent_bytes = counters.sent_messages = counters.received_bytes = counters.depth = 0
    if counters.transcript is not None:
        counters.transcript.clear()
        channel.captured.clear()


@pytest.fixture
def three_parties() -> ThreeParties:
    """A callable that runs a function at three parties and returns their results."""
    return ThreeParties()
