"""Values in and out of planes, for the tests of sharing protocols."""

from __future__ import annotations

import numpy as np
from tacit.executor.sharing.protocol import Input
from tacit.executor.sharing.shares import words


def planes_of(values, width):
    bits = np.zeros((width, words(len(values)) * 64), np.uint8)
    for plane in range(width):
        bits[plane, : len(values)] = (values >> np.uint64(plane)) & np.uint64(1)
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)


def values_of(planes, rows):
    bits = np.unpackbits(planes.view(np.uint8), axis=1, bitorder="little")[:, :rows]
    result = np.zeros(rows, np.uint64)
    for plane in range(len(planes)):
        result |= bits[plane].astype(np.uint64) << np.uint64(plane)
    return result


def random_words(rows, width=64, seed=1):
    values = np.random.default_rng(seed).integers(0, 2**64, rows, dtype=np.uint64)
    return values >> np.uint64(64 - width)


def bits_input(p, values, width, owner=0):
    planes = planes_of(values, width) if p.party == owner else None
    return Input(owner=owner, rows=len(values), width=width, values=planes)


def ring_input(p, values, bits=64, owner=0):
    vector = values.astype(f"uint{bits}") if p.party == owner else None
    return Input(owner=owner, rows=len(values), bits=bits, values=vector)
