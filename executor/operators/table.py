"""Relations of shares: a row count that is public, a secret valid bit per row, secret columns.

A column is held as planes (`bits`: encoded value minus the encoding's lo, unsigned), in the ring
(`ring`: the encoded value itself, two's complement in Z_2^64), or both. Either is made from the
other when first needed, for many columns at once, and kept. Columns of a projection are computed
when first needed, in the form that is needed.

Under NULL and in invalid rows, values are unspecified, unless `clean_bits` (the planes are 0 under
NULL) or `clean_ring` (the ring value is) says more. Logic cleans the planes of the Boolean columns
that it reads, so that they mean IS TRUE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

import numpy as np

from ...query.datatypes import Column, Encoding
from ...query.errors import InternalError
from ..circuits.add import add_constant
from ..circuits.convert import ring_to_word, word_to_ring
from ..circuits.lookup import table_lookup
from ..circuits.rows import pad_rows
from ..sharing.groups import grouped, on_disk
from ..sharing.protocol import SharingProtocol
from ..sharing.shares import Bits, Ring, as_bits, as_ring, stack
from .known import Known
from .literal import text_code

Form: TypeAlias = Literal["bits", "ring"]


@dataclass(slots=True, eq=False, kw_only=True, weakref_slot=True)
class SecretColumn:
    """One column of shares; `null` is one plane (None: never NULL).

    `deferred` computes the column when it is first needed; until then there is no `null` to read:
    whether a value may be NULL is found out by computing it. `known`: what a party knows of it in
    clear, in this encoding; None if none does.
    """

    encoding: Encoding
    rows: int
    bits: Bits | None = None
    ring: Ring | None = None
    null: Bits | None = None
    clean_bits: bool = False
    clean_ring: bool = False
    deferred: Callable[[Form], SecretColumn] | None = None
    known: Known | None = None

    def __post_init__(self) -> None:
        if self.deferred is not None:
            del self.null

    if not TYPE_CHECKING:  # a type checker knows all attributes there are

        def __getattr__(self, name: str) -> NoReturn:
            """What a deferred column does not have yet. Errors: InternalError."""
            raise InternalError(f"the {name} of a column is read before the column is computed")

    def force(self, form: Form) -> None:
        """Computes a deferred column, with an eye to the form that is needed.

        What the ring does not hold is computed as planes in any case.
        """
        if self.deferred is None:
            return
        computed = self.deferred(form if self.encoding.fits_ring else "bits")
        self.deferred = None
        self.bits, self.ring, self.null = computed.bits, computed.ring, computed.null
        self.clean_bits, self.clean_ring = computed.clean_bits, computed.clean_ring
        if self.bits is not None and computed.encoding != self.encoding:
            self.bits = None if self.ring is not None else _widen(computed, self.encoding)

    @property
    def is_constant(self) -> bool:
        return self.encoding.width == 0


def _widen(column: SecretColumn, target: Encoding) -> Bits:
    """The planes under an encoding with the same lo and at least the width. Local."""
    if column.bits is None or column.encoding.lo != target.lo:
        raise InternalError("a computed column does not have the encoding that the plan states")
    return zero_extend(column.bits, target.width)


@dataclass(slots=True, eq=False, weakref_slot=True)
class SecretTable:
    """Columns by id, in order; `valid` is one plane."""

    rows: int
    columns: dict[int, SecretColumn]
    valid: Bits


@dataclass(slots=True, eq=False)
class FailureFlag:
    """A one-row secret flag that must turn out 0, or the query fails with `message`."""

    flag: Bits
    message: str


@dataclass(slots=True, eq=False)
class Execution:
    """What operators share while a plan runs at one party. `run_key`: public, fresh in each run."""

    protocol: SharingProtocol
    run_key: bytes | None = None
    failures: list[FailureFlag] = field(default_factory=list)


def zero_extend(x: Bits, width: int) -> Bits:
    """More (zero) planes at the top, or fewer. Local."""
    if width <= x.width:
        return x.planes(0, width)
    return x.map(
        lambda part: np.concatenate([part, np.zeros((width - x.width, part.shape[1]), np.uint64)]),
        rows=x.rows,
        width=width,
    )


def shift_planes_up(x: Bits, by: int) -> Bits:
    """The value times 2^by. Local."""
    return x.map(
        lambda part: np.concatenate([np.zeros((by, part.shape[1]), np.uint64), part]),
        rows=x.rows,
        width=x.width + by,
    )


def mask_public(x: Bits, planes: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Bits:
    """x AND a public plane stack (broadcast). Local."""
    return x.map(lambda part: part & planes, rows=x.rows, width=x.width)


def scale_ring(x: Ring, factor: int) -> Ring:
    """x times a public constant. Local."""
    if factor == 1:
        return x
    constant = np.uint64(factor % (1 << 64))
    return x.map(lambda part: part * constant, rows=x.rows)


def total(x: Ring) -> Ring:
    """The sum over all rows, as one row. Local."""
    return x.map(lambda part: part.sum(dtype=part.dtype, keepdims=True), rows=1)


def need_ring(p: SharingProtocol, columns: Sequence[SecretColumn]) -> list[Ring]:
    """Every column in the ring, converting in one batch those that are not."""
    for column in columns:
        column.force("ring")
        if not column.encoding.fits_ring:
            raise InternalError("a number beyond the ring was asked for in the ring")
    missing = [c for c in columns if c.ring is None and not c.is_constant]
    missing = list(dict.fromkeys(missing))
    for batch in grouped(missing, lambda column: 8 * column.rows):
        words = word_to_ring(p, [planes_of(c) for c in batch], 64)
        for column, word in zip(batch, words, strict=True):
            (ring,) = on_disk(p, [p.add_public(word, column.encoding.lo)])
            column.ring = as_ring(ring)
            column.clean_ring = column.clean_bits and column.encoding.lo == 0
    for column in columns:
        if column.ring is None:
            column.ring = p.constant_ring(column.encoding.lo, column.rows)
            column.clean_ring = column.encoding.lo == 0
    return [ring_of(c) for c in columns]


def need_bits(p: SharingProtocol, columns: Sequence[SecretColumn]) -> list[Bits]:
    """Every column as planes, converting in one batch per width those that are not."""
    for column in columns:
        column.force("bits")
    missing = list(dict.fromkeys(c for c in columns if c.bits is None))
    for width in sorted({c.encoding.width for c in missing}):
        alike = [c for c in missing if c.encoding.width == width]
        for batch in grouped(alike, lambda column: 8 * column.rows):
            words = ring_words(p, batch, width)
            for column, word in zip(batch, words, strict=True):
                column.bits = as_bits(*on_disk(p, [word]))
                column.clean_bits = column.clean_ring and column.encoding.lo == 0
    return [planes_of(c) for c in columns]


def ring_words(p: SharingProtocol, columns: Sequence[SecretColumn], width: int) -> list[Bits]:
    """Planes of ring columns, minus their lo, modulo 2^width."""
    if width == 0:
        return [p.constant_bits(0, 0, c.rows) for c in columns]
    shifted = [p.add_public(ring_of(c), -c.encoding.lo) for c in columns]
    return ring_to_word(p, shifted, width)


def bits_in(p: SharingProtocol, column: SecretColumn, target: Encoding) -> Bits:
    """The column's planes under another encoding whose range contains every value.

    Fixed-point values take on more fraction bits; fewer are an InternalError.
    """
    encoding = column.encoding
    if None not in (encoding.fraction_bits, target.fraction_bits):
        column = _finer(p, column, target.fraction_bits)
        encoding = column.encoding
    if target.domain is not None or target.text_bytes is not None:
        return _text_in(p, column, target)
    if column.is_constant:
        return p.constant_bits(encoding.lo - target.lo, target.width, column.rows)
    column.force("bits")
    if column.bits is None and encoding.lo != target.lo and target.width <= 64:
        shifted = p.add_public(ring_of(column), -target.lo)
        return ring_to_word(p, [shifted], target.width)[0]
    (planes,) = need_bits(p, [column])
    if encoding.lo == target.lo:
        return zero_extend(planes, target.width)
    return add_constant(
        p, zero_extend(planes, target.width), encoding.lo - target.lo, width=target.width
    )


def _finer(p: SharingProtocol, column: SecretColumn, fraction_bits: int | None) -> SecretColumn:
    """A fixed-point column in smaller units. Local on planes."""
    encoding = column.encoding
    up = (fraction_bits or 0) - (encoding.fraction_bits or 0)
    if not up:
        return column
    if up < 0:
        raise InternalError("a fixed-point value would lose fraction bits")
    finer = Encoding(lo=encoding.lo << up, hi=encoding.hi << up, fraction_bits=fraction_bits)
    if column.is_constant:
        return SecretColumn(encoding=finer, rows=column.rows)
    (planes,) = need_bits(p, [column])
    return SecretColumn(encoding=finer, rows=column.rows, bits=shift_planes_up(planes, up))


def _text_in(p: SharingProtocol, column: SecretColumn, target: Encoding) -> Bits:
    """A text's planes under an encoding that holds every value.

    Codes of one domain become those of another, or padded bytes, by a public table.
    """
    encoding = column.encoding
    if column.is_constant:
        code = _text_code(encoding, encoding.lo, target)
        return p.constant_bits(code - target.lo, target.width, column.rows)
    (planes,) = need_bits(p, [column])
    if encoding.text_bytes is not None and target.text_bytes is not None:
        more = 8 * (target.text_bytes - encoding.text_bytes)
        # Texts are padded at their end: what the plan states to be shorter ends in zeros.
        return shift_planes_up(planes, more) if more >= 0 else planes.planes(-more, planes.width)
    if encoding.domain == target.domain:
        return zero_extend(planes, target.width)
    codes = range(encoding.lo, encoding.hi + 1)
    table = [_text_code(encoding, code, target) - target.lo for code in codes]
    return table_lookup(p, planes, table, width=target.width)


def _text_code(encoding: Encoding, code: int, target: Encoding) -> int:
    """The code of a text under another encoding; of NULL, which has no text, the lowest."""
    if encoding.domain is None:
        if encoding.text_bytes is None:
            return target.lo
        value = code.to_bytes(encoding.text_bytes, "big").rstrip(b"\0").decode()
    else:
        value = encoding.domain[code]
    found = target.domain.index(value) if target.domain is not None else None
    if found is None and target.text_bytes is not None:
        found = text_code(value, target.text_bytes)
    if found is None:
        raise InternalError("a text is longer than the plan states")
    return found


def planes_of(column: SecretColumn) -> Bits:
    """The planes of a column that has them. Local."""
    if column.bits is None:
        raise InternalError("a column has no planes")
    return column.bits


def ring_of(column: SecretColumn) -> Ring:
    """The ring vector of a column that has one. Local."""
    if column.ring is None:
        raise InternalError("a column is not in the ring")
    return column.ring


def not_null(p: SharingProtocol, column: SecretColumn) -> Bits | None:
    """The plane IS NOT NULL, or None if the column is never NULL. Local."""
    return None if column.null is None else p.invert(column.null)


def cleaned_bits(p: SharingProtocol, columns: Sequence[SecretColumn]) -> list[Bits]:
    """Planes that are 0 under NULL, for grouping, ordering and output. At most 1 round more."""
    need_bits(p, columns)
    dirty = [c for c in columns if c.null is not None and not c.clean_bits and c.encoding.width]
    dirty = list(dict.fromkeys(dirty))
    masked = p.and_([(p.invert(null_of(c)), planes_of(c)) for c in dirty]) if dirty else []
    for column, planes in zip(dirty, masked, strict=True):
        column.bits = planes
        column.clean_bits = True
    return [planes_of(c) for c in columns]


def null_of(column: SecretColumn) -> Bits:
    """The null plane of a nullable column. Local."""
    if column.null is None:
        raise InternalError("a column has no null plane")
    return column.null


def null_or_never(p: SharingProtocol, column: SecretColumn) -> Bits:
    """The null plane, all zeros for a column that is never NULL. Local."""
    return p.constant_bits(0, 1, column.rows) if column.null is None else column.null


def ordered_planes(p: SharingProtocol, columns: Sequence[SecretColumn]) -> Bits:
    """One comparable key: the first column is the most significant, NULL last in each column."""
    cleaned = cleaned_bits(p, columns)
    pieces: list[Bits] = []
    for column, planes in zip(reversed(columns), reversed(cleaned), strict=True):
        pieces.append(planes)
        if column.null is not None:
            pieces.append(column.null)
    rows = columns[0].rows
    return stack(pieces) if pieces else p.constant_bits(0, 0, rows)


def padded(column: SecretColumn, rows: int) -> SecretColumn:
    """The column with zero rows appended. Local."""
    return SecretColumn(
        encoding=column.encoding,
        rows=rows,
        bits=None if column.bits is None else pad_rows(column.bits, rows),
        ring=None if column.ring is None else pad_rows(column.ring, rows),
        null=None if column.null is None else pad_rows(column.null, rows),
    )


def definitions(columns: Sequence[Column]) -> Mapping[int, Column]:
    """Columns by id."""
    return {column.id: column for column in columns}


def encoding_of_column(column: Column) -> Encoding:
    """The encoding of a column that takes part in secure computation."""
    if column.encoding is None:
        raise InternalError(f"column {column.name} has no public bound and cannot be shared")
    return column.encoding
