"""Pairwise keys: bound to session and ends, in lockstep, unrelated otherwise, and burnable."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tacit.executor.sharing.randomness import Purpose, SessionKeys, Stream, agree_keys
from tacit.executor.transport.channel import Kind
from tacit.executor.transport.memory import memory_channels
from tacit.query.errors import PeerFailedError, PeerViolationError, SessionError


def agree(contexts=(b"x", b"x", b"x")):
    channels = memory_channels(3, deadline_seconds=5)
    keys = [None] * 3

    def run(party):
        keys[party] = agree_keys(channels[party], contexts[party])

    threads = [threading.Thread(target=run, args=(party,)) for party in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return keys


def draw(keys, peer, purpose=Purpose.ZERO):
    return keys.stream(peer, purpose).draw(64, np.uint8).tobytes()


def test_each_pair_draws_in_lockstep_whatever_the_pieces():
    a, b, c = agree()
    one = a.stream(1, Purpose.RESHARE)
    other = b.stream(0, Purpose.RESHARE)
    whole = one.draw(200_003, np.uint8)
    pieces = [other.draw(n, np.uint8) for n in (1, 70_000, 30_002, 100_000)]
    assert np.array_equal(whole, np.concatenate(pieces))
    assert draw(b, 2) == draw(c, 1)
    assert draw(a, 2) == draw(c, 0)


def test_streams_of_other_pairs_purposes_places_and_sessions_differ():
    first, second = agree(), agree()
    drawn = [
        draw(keys[i], (i + 1) % 3, purpose)
        for keys in (first, second)
        for i in range(3)
        for purpose in Purpose
    ]
    drawn += [draw(first[0], 1), draw(first[0], 1)]
    assert len(set(drawn)) == len(drawn)


def test_ends_with_different_contexts_get_unrelated_keys():
    a, b, c = agree((b"x", b"y", b"x"))
    assert draw(a, 1) != draw(b, 0)
    assert draw(a, 2) == draw(c, 0)


SMALL_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
]


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_points_of_small_order_end_the_session_everywhere(point):
    channels = memory_channels(3, deadline_seconds=5)
    for peer in (1, 2):
        key = point if peer == 1 else X25519PrivateKey.generate().public_key().public_bytes_raw()
        channels[peer].send(0, Kind.HELLO, [np.frombuffer(key, dtype=np.uint8)])
    with pytest.raises(PeerViolationError, match="small order"):
        agree_keys(channels[0], b"x")
    for peer in (1, 2):
        with pytest.raises(PeerFailedError):
            channels[peer].receive(0, Kind.HELLO, 32)


def test_a_reflected_public_key_is_refused():
    channels = memory_channels(2, deadline_seconds=5)
    caught = []

    def run():
        try:
            agree_keys(channels[0], b"x")
        except PeerViolationError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    channels[1].send(0, Kind.HELLO, [channels[1].receive(0, Kind.HELLO, 32)])
    thread.join()
    assert "our own public key" in str(caught[0])


def test_burned_keys_refuse_and_so_do_streams_already_taken():
    keys = agree()[0]
    stream = keys.stream(1, Purpose.ZERO)
    keys.burn()
    keys.burn()
    with pytest.raises(SessionError, match="burned"):
        keys.stream(1, Purpose.ZERO)
    with pytest.raises(SessionError, match="burned"):
        keys.stream(2, Purpose.INPUT)
    for use in (stream.fill, stream.xor_into, stream.add_into, stream.subtract_from):
        with pytest.raises(SessionError, match="burned"):
            use(np.zeros(3, dtype=np.uint64))
    with pytest.raises(SessionError, match="burned"):
        stream.permutation(3)


def test_printing_keys_shows_none():
    key = b"K" * 32
    assert "K" * 4 not in repr(SessionKeys(0, 3, {1: key, 2: key}))
    assert "K" * 4 not in repr(Stream(key, Purpose.ZERO))


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 64, 1000])
def test_permutations_are_permutations(rows):
    order = Stream(b"K" * 32, Purpose.PERMUTATION).permutation(rows)
    assert np.array_equal(np.sort(order), np.arange(rows))


def test_permutations_are_uniform():
    """Chi-square over the 24 orders of 4 rows, and over where row 0 of 16 goes."""
    stream = Stream(b"K" * 32, Purpose.PERMUTATION)
    orders = [tuple(stream.permutation(4)) for _ in range(4800)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 24
    assert ((counts - 200) ** 2 / 200).sum() < 60
    places = np.bincount([int(stream.permutation(16)[0]) for _ in range(3200)], minlength=16)
    assert ((places - 200) ** 2 / 200).sum() < 48


def test_ties_are_broken_uniformly():
    """Four rows with one key, twice over: all orders within, never across."""
    stream = Stream(b"K" * 32, Purpose.PERMUTATION)
    keys = np.array([1, 2, 2, 2, 3, 4, 4], dtype=np.uint64)
    seen = []
    for _ in range(3000):
        order = np.arange(7)
        stream._break_ties(keys, order)
        assert np.array_equal(keys[order], keys)
        seen.append(tuple(order))
    counts = np.array([seen.count(order) for order in set(seen)])
    assert len(counts) == 12
    assert ((counts - 250) ** 2 / 250).sum() < 42


def test_masks_need_contiguous_targets():
    stream = Stream(b"K" * 32, Purpose.ZERO)
    with pytest.raises(ValueError, match="contiguous"):
        stream.xor_into(np.zeros((4, 4), dtype=np.uint64)[:, 1:])
    with pytest.raises(ValueError, match="contiguous"):
        stream.fill(np.zeros(8, dtype=np.uint64)[::2])
