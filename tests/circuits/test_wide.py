"""Numbers beyond the ring: limbs, sums, products and magnitudes, against Python's integers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.operators.limbs import combined, limb_bits, limbs_of, scaled
from tacit.executor.operators.table import SecretColumn, total
from tacit.executor.operators.wide import linear, magnitude, product, signed_digits
from tacit.query.datatypes import Encoding


@st.composite
def ranges(draw, bits=100):
    ends = [draw(st.integers(-(1 << bits), 1 << bits)) for _ in range(2)]
    width = draw(st.sampled_from([0, 1, 17, 40, 62, 64, bits]))
    low = min(ends) if draw(st.booleans()) else draw(st.integers(-(1 << width), 0))
    return Encoding(lo=low, hi=low + draw(st.integers(0, 1 << width)))


@st.composite
def filled(draw, count=1):
    found = []
    rows = draw(st.integers(1, 70))
    seeds = draw(st.randoms(use_true_random=False))
    for _ in range(count):
        encoding = draw(ranges())
        edge = [encoding.lo, encoding.hi, (encoding.lo + encoding.hi) // 2]
        values = [seeds.choice([*edge, seeds.randint(*edge[:2])]) for _ in range(rows)]
        found.append((encoding, values))
    return found


def column(p, encoding, values):
    planes = p.bits([v - encoding.lo for v in values], encoding.width)
    return SecretColumn(encoding=encoding, rows=len(values), bits=planes)


def shown(p, planes, encoding):
    return [value + encoding.lo for value in p.values(planes)]


@settings(max_examples=80, deadline=None)
@given(filled())
def test_limbs_are_summed_and_put_together(clear, case):
    p = clear()
    ((encoding, values),) = case
    rows = len(values)
    (limbs,) = limbs_of(p, [column(p, encoding, values)], limb_bits(rows))
    target = Encoding(lo=min(0, encoding.lo * rows), hi=max(0, encoding.hi * rows))
    sums = [scaled(limb, total(limb.ring), rows) for limb in limbs]
    assert shown(p, combined(p, [(sums, target)])[0], target) == [sum(values)]


@settings(max_examples=80, deadline=None)
@given(filled(count=2))
def test_products(clear, case):
    p = clear()
    (first, xs), (second, ys) = case
    ends = [a * b for a in (first.lo, first.hi) for b in (second.lo, second.hi)]
    target = Encoding(lo=min(ends), hi=max(ends))
    planes = product(p, column(p, first, xs), column(p, second, ys), target)
    assert shown(p, planes, target) == [x * y for x, y in zip(xs, ys, strict=True)]


@settings(max_examples=80, deadline=None)
@given(filled(count=2), st.sampled_from([1, -1, 3, 10, -100, 10**9]), st.sampled_from([1, -1]))
def test_sums_with_public_factors(clear, case, a, b):
    p = clear()
    (first, xs), (second, ys) = case
    expected = [a * x + b * y for x, y in zip(xs, ys, strict=True)]
    ends = [a * x + b * y for x in (first.lo, first.hi) for y in (second.lo, second.hi)]
    target = Encoding(lo=min(ends), hi=max(ends))
    terms = [(column(p, first, xs), a), (column(p, second, ys), b)]
    assert shown(p, linear(p, terms, target), target) == expected


@settings(max_examples=60, deadline=None)
@given(filled())
def test_magnitudes(clear, case):
    p = clear()
    ((encoding, values),) = case
    size, negative = magnitude(p, column(p, encoding, values))
    assert p.values(size) == [abs(v) for v in values]
    if negative is not None:
        assert p.values(negative) == [int(v < 0) for v in values]


@given(st.integers(-(1 << 80), 1 << 80))
def test_signed_digits_have_no_neighbours(factor):
    digits = signed_digits(factor)
    assert sum(sign << shift for shift, sign in digits) == factor
    shifts = [shift for shift, _ in digits]
    assert all(b - a > 1 for a, b in pairwise(shifts))
