"""What travels says nothing about the data, and a frame that should not be ends the session."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.randomness import Purpose
from tacit.executor.sharing.shares import words
from tacit.executor.transport.channel import Kind
from tacit.query.errors import PeerError, PeerFailedError, PeerViolationError, SessionError
from uniformity import looks_uniform

ROWS = 4096
MASKED = [kind for kind in Kind if kind not in (Kind.HELLO, Kind.OPEN, Kind.REVEAL, Kind.CONTROL)]


def share_columns(p, fill, rows=ROWS):
    """A flag, a word of 16 bits and two ring columns, every element of them `fill`."""
    inputs = []
    for owner, (width, bits) in enumerate([(1, 0), (16, 0), (0, 64), (0, 32)]):
        shape = (rows,) if bits else (width, words(rows))
        values = np.full(shape, fill % 2 ** (bits or 64), dtype=f"uint{bits or 64}")
        mine = p.party == owner % 3
        inputs.append(
            Input(
                owner=owner % 3, rows=rows, width=width, bits=bits, values=values if mine else None
            )
        )
    return p.input(inputs)


def every_primitive(p, fill, rows=ROWS):
    """Shares made by each of the primitives that communicate."""
    flag, word, ring, short = share_columns(p, fill, rows)
    made = [*p.and_([(flag, word), (word, word)]), *p.multiply([(ring, ring)])]
    made += p.dot([[(short, short), (short, short)]])
    p.total_product([(ring, ring)])
    made += p.flags_to_ring([flag], 64)
    p.ring_addends([ring], 64)
    masks, finish = p.ring_masks(rows, 64, 1)
    made += finish(masks)
    shuffled, handle = p.shuffle([flag, word, ring, short])
    made += [*shuffled, *p.shuffle_again(handle, [word]), *p.unshuffle(handle, shuffled)]
    order = np.random.default_rng(7).permutation(rows) if p.party == 2 else None
    made += p.permute_by_owner(2, order, [flag, word, ring])
    asked = np.arange(rows) // 5 if p.party == 0 else None  # places among 2 ROWS: all bits vary
    made += p.gather_by_owner(0, asked, rows, [word, short])
    p.reveal([flag, ring], 1)
    p.open(shuffled)
    return made


@pytest.mark.parametrize("fill", [0, 1, 2**64 - 1])
def test_messages_and_components_are_uniform_whatever_the_data(three_parties, fill):
    made = three_parties(lambda p: every_primitive(p, fill), record=True)
    for channel in three_parties.channels:
        frames = list(zip(channel.counters.transcript, channel.captured, strict=True))
        for kind in MASKED:
            sent = b"".join(payload for (_, sent_kind, _), payload in frames if sent_kind == kind)
            assert len(sent) < 4096 or looks_uniform(sent), (channel.party, kind.name)
    for shares in made:
        for share in shares:
            for part in share.parts:
                assert looks_uniform(part.tobytes()), share


@pytest.mark.parametrize("rows", [1, 65, 200])
def test_equal_shapes_give_equal_transcripts(three_parties, rows):
    transcripts = []
    for fill in (0, 2**64 - 1, 12345):
        three_parties(lambda p, fill=fill: [every_primitive(p, fill, rows)], record=True)
        transcripts.append([c.counters.transcript for c in three_parties.channels])
    assert transcripts[0] == transcripts[1] == transcripts[2]
    assert all(transcripts[0])


def test_every_session_and_every_call_has_fresh_randomness(three_parties):
    def run(p):
        flag, word, ring, _ = share_columns(p, 3)
        _, handle = p.shuffle([word])
        for _ in range(2):
            p.and_([(flag, word)])
            p.multiply([(ring, ring)])
            p.flags_to_ring([flag], 64)
            p.shuffle_again(handle, [word])
            p.unshuffle(handle, [word])

    seen = set()
    frames = 0
    for _ in range(2):
        three_parties(run, record=True)
        for channel in three_parties.channels:
            seen.update(channel.captured)
            frames += len(channel.captured)
    assert len(seen) == frames


def test_bits_past_the_last_row_are_not_opened(three_parties):
    """The owner's padding is full of ones; no opening message shows any of it."""
    rows = 70

    def run(p):
        planes = np.full((5, 2), 2**64 - 1, dtype=np.uint64) if p.party == 0 else None
        (x,) = p.input([Input(owner=0, rows=rows, width=5, values=planes)])
        x = p.and_([(x, p.invert(p.constant_bits(0, 5, rows)))])[0]
        p.reveal([x], 2)
        return p.open([x])[0]

    results = three_parties(run, record=True)
    for channel in three_parties.channels:
        for (_, kind, _), payload in zip(
            channel.counters.transcript, channel.captured, strict=True
        ):
            if kind in (Kind.OPEN, Kind.REVEAL):
                planes = np.frombuffer(payload, dtype=np.uint64).reshape(5, 2)
                assert not (planes[:, 1] >> np.uint64(rows - 64)).any()
    for planes in results:
        assert (planes[:, 1] == np.uint64(2 ** (rows - 64) - 1)).all()


def test_planted_values_are_never_sent(three_parties):
    value = 0x7E57AB1EC0FFEE11

    def run(p):
        return every_primitive(p, value, rows=300)

    three_parties(run, record=True)
    planted = value.to_bytes(8, "little")
    for channel in three_parties.channels:
        frames = zip(channel.counters.transcript, channel.captured, strict=True)
        assert not any(planted in payload for (_, kind, _), payload in frames if kind in MASKED)


CALLS = {
    "and": (lambda p, s: p.and_([(s[1], s[1])]), Kind.AND, 0, 128),
    "multiply": (lambda p, s: p.multiply([(s[2], s[2])]), Kind.MULTIPLY, 0, 512),
    "dot": (lambda p, s: p.dot([[(s[2], s[2])]]), Kind.DOT, 0, 512),
    "open": (lambda p, s: p.open([s[1]]), Kind.OPEN, 2, 128),
    "reveal": (lambda p, s: p.reveal([s[1]], 2), Kind.REVEAL, 2, 128),
    "flags to ring": (lambda p, s: p.flags_to_ring([s[0]], 64), Kind.FLAG_TO_RING, 2, 512),
    "shuffle": (lambda p, s: p.shuffle([s[1]]), Kind.SHUFFLE, 2, 128),
    "input": (lambda p, s: share_columns(p, 0, 64), Kind.INPUT, 2, 128),
}
FAULTS = {
    "short": lambda kind, size: (kind, size - 1),
    "long": lambda kind, size: (kind, size + 8),
    "empty": lambda kind, size: (kind, 0),
    "wrong kind": lambda kind, size: (Kind.CONTROL, size),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_frame_ends_the_session_at_every_party(three_parties, call, fault):
    """Party 1 sends a frame that is not due; the receiver tells, and nobody waits forever."""
    function, kind, victim, size = CALLS[call]
    wrong_kind, wrong_size = FAULTS[fault](kind, size)

    def run(p):
        shares = share_columns(p, 1, 64)
        if p.party == 1:
            channel = three_parties.channels[1]
            while True:  # until the channel refuses, as the session has ended
                channel.send(victim, wrong_kind, [np.zeros(wrong_size, dtype=np.uint8)])
                time.sleep(0.002)
        function(p, shares)
        p.and_([(shares[0], shares[0])])

    three_parties(run, expect_errors=True)
    assert isinstance(three_parties.errors[victim], PeerViolationError)
    assert all(isinstance(error, PeerError) for error in three_parties.errors)
    for party in (0, 2):
        with pytest.raises(SessionError, match="burned"):
            three_parties.keys[party].stream(1, Purpose.ZERO)


def test_a_party_that_ends_is_missed_by_the_others(three_parties):
    def run(p):
        shares = share_columns(p, 1, 64)
        if p.party != 1:
            p.and_([(shares[1], shares[1])])
            p.open(shares)

    three_parties(run, expect_errors=True)
    assert three_parties.errors[1] is None
    assert all(isinstance(three_parties.errors[p], PeerError) for p in (0, 2))


def test_a_silent_party_is_not_waited_for_beyond_the_deadline(three_parties):
    def run(p):
        shares = share_columns(p, 1, 64)
        if p.party == 1:
            three_parties.channels[1].receive(0, Kind.CONTROL, 1)
        p.open(p.and_([(shares[1], shares[1])]))

    three_parties(run, expect_errors=True, deadline_seconds=0.3)
    assert all(isinstance(error, PeerError) for error in three_parties.errors)


def test_a_failing_party_is_reported_to_the_others(three_parties):
    def run(p):
        if p.party == 2:
            three_parties.channels[2].abort(PeerFailedError("this party fails"))
            raise PeerFailedError("this party fails")
        share_columns(p, 1, 64)

    three_parties(run, expect_errors=True)
    assert "party 2" in str(three_parties.errors[0])
    assert "party 2" in str(three_parties.errors[1])


def test_the_owner_must_have_what_it_inputs(three_parties):
    def run(p):
        values = np.zeros((1, 9), dtype=np.uint64)
        with pytest.raises(ValueError, match="owner"):
            p.input([Input(owner=p.party, rows=64, width=1, values=values)])
        with pytest.raises(ValueError, match="owner"):
            p.input([Input(owner=p.party, rows=64, width=1)])

    three_parties(run)


def test_foreign_handles_and_shapes_are_refused(three_parties):
    class Foreign:
        rows = 64

    def run(p):
        flag, word, ring, _ = share_columns(p, 1, 64)
        _, handle = p.shuffle([flag])
        with pytest.raises(TypeError, match="handle"):
            p.unshuffle(Foreign(), [flag])
        with pytest.raises(ValueError, match="shuffled"):
            p.shuffle_again(handle, [p.random_bits(65, 1)])
        with pytest.raises(ValueError, match="equally many"):
            p.shuffle([flag, p.random_bits(65, 1)])
        with pytest.raises(ValueError, match="one plane"):
            p.flags_to_ring([word], 64)
        with pytest.raises(ValueError, match="bits"):
            p.ring_addends([ring], 65)

    three_parties(run)
