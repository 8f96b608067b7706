"""The circuits over replicated shares: the same results, at exactly the predicted cost."""

from __future__ import annotations

import numpy as np
import pytest
from tacit.executor.circuits.add import add, add_constant, subtract_with_borrow
from tacit.executor.circuits.compare import (
    any_of,
    any_row,
    equal,
    equal_constant,
    less_than,
    less_than_constant,
)
from tacit.executor.circuits.convert import ring_to_word, word_to_ring
from tacit.executor.circuits.divide import divide
from tacit.executor.circuits.partition import partition
from tacit.executor.circuits.select import mask, select
from tacit.executor.circuits.sort import sort
from tacit.executor.sharing.counting import CountingProtocol


def comparisons(p, x, y):
    flags = [*equal(p, [(x, y)]), *less_than(p, [(x, y)]), *equal_constant(p, x, [0, 3, 1 << 40])]
    return [*flags, *less_than_constant(p, [(x, 77), (y, 1)]), *any_of(p, [x])]


def rows_and_choices(p, x, y):
    (flag,) = less_than(p, [(x, y)])
    return [any_row(p, flag), *select(p, [(flag, x, y)]), *mask(p, [(flag, x)])]


def sums(p, x, y):
    difference, borrow = subtract_with_borrow(p, x, y, width=25)
    ripple = add(p, x, y, width=9, carry_in=1, adder="ripple")
    return [add(p, x, y, width=30), difference, borrow, ripple, add_constant(p, x, -5, width=20)]


def conversions(p, x, y):
    rings = word_to_ring(p, [x, y.planes(0, min(y.width, 2))]) + word_to_ring(p, [x], 32)
    return [*rings, *ring_to_word(p, rings[:1], 12)]


def quotients(p, x, y):
    return [divide(p, x, y.planes(0, min(y.width, 6)), quotient_width=x.width)]


def partitions(p, x, y):
    result = partition(p, x.planes(0, 1), [x, y])
    return [*result.columns, *result.order.undo(p, [result.columns[1]])]


def radix_sort(p, x, y):
    result = sort(p, x.planes(0, min(x.width, 5)), [y], algorithm="radix")
    return [result.keys, *result.columns, *result.order.undo(p, result.columns)]


def quick_sort(p, x, y):
    result = sort(p, x, [y], algorithm="quick")
    return [result.keys, *result.columns, *result.order.apply(p, [x])]


CIRCUITS = [
    comparisons,
    rows_and_choices,
    sums,
    conversions,
    quotients,
    partitions,
    radix_sort,
    quick_sort,
]
SHAPES = [(0, 3), (1, 1), (2, 9), (7, 3), (64, 20), (90, 21), (200, 20)]


def words_of(rows, seed):
    seeds = np.random.default_rng(seed)
    x = [int(value) for value in seeds.integers(0, 1 << 20, rows)]
    return x, [value if seeds.integers(2) else int(seeds.integers(0, 1 << 20)) for value in x]


def run(circuit, p, clear, shape, seed):
    """The circuit on public words of the given seed; its results, not yet opened."""
    rows, width = shape
    inputs = (
        clear.bits([v % (1 << width) for v in values], width) for values in words_of(rows, seed)
    )
    return circuit(p, *(p.public_bits(x.parts[0], rows) for x in inputs))


@pytest.mark.parametrize("circuit", CIRCUITS)
@pytest.mark.parametrize("shape", SHAPES)
def test_three_parties_agree_with_the_clear(three_parties, clear, circuit, shape):
    double = clear()
    expected = double.open(run(circuit, double, double, shape, 3))
    for opened in three_parties(lambda p: p.open(run(circuit, p, double, shape, 3))):
        for found, wanted in zip(opened, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("circuit", CIRCUITS)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_predicted_is_what_is_sent(three_parties, clear, circuit, shape):
    counting = CountingProtocol()
    run(circuit, counting, clear(), shape, 0)
    predicted = counting.cost()
    three_parties(lambda p: run(circuit, p, clear(), shape, 0) and None)
    counters = [channel.counters for channel in three_parties.channels]
    assert tuple(c.sent_bytes for c in counters) == predicted.sent_bytes
    assert tuple(c.sent_messages for c in counters) == predicted.messages
    assert max(c.depth for c in counters) == predicted.rounds


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_messages_do_not_depend_on_the_data(three_parties, clear, circuit):
    transcripts = []
    for seed in (1, 2):
        three_parties(
            lambda p, seed=seed: run(circuit, p, clear(), (130, 20), seed) and None, record=True
        )
        transcripts.append([c.counters.transcript for c in three_parties.channels])
    assert transcripts[0] == transcripts[1]


def quicksort_bytes(three_parties, clear, keys, runs):
    """What party 0 sends in each of several quicksorts of the same keys."""
    sent = []
    for _ in range(runs):
        three_parties(
            lambda p: (
                sort(
                    p,
                    p.public_bits(clear().bits(keys, 10).parts[0], len(keys)),
                    [],
                    algorithm="quick",
                ).columns
            )
        )
        sent.append(three_parties.channels[0].counters.sent_bytes)
    return np.array(sent)


@pytest.fixture
def small_batches(cheap_batches):
    with cheap_batches(1000):
        yield


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("keys", [[7] * 400, list(range(400))])
def test_a_quicksort_costs_what_is_expected(three_parties, clear, keys):
    counting = CountingProtocol()
    sort(counting, counting.constant_bits(0, 10, 400), [], algorithm="quick")
    predicted = counting.cost()
    assert predicted.expected
    sent = quicksort_bytes(three_parties, clear, keys, 6)  # each within some 15 %
    assert sent.mean() == pytest.approx(predicted.sent_bytes[0], rel=0.15)
    assert max(c.counters.depth for c in three_parties.channels) == predicted.rounds


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
def test_quicksort_bytes_are_distributed_alike_whatever_the_keys(three_parties, clear):
    runs = 60
    equal_keys = np.sort(quicksort_bytes(three_parties, clear, [7] * 400, runs))
    distinct = np.sort(quicksort_bytes(three_parties, clear, list(range(400)), runs))
    points = np.union1d(equal_keys, distinct)
    steps = [np.searchsorted(x, points, side="right") / runs for x in (equal_keys, distinct)]
    assert np.max(np.abs(steps[0] - steps[1])) < 1.95 * (2 / runs) ** 0.5
