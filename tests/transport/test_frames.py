"""The frame header, and what an ABORT frame tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tacit.executor.transport.channel import Kind
from tacit.executor.transport.frames import (
    ABORT,
    HEADER_BYTES,
    MAX_ABORT_BYTES,
    decode_abort,
    decode_header,
    encode_abort,
    encode_header,
    find_violation,
)
from tacit.executor.transport.hello import HELLO, Hello, decode_hello
from tacit.query.errors import (
    CancelledError,
    DataError,
    InternalError,
    PeerLostError,
    PolicyError,
    SqlError,
    TacitError,
)

COUNTS = st.integers(0, 2**47)


@given(kind=st.sampled_from(Kind), sequence=COUNTS, depth=COUNTS, length=COUNTS)
def test_a_header_is_read_as_written(kind: Kind, sequence: int, depth: int, length: int) -> None:
    data = encode_header(kind, sequence, depth, length)
    assert len(data) == HEADER_BYTES
    header = decode_header(data)
    assert (header.kind, header.sequence, header.depth, header.length) == (
        kind,
        sequence,
        depth,
        length,
    )
    due = {"kind": kind, "sequence": sequence, "least_depth": depth, "size": length}
    assert find_violation(header, **due) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"magic": b"http"}, "not a frame"),
        ({"version": 2}, "not a frame"),
        ({"zero": 1}, "not a frame"),
        ({"kind": Kind.DOT}, "a frame of kind DOT where AND was due"),
        ({"kind": 99}, "a frame of kind 99 where AND was due"),
        ({"sequence": 4}, "frame number 4 where 5 was due"),
        ({"length": 2**63}, "9223372036854775808 bytes of AND where 8 were due"),
        ({"depth": 1}, "depth 1 after one of 2"),
        ({"depth": 2**60}, "depth"),
    ],
)
def test_every_field_is_checked(change: dict[str, object], message: str) -> None:
    header = decode_header(encode_header(Kind.AND, 5, 2, 8))._replace(**change)
    violation = find_violation(header, kind=Kind.AND, sequence=5, least_depth=2, size=8)
    assert violation is not None
    assert message in violation


@given(st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES))
def test_random_bytes_are_a_violation(data: bytes) -> None:
    header = decode_header(data)
    assert find_violation(header, kind=Kind.AND, sequence=0, least_depth=0, size=8) is not None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (PeerLostError("the connection to grace ended"), "the connection to grace ended"),
        (CancelledError("cancelled by mercy"), "cancelled by mercy"),
        (DataError("row 7 of visits has cost 4711"), "its data or configuration"),
        (SqlError("a secret literal"), "its data or configuration"),
        (PolicyError("table salaries may not"), "its policy refuses the query"),
        (InternalError("share 0xdeadbeef"), "an internal error"),
    ],
)
def test_peers_are_told_only_what_concerns_them(reason: TacitError, told: str) -> None:
    frame = encode_abort(reason)
    assert decode_header(frame).kind == ABORT
    assert decode_header(frame).length == len(frame) - HEADER_BYTES
    assert decode_abort(frame[HEADER_BYTES:]).startswith(told)
    for secret in (b"4711", b"literal", b"salaries", b"0xdeadbeef"):
        assert secret not in frame


def test_a_long_reason_is_cut() -> None:
    frame = encode_abort(CancelledError("é" * 10_000))
    assert len(frame) == HEADER_BYTES + MAX_ABORT_BYTES
    assert set(decode_abort(frame[HEADER_BYTES:])) == {"é"}


@given(st.binary(max_size=2 * MAX_ABORT_BYTES))
def test_any_reason_is_printable_on_one_line(payload: bytes) -> None:
    text = decode_abort(payload)
    assert text
    assert text.isprintable()
    assert len(text) <= MAX_ABORT_BYTES


@given(st.binary(min_size=HELLO.size, max_size=HELLO.size))
def test_random_bytes_are_no_hello(data: bytes) -> None:
    assert decode_hello(data) is None


def test_a_hello_is_read_as_written() -> None:
    hello = Hello(session_id=bytes(range(16)), sender=2, receiver=0, parties=3)
    assert decode_hello(hello.encode()) == hello
    assert (
        decode_hello(Hello(session_id=bytes(16), sender=1, receiver=1, parties=3).encode()) is None
    )
    assert (
        decode_hello(Hello(session_id=bytes(16), sender=3, receiver=1, parties=3).encode()) is None
    )
