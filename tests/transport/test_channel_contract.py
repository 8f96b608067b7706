"""What every channel promises: the one over TLS and its in-memory twin alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tacit.executor.transport import Kind, memory_channels
from tacit.query.errors import (
    CancelledError,
    InternalError,
    PeerError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    TacitError,
)

MEGABYTE = 2**20


@pytest.fixture(params=["memory", "tls"])
def session(request: pytest.FixtureRequest) -> Iterator[Callable[..., list[Any]]]:
    """Makes the three channels of a session."""
    made: list[Any] = []

    def make(**options: Any) -> list[Any]:
        if request.param == "memory":
            made.extend(memory_channels(3, **options))
        else:
            made.extend(request.getfixturevalue("federation").session(**options))
        return made

    yield make
    for channel in made:
        channel.close()


def bytes_of(size: int, seed: int) -> np.ndarray[Any, Any]:
    return ((np.arange(size, dtype=np.uint32) * 2654435761 + seed) >> 11).astype(np.uint8)


@pytest.mark.parametrize("size", [0, 1, 100, 16_351, 16_352, 16_353, 65_536, 65_537, 3_000_001])
def test_frames_arrive_whole_and_in_order(session: Callable[..., list[Any]], size: int) -> None:
    a, b, _ = session()
    for seed in range(3):
        a.send(1, Kind.AND, [bytes_of(size, seed)])
    for seed in range(3):
        payload = b.receive(0, Kind.AND, size)
        assert payload.dtype == np.uint8
        assert payload.flags.writeable
        assert np.array_equal(payload, bytes_of(size, seed))


def test_buffers_of_any_type_and_shape_travel_back_to_back(
    session: Callable[..., list[Any]],
) -> None:
    a, b, _ = session()
    buffers = [
        np.arange(12, dtype=np.uint64).reshape(3, 4),
        np.empty((0, 7), dtype=np.uint32),
        np.arange(40_000, dtype=np.int64),
        np.arange(20, dtype=np.uint16)[::2],
        np.array([True, False]),
        np.arange(90_000, dtype=np.uint8).reshape(300, 300),
        np.array(7.5),
    ]
    expected = b"".join(buffer.tobytes() for buffer in buffers)
    a.send(1, Kind.MULTIPLY, buffers)
    assert b.receive(0, Kind.MULTIPLY, len(expected)).tobytes() == expected
    a.send(1, Kind.MULTIPLY, [])
    assert b.receive(0, Kind.MULTIPLY, 0).size == 0


def test_sending_never_waits_for_the_peer(session: Callable[..., list[Any]]) -> None:
    a, b, _ = session()
    small, large = bytes_of(50_000, 1), bytes_of(8 * MEGABYTE, 2)
    start = time.monotonic()
    for _ in range(200):
        a.send(1, Kind.AND, [small])
    a.send(1, Kind.DOT, [large])
    a.send(1, Kind.OPEN, [small[:10]])
    assert time.monotonic() - start < 2
    for _ in range(200):
        assert np.array_equal(b.receive(0, Kind.AND, small.size), small)
    assert np.array_equal(b.receive(0, Kind.DOT, large.size), large)
    assert np.array_equal(b.receive(0, Kind.OPEN, 10), small[:10])


def test_large_frames_in_all_directions_at_once_do_not_deadlock(
    session: Callable[..., list[Any]], parallel: Callable[..., list[Any]]
) -> None:
    channels = session()
    size = 64 * MEGABYTE
    payload = np.ones(size, dtype=np.uint8)

    def exchange(p: int) -> bool:
        channels[p].send((p + 1) % 3, Kind.SHUFFLE, [payload])
        channels[p].send((p + 2) % 3, Kind.SHUFFLE, [payload])
        return all(
            int(channels[p].receive((p + k) % 3, Kind.SHUFFLE, size).sum()) == size for k in (1, 2)
        )

    assert parallel(*(lambda p=p: exchange(p) for p in range(3))) == [True] * 3


def test_depth_is_the_longest_chain_of_dependent_messages(
    session: Callable[..., list[Any]],
) -> None:
    a, b, c = session()
    a.send(1, Kind.AND, [])
    a.send(1, Kind.AND, [])
    assert a.counters.depth == 0
    b.receive(0, Kind.AND, 0)
    b.receive(0, Kind.AND, 0)
    assert b.counters.depth == 1
    b.send(2, Kind.AND, [])
    c.receive(1, Kind.AND, 0)
    assert c.counters.depth == 2
    a.send(2, Kind.AND, [])
    c.receive(0, Kind.AND, 0)
    assert c.counters.depth == 2


def test_counters_count_payloads_alone(session: Callable[..., list[Any]]) -> None:
    a, b, _ = session()
    a.counters.transcript = []
    a.send(1, Kind.AND, [bytes_of(100, 0), bytes_of(11, 0)])
    a.send(2, Kind.OPEN, [bytes_of(7, 0)])
    b.receive(0, Kind.AND, 111)
    assert (a.counters.sent_bytes, a.counters.sent_messages) == (118, 2)
    assert (a.counters.received_bytes, b.counters.received_bytes) == (0, 111)
    assert a.counters.transcript == [(1, Kind.AND, 111), (2, Kind.OPEN, 7)]


@pytest.mark.parametrize(("kind", "size"), [(Kind.OPEN, 8), (Kind.AND, 7), (Kind.AND, 9)])
def test_a_frame_that_is_not_due_ends_the_session_everywhere(
    session: Callable[..., list[Any]], kind: Kind, size: int
) -> None:
    a, b, c = session()
    a.send(1, Kind.AND, [bytes_of(8, 0)])
    with pytest.raises(PeerViolationError) as caught:
        b.receive(0, kind, size)
    with pytest.raises(PeerViolationError) as again:
        b.send(0, Kind.AND, [])
    assert again.value is caught.value
    for other in (a, c):
        with pytest.raises(PeerFailedError):
            other.receive(1, Kind.AND, 8)


def test_a_silent_peer_runs_into_the_deadline(session: Callable[..., list[Any]]) -> None:
    a, _, _ = session(deadline_seconds=0.3)
    start = time.monotonic()
    with pytest.raises(PeerTimeoutError):
        a.receive(1, Kind.AND, 8)
    assert 0.2 < time.monotonic() - start < 2
    with pytest.raises(PeerTimeoutError):
        a.send(2, Kind.AND, [])


def test_an_abort_wakes_whoever_waits(
    session: Callable[..., list[Any]], parallel: Callable[..., list[Any]]
) -> None:
    a, b, c = session()
    reason = CancelledError("cancelled by mercy")
    timer = threading.Timer(0.2, a.abort, args=(reason,))
    timer.start()
    start = time.monotonic()
    outcomes = parallel(
        lambda: a.receive(1, Kind.AND, 8),
        lambda: b.receive(0, Kind.AND, 8),
        lambda: c.receive(0, Kind.AND, 100_000),
    )
    assert time.monotonic() - start < 3
    assert outcomes[0] is reason
    assert all(isinstance(outcome, PeerFailedError) for outcome in outcomes[1:])
    a.abort(InternalError("too late"))
    with pytest.raises(CancelledError, match="cancelled by mercy"):
        a.send(1, Kind.AND, [])


def test_closing_delivers_what_was_sent_before(
    session: Callable[..., list[Any]], parallel: Callable[..., list[Any]]
) -> None:
    a, b, _ = session()
    payload = bytes_of(24 * MEGABYTE, 5)

    def give() -> None:
        a.send(1, Kind.RESHARE, [payload])
        a.send(1, Kind.REVEAL, [payload[:9]])
        a.close()

    def take() -> bool:
        time.sleep(0.3)
        whole = np.array_equal(b.receive(0, Kind.RESHARE, payload.size), payload)
        return whole and np.array_equal(b.receive(0, Kind.REVEAL, 9), payload[:9])

    assert parallel(give, take) == [None, True]
    with pytest.raises(PeerLostError):
        b.receive(0, Kind.AND, 8)


def test_a_closed_channel_refuses_work(session: Callable[..., list[Any]]) -> None:
    a, _, _ = session()
    a.close()
    a.close()
    for call in (lambda: a.send(1, Kind.AND, []), lambda: a.receive(1, Kind.AND, 8)):
        with pytest.raises(TacitError) as caught:
            call()
        assert not isinstance(caught.value, PeerError)
