"""Local row operations and packing, against numpy on plain bit matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.executor.circuits.rows import (
    concat_rows,
    pad_rows,
    permute_rows,
    prefix_sum,
    prefix_xor,
    shift_down,
    shift_up,
    slice_rows,
    truncate,
)
from tacit.executor.sharing.pack import planes_to_rows, row_bytes, rows_to_planes
from tacit.executor.sharing.shares import Bits, Ring, words

ROWS = [0, 1, 63, 64, 65, 128, 1000]


def random_planes(rows, width, seed=1):
    """Planes with random bits, the padding included."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 2**64, (width, words(rows)), dtype=np.uint64)


def matrix(planes, rows):
    """The bits as an array (width, rows)."""
    if not planes.size:
        return np.zeros((len(planes), rows), dtype=np.uint8)
    data = np.ascontiguousarray(planes).view(np.uint8)
    return np.unpackbits(data, axis=1, bitorder="little")[:, :rows]


def share(rows, width, seed=1):
    """A one-component share and its bit matrix."""
    planes = random_planes(rows, width, seed)
    return Bits(rows, width, (planes,)), matrix(planes, rows)


def bits(x):
    assert x.parts[0].shape == (x.width, words(x.rows))
    return matrix(x.parts[0], x.rows)


def ring(rows, size=64, seed=1):
    values = np.random.default_rng(seed).integers(0, 2**64, rows, dtype=np.uint64)
    values = values.astype(f"uint{size}")
    return Ring(rows, size, (values,)), values


@pytest.mark.parametrize("rows", [*ROWS, 70000])
@pytest.mark.parametrize("width", [0, 1, 7, 8, 9, 64])
def test_packing_is_a_transpose_and_comes_back(rows, width):
    planes = random_planes(rows, width)
    expected = matrix(planes, rows)
    packed = planes_to_rows(planes, rows)
    assert packed.shape == (rows, row_bytes(width))
    if width:
        assert np.array_equal(packed, np.packbits(expected.T, axis=1, bitorder="little"))
    back = rows_to_planes(packed, width)
    assert np.array_equal(matrix(back, rows), expected)
    if rows % 64 and width:
        assert not (back[:, -1] >> np.uint64(rows % 64)).any()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_slices_at_any_alignment(data):
    rows = data.draw(st.integers(0, 300))
    start = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(start, rows))
    x, expected = share(rows, 3)
    assert np.array_equal(bits(slice_rows(x, start, stop)), expected[:, start:stop])
    r, values = ring(rows)
    assert np.array_equal(slice_rows(r, start, stop).parts[0], values[start:stop])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_concatenation_ignores_stray_bits(counts):
    shares = [share(rows, 2, seed) for seed, rows in enumerate(counts)]
    joined = concat_rows([x for x, _ in shares])
    expected = np.concatenate([values for _, values in shares], axis=1)
    assert joined.rows == sum(counts)
    assert np.array_equal(bits(joined), expected)
    rings = [ring(rows, 32, seed) for seed, rows in enumerate(counts)]
    expected = np.concatenate([values for _, values in rings])
    assert np.array_equal(concat_rows([x for x, _ in rings]).parts[0], expected)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("by", [0, 1, 63, 64, 65, 999, 5000])
def test_shifts_and_padding_fill_with_zeros(rows, by):
    x, expected = share(rows, 3)
    r, values = ring(rows)
    kept = max(rows - by, 0)
    zeros = np.zeros((3, rows - kept), dtype=np.uint8)
    gap = np.zeros(rows - kept, dtype=np.uint64)
    assert np.array_equal(bits(shift_down(x, by)), np.hstack([zeros, expected[:, :kept]]))
    assert np.array_equal(bits(shift_up(x, by)), np.hstack([expected[:, rows - kept :], zeros]))
    assert np.array_equal(shift_down(r, by).parts[0], np.concatenate([gap, values[:kept]]))
    assert np.array_equal(shift_up(r, by).parts[0], np.concatenate([values[rows - kept :], gap]))
    padded = pad_rows(x, rows + by)
    assert np.array_equal(bits(padded), np.pad(expected, ((0, 0), (0, by))))
    assert np.array_equal(pad_rows(r, rows + by).parts[0], np.pad(values, (0, by)))


@pytest.mark.parametrize("rows", [*ROWS, 5000])
def test_prefixes(rows):
    x, expected = share(rows, 4)
    assert np.array_equal(bits(prefix_xor(x)), np.bitwise_xor.accumulate(expected, axis=1))
    for size in (32, 64):
        r, values = ring(rows, size)
        result = prefix_sum(r).parts[0]
        assert result.dtype == values.dtype
        assert np.array_equal(result, np.cumsum(values, dtype=values.dtype))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("width", [0, 1, 9, 40])
def test_permuting_takes_whole_rows(rows, width):
    order = np.random.default_rng(3).permutation(rows)
    x, expected = share(rows, width)
    assert np.array_equal(bits(permute_rows(x, order)), expected[:, order])
    r, values = ring(rows)
    assert np.array_equal(permute_rows(r, order).parts[0], values[order])
    few = order[: rows // 2]
    assert np.array_equal(bits(permute_rows(x, few, rows=len(few))), expected[:, few])


def test_truncation_keeps_the_low_bits():
    r, values = ring(10)
    result = truncate(r, 32)
    assert result.bits == 32
    assert np.array_equal(result.parts[0], values.astype(np.uint32))


def test_everything_works_without_components():
    x, r = Bits(70, 3, ()), Ring(70, 64, ())
    for y in (x, r):
        assert slice_rows(y, 3, 10).rows == 7
        assert concat_rows([y, y]).rows == 140
        assert pad_rows(y, 100).rows == 100
        assert shift_down(y).rows == shift_up(y, 2).rows == 70
        assert permute_rows(y, None).rows == 70
        assert permute_rows(y, None, rows=5).rows == 5
    assert prefix_xor(x).rows == prefix_sum(r).rows == truncate(r, 32).rows == 70


def test_impossible_requests_are_refused():
    x, r = share(70, 3)[0], ring(70)[0]
    for refused in (
        lambda: slice_rows(x, 3, 71),
        lambda: slice_rows(x, 5, 4),
        lambda: pad_rows(x, 69),
        lambda: shift_down(x, -1),
        lambda: permute_rows(x, None),
        lambda: permute_rows(r, np.arange(3)),
        lambda: concat_rows([x, share(3, 2)[0]]),
        lambda: concat_rows([r, ring(3, 32)[0]]),
        lambda: truncate(ring(3, 32)[0], 64),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            refused()
