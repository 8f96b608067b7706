"""Every primitive of `replicated` against plain numpy, at awkward sizes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plane_values import bits_input, planes_of, random_words, ring_input, values_of
from tacit.executor.sharing.shares import Bits, Ring, stack

ROWS = [1, 63, 64, 65, 1000]


def agreed(results):
    """The result, equal at all parties."""
    for one, other in pairwise(results):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b)
    return results[0]


@pytest.mark.parametrize("rows", ROWS)
def test_inputs_of_several_owners_open_to_their_values(three_parties, rows):
    values = [random_words(rows, width, seed=width) for width in (1, 7, 64, 32, 64)]

    def run(p):
        shares = p.input(
            [
                bits_input(p, values[0], 1, owner=0),
                bits_input(p, values[1], 7, owner=2),
                bits_input(p, values[2], 64, owner=1),
                ring_input(p, values[3], 32, owner=1),
                ring_input(p, values[4], 64, owner=0),
            ]
        )
        return p.open(shares)

    opened = agreed(three_parties(run))
    for planes, expected in zip(opened[:3], values[:3], strict=True):
        assert np.array_equal(values_of(planes, rows), expected)
        assert not rows % 64 or not (planes[:, -1] >> np.uint64(rows % 64)).any()
    assert np.array_equal(opened[3], values[3].astype(np.uint32))
    assert np.array_equal(opened[4], values[4])


@pytest.mark.parametrize("recipient", [0, 1, 2])
def test_revealing_tells_the_recipient_alone(three_parties, recipient):
    values = random_words(100, 12)

    def run(p):
        shares = p.input([bits_input(p, values, 12), ring_input(p, values, 64, owner=1)])
        return p.reveal(shares, recipient)

    results = three_parties(run)
    for party, result in enumerate(results):
        if party != recipient:
            assert result is None
    assert np.array_equal(values_of(results[recipient][0], 100), values)
    assert np.array_equal(results[recipient][1], values)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("width", "other"), [(1, 1), (5, 5), (64, 64), (1, 9), (33, 1)])
def test_and(three_parties, rows, width, other):
    x, y, z = (random_words(rows, w, s) for w, s in ((width, 1), (other, 2), (8, 3)))

    def run(p):
        a, b, c = p.input(
            [bits_input(p, x, width), bits_input(p, y, other, 1), bits_input(p, z, 8, 2)]
        )
        return p.open(p.and_([(a, b), (c, c)]))

    opened = agreed(three_parties(run))
    if width == 1:
        x = np.where(x == 1, np.uint64(2**other - 1), np.uint64(0))
    if other == 1:
        y = np.where(y == 1, np.uint64(2**width - 1), np.uint64(0))
    assert np.array_equal(values_of(opened[0], rows), x & y)
    assert np.array_equal(values_of(opened[1], rows), z)


def test_and_over_more_than_one_block(three_parties):
    rows = 64 * 9000 + 17
    x, y, flag = random_words(rows, 3, 1), random_words(rows, 3, 2), random_words(rows, 1, 3)

    def run(p):
        a, b, f = p.input([bits_input(p, x, 3), bits_input(p, y, 3, 1), bits_input(p, flag, 1, 2)])
        return p.open(p.and_([(a, b), (f, a), (b, f)]))

    opened = agreed(three_parties(run))
    assert np.array_equal(values_of(opened[0], rows), x & y)
    assert np.array_equal(values_of(opened[1], rows), x * flag)
    assert np.array_equal(values_of(opened[2], rows), y * flag)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("bits", [32, 64])
def test_ring_products(three_parties, rows, bits):
    x, y, z = (random_words(rows, seed=s).astype(f"uint{bits}") for s in (1, 2, 3))

    def run(p):
        a, b, c = p.input([ring_input(p, v, bits, o) for o, v in enumerate((x, y, z))])
        products = p.multiply([(a, b), (b, c)])
        sums = p.dot([[(a, b), (b, c), (c, c)], [(a, a)]])
        totals = p.total_product([(a, b), (c, b)])
        return p.open([*products, *sums, *totals])

    opened = agreed(three_parties(run))
    expected = [x * y, y * z, x * y + y * z + z * z, x * x]
    expected += [np.sum(x * y, dtype=x.dtype)[None], np.sum(z * y, dtype=x.dtype)[None]]
    for one, other in zip(opened, expected, strict=True):
        assert np.array_equal(one, other)
        assert one.dtype == other.dtype


def test_products_of_both_ring_sizes_travel_together(three_parties):
    x, y = random_words(7, seed=1), random_words(7, seed=2)

    def run(p):
        a, b, c, d = p.input([ring_input(p, v, bits) for v in (x, y) for bits in (32, 64)])
        return p.open(p.multiply([(a, c), (b, d)]))

    opened = agreed(three_parties(run))
    assert np.array_equal(opened[0], (x * y).astype(np.uint32))
    assert np.array_equal(opened[1], x * y)


@pytest.mark.parametrize("rows", ROWS)
def test_local_operations(three_parties, rows):
    x, y = random_words(rows, 9, 1), random_words(rows, 64, 2)

    def run(p):
        a, b, r = p.input([bits_input(p, x, 9), bits_input(p, y, 9, 1), ring_input(p, y, 64, 2)])
        flag = a.planes(0, 1)
        return p.open(
            [
                p.invert(a),
                a ^ b,
                a ^ flag,
                stack([a, b.planes(2, 5)]),
                p.constant_bits(0b101, 9, rows) ^ a,
                p.public_bits(planes_of(x, 9), rows),
                p.add_public(r, -5),
                r + p.constant_ring(y, rows),
                r - p.constant_ring(-1, rows),
                p.constant_ring(7, rows, 32),
            ]
        )

    o = agreed(three_parties(run))
    low, mask = y & np.uint64(511), np.uint64(511)
    assert np.array_equal(values_of(o[0], rows), ~x & mask)
    assert np.array_equal(values_of(o[1], rows), x ^ low)
    assert np.array_equal(values_of(o[2], rows), x ^ ((x & np.uint64(1)) * mask))
    middle = low >> np.uint64(2) & np.uint64(7)
    assert np.array_equal(values_of(o[3], rows), x | middle << np.uint64(9))
    assert np.array_equal(values_of(o[4], rows), x ^ np.uint64(5))
    assert np.array_equal(values_of(o[5], rows), x)
    assert np.array_equal(o[6], y - np.uint64(5))
    assert np.array_equal(o[7], y + y)
    assert np.array_equal(o[8], y + np.uint64(1))
    assert np.array_equal(o[9], np.full(rows, 7, dtype=np.uint32))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("bits", [32, 64])
def test_flags_to_ring(three_parties, rows, bits):
    x = random_words(rows, 3)

    def run(p):
        (a,) = p.input([bits_input(p, x, 3, owner=1)])
        flags = [a.planes(i, i + 1) for i in range(3)]
        other = p.constant_bits(1, 1, 5)
        return p.open(p.flags_to_ring([*flags, other], bits))

    opened = agreed(three_parties(run))
    for plane in range(3):
        expected = (x >> np.uint64(plane) & np.uint64(1)).astype(f"uint{bits}")
        assert np.array_equal(opened[plane], expected)
    assert np.array_equal(opened[3], np.ones(5, dtype=f"uint{bits}"))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("bits", "width"), [(64, 64), (64, 13), (32, 32), (32, 1)])
def test_ring_addends_sum_to_the_input(three_parties, rows, bits, width):
    x, y = random_words(rows, bits, 1), random_words(rows + 1, bits, 2)

    def run(p):
        shares = p.input([ring_input(p, x, bits, 1), ring_input(p, y, bits, 2)])
        return p.open([addend for pair in p.ring_addends(shares, width) for addend in pair])

    o = agreed(three_parties(run))
    mask = np.uint64(2**width - 1)
    for values, one, other in ((x, o[0], o[1]), (y, o[2], o[3])):
        total = values_of(one, len(values)) + values_of(other, len(values))
        assert np.array_equal(total & mask, values & mask)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("bits", [32, 64])
def test_ring_masks_turn_words_into_ring_elements(three_parties, rows, bits):
    """The subtractor is left out: opening the masks gives the differences."""
    x, y = random_words(rows, bits, 1), random_words(rows, bits, 2)

    def run(p):
        masks, finish = p.ring_masks(rows, bits, 2)
        opened = p.open(masks)
        mask = np.uint64(2**bits - 1)
        differences = [
            p.public_bits(planes_of((v - values_of(s, rows)) & mask, bits), rows)
            for v, s in zip((x, y), opened, strict=True)
        ]
        result = p.open(finish(differences))
        with pytest.raises(ValueError, match="once"):
            finish(differences)
        return result

    opened = agreed(three_parties(run))
    assert np.array_equal(opened[0], x.astype(f"uint{bits}"))
    assert np.array_equal(opened[1], y.astype(f"uint{bits}"))


@pytest.mark.parametrize("rows", ROWS)
def test_shuffles_move_whole_rows_and_can_be_undone(three_parties, rows):
    x, y, z = random_words(rows, 11, 1), random_words(rows, 64, 2), random_words(rows, 1, 3)

    def run(p):
        columns = p.input(
            [
                bits_input(p, x, 11, 0),
                ring_input(p, x, 32, 1),
                bits_input(p, z, 1, 2),
                ring_input(p, y, 64, 2),
            ]
        )
        shuffled, handle = p.shuffle(columns)
        again = p.shuffle_again(handle, [columns[3], columns[0]])
        back = p.unshuffle(handle, shuffled)
        assert handle.rows == rows
        return p.open([*shuffled, *again, *back])

    o = agreed(three_parties(run))
    names = [values_of(o[0], rows), o[1].astype(np.uint64), values_of(o[2], rows), o[3]]
    before = np.stack([x, x, z, y], axis=1)
    after = np.stack(names, axis=1)
    assert np.array_equal(before[np.lexsort(before.T)], after[np.lexsort(after.T)])
    assert np.array_equal(o[4], o[3])
    assert np.array_equal(o[5], o[0])
    assert np.array_equal(values_of(o[6], rows), x)
    assert np.array_equal(o[7], x.astype(np.uint32))
    assert np.array_equal(values_of(o[8], rows), z)
    assert np.array_equal(o[9], y)
    assert rows < 1000 or not np.array_equal(o[3], y)


def test_shuffle_orders_are_uniform(three_parties):
    """All 24 orders of 4 rows turn up equally often (chi-square with 23 degrees of freedom)."""
    runs = 1200
    index = np.arange(4, dtype=np.uint64)

    def run(p):
        (column,) = p.input([bits_input(p, index, 2)])
        shuffled = [p.shuffle([column])[0][0] for _ in range(runs)]
        return p.open(shuffled)

    opened = agreed(three_parties(run))
    orders = [tuple(values_of(planes, 4).tolist()) for planes in opened]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 24
    expected = runs / 24
    assert ((counts - expected) ** 2 / expected).sum() < 60  # p is about 4e-5


def test_random_bits_are_random_and_agreed(three_parties):
    def run(p):
        return p.open([p.random_bits(1000, 8), p.random_bits(1000, 8)])

    one, other = agreed(three_parties(run))
    assert not np.array_equal(one, other)
    ones = int(np.unpackbits(one.view(np.uint8)).sum())
    assert abs(ones - 4000) < 6 * 45


def test_empty_calls_send_nothing(three_parties):
    def run(p):
        nothing = Bits(0, 3, (np.zeros((3, 0), np.uint64),) * 2)
        none = Bits(70, 0, (np.zeros((0, 2), np.uint64),) * 2)
        ring = Ring(0, 64, (np.zeros(0, np.uint64),) * 2)
        assert p.and_([]) == []
        a, b = p.and_([(nothing, nothing), (none, none)])
        assert (a.rows, a.width, b.rows, b.width) == (0, 3, 70, 0)
        assert p.multiply([(ring, ring)])[0].rows == 0
        assert p.flags_to_ring([], 64) == []
        assert p.flags_to_ring([nothing.planes(0, 1)], 64)[0].rows == 0
        shuffled, handle = p.shuffle([nothing, ring])
        assert [s.rows for s in shuffled] == [0, 0]
        p.unshuffle(handle, shuffled)
        return [planes.shape for planes in p.open([nothing, none, ring])]

    assert three_parties(run) == [[(3, 0), (0, 2), (0,)]] * 3
    assert all(channel.counters.sent_messages == 0 for channel in three_parties.channels)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.integers(1, 200),
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_any_stack_of_ands(three_parties, rows, widths, seed):
    values = [
        (random_words(rows, w, seed + i), random_words(rows, w, seed - i + 2**33), w)
        for i, w in enumerate(widths)
    ]

    def run(p):
        pairs = []
        for x, y, w in values:
            a, b = p.input([bits_input(p, x, w, 1), bits_input(p, y, w, 2)])
            pairs.append((a, b))
        return p.open(p.and_(pairs))

    for (x, y, _), planes in zip(values, agreed(three_parties(run)), strict=True):
        assert np.array_equal(values_of(planes, rows), x & y)
