"""What the TLS channel does about peers that die, stall or send what is not due."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tacit.executor.transport import Kind, Limits, TlsChannel
from tacit.executor.transport.frames import ABORT, HEADER_BYTES, encode_abort, encode_header
from tacit.query.errors import (
    CancelledError,
    DataError,
    InternalError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    SessionError,
)

MEGABYTE = 2**20


def write(channel: TlsChannel, peer: int, data: bytes) -> None:
    """Sends bytes that the channel itself would not send."""
    connection = channel._senders[peer]._connection
    connection.settimeout(5)
    connection.sendall(data)


def vanish(channel: TlsChannel) -> None:
    """Ends all connections without a word, as the death of the process would."""
    for end in (*channel._senders.values(), *channel._readers.values()):
        socket.socket.shutdown(end._connection, socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            encode_header(Kind.AND, 0, 1, 2**62),
            r"4611686018427387904 bytes of AND where 8 were due",
        ),
        (encode_header(Kind.AND, 1, 1, 8) + bytes(8), "frame number 1 where 0 was due"),
        (encode_header(Kind.AND, 0, 2**60, 8) + bytes(8), "depth"),
        (encode_header(77, 0, 1, 8) + bytes(8), "a frame of kind 77 where AND was due"),
        (b"GET / HTTP/1.1\r\nHost: mercy.example\r\n\r\n", "not a frame"),
        (encode_header(ABORT, 0, 0, 2**40), "a reason of 1099511627776 bytes"),
    ],
)
def test_a_frame_that_is_not_due_is_a_violation(federation: Any, data: bytes, message: str) -> None:
    mercy, grace, _ = federation.session()
    mercy.step = "Sort 3"
    write(grace, 0, data)
    with pytest.raises(PeerViolationError, match=message) as caught:
        mercy.receive(1, Kind.AND, 8)
    assert caught.value.party == "grace"
    assert caught.value.step == "Sort 3"


def test_a_replayed_frame_is_a_violation(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    frame = encode_header(Kind.AND, 0, 1, 8) + bytes(8)
    write(grace, 0, frame + frame)
    mercy.receive(1, Kind.AND, 8)
    with pytest.raises(PeerViolationError, match="frame number 0 where 1 was due"):
        mercy.receive(1, Kind.AND, 8)


def test_a_depth_that_shrinks_is_a_violation(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    write(grace, 0, encode_header(Kind.AND, 0, 7, 0) + encode_header(Kind.AND, 1, 6, 0))
    mercy.receive(1, Kind.AND, 0)
    with pytest.raises(PeerViolationError, match="depth 6 after one of 7"):
        mercy.receive(1, Kind.AND, 0)


@pytest.mark.parametrize("size", [100, MEGABYTE])
@pytest.mark.parametrize("sent", [0, 10, HEADER_BYTES, HEADER_BYTES + 50])
def test_a_peer_that_dies_in_the_middle_of_a_frame_is_lost(
    federation: Any, size: int, sent: int
) -> None:
    mercy, grace, registry = federation.session()
    mercy.step = "Join 2"
    write(grace, 0, (encode_header(Kind.AND, 0, 1, size) + bytes(size))[:sent])
    vanish(grace)
    with pytest.raises(PeerLostError, match=r"connection to grace ended \(AND in Join 2\)") as lost:
        mercy.receive(1, Kind.AND, size)
    assert (lost.value.party, lost.value.step) == ("grace", "Join 2")
    with pytest.raises(PeerFailedError, match=r"mercy failed: the connection to grace ended"):
        registry.receive(0, Kind.AND, 8)


@pytest.mark.parametrize("sent", [10, HEADER_BYTES + 50])
def test_a_peer_that_stalls_in_the_middle_of_a_frame_runs_into_the_deadline(
    federation: Any, sent: int
) -> None:
    mercy, grace, _ = federation.session(deadline_seconds=0.3)
    write(grace, 0, (encode_header(Kind.AND, 0, 1, 100) + bytes(100))[:sent])
    with pytest.raises(PeerTimeoutError, match=r"grace sent nothing for 0.3 s \(AND\)") as caught:
        mercy.receive(1, Kind.AND, 100)
    assert caught.value.party == "grace"


def test_slow_is_not_silent(federation: Any) -> None:
    mercy, grace, _ = federation.session(deadline_seconds=0.4)
    frame = encode_header(Kind.AND, 0, 1, 20) + bytes(20)

    def drip() -> None:
        for start in range(0, len(frame), 8):
            time.sleep(0.15)
            write(grace, 0, frame[start : start + 8])

    thread = threading.Thread(target=drip)
    thread.start()
    assert mercy.receive(1, Kind.AND, 20).size == 20
    thread.join()


def test_a_reason_is_told_to_the_peers(federation: Any) -> None:
    mercy, grace, registry = federation.session()
    mercy.send(1, Kind.AND, [np.zeros(5, dtype=np.uint8)])
    mercy.abort(CancelledError("cancelled at mercy"))
    with pytest.raises(PeerFailedError, match="mercy failed: cancelled at mercy") as caught:
        registry.receive(0, Kind.OPEN, 3 * MEGABYTE)
    assert caught.value.party == "mercy"
    assert grace.receive(0, Kind.AND, 5).size == 5  # had left before
    with pytest.raises(PeerFailedError, match="mercy failed: cancelled at mercy"):
        grace.receive(0, Kind.AND, 0)


def test_an_owner_keeps_its_data_errors_to_itself(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    mercy.abort(DataError("row 17 of visits: cost is 4711"))
    with pytest.raises(PeerFailedError) as caught:
        grace.receive(0, Kind.INPUT, 8)
    assert "4711" not in str(caught.value)
    assert "visits" not in str(caught.value)


def test_a_reason_that_tries_to_deceive_a_terminal_is_cleaned(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    write(grace, 0, encode_abort(CancelledError("\x1b[2Jall\nis \u202ewell")))
    with pytest.raises(PeerFailedError, match=r"grace failed: \[2Jall is well"):
        mercy.receive(1, Kind.AND, 8)


def test_who_only_sends_learns_why_the_peer_has_left(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    grace.abort(CancelledError("cancelled at grace"))
    grace.close()

    def send_on() -> None:
        for _ in range(1000):
            mercy.send(1, Kind.AND, [np.zeros(1000, dtype=np.uint8)])

    with pytest.raises(PeerFailedError, match="grace failed: cancelled at grace"):
        send_on()


def test_a_large_frame_to_a_dead_peer_wakes_who_waits_for_another(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    vanish(grace)
    start = time.monotonic()
    mercy.send(1, Kind.AND, [np.zeros(8 * MEGABYTE, dtype=np.uint8)])
    with pytest.raises(PeerLostError, match="grace"):
        mercy.receive(2, Kind.AND, 8)
    assert time.monotonic() - start < 3


def test_frames_over_the_limit_are_neither_sent_nor_awaited(federation: Any) -> None:
    mercy, _, _ = federation.session(limits=Limits(frame_bytes=1000))
    with pytest.raises(SessionError, match=r"1001 bytes .* over the limit of 1000"):
        mercy.send(1, Kind.AND, [np.zeros(1001, dtype=np.uint8)])
    with pytest.raises(SessionError, match="over the limit"):
        mercy.receive(1, Kind.AND, 2**40)
    assert mercy.counters.sent_messages == 0


def test_there_is_no_link_to_oneself_or_beyond(federation: Any) -> None:
    mercy, _, _ = federation.session()
    for peer in (0, 3):
        with pytest.raises(InternalError, match="no link"):
            mercy.send(peer, Kind.AND, [])


@pytest.mark.parametrize("aborted", [False, True])
def test_closing_waits_a_bounded_time_for_a_peer_that_does_not_read(
    federation: Any, until_gone: Callable[..., None], aborted: bool
) -> None:
    mercy, _, _ = federation.session(limits=Limits(flush_seconds=0.5))
    mercy.send(1, Kind.AND, [np.zeros(64 * MEGABYTE, dtype=np.uint8)])
    mercy.send(2, Kind.AND, [np.zeros(64 * MEGABYTE, dtype=np.uint8)])
    start = time.monotonic()
    if aborted:
        mercy.abort(CancelledError("enough"))
        assert time.monotonic() - start < 0.2
    mercy.close()
    assert time.monotonic() - start < 2
    until_gone(["tacit-sender"])


def test_an_abort_follows_a_frame_that_has_begun(federation: Any) -> None:
    mercy, grace, _ = federation.session()
    size = 16 * MEGABYTE
    mercy.send(1, Kind.AND, [np.ones(size, dtype=np.uint8)])
    mercy.send(1, Kind.AND, [np.ones(size, dtype=np.uint8)])
    time.sleep(0.2)
    mercy.abort(CancelledError("enough"))
    assert int(grace.receive(0, Kind.AND, size).sum()) == size
    with pytest.raises(PeerFailedError, match="mercy failed: enough"):
        grace.receive(0, Kind.AND, size)  # the second frame was dropped


def test_closing_from_another_thread_wakes_a_receiver(
    federation: Any, parallel: Callable[..., list[Any]]
) -> None:
    mercy, _, _ = federation.session()
    timer = threading.Timer(0.2, mercy.close)
    timer.start()
    (outcome,) = parallel(lambda: mercy.receive(1, Kind.AND, 8))
    assert isinstance(outcome, CancelledError)
    timer.join()


def test_many_threads_may_abort_at_once(
    federation: Any, parallel: Callable[..., list[Any]]
) -> None:
    channels = federation.session()
    reasons = [InternalError(str(number)) for number in range(8)]
    jobs = [lambda r=r, c=c: c.abort(r) for r in reasons for c in channels]
    waits = [lambda c=c, p=p: c.receive((p + 1) % 3, Kind.AND, 8) for p, c in enumerate(channels)]
    outcomes = parallel(*waits, *jobs)
    assert all(isinstance(outcome, InternalError | PeerFailedError) for outcome in outcomes[:3])
    assert outcomes[3:] == [None] * len(jobs)
