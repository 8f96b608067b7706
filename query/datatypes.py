"""SQL types, and how their values are encoded as integers for secure computation.

Every value becomes an integer ("encoded value"); NULL is a separate bit and its encoded value is
`lo` on bits and 0 in the ring.

| type             | encoded value                                                            |
|------------------|--------------------------------------------------------------------------|
| BOOLEAN          | 0, 1                                                                     |
| integers         | the value                                                                |
| DECIMAL(p, s)    | value * 10^s                                                             |
| DOUBLE(s)        | value rounded half away from zero to s decimals, * 10^s (declared scale) |
| DOUBLE           | floor(value * 2^fraction_bits) (computed quotients)                      |
| DATE             | days since 1970-01-01                                                    |
| TIMESTAMP        | microseconds since 1970-01-01 00:00                                      |
| VARCHAR + domain | index into the domain, sorted by UTF-8 bytes                             |
| VARCHAR(n)       | the UTF-8 bytes, zero-padded to n bytes, as one big-endian integer       |

Both string encodings keep the order of DuckDB's default (binary) collation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SqlType:
    """Base of all SQL types; `str()` gives the SQL spelling."""


@dataclass(frozen=True, slots=True)
class NullType(SqlType):
    """The type of a bare NULL, before it meets another type."""

    def __str__(self) -> str:
        return "NULL"


@dataclass(frozen=True, slots=True)
class BooleanType(SqlType):
    def __str__(self) -> str:
        return "BOOLEAN"


@dataclass(frozen=True, slots=True)
class IntegerType(SqlType):
    """TINYINT, SMALLINT, INTEGER, BIGINT or HUGEINT, by `bits` (8, 16, 32, 64, 128)."""

    bits: int

    def __str__(self) -> str:
        names = {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT"}
        return names[self.bits]


@dataclass(frozen=True, slots=True)
class DecimalType(SqlType):
    precision: int
    scale: int

    def __str__(self) -> str:
        return f"DECIMAL({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class DoubleType(SqlType):
    """DOUBLE; `scale` is the declared number of decimals of a stored column, else None."""

    scale: int | None = None

    def __str__(self) -> str:
        return "DOUBLE" if self.scale is None else f"DOUBLE({self.scale})"


@dataclass(frozen=True, slots=True)
class DateType(SqlType):
    def __str__(self) -> str:
        return "DATE"


@dataclass(frozen=True, slots=True)
class TimestampType(SqlType):
    def __str__(self) -> str:
        return "TIMESTAMP"


@dataclass(frozen=True, slots=True)
class IntervalType(SqlType):
    """Only in constant expressions."""

    def __str__(self) -> str:
        return "INTERVAL"


@dataclass(frozen=True, slots=True)
class VarcharType(SqlType):
    """VARCHAR(n): at most n BYTES of UTF-8. `length` None: unbounded, never leaves its owner."""

    length: int | None = None

    def __str__(self) -> str:
        return "VARCHAR" if self.length is None else f"VARCHAR({self.length})"


BOOLEAN = BooleanType()
INTEGER = IntegerType(32)
BIGINT = IntegerType(64)
HUGEINT = IntegerType(128)
DOUBLE = DoubleType()
DATE = DateType()
TIMESTAMP = TimestampType()
INTERVAL = IntervalType()
NULL = NullType()


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The public range [lo, hi] of a column's encoded values, and how strings and quotients map.

    `domain`: the sorted public values of a string column (encoded as codes 0..len-1).
    `text_bytes`: n for a padded VARCHAR(n) (then lo = 0, hi = 256^n - 1).
    `fraction_bits`: f for a computed DOUBLE (value = encoded / 2^f).
    """

    lo: int
    hi: int
    domain: tuple[str, ...] | None = None
    text_bytes: int | None = None
    fraction_bits: int | None = None

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"empty range [{self.lo}, {self.hi}]")

    @property
    def width(self) -> int:
        """Planes of a Boolean column of this encoding: the bits of hi - lo (0 if constant)."""
        return (self.hi - self.lo).bit_length()

    @property
    def fits_ring(self) -> bool:
        """Whether a ring of 64 bits holds all values as signed numbers."""
        return max(abs(self.lo), abs(self.hi)) < 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a relation in a bound query or a plan. `id` is unique within one query."""

    id: int
    name: str
    type: SqlType
    encoding: Encoding | None  # None: unbounded VARCHAR, which only its owner can handle
    nullable: bool
