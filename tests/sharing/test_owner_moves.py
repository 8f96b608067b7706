"""Permutations and lookups that one party alone knows, against numpy, and what they cost."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plane_values import bits_input, random_words, ring_input, values_of
from tacit.executor.sharing.counting import CountingProtocol
from tacit.executor.sharing.shares import Bits, Ring
from tacit.executor.transport.channel import Kind
from tacit.query.errors import InternalError

ROWS = [1, 2, 63, 64, 65, 1000]
WIDTHS = [(1, 0), (37, 0), (0, 64), (0, 32), (130, 0)]


def shared(p, rows):
    """Columns of several shapes and owners, and what they hold."""
    values = [
        random_words(rows, min(width, 64) or bits, seed=width + bits) for width, bits in WIDTHS
    ]
    inputs = []
    for place, ((width, bits), value) in enumerate(zip(WIDTHS, values, strict=True)):
        owner = place % 3
        if bits:
            inputs.append(ring_input(p, value, bits, owner=owner))
        else:
            inputs.append(bits_input(p, value, width, owner=owner))
    return p.input(inputs), values


def opened_values(opened, rows):
    shown = []
    for array, (_, bits) in zip(opened, WIDTHS, strict=True):
        assert bits or not array[64:].any()
        shown.append(array if bits else values_of(array[:64], rows))
    return [np.asarray(x).astype(np.uint64) for x in shown]


def check(three_parties, owner, source, entries, *, gather):
    rows = len(source)

    def run(p):
        columns, values = shared(p, entries)
        before = [[part.copy() for part in column.parts] for column in columns]
        mine = source if p.party == owner else None
        if gather:
            moved = p.gather_by_owner(owner, mine, rows, columns)
        else:
            moved = p.permute_by_owner(owner, mine, columns)
        for column, parts in zip(columns, before, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(column.parts, parts, strict=True))
        assert [column.rows for column in moved] == [rows] * len(columns)
        return p.open(moved), values

    for opened, values in three_parties(run):
        for found, value in zip(opened_values(opened, rows), values, strict=True):
            assert np.array_equal(found, np.asarray(value).astype(np.uint64)[source])


@pytest.mark.parametrize("owner", [0, 1, 2])
@pytest.mark.parametrize("rows", ROWS)
def test_permutation(three_parties, owner, rows):
    check(three_parties, owner, np.random.default_rng(rows).permutation(rows), rows, gather=False)


@pytest.mark.parametrize("owner", [0, 1, 2])
@pytest.mark.parametrize(
    ("entries", "rows"), [(1, 1), (1, 70), (65, 1), (64, 64), (10, 1000), (1000, 10), (300, 300)]
)
def test_lookup(three_parties, owner, entries, rows):
    seeds = np.random.default_rng(entries + rows)
    check(three_parties, owner, seeds.integers(0, entries, rows), entries, gather=True)
    check(three_parties, owner, np.full(rows, entries - 1), entries, gather=True)


def test_nothing_to_look_up_or_to_move_costs_nothing(three_parties):
    def run(p):
        columns, _ = shared(p, 5)
        none = np.empty(0, np.intp) if p.party == 1 else None
        depth = p._link._channel.counters.depth
        empty = p.gather_by_owner(1, none, 0, columns)
        narrow = p.constant_bits(0, 0, 5)
        order = np.arange(5) if p.party == 1 else None
        p.permute_by_owner(1, order, [narrow])
        assert p._link._channel.counters.depth == depth
        return [column.rows for column in empty]

    assert three_parties(run) == [[0] * 5] * 3


def test_only_a_compute_party_moves_rows(three_parties):
    def run(p):
        with pytest.raises(InternalError, match="compute party"):
            p.permute_by_owner(3, None, [p.constant_bits(0, 1, 5)])

    three_parties(run)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_lookup(three_parties, data):
    """Whatever repeats and whatever nobody asks for."""
    entries = data.draw(st.integers(1, 90))
    asked = data.draw(st.lists(st.integers(0, entries - 1), max_size=90))
    source = np.array(asked, np.intp)
    check(three_parties, data.draw(st.integers(0, 2)), source, entries, gather=True)


@pytest.mark.parametrize("kind", ["ones", "spread"])
@pytest.mark.parametrize(("entries", "rows"), [(300, 500), (500, 30)])
def test_costs_are_counted_and_do_not_depend_on_the_order(three_parties, kind, entries, rows):
    owner = 2
    source = np.zeros(rows, np.intp) if kind == "ones" else np.arange(rows) % entries

    def measured(p):
        columns, _ = shared(p, entries)
        counters = p._link._channel.counters
        before = (counters.sent_bytes, counters.sent_messages)
        order = np.arange(entries)[::-1].copy() if kind == "ones" else np.arange(entries)
        p.permute_by_owner(owner, order if p.party == owner else None, columns)
        p.gather_by_owner(owner, source if p.party == owner else None, rows, columns)
        return counters.sent_bytes - before[0], counters.sent_messages - before[1]

    sent = three_parties(measured)
    dry = CountingProtocol()
    columns = [Ring(entries, b, ()) if b else Bits(entries, w, ()) for w, b in WIDTHS]
    dry.permute_by_owner(owner, None, columns)
    dry.gather_by_owner(owner, None, rows, columns)
    cost = dry.cost()
    assert tuple(size for size, _ in sent) == cost.sent_bytes
    assert tuple(count for _, count in sent) == cost.messages
    assert cost.rounds == 2 + 4


def test_the_places_that_the_taker_sees_are_a_uniformly_random_order(three_parties):
    """Chi-square over the 24 orders of four rows, for one and the same permutation."""
    runs, owner = 720, 1
    source = np.array([2, 0, 3, 1])

    def run(p):
        column = p.constant_bits(5, 3, 4)
        for _ in range(runs):
            p.permute_by_owner(owner, source if p.party == owner else None, [column])

    three_parties(run, record=True)
    channel = three_parties.channels[owner]
    frames = zip(channel.counters.transcript, channel.captured, strict=True)
    sent = [np.frombuffer(payload, np.uint64) for (_, k, _), payload in frames if k == Kind.MOVE]
    orders = [bytes(values_of(planes.reshape(2, 1), 4).astype(np.uint8)) for planes in sent]
    counts = Counter(orders)
    assert len(orders) == runs
    assert set(counts) == {bytes(order) for order in permutations(range(4))}
    expected = runs / 24
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < 58  # p = 0.0001
