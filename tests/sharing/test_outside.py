"""Columns from beside the compute parties enter, and leave, as uniformly random components."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from plane_values import bits_input, random_words, values_of
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.protocols import open_outside, open_protocol
from tacit.executor.sharing.randomness import agree_keys
from tacit.executor.sharing.shares import words
from tacit.executor.transport.channel import Kind
from tacit.executor.transport.memory import memory_channels
from tacit.query.errors import InternalError, PeerError, PeerViolationError, TacitError
from uniformity import looks_uniform

ROWS = 5000
COMMITTEES = [("replicated", 3), ("additive", 2), ("additive", 3)]


class Committee:
    """Compute parties and two outsiders, in threads; `run` gives each position's outcome."""

    def __init__(self, protocol: str, parties: int) -> None:
        self.protocol, self.parties = protocol, parties
        self.channels = memory_channels(parties, outsiders=2, deadline_seconds=5, record=True)

    def open(self, position: int) -> Any:
        channel = self.channels[position]
        if position >= self.parties:
            return open_outside(self.protocol, channel, outsiders=2)
        keys = agree_keys(channel, b"test")
        return open_protocol(self.protocol, channel, keys, context=b"test", preparation=())

    def run(self, act: Any) -> list[Any]:
        outcomes: list[Any] = [None] * (self.parties + 2)

        def work(position: int) -> None:
            try:
                outcomes[position] = act(self.open(position))
            except TacitError as error:
                outcomes[position] = error

        threads = [threading.Thread(target=work, args=(p,)) for p in range(len(outcomes))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes


def columns(p: Any, fill: int, rows: int = ROWS) -> list[Any]:
    """Planes and ring columns of both outsiders and of party 0."""
    inputs = []
    for owner, width, bits in [(p.parties, 3, 0), (0, 2, 0), (p.parties + 1, 0, 64), (0, 0, 32)]:
        shape = (rows,) if bits else (width, words(rows))
        values = np.full(shape, fill % 2 ** (bits or 64), f"uint{bits or 64}")
        mine = owner == p.party
        inputs.append(
            Input(owner=owner, rows=rows, width=width, bits=bits, values=values if mine else None)
        )
    return list(p.input(inputs))


@pytest.mark.parametrize(("protocol", "parties"), COMMITTEES)
@pytest.mark.parametrize("fill", [0, 2**64 - 1])
def test_components_are_uniform_and_results_arrive(protocol: str, parties: int, fill: int) -> None:
    committee = Committee(protocol, parties)

    def act(p: Any) -> tuple[Any, Any]:
        shares = columns(p, fill)
        return shares, p.reveal(shares, parties)

    outcomes = committee.run(act)
    for position, (shares, opened) in enumerate(outcomes):
        assert (opened is not None) == (position == parties)
        for share in (shares[0], shares[2]):
            assert all(looks_uniform(part.tobytes()) for part in share.parts)
    planes, _, ring, short = outcomes[parties][1]
    assert set(ring.tolist()) == {fill}
    assert set(short.tolist()) == {fill % 2**32}
    bits = np.unpackbits(planes.view(np.uint8), axis=1, bitorder="little")
    assert set(bits[:, :ROWS].ravel().tolist()) == {fill & 1}
    assert not bits[:, ROWS:].any()
    for channel in committee.channels:
        frames = zip(channel.counters.transcript or [], channel.captured, strict=True)
        for (peer, kind, size), payload in frames:
            if peer == parties and kind == Kind.REVEAL:
                assert size > 4096
                assert looks_uniform(payload), (channel.party, protocol)
            if channel.party >= parties:
                assert kind == Kind.INPUT
                assert size < 4096 or looks_uniform(payload)


@pytest.mark.parametrize(("protocol", "parties"), COMMITTEES)
def test_equal_shapes_give_equal_transcripts(protocol: str, parties: int) -> None:
    transcripts = []
    for fill in (0, 12345, 2**64 - 1):
        committee = Committee(protocol, parties)
        committee.run(lambda p, fill=fill: p.reveal(columns(p, fill, 70), parties + 1))
        transcripts.append([channel.counters.transcript for channel in committee.channels])
    assert transcripts[0] == transcripts[1] == transcripts[2]


@pytest.mark.parametrize(("protocol", "parties"), COMMITTEES)
def test_rows_are_moved_and_looked_up_without_the_outsiders(protocol: str, parties: int) -> None:
    committee = Committee(protocol, parties)
    values, asked = random_words(50, 9), np.array([3, 3, 49, 0])

    def act(p: Any) -> Any:
        shares = p.input([bits_input(p, values, 9, owner=parties)])
        order = np.arange(50)[::-1].copy() if p.party == 1 else None
        moved = p.permute_by_owner(1, order, shares)
        found = p.gather_by_owner(1, asked if p.party == 1 else None, 4, shares)
        with pytest.raises(InternalError, match="compute party"):
            p.permute_by_owner(parties, None, shares)
        with pytest.raises(InternalError, match="compute party"):
            p.gather_by_owner(parties, None, 4, shares)
        return p.reveal([*moved, *found], parties)

    moved, found = committee.run(act)[parties]
    assert np.array_equal(values_of(moved, 50), values[::-1])
    assert np.array_equal(values_of(found, 4), values[asked])


@pytest.mark.parametrize(("protocol", "parties"), COMMITTEES)
@pytest.mark.parametrize("wrong", [Kind.INPUT, Kind.OPEN])
def test_a_frame_of_another_size_or_kind_ends_the_session(
    protocol: str, parties: int, wrong: Kind
) -> None:
    committee = Committee(protocol, parties)

    def act(p: Any) -> Any:
        if p.party == parties:
            for party in range(parties):
                committee.channels[parties].send(party, wrong, [np.zeros(3, np.uint8)])
            return committee.channels[parties].receive(0, Kind.REVEAL, 8)
        shares = columns(p, 1)
        return p.reveal(shares, parties)

    outcomes = committee.run(act)
    assert any(isinstance(outcome, PeerViolationError) for outcome in outcomes[:parties])
    assert all(isinstance(outcome, PeerError) for outcome in outcomes[: parties + 1])


@pytest.mark.parametrize(("protocol", "parties"), COMMITTEES)
def test_an_outsider_that_is_gone_ends_the_session(protocol: str, parties: int) -> None:
    committee = Committee(protocol, parties)

    def act(p: Any) -> Any:
        if p.party == parties:
            committee.channels[parties].close()
            return None
        return p.reveal(columns(p, 1), parties + 1)

    outcomes = committee.run(act)
    assert all(isinstance(outcome, PeerError) for outcome in outcomes[:parties])


@pytest.mark.parametrize(("protocol", "parties"), COMMITTEES)
def test_a_revealing_party_with_a_short_frame_is_found_out(protocol: str, parties: int) -> None:
    committee = Committee(protocol, parties)

    def act(p: Any) -> Any:
        shares = columns(p, 1)
        if p.party == 1:
            committee.channels[1].send(parties, Kind.REVEAL, [np.zeros(1, np.uint8)])
            return None
        return p.reveal(shares, parties)

    assert isinstance(committee.run(act)[parties], PeerViolationError)
