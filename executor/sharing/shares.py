"""Share types. A share knows its public shape and holds this party's components, nothing else.

`parts` holds one array per component that this party has: two in `replicated`, one in `additive`,
NONE in a dry run that only counts costs. Everything local (linear) is done part by part, so the
same circuits run over any protocol, and over no values at all. Values cannot be looked at:
`bool()`, `int()`, comparison, iteration and indexing raise, `repr` shows the shape.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]


def words(rows: int) -> int:
    """64-bit words of one plane of `rows` rows."""
    return (rows + 63) // 64


class _Opaque:
    """Refuses everything that would branch on, print or pick apart a secret."""

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a share has no value that a program may look at")

    __bool__ = __int__ = __float__ = __index__ = __iter__ = __len__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = _refuse


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bits(_Opaque):
    """XOR shares of `rows` values of `width` bits: bit planes, least significant first.

    Each part has shape (width, words(rows)), dtype uint64; row r is bit r % 64 of word r // 64.
    Bits past row `rows` are unspecified, and never opened unmasked.
    """

    rows: int
    width: int
    parts: tuple[Words, ...]

    def __repr__(self) -> str:
        return f"<Bits {self.width} x {self.rows} rows>"

    def map(self, function: Callable[[Words], Words], *, rows: int, width: int) -> Bits:
        """Applies a linear function to every component; states the new shape."""
        return Bits(rows, width, tuple(function(part) for part in self.parts))

    def planes(self, start: int, stop: int) -> Bits:
        """Planes [start, stop), as a view."""
        if not 0 <= start <= stop <= self.width:
            raise ValueError(f"planes [{start}, {stop}) of {self.width}")
        return Bits(self.rows, stop - start, tuple([part[start:stop] for part in self.parts]))

    def __xor__(self, other: Bits) -> Bits:
        """Bitwise XOR; a one-plane operand is broadcast over the other's planes."""
        width = self.width
        if self.rows != other.rows or width != other.width:
            width = max(width, other.width)
            if self.rows != other.rows or {self.width, other.width} - {1, width}:
                raise ValueError(f"{self!r} ^ {other!r}")
        if len(self.parts) != len(other.parts):
            raise ValueError("shares of different protocols")
        return Bits(self.rows, width, tuple(map(operator.xor, self.parts, other.parts)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ring(_Opaque):
    """Additive shares of `rows` values in Z_2^bits (bits 32 or 64), two's complement.

    Each part has shape (rows,), dtype uint32 or uint64.
    """

    rows: int
    bits: int
    parts: tuple[NDArray[np.unsignedinteger], ...]

    def __repr__(self) -> str:
        return f"<Ring Z_2^{self.bits} x {self.rows} rows>"

    def map(
        self,
        function: Callable[[NDArray[np.unsignedinteger]], NDArray[np.unsignedinteger]],
        *,
        rows: int,
    ) -> Ring:
        """Applies a linear function to every component; states the new row count."""
        return Ring(rows, self.bits, tuple(function(part) for part in self.parts))

    def __add__(self, other: Ring) -> Ring:
        self._check(other)
        pairs = zip(self.parts, other.parts, strict=True)
        return Ring(self.rows, self.bits, tuple(a + b for a, b in pairs))

    def __sub__(self, other: Ring) -> Ring:
        self._check(other)
        pairs = zip(self.parts, other.parts, strict=True)
        return Ring(self.rows, self.bits, tuple(a - b for a, b in pairs))

    def _check(self, other: Ring) -> None:
        if self.rows != other.rows or self.bits != other.bits:
            raise ValueError(f"{self!r} and {other!r} do not fit each other")


Share: TypeAlias = Bits | Ring


def as_bits(share: Share) -> Bits:
    """The share, which must be planes. TypeError if it is a ring column."""
    if not isinstance(share, Bits):
        raise TypeError(f"planes were expected, not {share!r}")
    return share


def as_ring(share: Share) -> Ring:
    """The share, which must be a ring column. TypeError if it is planes."""
    if not isinstance(share, Ring):
        raise TypeError(f"a ring column was expected, not {share!r}")
    return share


def stack(shares: Sequence[Bits]) -> Bits:
    """All planes of the given shares as one share: the first share's planes are the lowest."""
    first = shares[0]
    parts = tuple(np.concatenate([s.parts[c] for s in shares]) for c in range(len(first.parts)))
    return Bits(first.rows, sum(s.width for s in shares), parts)
