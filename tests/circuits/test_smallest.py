"""The smallest rows of many: right, stable, at the predicted cost, and silent about the data."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from tacit.executor.circuits.schedule import plan_stages
from tacit.executor.circuits.smallest import Selection, plan_selection, smallest

SMALL = Selection(rows=600, count=5, sample=127, rank=20, candidates=300)


def check(p, keys, width, selection):
    rows = len(keys)
    numbers = list(range(rows))
    columns = [p.bits(numbers, 17), p.ring([3 * n for n in numbers])]
    found, *moved = smallest(p, p.bits(keys, width), columns, selection)
    expected = sorted(numbers, key=lambda r: keys[r])[: selection.count]
    assert p.values(found) == [keys[r] for r in expected]
    assert p.values(moved[0]) == expected
    assert p.values(moved[1]) == [3 * r for r in expected]


@pytest.mark.parametrize("kind", ["equal", "distinct", "few", "random"])
def test_they_come_in_stable_ascending_order(clear, kind):
    rows, seeds = 600, np.random.default_rng(5)
    keys = {
        "equal": [9] * rows,
        "distinct": [int(x) for x in seeds.permutation(rows)],
        "few": [int(x) for x in seeds.integers(0, 3, rows)],
        "random": [int(x) for x in seeds.integers(0, 1 << 20, rows)],
    }[kind]
    for seed in range(3):
        check(clear(seed=seed), keys, 20, SMALL)


@pytest.mark.parametrize("change", [{"rank": 1, "count": 60}, {"rank": 120, "candidates": 70}])
def test_all_rows_are_sorted_where_the_pivot_is_of_no_use(clear, change):
    keys = [int(x) for x in np.random.default_rng(6).integers(0, 1 << 12, 600)]
    check(clear(), keys, 12, dataclasses.replace(SMALL, **change))


@pytest.mark.parametrize(("rows", "count"), [(8000, 100), (15_000, 100), (60_000, 10), (10**9, 20)])
def test_a_selection_fails_with_the_stated_probability(rows, count):
    selection = plan_selection(rows, count)
    assert selection is not None
    if rows > 10**6:
        return
    few = tail(selection, count, selection.rank, selection.sample + 1)
    many = tail(selection, selection.candidates, 0, selection.rank)
    assert few < Fraction(1, 1 << 40)
    assert many < Fraction(1, 1 << 40)


def tail(selection, among, start, stop):
    """P(start <= X < stop), X of the sample's rows being among the `among` smallest of all."""
    rows, sample = selection.rows, selection.sample
    stop = min(stop, among + 1, sample + 1)
    ways = sum(comb(among, x) * comb(rows - among, sample - x) for x in range(start, stop))
    return Fraction(ways, comb(rows, sample))


@pytest.mark.parametrize(("rows", "count"), [(100, 10), (2000, 1500), (2, 1), (16, 16)])
def test_nothing_is_selected_where_sorting_all_is_cheaper(rows, count):
    assert plan_selection(rows, count) is None


def test_it_costs_what_is_predicted_and_a_fraction_of_a_sort(clear, cheap_batches):
    rows, count, width = 1 << 14, 50, 20
    with cheap_batches(1000):
        plan_selection.cache_clear()
        selection = plan_selection(rows, count)
        assert selection is not None
        dry = clear(counts_only=True)
        smallest(dry, dry.constant_bits(0, width, rows), [], selection)
        measured = []
        for seed in range(3):
            p = clear(seed=seed)
            smallest(p, p.random_bits(rows, width), [], selection)
            measured.append(p.and_words)
            assert p.rounds == dry.rounds
        assert dry.and_words == pytest.approx(np.mean(measured), rel=0.03)
        comparisons = dry.and_words / (2 * (width + 14)) * 64
        assert comparisons < plan_stages(rows).comparisons / 2
    plan_selection.cache_clear()


def test_what_it_opens_does_not_depend_on_the_data(clear):
    """How many bits are opened: equal keys against distinct ones, as distributions."""
    runs = 40
    sizes = {}
    for offset, (name, keys) in enumerate({"equal": [7] * 600, "distinct": range(600)}.items()):
        sizes[name] = []
        for run in range(runs):
            p = clear(seed=1000 * offset + run)
            smallest(p, p.bits(list(keys), 12), [], SMALL)
            sizes[name].append(p.opened_bits)
    points = np.array(sorted({*sizes["equal"], *sizes["distinct"]}))
    steps = [np.searchsorted(np.sort(x), points, side="right") / runs for x in sizes.values()]
    assert float(np.max(np.abs(steps[0] - steps[1]))) < 1.95 * (2 / runs) ** 0.5
