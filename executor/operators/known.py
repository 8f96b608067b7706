"""What one party knows of a column in clear, and what it works out from that.

Everything here runs at that party alone, over its own data; sizes are public, and nothing that is
sent depends on what is found. Elsewhere, and in a dry run, there is nothing to work out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...query.datatypes import Encoding
from ...query.errors import DataError, InternalError
from ..sharing.pack import row_bytes

Packed = NDArray[np.uint8]
"""Rows of bytes, little-endian."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Known:
    """A column as the party at position `owner` knows it; the arrays are None elsewhere.

    rows_bytes: (rows, row_bytes(width)), value - lo, 0 where there is none. nulls: rows that are
    NULL. padding: rows that the owner's table does not have (and that are not valid).
    """

    owner: int
    rows_bytes: Packed | None = None
    nulls: Flags | None = None
    padding: Flags | None = None

    @property
    def present(self) -> Flags:
        """Rows that are there and not NULL, at the party that knows them."""
        if self.nulls is None or self.padding is None:
            raise InternalError("a column is not known here")
        return ~(self.nulls | self.padding)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Keys:
    """The key of every row, in one encoding for both sides of a join, and whether there is one."""

    packed: Packed
    present: Flags


def keys_of(columns: Sequence[tuple[Known | None, Encoding, Encoding]]) -> Keys | None:
    """Composite keys of known columns, each given with its own and the common encoding.

    None where this party does not know them.
    """
    pieces = []
    present: Flags | None = None
    for known, own, common in columns:
        if known is None or known.rows_bytes is None:
            return None
        pieces.append(in_encoding(known.rows_bytes, own, common))
        there = known.present
        present = there if present is None else present & there
    assert present is not None, "a key has a column"
    packed = np.concatenate(pieces, axis=1)
    packed[~present] = 0
    return Keys(packed, present)


def in_encoding(rows: Packed, own: Encoding, target: Encoding) -> Packed:
    """Packed values under another encoding of their kind that holds them all."""
    if own == target:
        return rows
    size = row_bytes(target.width)
    if own.text_bytes is not None and target.text_bytes is not None:
        return np.pad(rows, ((0, 0), (size - rows.shape[1], 0)))
    return _plus(np.pad(rows, ((0, 0), (0, size - rows.shape[1]))), own.lo - target.lo)


def _plus(rows: Packed, shift: int) -> Packed:
    """Little-endian numbers plus a constant that is not negative, which they have room for."""
    if shift == 0 or rows.shape[1] == 0:
        return rows
    result = np.empty_like(rows)
    carry = np.zeros(len(rows), np.uint16)
    for place in range(rows.shape[1]):
        carry += rows[:, place]
        carry += shift >> 8 * place & 0xFF
        result[:, place] = carry.astype(np.uint8)
        carry >>= 8
    return result


def whole_numbers(rows: Packed) -> NDArray[np.int64]:
    """Packed values of at most 63 bits as integers."""
    wide = np.zeros((len(rows), 8), np.uint8)
    wide[:, : rows.shape[1]] = rows
    return wide.view(np.int64)[:, 0]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slots:
    """The place of every row's key in the table of a public domain, where `present`."""

    places: NDArray[np.intp]
    present: Flags


def slots_of(columns: Sequence[tuple[Known | None, Encoding, Encoding]]) -> Slots | None:
    """Places of composite keys of known columns, each given with its own and the domain's encoding.

    The first column is the most significant. Keys beyond the domain are not present.
    """
    places: NDArray[np.int64] | None = None
    present: Flags | None = None
    for known, own, domain in columns:
        if known is None or known.rows_bytes is None:
            return None
        size = domain.hi - domain.lo + 1
        codes = whole_numbers(known.rows_bytes) + (own.lo - domain.lo)
        there = known.present & (codes >= 0) & (codes < size)
        codes[~there] = 0
        places = codes if places is None else places * size + codes
        present = there if present is None else present & there
    assert places is not None, "a key has a column"
    assert present is not None, "a key has a column"
    return Slots(places.astype(np.intp), present)


def codes_of(sides: Sequence[Packed]) -> list[NDArray[np.uint64]]:
    """One number per row, over all sides: equal numbers for equal bytes, and for no others."""
    stacked = np.concatenate(sides)
    size = stacked.shape[1]
    limbs = np.zeros((len(stacked), 8 * max(1, -(-size // 8))), np.uint8)
    limbs[:, :size] = stacked
    words = limbs.view(np.uint64)
    codes = np.ascontiguousarray(words[:, 0])
    for place in range(1, words.shape[1]):
        codes = _ranks(codes)
        second = _ranks(words[:, place])
        codes = codes * (second.max(initial=np.uint64(0)) + np.uint64(1)) + second
    stops = np.cumsum([len(side) for side in sides])[:-1]
    return np.split(codes, stops)


def _ranks(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The rank of every value among the different ones."""
    return np.unique(values, return_inverse=True)[1].astype(np.uint64)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Matches:
    """For every asking row the given row with its key: `rows`, where `found`; any row elsewhere.

    `repeated`: two given rows have one key (the first one is taken).
    """

    rows: NDArray[np.intp]
    found: Flags
    repeated: bool


def matching_rows(asking: Keys, given: Keys) -> Matches:
    """The given row with the key of each asking row. Keys that are not present match none."""
    mine, theirs = codes_of([asking.packed, given.packed])
    rows = np.flatnonzero(given.present)
    order = rows[np.argsort(theirs[rows], kind="stable")]
    ordered = theirs[order]
    places = np.searchsorted(ordered, mine)
    found = (places < len(ordered)) & asking.present
    found[found] = ordered[places[found]] == mine[found]
    result = np.zeros(len(mine), np.intp)
    result[found] = order[places[found]]
    return Matches(result, found, bool((ordered[1:] == ordered[:-1]).any()))


def first_rows(keys: Keys) -> NDArray[np.intp]:
    """The first row of every key that is present, in the order of the rows."""
    (codes,) = codes_of([keys.packed])
    rows = np.flatnonzero(keys.present)
    return rows[np.sort(np.unique(codes[rows], return_index=True)[1])]


def take(known: Known | None, matches: Matches | None) -> tuple[Packed, Flags] | None:
    """Rows of a known column, zeros where there is no match; None where it is not known."""
    if known is None or known.rows_bytes is None or known.nulls is None or matches is None:
        return None
    packed = np.zeros((len(matches.rows), known.rows_bytes.shape[1]), np.uint8)
    packed[matches.found] = known.rows_bytes[matches.rows[matches.found]]
    return packed, known.nulls[matches.rows] & matches.found


def owner_of(columns: Iterable[Known | None]) -> int:
    """The position of the one party that knows all of these columns."""
    owners = {None if known is None else known.owner for known in columns}
    (owner,) = owners
    if owner is None:
        raise InternalError("a join counts on keys that no party knows")
    return owner


def repeated_key() -> DataError:
    """What a party says that finds a key twice where its own data should have it once."""
    return DataError("a key that the catalog declares unique occurs twice among an owner's rows")
