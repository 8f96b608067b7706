"""Opened integers back to Arrow columns: the recipient's side of a result."""

from __future__ import annotations

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
    SqlType,
    TimestampType,
    VarcharType,
)
from ..query.errors import DataError, InternalError
from .int128 import Words, add, exceeds, less, to_float


def decode_column(
    target: Column,
    low: NDArray[np.uint64] | None,
    high: NDArray[np.uint64] | None,
    text: NDArray[np.uint8] | None,
    nulls: NDArray[np.bool_] | None,
) -> pa.Array:
    """Rebuilds the column that DuckDB would give from its opened values.

    `low` and `high` are the words of (encoded value - lo), unsigned; `high` None means 0. A padded
    VARCHAR(n) comes as `text`, a matrix (rows, n), or (n <= 16) as words. `nulls` None: no NULL.
    Doubles are off by less than 1e-15 relative. Errors: InternalError for a value outside the
    column's public range.
    """
    encoding = target.encoding
    if encoding is None:
        raise InternalError(f"column {target.name} has no encoding to decode")
    if isinstance(target.type, VarcharType) and encoding.domain is None:
        if text is None:
            text = _text_of_words(_given(low, target), high, encoding.text_bytes or 0)
        return _strings(text, nulls, target)
    low = _given(low, target)
    offset = Words(
        low.view(np.int64),
        np.zeros(len(low), np.int64) if high is None else high.view(np.int64),
    )
    outside = exceeds(offset, encoding.hi - encoding.lo)
    if nulls is not None:
        outside &= ~nulls
    if outside.any():
        raise InternalError(f"column {target.name}: an opened value is outside its public range")
    return _typed(add(offset, encoding.lo), nulls, target, encoding)


def arrow_type(kind: SqlType) -> pa.DataType:
    """The Arrow type in which DuckDB gives a column of this type."""
    match kind:
        case NullType():
            return pa.null()
        case BooleanType():
            return pa.bool_()
        case IntegerType(bits=128):
            return pa.decimal128(38, 0)
        case IntegerType(bits=bits):
            return {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[bits]
        case DecimalType(precision=precision, scale=scale):
            return pa.decimal128(precision, scale)
        case DoubleType():
            return pa.float64()
        case DateType():
            return pa.date32()
        case TimestampType():
            return pa.timestamp("us")
        case VarcharType():
            return pa.string()
    raise InternalError(f"{kind} cannot be part of a result")


def _given(low: NDArray[np.uint64] | None, target: Column) -> NDArray[np.uint64]:
    if low is None:
        raise InternalError(f"column {target.name}: no opened values")
    return np.ascontiguousarray(low)


def _typed(
    words: Words, nulls: NDArray[np.bool_] | None, target: Column, encoding: Encoding
) -> pa.Array:
    """Encoded values (with `lo` added) as an Arrow array of the column's type."""
    kind = target.type
    arrow = arrow_type(kind)
    match kind:
        case NullType():
            return pa.nulls(len(words.low))
        case BooleanType():
            return pa.array(words.low != 0, arrow, mask=nulls)
        case IntegerType(bits=128) | DecimalType():
            return _decimals(words, nulls, target, arrow)
        case DoubleType(scale=scale):
            return pa.array(_doubles(words, encoding, scale, target), arrow, mask=nulls)
        case VarcharType():
            codes = pa.array(words.low, pa.int64(), mask=nulls)
            return pc.take(pa.array(encoding.domain, pa.string()), codes)
        case DateType():
            return pa.array(words.low.astype(np.int32), pa.int32(), mask=nulls).cast(arrow)
        case _:
            return pa.array(words.low, pa.int64(), mask=nulls).cast(arrow)


def _doubles(
    words: Words, encoding: Encoding, scale: int | None, target: Column
) -> NDArray[np.float64]:
    if encoding.fraction_bits is not None:
        return np.ldexp(to_float(words), -encoding.fraction_bits)
    if scale is None:
        raise InternalError(f"column {target.name}: a DOUBLE without scale or fraction bits")
    return to_float(words) / 10.0**scale


def _decimals(
    words: Words, nulls: NDArray[np.bool_] | None, target: Column, arrow: pa.DataType
) -> pa.Array:
    """Writes Arrow's decimal buffer directly. DataError if a value has too many digits."""
    top: int = 10**arrow.precision
    too_long = ~less(words, top) | less(words, 1 - top)
    if nulls is not None:
        too_long &= ~nulls
    if too_long.any():
        raise DataError(f"column {target.name}: a value has more digits than {arrow} can hold")
    pairs = np.stack([words.low, words.high], axis=1)
    return pa.Array.from_buffers(arrow, len(pairs), [_validity(nulls), pa.py_buffer(pairs)])


def _validity(nulls: NDArray[np.bool_] | None) -> pa.Buffer | None:
    if nulls is None or not nulls.any():
        return None
    return pa.py_buffer(np.packbits(~nulls, bitorder="little"))


def _text_of_words(
    low: NDArray[np.uint64], high: NDArray[np.uint64] | None, width: int
) -> NDArray[np.uint8]:
    """Big-endian integers of at most 16 bytes as rows of `width` bytes."""
    if width > 16:
        raise InternalError(f"{width} bytes of text do not fit into two words")
    upper = np.zeros(len(low), np.uint64) if high is None else high
    full = np.stack([upper, low], axis=1).astype(">u8").view(np.uint8).reshape(-1, 16)
    return full[:, 16 - width :]


def _strings(text: NDArray[np.uint8], nulls: NDArray[np.bool_] | None, target: Column) -> pa.Array:
    """Zero-padded rows of bytes as strings."""
    rows, width = text.shape
    filled = text != 0
    if nulls is not None:
        filled &= ~nulls[:, None]
    padding = np.argmax(filled[:, ::-1], axis=1) if width else np.zeros(rows, np.int64)
    lengths = np.where(filled.any(axis=1), width - padding, 0)
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    data = np.ascontiguousarray(text[np.arange(width) < lengths[:, None]])
    buffers = [_validity(nulls), pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.Array.from_buffers(pa.large_string(), rows, buffers)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InternalError(f"column {target.name}: an opened string is not UTF-8") from error
    return array.cast(pa.string())
