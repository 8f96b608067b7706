"""Public tables over shared words, and division by public numbers, say what Python says."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.divide_constant import divide_constant
from tacit.executor.circuits.lookup import below_constants, step_function, table_lookup
from tacit.executor.sharing.shares import Bits


@st.composite
def words_and_thresholds(draw):
    width = draw(st.integers(1, 40))
    word = st.integers(0, (1 << width) - 1)
    xs = draw(st.lists(word, min_size=1, max_size=70))
    some = st.one_of(st.sampled_from(xs), st.integers(-2, (1 << width) + 2))
    thresholds = sorted(set(draw(st.lists(some, max_size=40))))
    return width, xs, thresholds


@settings(max_examples=80, deadline=None)
@given(words_and_thresholds(), st.randoms(use_true_random=False))
def test_step_functions(clear, case, random):
    p = clear()
    width, xs, thresholds = case
    x = p.bits(xs, width)
    for t, flag in zip(thresholds, below_constants(p, x, thresholds), strict=True):
        found = p.values(flag) if isinstance(flag, Bits) else [flag] * len(xs)
        assert found == [int(v < t) for v in xs]
    values = [random.randrange(1 << 20) for _ in range(len(thresholds) + 1)]
    got = p.values(step_function(p, x, thresholds, values, width=20))
    assert got == [values[bisect_right(thresholds, v)] for v in xs]


def test_a_table_over_all_values(clear):
    p = clear()
    table = [7 * v % 32 for v in range(20)]
    assert p.values(table_lookup(p, p.bits(range(20), 5), table, width=5)) == table


def test_many_thresholds_cost_about_a_gate_each(clear):
    p = clear()
    step_function(p, p.bits([5], 15), range(1, 1 << 15, 31), range(1058), width=11)
    assert p.and_planes <= 3 * 1058
    assert p.rounds == 4


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 1 << 50), min_size=1, max_size=40), st.integers(1, 1 << 40), st.data()
)
def test_division_by_a_constant(clear, xs, divisor, data):
    p = clear()
    shift = data.draw(st.sampled_from([0, 21, 24, 40]))
    xs = [x >> shift for x in xs] + [divisor if divisor <= 1 << 50 >> shift else 0]
    for c in (divisor, 1, 7, 10, 100, 86_400_000_000):
        got = p.values(divide_constant(p, p.ring(xs), c, largest=max(xs)))
        assert got == [x // c for x in xs]
