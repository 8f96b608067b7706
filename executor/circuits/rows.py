"""Moving rows of shares about: local, linear, free.

Works component by component, so it is the same over any protocol and over no values at all.
Row arguments are public. Bits past the last row of a result are 0 or unspecified, as in `Bits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..sharing.pack import planes_to_rows, rows_to_planes
from ..sharing.shares import Bits, Ring, Words, words

S = TypeVar("S", Bits, Ring, Bits | Ring)

_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


def slice_rows(x: S, start: int, stop: int) -> S:
    """Rows [start, stop); a view where the alignment allows."""
    if not 0 <= start <= stop <= x.rows:
        raise ValueError(f"rows [{start}, {stop}) of {x!r}")
    if isinstance(x, Ring):
        return x.map(lambda part: part[start:stop], rows=stop - start)
    return x.map(lambda part: _slice(part, start, stop), rows=stop - start, width=x.width)


def concat_rows(xs: Sequence[S]) -> S:
    """All rows of the first share, then those of the second, and so on."""
    first = xs[0]
    rows = sum(x.rows for x in xs)
    if isinstance(first, Ring):
        if any(not isinstance(x, Ring) or x.bits != first.bits for x in xs):
            raise ValueError("rings of different sizes do not stand in one column")
        columns = range(len(first.parts))
        return Ring(
            rows, first.bits, tuple(np.concatenate([x.parts[c] for x in xs]) for c in columns)
        )
    if any(not isinstance(x, Bits) or x.width != first.width for x in xs):
        raise ValueError("planes of different widths do not stand in one column")
    counts = [x.rows for x in xs]
    return Bits(
        rows,
        first.width,
        tuple(_concat([x.parts[c] for x in xs], counts) for c in range(len(first.parts))),
    )


def pad_rows(x: S, rows: int) -> S:
    """The same rows, followed by sharings of zero up to `rows` rows."""
    if rows < x.rows:
        raise ValueError(f"{x!r} does not fit {rows} rows")
    if isinstance(x, Ring):
        return x.map(lambda part: np.pad(part, (0, rows - x.rows)), rows=rows)
    return x.map(lambda part: _pad(part, x.rows, rows), rows=rows, width=x.width)


def repeat_row(x: S, rows: int) -> S:
    """The one row of x, `rows` times."""
    if x.rows != 1:
        raise ValueError(f"{x!r} is not one row")
    if isinstance(x, Ring):
        return x.map(lambda part: np.repeat(part, rows), rows=rows)
    count = words(rows)
    return x.map(
        lambda part: np.repeat(np.uint64(0) - (part & np.uint64(1)), count, axis=1),
        rows=rows,
        width=x.width,
    )


def shift_down(x: S, by: int = 1) -> S:
    """Row r takes row r - by; the first `by` rows become 0."""
    by = _steps(x.rows, by)
    if isinstance(x, Ring):
        return x.map(lambda part: np.pad(part[: x.rows - by], (by, 0)), rows=x.rows)
    return x.map(lambda part: _shift_down(part, by), rows=x.rows, width=x.width)


def shift_up(x: S, by: int = 1) -> S:
    """Row r takes row r + by; the last `by` rows become 0."""
    return pad_rows(slice_rows(x, _steps(x.rows, by), x.rows), x.rows)


def prefix_xor(x: Bits) -> Bits:
    """Row r becomes the XOR of rows 0 to r."""
    return x.map(_prefix_xor, rows=x.rows, width=x.width)


def prefix_sum(x: Ring) -> Ring:
    """Row r becomes the sum of rows 0 to r."""
    return x.map(lambda part: np.cumsum(part, dtype=part.dtype), rows=x.rows)


def permute_rows(x: S, source: NDArray[np.intp] | None, *, rows: int | None = None) -> S:
    """Row r of the result is row source[r] of x.

    `source` may be None only where x has no components. `rows` states the length of the result,
    and must be given where it differs from x.rows.
    """
    rows = x.rows if rows is None else rows
    if source is None:
        if x.parts:
            raise ValueError("rows of a share with components need a source")
        return _without_parts(x, rows)
    if len(source) != rows:
        raise ValueError(f"{len(source)} sources for {rows} rows")
    if isinstance(x, Ring):
        return x.map(lambda part: part.take(source), rows=rows)
    return x.map(lambda part: take_rows(part, x.rows, source), rows=rows, width=x.width)


def truncate(x: Ring, bits: int) -> Ring:
    """The same values modulo 2^bits."""
    if bits > x.bits:
        raise ValueError(f"{x!r} does not shrink to {bits} bits")
    dtype = np.dtype(f"uint{bits}")
    return Ring(x.rows, bits, tuple(part.astype(dtype) for part in x.parts))


def take_rows(planes: Words, rows: int, source: NDArray[np.intp]) -> Words:
    """Planes of rows source[0], source[1], ... of planes with `rows` rows."""
    if len(planes) == 0:
        return np.zeros((0, words(len(source))), dtype=np.uint64)
    return rows_to_planes(planes_to_rows(planes, rows).take(source, axis=0), len(planes))


def _without_parts(x: S, rows: int) -> S:
    if isinstance(x, Ring):
        return Ring(rows, x.bits, ())
    return Bits(rows, x.width, ())


def _steps(rows: int, by: int) -> int:
    if by < 0:
        raise ValueError("rows are shifted by a number of rows that is not negative")
    return min(by, rows)


def _slice(part: Words, start: int, stop: int) -> Words:
    count = words(stop - start)
    word, shift = divmod(start, 64)
    if shift == 0:
        return part[:, word : word + count]
    result = part[:, word : word + count] >> np.uint64(shift)
    above = part[:, word + 1 : word + 1 + count]
    result[:, : above.shape[1]] |= above << np.uint64(64 - shift)
    return result


def _concat(parts: Sequence[Words], counts: Sequence[int]) -> Words:
    result = np.zeros((len(parts[0]), words(sum(counts))), dtype=np.uint64)
    offset = 0
    for part, rows in zip(parts, counts, strict=True):
        _place(result, _cleared(part, rows), offset, rows)
        offset += rows
    return result


def _place(target: Words, source: Words, offset: int, rows: int) -> None:
    """ORs `rows` rows without stray bits into the target, from row `offset` on."""
    word, shift = divmod(offset, 64)
    count = source.shape[1]
    if shift == 0:
        target[:, word : word + count] |= source
        return
    target[:, word : word + count] |= source << np.uint64(shift)
    carried = words(offset + rows) - word - 1
    target[:, word + 1 : word + 1 + carried] |= source[:, :carried] >> np.uint64(64 - shift)


def _cleared(part: Words, rows: int) -> Words:
    """The same planes with the bits past the last row cleared."""
    if rows % 64 == 0:
        return part
    result = part.copy()
    result[:, -1] &= _ONES >> np.uint64(64 - rows % 64)
    return result


def _pad(part: Words, rows: int, target: int) -> Words:
    result = np.zeros((len(part), words(target)), dtype=np.uint64)
    result[:, : words(rows)] = part
    if rows % 64:
        result[:, rows // 64] &= _ONES >> np.uint64(64 - rows % 64)
    return result


def _shift_down(part: Words, by: int) -> Words:
    word, shift = divmod(by, 64)
    result = np.zeros_like(part)
    count = part.shape[1] - word
    if count <= 0:
        return result
    if shift == 0:
        result[:, word:] = part[:, :count]
        return result
    np.left_shift(part[:, :count], np.uint64(shift), out=result[:, word:])
    result[:, word + 1 :] |= part[:, : count - 1] >> np.uint64(64 - shift)
    return result


def _prefix_xor(part: Words) -> Words:
    result = part.copy()
    for power in range(6):
        result ^= result << np.uint64(1 << power)
    carry = np.bitwise_xor.accumulate(result >> np.uint64(63), axis=1)
    result[:, 1:] ^= np.uint64(0) - carry[:, :-1]
    return result
