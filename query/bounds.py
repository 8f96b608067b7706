"""Encodings of types, of sets of strings, and of two kinds of values together."""

from __future__ import annotations

from collections.abc import Iterable

from . import moments
from .datatypes import (
    BooleanType,
    DateType,
    DecimalType,
    Encoding,
    IntegerType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)

TRUTH = Encoding(lo=0, hi=1)
NOTHING = Encoding(lo=0, hi=0)
"""The encoding of NULL alone."""

MAX_RANGE_BITS = 65_536
"""Wider ranges count as no range at all: squares of squares would fill the memory."""


def natural_encoding(sql_type: SqlType) -> Encoding | None:
    """The range of a type without declared bounds; None for VARCHAR and for unscaled DOUBLE.

    BIGINT and HUGEINT range over [-2^62, 2^62 - 1], so that ring arithmetic stays in 63 bits.
    """
    match sql_type:
        case BooleanType():
            return TRUTH
        case IntegerType(bits=bits):
            limit = 1 << min(bits - 1, 62)
            return Encoding(lo=-limit, hi=limit - 1)
        case DecimalType(precision=precision):
            return Encoding(lo=-(10**precision) + 1, hi=10**precision - 1)
        case DateType():
            return Encoding(lo=moments.FIRST_DATE, hi=moments.LAST_DATE)
        case TimestampType():
            return Encoding(lo=moments.FIRST_TIMESTAMP, hi=moments.LAST_TIMESTAMP)
        case VarcharType(length=int() as length) if length <= MAX_RANGE_BITS // 8:
            return text_encoding(length)
        case NullType():
            return NOTHING
        case _:
            return None


def union_of(left: Encoding | None, right: Encoding | None) -> Encoding | None:
    """The smallest encoding that holds the values of both; None if either is unbounded.

    Domains are merged and sorted; a domain beside padded text becomes padded text. What is 0 alone
    is NULL beside strings, and takes their encoding.
    """
    if left is None or right is None:
        return None
    if left == right:
        return left
    for null, text in ((left, right), (right, left)):
        if null == NOTHING and text_bytes(text) is not None:
            return text
    if left.domain is not None and right.domain is not None:
        return domain_encoding((*left.domain, *right.domain))
    widths = [text_bytes(encoding) for encoding in (left, right)]
    if widths[0] is not None and widths[1] is not None:
        return text_encoding(max(widths[0], widths[1]))
    if widths != [None, None] or left.fraction_bits != right.fraction_bits:
        return None
    return Encoding(
        lo=min(left.lo, right.lo), hi=max(left.hi, right.hi), fraction_bits=left.fraction_bits
    )


def domain_encoding(values: Iterable[str]) -> Encoding:
    """The encoding of a set of strings, in the order of their UTF-8 bytes."""
    domain = tuple(sorted(set(values), key=str.encode))
    return Encoding(lo=0, hi=max(0, len(domain) - 1), domain=domain)


def text_encoding(length: int) -> Encoding:
    """Strings of up to `length` bytes, padded."""
    return Encoding(lo=0, hi=256**length - 1, text_bytes=length)


def is_wide(encoding: Encoding) -> bool:
    """True for a range that is too wide to be worked with."""
    return max(encoding.lo.bit_length(), encoding.hi.bit_length()) > MAX_RANGE_BITS


def text_bytes(encoding: Encoding) -> int | None:
    """How many bytes the strings of an encoding have at most; None if it is not of strings."""
    if encoding.domain is not None:
        return max((len(value.encode()) for value in encoding.domain), default=0)
    return encoding.text_bytes
