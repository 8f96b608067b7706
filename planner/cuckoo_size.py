"""How many bins a cuckoo table has: a public function of the bound on its keys.

A table of m keys, each of which may stand in one of three bins, has 1.3 m + 108 bins. Why that is
enough: executor/circuits/cuckoo.py.
"""

from __future__ import annotations

CHOICES = 3
"""Bins in which a key may stand."""


def bins_for(keys: int) -> int:
    """Bins of a table of at most so many keys (a public bound)."""
    return CHOICES if keys <= CHOICES else -(-13 * keys // 10) + 108
