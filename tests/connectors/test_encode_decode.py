"""Encoding Arrow columns to integers and back."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tacit.connectors.decode import decode_column
from tacit.connectors.encode import EncodedColumn, encode_column
from tacit.connectors.int128 import Words, add, exceeds, extend, less, narrow, split, to_float
from tacit.query.datatypes import (
    BOOLEAN,
    DATE,
    DOUBLE,
    HUGEINT,
    TIMESTAMP,
    Column,
    DecimalType,
    DoubleType,
    Encoding,
    IntegerType,
    SqlType,
    VarcharType,
)
from tacit.query.errors import DataError, InternalError

MASK = 2**64 - 1


def column(kind: SqlType, lo: int, hi: int, *, nullable: bool = True, **rest: Any) -> Column:
    encoding = Encoding(lo=lo, hi=hi, **rest)
    return Column(id=1, name="cost", type=kind, encoding=encoding, nullable=nullable)


def text_column(width: int) -> Column:
    return column(VarcharType(width), 0, 256**width - 1, text_bytes=width)


def domain_column(*domain: str) -> Column:
    return column(VarcharType(None), 0, len(domain) - 1, domain=tuple(sorted(domain)))


def reopen(encoded: EncodedColumn, target: Column) -> pa.Array:
    """What a recipient makes of an encoded column: words of (value - lo)."""
    assert target.encoding is not None
    if encoded.text is not None:
        return decode_column(target, None, None, encoded.text, encoded.nulls)
    assert encoded.values is not None
    words = extend(encoded.values)
    if encoded.high is not None:
        words = Words(encoded.values, encoded.high)
    offset = add(words, -target.encoding.lo)
    low, high = offset.low.view(np.uint64), offset.high.view(np.uint64)
    return decode_column(target, low, high, None, encoded.nulls)


WIDE = 2**127 - 1
COLUMNS = [
    (pa.bool_(), column(BOOLEAN, 0, 1), [True, False, None]),
    (pa.int8(), column(IntegerType(8), -128, 127), [-128, None, 127]),
    (pa.int16(), column(IntegerType(16), -5, 30000), [-5, None, 30000]),
    (pa.int32(), column(IntegerType(32), 5, 9), [5, 9, None]),
    (pa.int64(), column(IntegerType(64), -(2**63), 2**63 - 1), [-(2**63), None, 2**63 - 1]),
    (
        pa.decimal128(38, 0),
        column(HUGEINT, -WIDE, WIDE),
        [Decimal(10**37), None, Decimal(-(10**37)), Decimal(-1)],
    ),
    (
        pa.decimal128(9, 2),
        column(DecimalType(9, 2), 0, 99999999),
        [Decimal("999999.99"), None, Decimal("0.00")],
    ),
    (
        pa.decimal128(38, 4),
        column(DecimalType(38, 4), -(10**30), 10**30),
        [Decimal("-12345678901234567890.1234"), None, Decimal("0.0001")],
    ),
    (pa.float64(), column(DoubleType(2), -(10**9), 10**9), [-12345.67, None, 0.1, 0.29]),
    (pa.float64(), column(DOUBLE, -(2**40), 2**40, fraction_bits=20), [-1.5, None, 3.25]),
    (
        pa.date32(),
        column(DATE, -20000, 40000),
        [datetime.date(1950, 2, 28), None, datetime.date(2038, 1, 20)],
    ),
    (
        pa.timestamp("us"),
        column(TIMESTAMP, -(2**60), 2**60),
        [datetime.datetime(1960, 1, 1, 0, 0, 0, 1), None],
    ),
    (pa.string(), domain_column("F", "M", "X"), ["X", None, "F"]),
    (pa.string(), text_column(9), ["", "abc", None, "grün", "123456789"]),
    (pa.string(), text_column(40), ["x" * 40, None]),
]


@pytest.mark.parametrize(("arrow", "target", "values"), COLUMNS, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("layout", ["plain", "sliced", "chunked", "empty"])
def test_what_is_encoded_comes_back_unchanged(
    arrow: pa.DataType, target: Column, values: list[Any], layout: str
) -> None:
    array = pa.array(values, arrow)
    if layout == "sliced":
        array = pa.concat_arrays([array, array, array])[1 : 2 * len(values)]
    given = pa.chunked_array([array, array]) if layout == "chunked" else array
    if layout == "empty":
        given = array[:0]
    result = reopen(encode_column(given, target), target)
    assert result.to_pylist() == given.to_pylist()
    assert result.type == arrow


def test_a_null_is_encoded_as_the_lower_bound() -> None:
    encoded = encode_column(pa.array([None, 7], pa.int64()), column(IntegerType(64), 5, 9))
    assert encoded.values is not None
    assert encoded.values.tolist() == [5, 7]
    assert encoded.nulls is not None
    assert encoded.nulls.tolist() == [True, False]


def test_null_bits_are_there_exactly_if_the_column_is_nullable() -> None:
    array = pa.array([1, 2], pa.int64())
    assert encode_column(array, column(IntegerType(64), 0, 9)).nulls is not None
    assert encode_column(array, column(IntegerType(64), 0, 9, nullable=False)).nulls is None


def test_text_is_left_aligned_and_zero_padded() -> None:
    encoded = encode_column(pa.array(["ab", None, ""]), text_column(3))
    assert encoded.text is not None
    assert encoded.text.tolist() == [[97, 98, 0], [0, 0, 0], [0, 0, 0]]


def test_padded_text_also_decodes_from_words() -> None:
    low = np.array([int.from_bytes(b"ab\0"), 0], np.uint64)
    assert decode_column(text_column(3), low, None, None, None).to_pylist() == ["ab", ""]


def test_decimals_of_another_scale_are_rescaled_exactly() -> None:
    target = column(DecimalType(9, 2), 0, 10**9)
    encoded = encode_column(pa.array([Decimal("1.5"), Decimal("2.0")]), target)
    assert encoded.values is not None
    assert encoded.values.tolist() == [150, 200]
    whole = encode_column(pa.array([3], pa.int32()), target)
    assert whole.values is not None
    assert whole.values.tolist() == [300]


@pytest.mark.parametrize(
    ("array", "target", "message"),
    [
        (pa.array([10]), column(IntegerType(64), 0, 9), "outside its declared range"),
        (pa.array([-1]), column(IntegerType(64), 0, 9), "outside its declared range"),
        (
            pa.array([Decimal(2**64)], pa.decimal128(38, 0)),
            column(IntegerType(64), 0, 9),
            "outside its declared range",
        ),
        (pa.array([Decimal("1.005")]), column(DecimalType(9, 2), 0, 999), "exactly"),
        (pa.array([1.5]), column(DecimalType(9, 2), 0, 999), "exactly"),
        (pa.array([math.nan]), column(DoubleType(2), 0, 999), "not a finite number"),
        (pa.array([math.inf]), column(DoubleType(2), 0, 999), "not a finite number"),
        (pa.array([1e300]), column(DoubleType(2), 0, 999), "outside its declared range"),
        (pa.array(["Q"]), domain_column("F", "M"), "outside its declared domain"),
        (pa.array(["grün"]), text_column(4), "more than 4 bytes"),
        (pa.array(["a\0"]), text_column(4), "NUL byte"),
        (
            pa.array([None], pa.int64()),
            column(IntegerType(64), 0, 9, nullable=False),
            "NOT NULL",
        ),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_the_column(
    array: pa.Array, target: Column, message: str
) -> None:
    with pytest.raises(DataError, match=f"column cost: .*{message}"):
        encode_column(array, target)


def test_an_opened_value_outside_the_public_range_is_our_own_mistake() -> None:
    with pytest.raises(InternalError, match="outside its public range"):
        decode_column(column(IntegerType(64), 0, 9), np.array([10], np.uint64), None, None, None)


def test_doubles_are_rounded_half_away_from_zero() -> None:
    array = pa.array([0.125, -0.125, 0.124, 2.5, 0.49999999999999994])
    encoded = encode_column(array, column(DoubleType(2), -1000, 1000))
    assert encoded.values is not None
    assert encoded.values.tolist() == [13, -13, 12, 250, 50]
    halves = encode_column(pa.array([0.49999999999999994]), column(DoubleType(0), 0, 9))
    assert halves.values is not None
    assert halves.values.tolist() == [0]


integers = st.integers(-(2**127), 2**127 - 1) | st.sampled_from([-(2**127), -1, 0, MASK])


def words(values: list[int]) -> Words:
    parts = [split(value) for value in values]
    low, high = (np.array([part[i] for part in parts], np.int64) for i in (0, 1))
    return Words(low, high)


def python(numbers: Words) -> list[int]:
    pairs = zip(numbers.low.tolist(), numbers.high.tolist(), strict=True)
    return [(high << 64) | (low & MASK) for low, high in pairs]


@settings(max_examples=60)
@given(st.lists(integers, min_size=1, max_size=8), integers)
def test_128_bit_words_agree_with_python(values: list[int], constant: int) -> None:
    numbers = words(values)
    assert python(numbers) == values
    assert less(numbers, constant).tolist() == [value < constant for value in values]
    unsigned = constant % 2**128
    assert exceeds(numbers, unsigned).tolist() == [v % 2**128 > unsigned for v in values]
    assert narrow(numbers).tolist() == [-(2**63) <= value < 2**63 for value in values]
    wrapped = [(value + constant + 2**127) % 2**128 - 2**127 for value in values]
    assert python(add(numbers, constant)) == wrapped
    for found, value in zip(to_float(numbers).tolist(), values, strict=True):
        assert found == pytest.approx(value, rel=1e-15)
