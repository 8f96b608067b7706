"""Two owners learn which of their keys the other has, and nothing else."""

from __future__ import annotations

from itertools import pairwise
from math import comb, log2
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tacit.executor.circuits.cuckoo import candidates
from tacit.executor.circuits.intersection import transfers
from tacit.executor.circuits.intersection.codes import CODE_BITS, Code, WordHash
from tacit.executor.circuits.intersection.intersect import intersect
from tacit.executor.circuits.intersection.membership import contained, filled_up, in_random_order
from tacit.executor.circuits.intersection.transfers import tag_bytes
from tacit.executor.sharing.counting import CountingProtocol
from tacit.executor.transport.channel import Kind
from tacit.planner.cuckoo_size import bins_for
from tacit.query.errors import PeerViolationError
from uniformity import looks_uniform

ALGORITHMS = ["points", "transfers"]
FEW = settings(
    deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows_of(values: Any, size: int = 4) -> NDArray[np.uint8]:
    """Keys that are numbers, as rows of bytes."""
    data = b"".join(int(value).to_bytes(size, "little") for value in values)
    return np.frombuffer(data, np.uint8).reshape(-1, size)


def found(
    three_parties: Any,
    sides: tuple[list[int], list[int]],
    bounds: tuple[int, int],
    algorithm: str,
    *,
    owners: tuple[int, int] = (0, 2),
    size: int = 4,
    **options: Any,
) -> tuple[set[int], set[int]]:
    """What each owner learns: those of its values that it is told the other has."""

    def run(p: Any) -> Any:
        keys = rows_of(sides[owners.index(p.party)], size) if p.party in owners else None
        return intersect(p, owners, bounds, keys, algorithm)

    results = three_parties(run, **options)
    (third,) = {0, 1, 2} - set(owners)
    assert results[third] is None
    one, other = (
        {v for v, here in zip(side, results[owner], strict=True) if here}
        for side, owner in zip(sides, owners, strict=True)
    )
    return one, other


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("one", "other", "bounds"),
    [
        ([], [], (1, 1)),
        ([5], [5], (1, 1)),
        ([5], [6], (1, 3)),
        ([], [1, 2, 3], (4, 3)),
        (list(range(40)), list(range(20, 90)), (40, 70)),
        (list(range(90, 10, -1)), [7, 90, 11, 10], (100, 4)),
    ],
)
def test_both_owners_learn_their_common_keys(three_parties, algorithm, one, other, bounds):
    both = set(one) & set(other)
    assert found(three_parties, (one, other), bounds, algorithm) == (both, both)
    turned = found(three_parties, (one, other), bounds, algorithm, owners=(2, 1), size=21)
    assert turned == (both, both)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(one=st.sets(st.integers(0, 60), max_size=30), other=st.sets(st.integers(0, 60), max_size=30))
@FEW
def test_any_two_sets(three_parties, algorithm, one, other):
    both = one & other
    sides = (list(one), list(other))
    assert found(three_parties, sides, (31, 30), algorithm) == (both, both)


def test_many_keys_by_transfers(three_parties):
    one, other = list(range(0, 30_000, 3)), list(range(0, 30_000, 2))
    both = set(one) & set(other)
    assert found(three_parties, (one, other), (10_000, 15_000), "transfers") == (both, both)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_predicted_is_what_is_sent(three_parties, algorithm):
    counting = CountingProtocol()
    intersect(counting, (0, 2), (50, 70), None, algorithm)
    predicted = counting.cost()
    found(three_parties, ([1, 2], [2, 3]), (50, 70), algorithm)
    counters = [channel.counters for channel in three_parties.channels]
    assert tuple(c.sent_bytes for c in counters) == predicted.sent_bytes
    assert tuple(c.sent_messages for c in counters) == predicted.messages
    assert max(c.depth for c in counters) == predicted.rounds


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_messages_follow_from_the_bounds_and_look_random(three_parties, algorithm):
    """Neither how many keys there are, nor how many are common, shows."""
    transcripts = []
    for one, other in (([], []), ([1], list(range(60))), (list(range(60)), list(range(60)))):
        found(three_parties, (one, other), (60, 60), algorithm, record=True)
        transcripts.append([c.counters.transcript for c in three_parties.channels])
        if algorithm == "transfers":
            assert all(looks_uniform(sent) for sent in _sent(three_parties, 4096))
    assert all(one == other for one, other in pairwise(transcripts))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_message_repeats_in_another_session(three_parties, algorithm):
    seen: list[set[bytes]] = []
    for _ in range(2):
        found(three_parties, ([1, 2, 3], [2, 3, 4]), (3, 3), algorithm, record=True)
        sent = b"".join(_sent(three_parties, 1))
        seen.append({sent[i : i + 8] for i in range(len(sent) - 8)})
    assert not seen[0] & seen[1]


def test_a_dictionary_of_all_keys_tells_the_receiver_nothing_of_others(three_parties, monkeypatch):
    """Keys are few: the receiver tries every one, in every bin, in all ways that its view gives."""
    domain, own, other = range(600), list(range(0, 600, 3)), list(range(0, 600, 2))
    views: list[dict[str, Any]] = []
    original = transfers._masked

    def watched(pairs, keys, rows, filled, seed):
        message, hashes = original(pairs, keys, rows, filled, seed)
        planes = [
            [transfers._stream(k).update(bytes(8 * message.shape[1])) for k in pair]
            for pair in pairs
        ]
        views.append({"planes": planes, "rows": rows, "filled": filled, "seed": seed})
        return message, hashes

    monkeypatch.setattr(transfers, "_masked", watched)
    both = set(own) & set(other)
    assert found(three_parties, (own, other), (200, 300), "transfers", record=True)[0] == both
    (view,) = views
    sender = three_parties.channels[2]
    (tags,) = (
        p
        for (_, kind, size), p in zip(sender.counters.transcript, sender.captured, strict=True)
        if kind == Kind.INTERSECT and size == 900 * tag_bytes(200, 300)
    )
    received = in_random_order(np.frombuffer(tags, np.uint8).reshape(900, -1))
    guesses = np.concatenate(_guesses(view, rows_of(domain), rows_of(own)))[:, : received.shape[1]]
    told = np.unique(guesses[contained(guesses, received)], axis=0)
    assert len(told) == len(both)  # the hashes of common keys, which it is meant to find


def _guesses(view: dict[str, Any], keys: NDArray[np.uint8], own: NDArray[np.uint8]) -> list[Any]:
    """The hash of every key in each of its bins, for three guesses of the sender's bits there:

    none, all, and those where the codes of the bin's own key and of this one differ."""
    seed, bins = view["seed"], bins_for(200)
    t = np.stack([np.frombuffer(first, np.uint64) for first, _ in view["planes"]])
    masked = transfers.planes_to_rows(t, bins)
    codes, hash_ = Code(seed), WordHash(seed)
    there = np.zeros_like(masked)
    there[view["filled"]] = codes.words(own[view["rows"][view["filled"]]])
    results = []
    for choice in candidates(keys, seed, bins).T:
        for difference in (0, codes.words(keys), there[choice] ^ codes.words(keys)):
            results.append(hash_.rows(masked[choice] ^ difference, choice))
    return results


def test_points_of_one_key_differ_between_owners(three_parties):
    """Nothing that is sent can be computed from a key without its owner's scalar."""
    found(three_parties, ([7], [7]), (1, 1), "points", record=True)
    sent = [payload for payload in _sent(three_parties, 1) if len(payload) == 32]
    assert len(sent) == 2
    assert sent[0] != sent[1]


def test_a_dictionary_of_all_keys_tells_nothing_of_others_by_points(three_parties, monkeypatch):
    """An owner compares what it got with all that it can compute of every key."""
    from tacit.executor.circuits.intersection import points

    domain, own, other = range(30), [1, 2, 3, 4], [3, 4, 5, 6, 7, 8]
    seeds: set[bytes] = set()
    scalars: list[bytes] = []
    original, drawn = points.hash_to_point, points.random_scalar

    def hash_to_point(seed: bytes, key: bytes) -> bytes:
        seeds.add(seed)
        return original(seed, key)

    def random_scalar() -> bytes:
        scalars.append(drawn())
        return scalars[-1]

    monkeypatch.setattr(points, "hash_to_point", hash_to_point)
    monkeypatch.setattr(points, "random_scalar", random_scalar)
    both = {3, 4}
    assert found(three_parties, (own, other), (4, 6), "points", record=True) == (both, both)
    (seed,) = seeds
    points_of = [original(seed, value.to_bytes(4, "little")) for value in domain]
    for party, values in ((0, own), (2, other)):
        sent = b"".join(_payloads(three_parties.channels[party], 1))
        pieces = {sent[i : i + 16] for i in range(0, len(sent), 16)}
        one = points_of[values[0]]
        (peers,) = (s for s in scalars if points.times(s, one)[:16] not in pieces)
        for point in points_of:
            once = points.times(peers, point)
            tried = {point[:16], once[:16], points.times(peers, once)[:16]}
            assert not pieces & tried


def test_bytes_that_are_no_point_end_the_session(three_parties, monkeypatch):
    from tacit.executor.circuits.intersection import points

    monkeypatch.setattr(points, "times", lambda scalar, point: bytes([2]) + bytes(31))
    with pytest.raises(PeerViolationError, match="no point"):
        found(three_parties, ([7], [7]), (1, 1), "points")


def test_code_words_differ_in_enough_places():
    """Among 3 * 2^31 pairs none differs in fewer than 128 places, but with less than 2^-40."""
    near = sum(comb(CODE_BITS, places) for places in range(128))
    assert log2(near) - CODE_BITS + log2(3 * 2**31) < -40
    words = Code(bytes(16)).words(rows_of(range(2000)))
    differences = np.unpackbits(words[:1000] ^ words[1000:], axis=1).sum(axis=1)
    assert abs(differences.mean() - CODE_BITS / 2) < 2
    assert differences.min() > 160


def test_hashes_of_words_depend_on_every_byte_and_on_the_bin():
    words = np.zeros((61, CODE_BITS // 8), np.uint8)
    words[np.arange(60), np.arange(60)] = 1
    bins = np.zeros(61, np.intp)
    hashes = WordHash(bytes(16)).rows(words, bins)
    other_bins = WordHash(bytes(16)).rows(words, bins + 1)
    other_seed = WordHash(bytes(15) + b"x").rows(words, bins)
    assert len(np.unique(np.concatenate([hashes, other_bins, other_seed]), axis=0)) == 183


def test_tags_are_found_among_others_even_where_their_first_words_meet():
    among = in_random_order(np.array([[1] * 8 + [i] for i in range(5)] + [[9] * 9], np.uint8))
    asked = np.array([[1] * 8 + [4], [1] * 8 + [7], [9] * 9, [0] * 9, [255] * 9], np.uint8)
    assert contained(asked, among).tolist() == [True, False, True, False, False]
    assert contained(asked, among[:0]).tolist() == [False] * 5
    assert len(filled_up(asked, 12)) == 12


@pytest.mark.parametrize(("received", "sent"), [(1, 1), (10**6, 10**6), (2**31, 2**31)])
def test_tags_of_different_keys_do_not_meet(received, sent):
    assert log2(3 * received * sent) - 8 * tag_bytes(received, sent) <= -40


def _sent(three_parties: Any, least: int) -> list[bytes]:
    """The payloads of the intersection that are at least so long."""
    return [sent for channel in three_parties.channels for sent in _payloads(channel, least)]


def _payloads(channel: Any, least: int) -> list[bytes]:
    """Those that one party sent."""
    frames = zip(channel.counters.transcript, channel.captured, strict=True)
    return [
        bytes(payload)
        for (_, kind, size), payload in frames
        if kind == Kind.INTERSECT and size >= least
    ]
