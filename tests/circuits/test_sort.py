"""Both sorts are stable, move all columns, and give an order that can be used again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.schedule import Schedule, Stage, plan_stages, stages_price
from tacit.executor.circuits.sort import sort

ALGORITHMS = ["quick", "radix"]


@st.composite
def key_columns(draw, max_rows=200):
    width, rows = draw(st.integers(1, 70)), draw(st.integers(1, max_rows))
    seeds = draw(st.randoms(use_true_random=False))
    few = [seeds.randrange(1 << width) for _ in range(draw(st.integers(1, 6)))]
    edge = [0, (1 << width) - 1, *few]
    return width, [seeds.choice([*edge, seeds.randrange(1 << width)]) for _ in range(rows)]


def check_sort(p, width, keys, **options):
    rows = len(keys)
    numbers = list(range(rows))
    columns = [p.bits(numbers, 13), p.ring(numbers, 32), p.ring([3 * n for n in numbers])]
    result = sort(p, p.bits(keys, width), columns, **options)
    expected = sorted(numbers, key=lambda r: keys[r])
    assert p.values(result.keys) == [keys[r] for r in expected]
    assert p.values(result.columns[0]) == p.values(result.columns[1]) == expected
    assert p.values(result.columns[2]) == [3 * r for r in expected]
    (again,) = result.order.apply(p, [p.bits(numbers, 13)])
    assert p.values(again) == expected
    assert p.values(result.order.undo(p, [again])[0]) == numbers


@settings(max_examples=60, deadline=None)
@given(key_columns(), st.sampled_from(ALGORITHMS))
def test_rows_stand_in_stable_ascending_order(clear, case, algorithm):
    check_sort(clear(), *case, algorithm=algorithm)


@settings(max_examples=30, deadline=None)
@given(key_columns(), st.integers(1, 5000))
def test_quicksort_under_every_kind_of_schedule(clear, cheap_batches, case, batch):
    with cheap_batches(batch):
        check_sort(clear(), *case, algorithm="quick")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("rows", [1, 2, 3, 63, 64, 65, 300, 5000])
def test_sizes_around_the_edges(clear, algorithm, rows):
    seeds = np.random.default_rng(rows)
    check_sort(clear(), 20, [int(x) for x in seeds.integers(0, 1 << 20, rows)], algorithm=algorithm)
    check_sort(clear(), 3, [5] * rows, algorithm=algorithm)


def test_distinct_keys_need_no_tie_breaker(clear):
    keys = [int(x) for x in np.random.default_rng(1).permutation(3000)]
    costs = []
    for distinct in (False, True):
        p = clear()
        check_sort(p, 12, keys, algorithm="quick", distinct=distinct)
        costs.append(p.and_planes)
    assert costs[1] < 0.6 * costs[0]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_without_planes_keep_the_order_and_cost_nothing(clear, algorithm):
    p = clear()
    columns = [p.bits([3, 1, 2], 2)]
    result = sort(p, p.bits([0] * 3, 0), columns, algorithm=algorithm)
    assert p.values(result.columns[0]) == [3, 1, 2]
    assert p.values(result.order.apply(p, columns)[0]) == [3, 1, 2]
    assert p.rounds == 0


@pytest.mark.parametrize(("width", "rounds"), [(1, 6), (2, 7), (3, 13), (16, 56)])
def test_radix_sort_takes_seven_rounds_for_two_planes(clear, width, rounds):
    for rows in (2, 1000):
        p, dry = clear(), clear(counts_only=True)
        for protocol in (p, dry):
            sort(protocol, protocol.bits([0] * rows, width), [], algorithm="radix")
        assert p.cost() == dry.cost()
        assert p.rounds == rounds + 3 + 2


def test_the_schedule_of_a_million_rows_makes_few_comparisons():
    million = plan_stages(1 << 20)
    assert million.comparisons <= 1.05 * 20 * (1 << 20)
    assert million.batches <= 64
    assert plan_stages(2) == Schedule(stages=(Stage(rows=2, depth=0),))
    for stages in (plan_stages(rows).stages for rows in range(2, 3000, 7)):
        for before, after in pairwise(stages):
            assert before.rows == after.sample
        assert stages[0].sample <= 1


def test_no_schedule_compares_all_pairs_for_want_of_a_steady_one():
    """Whatever a round is worth; thousands of rows once were, at a hundred times the price."""
    for rows in range(500, 20_000, 977):
        for power in range(0, 21, 2):
            stages = plan_stages(rows, 1 << power)
            halving = rows.bit_length() * (rows + (1 << power))
            assert stages_price(stages, 1 << power) <= 4 * halving


@pytest.mark.parametrize(("rows", "runs"), [(1 << 8, 2), (1500, 4), (1 << 12, 4), (1 << 16, 2)])
def test_a_quicksort_costs_what_is_predicted(clear, rows, runs):
    dry = clear(counts_only=True)
    sort(dry, dry.constant_bits(0, 20, rows), [], algorithm="quick")
    measured = []
    for seed in range(runs):
        p = clear(seed=seed)
        sort(p, p.random_bits(rows, 20), [], algorithm="quick")
        measured.append(p.and_words)
        assert p.rounds == dry.rounds
    assert dry.and_words == pytest.approx(np.mean(measured), rel=0.03)


def test_rounds_of_few_rows_do_not_depend_on_who_shares_a_gap(clear, cheap_batches):
    """Where the last batch of a stage may turn out empty, it is sent all the same."""
    with cheap_batches(1):
        for rows in (9, 17, 33, 66):
            dry = clear(counts_only=True)
            sort(dry, dry.constant_bits(0, 5, rows), [], algorithm="quick")
            for seed in range(12):
                p = clear(seed=seed)
                sort(p, p.random_bits(rows, 5), [], algorithm="quick")
                assert p.rounds == dry.rounds


def test_quicksort_sizes_do_not_depend_on_the_data(clear, cheap_batches):
    """All keys equal against all keys distinct: the same comparisons in distribution."""
    rows, width, runs = 600, 12, 60
    data = {"equal": [7] * rows, "distinct": list(range(rows))}
    sizes = {}
    with cheap_batches(1000):
        for offset, (name, keys) in enumerate(data.items()):
            sizes[name] = []
            for run in range(runs):
                p = clear(seed=1000 * offset + run)
                sort(p, p.bits(keys, width), [], algorithm="quick")
                sizes[name].append(p.opened_bits)
    assert len(set(sizes["equal"])) > runs / 4
    assert smirnov_distance(sizes["equal"], sizes["distinct"]) < 1.95 * (2 / runs) ** 0.5


def smirnov_distance(first, second):
    """The greatest difference between two empirical distribution functions."""
    points = np.array(sorted({*first, *second}))
    steps = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (first, second)]
    return float(np.max(np.abs(steps[0] - steps[1])))


@pytest.mark.parametrize("keys", [[2, 2, 2, 2], [3, 1, 0, 2], [1, 1, 0, 0]])
def test_the_order_that_a_quicksort_opens_is_uniformly_random(clear, keys):
    """Were ties broken by the position after the shuffle, equal keys would show in this order."""
    runs = 720
    counts = {}
    for seed in range(runs):
        p = clear(seed=seed)
        _, placed = sort(p, p.bits(keys, 2), [], algorithm="quick").order.steps
        opened = tuple(int(r) for r in placed.source)
        counts[opened] = counts.get(opened, 0) + 1
    expected = runs / 24
    assert len(counts) == 24
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < 58  # p = 0.0001
