"""Shares are opaque: code that looks at one fails, and printing shows the shape alone."""

from __future__ import annotations

import numpy as np
import pytest
from tacit.executor.sharing.shares import Bits, Ring, stack, words

SECRET = 0x5EC12E7
SHARES = [
    Bits(70, 2, (np.full((2, 2), SECRET, dtype=np.uint64),) * 2),
    Ring(2, 64, (np.full(2, SECRET, dtype=np.uint64),) * 2),
]
LOOKS = {
    "bool": bool,
    "int": int,
    "float": float,
    "index": lambda x: [1][x],
    "iterate": list,
    "length": len,
    "item": lambda x: x[0],
    "less": lambda x: x < x,  # noqa: PLR0124
    "less or equal": lambda x: x <= 1,
    "greater": lambda x: x > 0,
    "greater or equal": lambda x: x >= x,  # noqa: PLR0124
    "not": lambda x: not x,
    "membership": lambda x: 1 in x,
    "minimum": lambda x: min(x, x),
}


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("look", LOOKS)
def test_looking_at_a_share_raises(share, look):
    with pytest.raises(TypeError):
        LOOKS[look](share)


@pytest.mark.parametrize("share", SHARES)
def test_printing_shows_the_shape_alone(share):
    for text in (repr(share), str(share), f"{share}", f"{[share]}"):
        assert str(SECRET) not in text
        assert f"{share.rows} rows" in text


@pytest.mark.parametrize("share", SHARES)
def test_shares_do_not_change(share):
    with pytest.raises(AttributeError):
        share.rows = 3


def test_shapes_must_fit():
    bits = Bits(64, 3, (np.zeros((3, 1), dtype=np.uint64),))
    with pytest.raises(ValueError, match="planes"):
        bits.planes(1, 4)
    with pytest.raises(ValueError, match="Bits"):
        _ = bits ^ Bits(64, 2, (np.zeros((2, 1), dtype=np.uint64),))
    with pytest.raises(ValueError, match="Bits"):
        _ = bits ^ Bits(65, 3, (np.zeros((3, 2), dtype=np.uint64),))
    for other in (Ring(3, 64, ()), Ring(2, 32, ())):
        with pytest.raises(ValueError, match="fit"):
            _ = Ring(2, 64, ()) + other
        with pytest.raises(ValueError, match="fit"):
            _ = Ring(2, 64, ()) - other


def test_a_single_plane_is_broadcast_by_xor():
    wide = np.arange(3, dtype=np.uint64).reshape(3, 1)
    flag = np.full((1, 1), 5, dtype=np.uint64)
    result = Bits(64, 3, (wide,)) ^ Bits(64, 1, (flag,))
    assert result.width == 3
    assert np.array_equal(result.parts[0], wide ^ flag)


def test_stacking_keeps_the_order_of_planes():
    planes = [np.full((width, 1), width, dtype=np.uint64) for width in (1, 2)]
    result = stack([Bits(7, len(p), (p,)) for p in planes])
    assert (result.rows, result.width) == (7, 3)
    assert result.parts[0][:, 0].tolist() == [1, 2, 2]
    assert stack([Bits(7, 2, ()), Bits(7, 3, ())]).width == 5


@pytest.mark.parametrize(("rows", "count"), [(0, 0), (1, 1), (64, 1), (65, 2)])
def test_words_round_up(rows, count):
    assert words(rows) == count
