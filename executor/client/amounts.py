"""Bytes, seconds and counts in words, the same everywhere that a person reads them."""

from __future__ import annotations


def in_bytes(count: float) -> str:
    """1234567 -> '1.2 MB' (decimal units, two significant digits below ten)."""
    if count < 1000:
        return f"{count:.0f} B"
    count, unit = count / 1000, "kB"
    for larger in ("MB", "GB"):
        if count >= 999.5:
            count, unit = count / 1000, larger
    return f"{count:.1f} {unit}" if count < 9.95 else f"{count:.0f} {unit}"


def in_seconds(seconds: float) -> str:
    """0.2345 -> '0.23 s', 75 -> '1 min 15 s'."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def counted(count: int, noun: str) -> str:
    """(1, 'row') -> '1 row', (2, 'row') -> '2 rows', with thousands parted by commas."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
