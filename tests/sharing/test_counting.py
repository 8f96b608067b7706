"""The counting protocol predicts exactly what a run measures."""

from __future__ import annotations

import numpy as np
import pytest
from tacit.executor.sharing.counting import CountingProtocol
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.shares import words


def columns(p, rows):
    """Three Boolean and two ring columns, from different owners."""
    inputs = []
    for owner, (width, bits) in enumerate([(1, 0), (7, 0), (7, 0), (0, 32), (0, 64)]):
        owner %= 3  # noqa: PLW2901
        shape = (rows,) if bits else (width, words(rows))
        values = np.zeros(shape, dtype=f"uint{bits or 64}") if p.party == owner else None
        inputs.append(Input(owner=owner, rows=rows, width=width, bits=bits, values=values))
    return p.input(inputs)


def convert_words(p, rows):
    masks, finish = p.ring_masks(rows, 32, 2)
    return finish(masks)


def shuffle_there_and_back(p, s):
    shuffled, handle = p.shuffle(s)
    p.shuffle_again(handle, [s[0], s[4]])
    return p.unshuffle(handle, [shuffled[1]])


PRIMITIVES = {
    "input": lambda p, s: columns(p, 65),
    "open": lambda p, s: p.open(s),
    "reveal to 0": lambda p, s: p.reveal(s[:2], 0),
    "reveal to 2": lambda p, s: p.reveal(s, 2),
    "and": lambda p, s: p.and_([(s[0], s[1]), (s[1], s[2]), (s[0], s[0])]),
    "and of nothing": lambda p, s: p.and_([]),
    "multiply": lambda p, s: p.multiply([(s[3], s[3]), (s[4], s[4])]),
    "dot": lambda p, s: p.dot([[(s[3], s[3])] * 2, [(s[4], s[4])]]),
    "total product": lambda p, s: p.total_product([(s[3], s[3]), (s[4], s[4])]),
    "flags to ring": lambda p, s: p.flags_to_ring([s[0], s[1].planes(3, 4)], 32),
    "ring addends": lambda p, s: p.ring_addends([s[3], s[4]], 13),
    "ring masks": lambda p, s: convert_words(p, s[0].rows),
    "random bits": lambda p, s: p.random_bits(100, 3),
    "invert": lambda p, s: p.invert(s[1]),
    "shuffles": shuffle_there_and_back,
    "shuffle of rings": lambda p, s: p.shuffle(s[3:])[0],
    "reveal, then and": lambda p, s: (p.reveal(s, 1), p.and_([(s[1], s[2])])),
    "addends, then reveal": lambda p, s: (p.ring_addends([s[3]], 8), p.reveal(s, 2)),
}


@pytest.mark.parametrize("rows", [1, 64, 1000])
@pytest.mark.parametrize("name", PRIMITIVES)
def test_prediction_equals_measurement(three_parties, name, rows):
    primitive = PRIMITIVES[name]
    counting = CountingProtocol()
    primitive(counting, columns(counting, rows))
    cost = counting.cost()
    three_parties(lambda p: (primitive(p, columns(p, rows)), None))
    counters = [channel.counters for channel in three_parties.channels]
    assert cost.rounds == max(c.depth for c in counters)
    assert cost.sent_bytes == tuple(c.sent_bytes for c in counters)
    assert cost.messages == tuple(c.sent_messages for c in counters)
    assert not cost.expected


@pytest.mark.parametrize("name", PRIMITIVES)
def test_dry_and_real_results_have_the_same_shapes(three_parties, name):
    def shape(p):
        result = PRIMITIVES[name](p, columns(p, 70))
        return repr(result)

    if "open" in name or "reveal" in name:
        assert "None" in shape(CountingProtocol())
    else:
        assert [shape(CountingProtocol())] * 3 == three_parties(shape)


def test_an_operator_is_priced_alone_from_a_mark():
    p = CountingProtocol()
    shares = columns(p, 64)
    p.reveal(shares, 0)
    mark = p.level()
    p.and_([(shares[1], shares[2])])
    cost = p.cost(mark)
    assert (cost.rounds, cost.sent_bytes, cost.messages) == (1, (56,) * 3, (1,) * 3)
    assert p.cost(p.level()).rounds == 0


def test_an_expectation_is_named():
    p = CountingProtocol()
    before = p.level()
    assert not p.cost(before).expected
    p.count_random()
    assert p.cost(before).expected
    assert not p.cost(p.level()).expected


def test_what_a_party_copies_counts_for_less_than_what_a_shuffle_moves():
    p = CountingProtocol()
    shares = columns(p, 640)

    def moved(call):
        before = p.level()
        call()
        return p.cost(before).moved_bytes

    shuffled = moved(lambda: p.shuffle(shares))
    assert moved(lambda: p.permute_by_owner(0, None, shares)) == shuffled // 3
    assert moved(lambda: p.gather_by_owner(0, None, 640, shares)) == pytest.approx(
        4 * shuffled / 3, abs=3
    )
    assert moved(lambda: p.total_product([(shares[3], shares[3])] * 3)) == 640 * 3 * 4 // 3
    assert moved(lambda: p.and_([(shares[1], shares[2])])) == 0
    assert moved(lambda: p.count_copied(999)) == 333


def test_wrong_shapes_are_refused_without_values_too():
    p = CountingProtocol()
    shares = columns(p, 64)
    with pytest.raises(ValueError, match="Bits 7 x 64"):
        p.and_([(shares[1], p.random_bits(64, 3))])
    with pytest.raises(ValueError, match="rows"):
        p.shuffle([shares[0], p.random_bits(3, 3)])
    with pytest.raises(ValueError, match="Z_2"):
        p.multiply([(shares[3], shares[4])])
    with pytest.raises(ValueError, match="do not hold"):
        p.constant_bits(8, 3, 64)
    _, handle = p.shuffle(shares)
    with pytest.raises(ValueError, match="shuffled"):
        p.unshuffle(handle, [p.random_bits(3, 3)])
    with pytest.raises(ValueError, match="parties"):
        CountingProtocol(2)
