"""Whether bytes look uniformly random."""

from __future__ import annotations

import numpy as np


def looks_uniform(data: bytes) -> bool:
    """Monobit and a chi-square test over byte values, at about six standard deviations."""
    values = np.frombuffer(data, dtype=np.uint8)
    ones = int(np.unpackbits(values).sum())
    counts = np.bincount(values, minlength=256)
    expected = len(values) / 256
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    return abs(ones - len(values) * 4) < 6 * (len(values) * 2) ** 0.5 and chi_square < 255 + 136
