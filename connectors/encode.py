"""Arrow columns to encoded integers: the owner's side of sharing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..query.datatypes import (
    BooleanType,
    Column,
    DateType,
    DecimalType,
    DoubleType,
    Encoding,
    IntegerType,
    NullType,
    TimestampType,
    VarcharType,
)
from ..query.errors import DataError, InternalError
from .int128 import INT64_MAX, INT64_MIN, Words, extend, less, narrow, split


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedColumn:
    """One column of encoded values; exactly one of `values` and `text` is there.

    `values`: the encoded integers (not yet less `lo`), NULL as `lo`.
    `high`: their bits 64..127, only where the public range exceeds 64-bit integers; `values` then
    holds the low words.
    `text`: a padded VARCHAR(n) as a matrix (rows, n) of bytes, zero-padded at the right, NULL as
    zeros.
    `nulls`: True where NULL; there if, and only if, the column is nullable.
    """

    values: NDArray[np.int64] | None = None
    text: NDArray[np.uint8] | None = None
    nulls: NDArray[np.bool_] | None = None
    high: NDArray[np.int64] | None = None


def encode_column(column: pa.ChunkedArray | pa.Array, target: Column) -> EncodedColumn:
    """Encodes an Arrow column as `target.encoding` says.

    Every non-NULL value lies within the encoding afterwards; what does not fit, a NULL in a column
    that is not nullable, and a decimal with more digits than its scale are DataErrors that name the
    column and no value.
    """
    encoding = target.encoding
    if encoding is None:
        raise InternalError(f"column {target.name} is unbounded and cannot leave its owner")
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    nulls = np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if not target.nullable and nulls.any():
        raise DataError(f"column {target.name}: NULL in a column that is NOT NULL")
    shown = nulls if target.nullable else None
    if isinstance(target.type, VarcharType) and encoding.domain is None:
        return EncodedColumn(text=_text(array, target, encoding), nulls=shown)
    words = _words(array, nulls, target, encoding)
    wide = encoding.lo < INT64_MIN or encoding.hi > INT64_MAX
    low, high = _bounded(words, nulls, target, encoding, wide=wide)
    return EncodedColumn(values=low, nulls=shown, high=high)


def _bounded(
    words: NDArray[np.int64] | Words,
    nulls: NDArray[np.bool_],
    target: Column,
    encoding: Encoding,
    *,
    wide: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Checks the range and puts `lo` where NULL stands; the high words only if `wide`."""
    if wide and not isinstance(words, Words):
        words = extend(words)
    if isinstance(words, Words):
        outside = less(words, encoding.lo) | ~less(words, encoding.hi + 1)
        if not wide:
            outside |= ~narrow(words)
        low, high = words
    else:
        outside = (words < encoding.lo) | (words > encoding.hi)
        low, high = words, None
    if (outside & ~nulls).any():
        raise DataError(f"column {target.name}: a value is outside its declared range")
    if nulls.any():
        low_of_null, high_of_null = split(encoding.lo)
        low = np.where(nulls, np.int64(low_of_null), low)
        high = None if high is None else np.where(nulls, np.int64(high_of_null), high)
    return low, (high if wide else None)


def _words(
    array: pa.Array, nulls: NDArray[np.bool_], target: Column, encoding: Encoding
) -> NDArray[np.int64] | Words:
    """The encoded values as integers of 64 or 128 bits, not yet checked against the range."""
    kind = target.type
    try:
        match kind:
            case NullType():
                return np.zeros(len(array), np.int64)
            case BooleanType():
                return _integers(array.cast(pa.bool_()).cast(pa.uint8()), 0)
            case IntegerType():
                return _integers(array, 0)
            case DecimalType(scale=scale):
                return _integers(array, scale)
            case DoubleType():
                return _doubles(array, target, encoding)
            case DateType():
                return _integers(array.cast(pa.date32()).cast(pa.int32()), 0)
            case TimestampType():
                return _integers(array.cast(pa.timestamp("us")).cast(pa.int64()), 0)
            case VarcharType():
                return _codes(array, nulls, target, encoding)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"column {target.name}: a value is not a {kind} exactly") from error
    raise InternalError(f"column {target.name}: {kind} has no encoding")


def _integers(array: pa.Array, scale: int) -> NDArray[np.int64] | Words:
    """Integers or decimals times 10^scale, exactly. ArrowInvalid if digits would be lost."""
    if pa.types.is_decimal(array.type) or scale or array.type == pa.uint64():
        return _unscaled(array, scale)
    if not pa.types.is_integer(array.type):
        raise pa.ArrowInvalid("not a column of integers")
    filled = pc.fill_null(array, 0) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False)).astype(np.int64, copy=False)


def _unscaled(array: pa.Array, scale: int) -> NDArray[np.int64] | Words:
    """The unscaled words of a decimal column at `scale`, straight from Arrow's buffer."""
    if pa.types.is_floating(array.type):
        raise pa.ArrowInvalid("a floating-point column has no exact decimals")
    if not (pa.types.is_decimal128(array.type) and array.type.scale == scale):
        array = array.cast(pa.decimal128(38, scale))
    if not len(array):
        return np.zeros(0, np.int64)
    buffer = np.frombuffer(array.buffers()[1], np.int64)
    pairs = buffer[2 * array.offset : 2 * (array.offset + len(array))].reshape(-1, 2)
    words = Words(np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]))
    return words.low if array.null_count == 0 and narrow(words).all() else words


def _doubles(array: pa.Array, target: Column, encoding: Encoding) -> NDArray[np.int64] | Words:
    """Doubles as fixed point: floor(x * 2^f), or x * 10^s rounded half away from zero."""
    filled = pc.fill_null(array.cast(pa.float64(), safe=False), 0.0)
    values = np.asarray(filled.to_numpy(zero_copy_only=False), np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"column {target.name}: a value is not a finite number")
    if encoding.fraction_bits is not None:
        scaled = np.floor(np.ldexp(values, encoding.fraction_bits))
    elif isinstance(target.type, DoubleType) and target.type.scale is not None:
        scaled = round_half_away(values * 10.0**target.type.scale)
    else:
        raise InternalError(f"column {target.name}: a DOUBLE without scale cannot be shared")
    if not (np.abs(scaled) < 2.0**126).all():
        raise DataError(f"column {target.name}: a value is outside its declared range")
    if ((scaled >= float(INT64_MIN)) & (scaled < -float(INT64_MIN))).all():
        return scaled.astype(np.int64)
    size = np.abs(scaled)
    top = np.floor(np.ldexp(size, -64))
    low = (size - np.ldexp(top, 64)).astype(np.uint64)
    high = top.astype(np.int64)
    negative = scaled < 0
    high = np.where(negative, -high - (low != 0), high)
    low = np.where(negative, np.uint64(0) - low, low)
    return Words(low.view(np.int64), high)


def round_half_away(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest integers, halves away from zero (C's round, which DuckDB's ROUND uses)."""
    whole = np.trunc(values)
    return whole + np.copysign((np.abs(values - whole) >= 0.5).astype(np.float64), values)


def _codes(
    array: pa.Array, nulls: NDArray[np.bool_], target: Column, encoding: Encoding
) -> NDArray[np.int64]:
    """The positions of strings in the public domain."""
    domain = pa.array(encoding.domain, pa.string())
    found = pc.index_in(array.cast(pa.string()), value_set=domain)
    unknown = np.asarray(found.is_null().to_numpy(zero_copy_only=False), np.bool_)
    if (unknown & ~nulls).any():
        raise DataError(f"column {target.name}: a value is outside its declared domain")
    codes = pc.fill_null(found, 0).to_numpy(zero_copy_only=False)
    return np.asarray(codes).astype(np.int64)


def _text(array: pa.Array, target: Column, encoding: Encoding) -> NDArray[np.uint8]:
    """Strings as rows of UTF-8 bytes, zero-padded at the right."""
    width = encoding.text_bytes or 0
    filled = pc.fill_null(array.cast(pa.large_string()), "")
    if not len(filled):
        return np.zeros((0, width), np.uint8)
    _, offset_buffer, data_buffer = filled.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[filled.offset :][: len(filled) + 1]
    lengths = np.diff(offsets)
    if lengths.max() > width:
        raise DataError(f"column {target.name}: a value has more than {width} bytes")
    matrix = np.zeros((len(filled), width), np.uint8)
    if data_buffer is None:
        return matrix
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    if not data.all():
        raise DataError(f"column {target.name}: a value has a NUL byte")
    matrix[np.arange(width) < lengths[:, None]] = data
    return matrix
