"""Quicksorts use up a random number of triples: a spare is made, and more where it is too small."""

from __future__ import annotations

import numpy as np
import pytest
from plane_values import bits_input, random_words, values_of
from tacit.executor.circuits.quicksort import quicksort
from tacit.executor.sharing.additive.counting import CountingAdditive
from tacit.executor.sharing.additive.pool import Demand
from tacit.executor.sharing.protocol import Input
from tacit.executor.transport.channel import Kind

ROWS, WIDTH = 1500, 24


def sort_counted(prepared=None):
    """The price counter after a dry run of the sort."""
    p = CountingAdditive(2, prepared)
    (keys,) = p.input([Input(owner=0, rows=ROWS, width=WIDTH)])
    p.open(quicksort(p, keys, [], distinct=False)[0])
    return p


def sorting(values):
    def run(p):
        (keys,) = p.input([bits_input(p, values, WIDTH)])
        return p.open(quicksort(p, keys, [], distinct=False)[0])[0]

    return run


@pytest.fixture(scope="module")
def preparation():
    return sort_counted().preparation()


def test_a_quicksort_s_spare_suffices_and_its_price_is_close(parties, preparation):
    predicted = sort_counted(Demand(preparation)).cost()
    assert predicted.expected
    values = random_words(ROWS, WIDTH)
    results = parties(2, sorting(values), demand=Demand(preparation), record=True)
    for planes in results:
        assert np.array_equal(values_of(planes, ROWS), np.sort(values))
    counters = [channel.counters for channel in parties.channels]
    assert predicted.rounds == max(c.depth for c in counters)
    assert predicted.messages == tuple(c.sent_messages for c in counters)
    assert [c.sent_bytes for c in counters] == pytest.approx(predicted.sent_bytes, rel=0.02)
    for protocol in parties.protocols:
        left = protocol._stock._ledger._held["bits", 1]
        made = {(kind, size): count for kind, size, count in preparation}["bits", 1]
        assert 0 < left < 0.09 * made


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_what_is_missing_is_made_when_it_is_needed(parties, preparation, share):
    """The order is right; rounds, bytes and messages are those of the transfers that are added."""
    scarce = Demand([(kind, size, int(count * share)) for kind, size, count in preparation])
    values = random_words(ROWS, WIDTH, seed=3)
    results = parties(2, sorting(values), demand=scarce, record=True)
    for planes in results:
        assert np.array_equal(values_of(planes, ROWS), np.sort(values))
    online, ahead, less = (
        p.cost()
        for p in (
            sort_counted(Demand(preparation)),
            CountingAdditive(2, Demand(preparation)),
            CountingAdditive(2, scarce),
        )
    )
    messages = online.messages[0] - ahead.messages[0] + less.messages[0]
    for channel, protocol in zip(parties.channels, parties.protocols, strict=True):
        kinds = [kind for _, kind, _ in channel.counters.transcript]
        added = kinds[kinds.index(Kind.AND) :].count(Kind.OT_EXTEND)
        assert added > 0
        assert channel.counters.sent_messages == messages + added
        assert protocol._stock._ledger._held["bits", 1] == 0
    rounds = online.rounds - ahead.rounds + less.rounds
    assert max(c.counters.depth for c in parties.channels) == rounds + added


def test_nothing_is_used_twice_across_top_ups(parties):
    """Every triple that gates were handed, prepared or topped up, has masks of its own."""

    def run(p):
        taken = [p._stock.bits(count, 1) for count in (100, 250, 64, 300)]
        wide = [p._stock.bits(count, 7) for count in (3, 90)]
        products = [p._stock.products(count, 64) for count in (5, 70)]
        doubles = [p._stock.doubles(count, 64) for count in (2, 9)]
        masks = [
            np.concatenate([t.a for t in taken]),
            np.concatenate([t.b for t in taken]),
            np.concatenate([t.a for t in wide]),
            np.concatenate([t.a for t in products]),
            np.concatenate([d.plane for d in doubles]),
        ]
        (chosen,), (sent,) = p._transfers._choosing.values(), p._transfers._sending.values()
        return masks, (chosen.count, sent.count), taken

    demand = Demand([("bits", 1, 128), ("bits", 7, 4), ("products", 64, 6), ("doubles", 64, 1)])
    results = parties(2, run, demand=demand)
    for masks, _, _ in results:
        for words in masks:
            assert len(np.unique(words)) == len(words)
    (_, (one_chose, one_sent), mine), (_, (other_chose, other_sent), theirs) = results
    assert (one_chose, one_sent) == (other_sent, other_chose)
    for x, y in zip(mine, theirs, strict=True):
        assert np.array_equal((x.a ^ y.a) & (x.b ^ y.b), x.c ^ y.c)
