"""The in-memory channel keeps the contract of `Channel`."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from tacit.executor.transport.channel import Kind
from tacit.executor.transport.memory import memory_channels
from tacit.query.errors import (
    CancelledError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
)


def test_buffers_arrive_back_to_back_as_a_fresh_writable_array():
    a, b = memory_channels(2, record=True)
    first = np.arange(3, dtype=np.uint64)
    a.send(1, Kind.AND, [first, np.zeros(0, dtype=np.uint32), np.arange(2, dtype=np.uint32)])
    received = b.receive(0, Kind.AND, 32)
    assert received[:24].view(np.uint64).tolist() == [0, 1, 2]
    received[:] = 9
    assert first.tolist() == [0, 1, 2]
    assert a.counters.transcript == [(1, Kind.AND, 32)]
    assert len(a.captured[0]) == 32
    assert (a.counters.sent_bytes, a.counters.sent_messages) == (32, 1)
    assert b.counters.received_bytes == 32


def test_depth_is_the_longest_chain_of_messages():
    a, b, c = memory_channels(3)
    empty = np.zeros(1, dtype=np.uint8)
    a.send(1, Kind.AND, [empty])
    a.send(1, Kind.AND, [empty])
    b.receive(0, Kind.AND, 1)
    b.send(2, Kind.OPEN, [empty])
    b.receive(0, Kind.AND, 1)
    assert (a.counters.depth, b.counters.depth) == (0, 1)
    c.receive(1, Kind.OPEN, 1)
    assert c.counters.depth == 2


@pytest.mark.parametrize(("kind", "size"), [(Kind.OPEN, 8), (Kind.AND, 7), (Kind.AND, 9)])
def test_another_kind_or_size_ends_the_session_everywhere(kind, size):
    a, b, c = memory_channels(3, deadline_seconds=5)
    a.send(1, Kind.AND, [np.zeros(8, dtype=np.uint8)])
    with pytest.raises(PeerViolationError, match="party 0 sent"):
        b.receive(0, kind, size)
    for channel in (a, c):
        with pytest.raises(PeerFailedError, match="party 1 ended"):
            channel.receive(1, Kind.AND, 8)
        with pytest.raises(PeerFailedError):
            channel.send(1, Kind.AND, [])
    with pytest.raises(PeerViolationError):
        b.receive(2, Kind.AND, 1)


def test_silence_runs_into_the_deadline():
    a, b = memory_channels(2, deadline_seconds=0.05)
    with pytest.raises(PeerTimeoutError):
        a.receive(1, Kind.AND, 1)
    with pytest.raises(PeerFailedError):
        b.receive(0, Kind.AND, 1)


def test_closing_delivers_what_was_sent_and_then_the_loss():
    a, b = memory_channels(2)
    a.send(1, Kind.AND, [np.zeros(1, dtype=np.uint8)])
    a.close()
    a.close()
    b.receive(0, Kind.AND, 1)
    with pytest.raises(PeerLostError):
        b.receive(0, Kind.AND, 1)
    with pytest.raises(CancelledError):
        a.send(1, Kind.AND, [])


@pytest.mark.parametrize("party", [0, 1])
def test_aborting_wakes_a_receiver_at_once(party):
    channels = memory_channels(2, deadline_seconds=30)
    caught = []

    def wait():
        try:
            channels[0].receive(1, Kind.AND, 1)
        except (CancelledError, PeerFailedError) as error:
            caught.append(type(error))

    thread = threading.Thread(target=wait)
    thread.start()
    channels[party].abort(CancelledError("stop"))
    thread.join(5)
    assert caught == [PeerFailedError if party else CancelledError]


def test_nobody_sends_to_itself():
    with pytest.raises(ValueError, match="itself"):
        memory_channels(2)[0].send(0, Kind.AND, [])
