"""Cuckoo tables hold every key in one of its bins, and are large enough never to fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tacit.executor.circuits import cuckoo
from tacit.executor.circuits.cuckoo import candidates, cuckoo_table, draw_seed
from tacit.planner.cuckoo_size import bins_for
from tacit.query.errors import InternalError, SessionError

SEED = bytes(range(16))
SECURITY_BITS = 40


@given(
    keys=st.integers(0, 33).flatmap(
        lambda size: st.lists(st.binary(min_size=size, max_size=size), unique=True, max_size=60)
    ),
    seed=st.binary(min_size=16, max_size=16),
)
@settings(deadline=None)
def test_every_key_is_in_one_of_its_bins(keys: list[bytes], seed: bytes) -> None:
    rows = _rows(keys)
    assert _found(rows, seed, bins_for(len(keys))) == set(range(len(keys)))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 255, 256, 257, 5000, 100_000])
def test_tables_of_every_size_are_filled(count: int) -> None:
    rows = np.arange(count, dtype="<u8").view(np.uint8).reshape(-1, 8)
    assert _found(rows, SEED, bins_for(count)) == set(range(count))


def test_the_bins_of_a_key_are_distinct_and_follow_from_its_bytes() -> None:
    rows = np.repeat(np.arange(500, dtype="<u4").view(np.uint8).reshape(-1, 4), 2, axis=0)
    for bins in (3, 4, 759):
        chosen = candidates(rows, SEED, bins)
        assert chosen.shape == (1000, 3)
        assert ((chosen >= 0) & (chosen < bins)).all()
        assert (np.diff(np.sort(chosen, axis=1), axis=1) > 0).all()
        assert (chosen[::2] == chosen[1::2]).all()
    assert (candidates(rows, SEED, 759) != candidates(rows, bytes(16), 759)).any()


def test_a_key_that_differs_in_its_last_byte_alone_has_other_bins() -> None:
    rows = np.zeros((256, 40), np.uint8)
    rows[:, -1] = np.arange(256)
    assert len(np.unique(candidates(rows, SEED, 10_000), axis=0)) == 256


def test_bins_are_chosen_evenly() -> None:
    rows = np.arange(100_000, dtype="<u8").view(np.uint8).reshape(-1, 8)
    for column in candidates(rows, SEED, 50).T:
        counts = np.bincount(column, minlength=50)
        assert ((counts - 2000.0) ** 2 / 2000).sum() < 49 + 6 * (2 * 49) ** 0.5


def test_a_key_that_stands_twice_is_refused() -> None:
    rows = _rows([b"ab", b"cd", b"ef", b"cd", b"gh"])
    with pytest.raises(InternalError, match="twice"):
        cuckoo_table(rows, SEED, bins_for(5))
    with pytest.raises(InternalError, match="twice"):
        cuckoo_table(np.zeros((2, 0), np.uint8), SEED, bins_for(2))


def test_a_table_that_is_too_small_by_its_bound_is_refused() -> None:
    with pytest.raises(InternalError, match="fewer bins"):
        cuckoo_table(_rows([b"a", b"b", b"c", b"d"]), SEED, 10)


def test_what_no_placement_holds_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuckoo, "bins_for", lambda keys: 3)
    with pytest.raises(SessionError, match="run it again"):
        cuckoo_table(_rows([b"a", b"b", b"c", b"d"]), SEED, 3)


def test_the_last_keys_are_placed_wherever_a_placement_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search for augmenting paths alone fills a table as well as evictions do."""
    monkeypatch.setattr(cuckoo, "_EVICTION_ROUNDS", 0)
    monkeypatch.setattr(cuckoo, "bins_for", lambda keys: keys)
    rows = np.arange(1000, dtype="<u8").view(np.uint8).reshape(-1, 8)
    assert _found(rows, SEED, 1150) == set(range(1000))


@pytest.mark.parametrize(
    "counts", [range(4, 400), range(400, 6000, 97), [10_000, 2**14, 2**17, 2**20]]
)
def test_tables_fail_with_less_than_the_statistical_parameter(counts: list[int]) -> None:
    """The expected number of least sets of s keys with s - 1 bins, summed over s."""
    for keys in counts:
        assert _log2_of_failures(keys, bins_for(keys)) < -SECURITY_BITS, keys


def test_a_seed_is_drawn_in_one_round_and_not_in_a_dry_run(clear: type[Any]) -> None:
    p, other, dry = clear(seed=1), clear(seed=2), clear(counts_only=True)
    seed = draw_seed(p)
    assert seed is not None
    assert len(seed) == 16
    assert seed != draw_seed(other)
    assert draw_seed(dry) is None
    assert p.rounds == dry.rounds == 1


def _rows(keys: list[bytes]) -> NDArray[np.uint8]:
    size = len(keys[0]) if keys else 4
    return np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), size)


def _found(rows: NDArray[np.uint8], seed: bytes, bins: int) -> set[int]:
    """The keys that look-ups find."""
    table = cuckoo_table(rows, seed, bins)
    assert table.filled.sum() == len(rows)
    chosen = candidates(rows, seed, bins)
    places = table.rows[chosen]
    hits = table.filled[chosen] & (places == np.arange(len(rows))[:, None])
    return set(np.flatnonzero(hits.any(axis=1)).tolist())


def _log2_of_failures(keys: int, bins: int) -> float:
    """log2 of the sum over s of C(m, s) C(b, s-1) N(s) / (b (b-1) (b-2))^s.

    N(s), the ways of s keys to choose 3 distinct bins each, in order, among s - 1 bins that are all
    hit twice or more, is at most ((s-1) (s-2) (s-3))^s, and at most (3s)! (e^x - 1 - x)^(s-1) /
    x^(3s) for every x > 0.
    """
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 3 * keys + bins + 1)))])
    s = np.arange(4, keys + 1)
    log = factorials[keys] - factorials[s] - factorials[keys - s]
    log += factorials[bins] - factorials[s - 1] - factorials[bins - s + 1]
    log -= s * np.log(float(bins) * (bins - 1) * (bins - 2))
    ways = s * np.log((s - 1.0) * (s - 2) * (s - 3))
    for x in (0.5, 1.0, 1.5, 1.8, 2.0, 2.1, 2.149, 2.2):
        evenly = factorials[3 * s] + (s - 1) * np.log(np.exp(x) - 1 - x) - 3 * s * np.log(x)
        ways = np.minimum(ways, evenly)
    log += ways
    return float((log.max() + np.log(np.exp(log - log.max()).sum())) / np.log(2))
