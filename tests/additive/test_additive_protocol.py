"""Every primitive of `additive` against plain numpy, for two to five parties, at awkward sizes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from plane_values import bits_input, random_words, ring_input, values_of
from tacit.executor.circuits.sort import sort
from tacit.executor.sharing.additive import pool
from tacit.executor.sharing.additive.counting import CountingAdditive
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.shares import Bits
from tacit.planner.cost import LINKS
from uniformity import looks_uniform

SIZES = [
    (2, 65),
    (3, 3),
    *(
        pytest.param(n, rows, marks=pytest.mark.slow)
        for n, rows in [(2, 1), (2, 1000), (4, 65), (5, 3)]
    ),
]


def agreed(results):
    """What every party opened, which is the same."""
    for one, other in pairwise(results):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b)
    return results[0]


@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_inputs_open_to_everybody_and_are_revealed_to_one(parties, n, rows):
    word, ring = random_words(rows, 7), random_words(rows, seed=2)

    def run(p):
        shares = p.input([bits_input(p, word, 7), ring_input(p, ring, owner=n - 1)])
        assert all(len(share.parts) == 1 for share in shares)
        return p.open(shares), p.reveal(shares, 1)

    results = parties(n, run)
    opened = agreed([result for result, _ in results])
    assert np.array_equal(values_of(opened[0], rows), word)
    assert np.array_equal(opened[1], ring)
    assert [result is not None for _, result in results] == [p == 1 for p in range(n)]
    assert np.array_equal(results[1][1][1], ring)


@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_and_of_equal_widths_and_of_one_plane_with_several(parties, n, rows):
    x, y, flag = random_words(rows, 9), random_words(rows, 9, seed=2), random_words(rows, 1, seed=3)

    def run(p):
        one, two, bit = p.input(
            [bits_input(p, x, 9), bits_input(p, y, 9, owner=1), bits_input(p, flag, 1)]
        )
        empty = one.planes(0, 0)
        return p.open(p.and_([(one, two), (bit, two), (two, bit), (bit, bit), (empty, bit)]))

    opened = agreed(parties(n, run))
    assert np.array_equal(values_of(opened[0], rows), x & y)
    assert np.array_equal(values_of(opened[1], rows), y * flag)
    assert np.array_equal(values_of(opened[2], rows), y * flag)
    assert np.array_equal(values_of(opened[3], rows), flag)
    assert opened[4].shape[0] == 0


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_products_wrap_like_the_ring(parties, n, rows, bits):
    x, y = (random_words(rows, bits, seed=s).astype(f"uint{bits}") for s in (1, 2))

    def run(p):
        a, b = p.input([ring_input(p, x, bits), ring_input(p, y, bits, owner=1)])
        return p.open(
            [*p.multiply([(a, b)]), *p.dot([[(a, b), (b, b)]]), *p.total_product([(a, b)])]
        )

    opened = agreed(parties(n, run))
    assert np.array_equal(opened[0], x * y)
    assert np.array_equal(opened[1], x * y + y * y)
    assert opened[2] == (x * y).sum(dtype=x.dtype)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_flags_become_ring_elements(parties, n, rows, bits):
    flag = random_words(rows, 1)

    def run(p):
        (share,) = p.input([bits_input(p, flag, 1, owner=1)])
        return p.open(p.flags_to_ring([share, p.invert(share)], bits))

    opened = agreed(parties(n, run))
    assert np.array_equal(opened[0], flag)
    assert np.array_equal(opened[1], 1 - flag)


@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_addends_and_masks_add_up(parties, n, rows):
    x = random_words(rows)

    def run(p):
        (ring,) = p.input([ring_input(p, x)])
        (pair,) = p.ring_addends([ring], 50)
        masks, finish = p.ring_masks(rows, 64, 2)
        words = finish(masks)
        with pytest.raises(ValueError, match="serves once"):
            finish(masks)
        return p.open([*pair, masks[0], words[0]])

    first, second, mask, word = agreed(parties(n, run))
    total = values_of(first, rows) + values_of(second, rows)
    assert np.array_equal(total & np.uint64(2**50 - 1), x & np.uint64(2**50 - 1))
    assert np.array_equal(word, values_of(mask, rows) * np.uint64(2))


@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_a_shuffle_keeps_rows_whole_and_can_be_repeated_and_undone(parties, n, rows):
    word, ring, short = random_words(rows, 11), random_words(rows, seed=2), random_words(rows, 32)

    def run(p):
        shares = p.input(
            [bits_input(p, word, 11), ring_input(p, ring), ring_input(p, short, 32, owner=1)]
        )
        moved, handle = p.shuffle(shares)
        again = p.shuffle_again(handle, shares[:1])
        back = p.unshuffle(handle, moved)
        return p.open([*moved, *again, *back])

    opened = agreed(parties(n, run))
    rows_before = sorted(zip(word, ring, short, strict=True))
    rows_after = sorted(zip(values_of(opened[0], rows), opened[1], opened[2], strict=True))
    assert rows_before == rows_after
    assert np.array_equal(opened[0], opened[3])
    assert np.array_equal(values_of(opened[4], rows), word)
    assert np.array_equal(opened[5], ring)
    assert np.array_equal(opened[6], short)


@pytest.mark.parametrize(("n", "rows"), SIZES)
@pytest.mark.parametrize("owner", [0, 1])
def test_an_owner_moves_and_looks_up_rows_as_it_alone_knows(parties, n, rows, owner):
    word, ring, short = random_words(rows, 11), random_words(rows, seed=2), random_words(rows, 32)
    order = np.random.default_rng(rows).permutation(rows)
    requests = np.random.default_rng(n).integers(0, rows, [5, 2 * rows][owner])

    def run(p):
        shares = p.input(
            [bits_input(p, word, 11), ring_input(p, ring), ring_input(p, short, 32, owner=1)]
        )
        mine = p.party == owner
        moved = p.permute_by_owner(owner, order if mine else None, shares)
        asked = requests if mine else None
        found = p.gather_by_owner(owner, asked, len(requests), shares)
        none = np.empty(0, np.intp) if mine else None
        assert [x.rows for x in p.gather_by_owner(owner, none, 0, shares)] == [0] * 3
        return p.open([*moved, *found])

    opened = agreed(parties(n, run))
    for source, shown in ((order, opened[:3]), (requests, opened[3:])):
        assert np.array_equal(values_of(shown[0], len(source)), word[source])
        assert np.array_equal(shown[1], ring[source])
        assert np.array_equal(shown[2], short[source])


def test_every_order_of_three_rows_comes_up(parties):
    values = np.array([0, 1, 2], np.uint64)

    def run(p):
        (share,) = p.input([bits_input(p, values, 2)])
        return p.open([p.shuffle([share])[0][0] for _ in range(120)])

    opened = agreed(parties(2, run))
    orders = [tuple(values_of(planes, 3)) for planes in opened]
    assert len(set(orders)) == 6
    assert max(map(orders.count, orders)) < 60


def every_primitive(p, fill, rows):
    """Shares made by each of the primitives that communicate."""
    n = p.parties
    inputs = []
    for number, (width, bits) in enumerate([(1, 0), (16, 0), (0, 64), (0, 32)]):
        owner = number % n
        values = np.full(rows, fill % 2 ** (bits or width), np.uint64)
        inputs.append(
            ring_input(p, values, bits, owner) if bits else bits_input(p, values, width, owner)
        )
    if p.counts_only:
        inputs = [Input(owner=i.owner, rows=rows, width=i.width, bits=i.bits) for i in inputs]
    flag, word, ring, short = p.input(inputs)
    made = [*p.and_([(flag, word), (word, word)]), *p.multiply([(ring, ring)])]
    made += p.dot([[(short, short), (short, short)]])
    made += p.total_product([(ring, ring)])
    made += p.flags_to_ring([flag], 64)
    p.ring_addends([ring], 64)
    masks, finish = p.ring_masks(rows, 64, 1)
    made += finish(masks)
    shuffled, handle = p.shuffle([flag, word, ring, short])
    made += [*shuffled, *p.shuffle_again(handle, [word]), *p.unshuffle(handle, shuffled)]
    last = n - 1
    order = np.arange(rows)[::-1].copy() if p.party == last and not p.counts_only else None
    made += p.permute_by_owner(last, order, [flag, word, ring])
    asked = np.arange(2 * rows) % rows if p.party == 0 and not p.counts_only else None
    made += p.gather_by_owner(0, asked, 2 * rows, [word, short])
    p.reveal([flag, ring], 1)
    p.open(shuffled)
    return made


@pytest.mark.parametrize(("n", "rows"), SIZES)
def test_a_run_costs_what_was_predicted(parties, n, rows):
    first = CountingAdditive(n)
    every_primitive(first, 0, rows)
    second = CountingAdditive(n, first.demand)
    every_primitive(second, 0, rows)
    parties(n, lambda p: every_primitive(p, 1, rows) and None, demand=first.demand)
    counters = [channel.counters for channel in parties.channels]
    predicted = second.cost()
    assert predicted.sent_bytes == tuple(c.sent_bytes for c in counters)
    assert predicted.messages == tuple(c.sent_messages for c in counters)
    assert predicted.rounds == max(c.depth for c in counters)
    assert first.cost().sent_bytes != (0,) * n


@pytest.mark.parametrize("memory", [0, 1 << 10, 1 << 12])
def test_a_demand_that_memory_does_not_hold_is_made_in_time_as_predicted(
    parties, monkeypatch, memory
):
    monkeypatch.setattr(pool, "MEMORY_BYTES", memory)
    test_a_run_costs_what_was_predicted(parties, 2, 65)


def test_what_is_made_in_time_is_made_in_whole_batches(monkeypatch):
    monkeypatch.setattr(pool, "MEMORY_BYTES", 24 * 1000)
    ledger = pool.Ledger()
    batch = pool.MAX_WORDS
    demand = pool.Demand([("bits", 1, 1000 + batch + 10)])
    assert ledger.prepare(demand) == [("bits", 1, 1000)]
    assert ledger.take("bits", 1, 999) == []
    assert ledger.take("bits", 1, 2) == [batch]
    assert ledger.take("bits", 1, batch) == [10]
    assert ledger.take("bits", 1, 9) == []
    assert ledger.take("bits", 1, batch + 5) == [batch, 5]


@pytest.mark.parametrize("n", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_transcripts_do_not_depend_on_the_data(parties, n):
    transcripts = []
    for fill in (0, 2**64 - 1):
        parties(n, lambda p, fill=fill: every_primitive(p, fill, 65) and None, record=True)
        transcripts.append([channel.counters.transcript for channel in parties.channels])
    assert transcripts[0] == transcripts[1]


@pytest.mark.parametrize("fill", [0, 2**64 - 1])
@pytest.mark.parametrize("n", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_messages_and_pieces_look_uniform_whatever_the_data(parties, n, fill):
    from tacit.executor.transport.channel import Kind

    open_kinds = (Kind.HELLO, Kind.OPEN, Kind.REVEAL, Kind.OT_BASE)
    made = parties(n, lambda p: every_primitive(p, fill, 4096), record=True)
    for channel in parties.channels:
        frames = list(zip(channel.counters.transcript, channel.captured, strict=True))
        for kind in set(Kind) - set(open_kinds):
            first = next((peer for (peer, own, _), _ in frames if own == kind), None)
            sent = b"".join(
                payload for (peer, own, _), payload in frames if (peer, own) == (first, kind)
            )
            assert len(sent) < 4096 or looks_uniform(sent), (channel.party, kind.name)
    for shares in made:
        for share in shares:
            assert share.rows == 1 or looks_uniform(share.parts[0].tobytes()), share


def test_zero_sharings_hide_what_a_trivial_piece_would_show(parties):
    """What one party knows is a sharing with zeros elsewhere; opening a sum shows no piece."""
    values = random_words(64, seed=5)

    def run(p):
        (ring,) = p.input([ring_input(p, values)])
        ((first, second),) = p.ring_addends([ring], 64)
        p.open([first ^ second])

    parties(3, run, record=True)
    for channel in parties.channels:
        frames = zip(channel.counters.transcript, channel.captured, strict=True)
        opened = [payload for (_, kind, _), payload in frames if kind == 3]
        assert opened
        assert all(any(payload) for payload in opened)


def test_few_comparisons_and_narrow_keys_decide_how_rows_are_sorted():
    """Quicksort where keys are wide; radix sort where round trips cost more than its products."""

    def seconds(link, algorithm, width):
        counting = CountingAdditive(2)
        sort(counting, Bits(1 << 12, width, ()), [], algorithm=algorithm)
        return LINKS[link].running("additive").seconds(counting.cost())

    assert seconds("lan", "quick", 32) < seconds("lan", "radix", 32)
    assert seconds("wan", "radix", 4) < seconds("wan", "quick", 4)
