"""Computations side by side: shared rounds, and streams of their own."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from plane_values import bits_input, random_words, ring_input, values_of
from tacit.executor.circuits.convert import word_to_ring
from tacit.executor.sharing.counting import CountingProtocol
from tacit.executor.sharing.lanes import Lanes
from tacit.executor.sharing.randomness import Purpose, SessionKeys
from tacit.query.errors import InternalError


class Recorder:
    """Lanes of numbers: the answer to a number is its double."""

    def __init__(self) -> None:
        self.rounds: list[dict[int, int]] = []
        self.ended: list[int] = []
        self.lanes: Lanes[int, int] = Lanes(self._together, ended=self.ended.append)

    def _together(self, asked):
        self.rounds.append(dict(asked))
        return {lane: 2 * number for lane, number in asked.items()}

    def doubling(self, first: int, times: int, results: list[int]) -> None:
        number = first
        for _ in range(times):
            number = self.lanes.exchange(number)
        results.append(number)


def once(*work):
    """What is ready: all of it, once."""
    waiting = [list(enumerate(work, 1))]
    return lambda: waiting.pop() if waiting else []


def test_rounds_are_shared_as_long_as_there_are_several_lanes():
    recorder, results = Recorder(), []
    recorder.lanes.run(
        once(partial(recorder.doubling, 1, 3, results), partial(recorder.doubling, 100, 1, results))
    )
    assert recorder.rounds == [{1: 1, 2: 100}, {1: 2}, {1: 4}]
    assert sorted(results) == [8, 200]
    assert recorder.ended == [2, 1]


def test_what_becomes_ready_joins_the_rounds_of_the_others():
    recorder, results = Recorder(), []
    waiting = [
        [],
        [(3, partial(recorder.doubling, 10, 1, results))],
        [(1, partial(recorder.doubling, 1, 3, results)), (2, lambda: None)],
    ]
    recorder.lanes.run(lambda: waiting.pop() if waiting else [])
    assert recorder.rounds == [{1: 1, 3: 10}, {1: 2}, {1: 4}]
    assert recorder.ended == [2, 3, 1]


def test_outside_of_lanes_a_round_runs_alone():
    recorder = Recorder()
    assert recorder.lanes.exchange(7) == 14
    assert recorder.rounds == [{0: 7}]


def test_an_error_in_one_lane_ends_all():
    recorder, left = Recorder(), []

    def waits():
        try:
            recorder.lanes.exchange(1)
        finally:
            left.append("ended")

    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        recorder.lanes.run(once(waits, fails))
    assert left == ["ended"]
    assert recorder.lanes.exchange(7) == 14


def test_an_error_in_a_round_ends_all():
    left = []

    def broken(asked):
        raise ConnectionError("gone")

    lanes: Lanes[int, int] = Lanes(broken)

    def waits():
        try:
            lanes.exchange(1)
        finally:
            left.append("ended")

    with pytest.raises(ConnectionError):
        lanes.run(once(waits, waits))
    assert left == ["ended"] * 2


def test_lanes_do_not_run_within_lanes():
    lanes = Recorder().lanes
    with pytest.raises(InternalError, match="side by side already"):
        lanes.run(once(lambda: lanes.run(once(lambda: None))))


def test_a_lane_has_streams_of_its_own_which_end_with_it():
    ours, theirs = (SessionKeys(i, 2, {1 - i: b"K" * 32}) for i in range(2))
    lanes = [0, ours.begin_lane(), ours.begin_lane()]
    assert [0, theirs.begin_lane(), theirs.begin_lane()] == lanes
    first = [ours.stream(1, Purpose.ZERO, lane).draw(4, "u8").tolist() for lane in lanes]
    other = {lane: theirs.stream(0, Purpose.ZERO, lane).draw(4, "u8") for lane in lanes[::-1]}
    assert first == [other[lane].tolist() for lane in lanes]
    assert len({tuple(numbers) for numbers in first}) == 3
    ours.end_lane(lanes[1])
    with pytest.raises(InternalError, match="has ended"):
        ours.stream(1, Purpose.ZERO, lanes[1])
    assert ours.stream(1, Purpose.ZERO, lanes[2]).draw(4, "u8").tolist() not in first
    assert ours.begin_lane() not in lanes


ROWS = 130
FLAGS, WORDS, NUMBERS = (random_words(ROWS, bits, seed=bits) for bits in (1, 7, 64))
BACKWARDS = np.arange(ROWS)[::-1].copy()
HALVES = np.arange(ROWS) // 2


def shared(p):
    """A flag, a word and a number, from three owners."""
    items = [bits_input(p, FLAGS, 1, owner=0), bits_input(p, WORDS, 7, owner=1)]
    return p.input([*items, ring_input(p, NUMBERS, 64, owner=2)])


WORK = {
    "and": (lambda p, f, w, n: p.and_([(w, f)]), WORDS * FLAGS),
    "multiply": (lambda p, f, w, n: p.multiply([(n, n)]), NUMBERS * NUMBERS),
    "flags": (lambda p, f, w, n: p.flags_to_ring([f], 64), FLAGS),
    "shuffles": (
        lambda p, f, w, n: p.unshuffle(*reversed(p.shuffle([n]))),
        NUMBERS,
    ),
    "permute": (
        lambda p, f, w, n: p.permute_by_owner(1, BACKWARDS if p.party == 1 else None, [n]),
        NUMBERS[BACKWARDS],
    ),
    "gather": (
        lambda p, f, w, n: p.gather_by_owner(2, HALVES if p.party == 2 else None, ROWS, [n]),
        NUMBERS[HALVES],
    ),
    "to the ring": (lambda p, f, w, n: word_to_ring(p, [w], 64), WORDS),
}
"""What lanes do, by name, and what comes of it; some rounds leave out one of the parties."""


def run_all(p, times):
    """All of it so many times, all side by side; then it is opened."""
    columns = shared(p)
    made = {}

    def work(key, call):
        made[key] = call(p, *columns)[0]

    calls = [partial(work, (n, name), WORK[name][0]) for n in range(times) for name in WORK]
    p.side_by_side(once(*calls))
    keys = sorted(made)
    opened = p.open([made[key] for key in keys])
    return None if opened is None else dict(zip(keys, opened, strict=True))


def check_results(results):
    for found in results:
        for (_, name), array in found.items():
            values = array if array.ndim == 1 else values_of(array, ROWS)
            assert np.array_equal(np.asarray(values, np.uint64), WORK[name][1]), name


def test_side_by_side_gives_the_same_results_in_the_rounds_of_the_longest(three_parties):
    dry = CountingProtocol()
    run_all(dry, 2)
    results = three_parties(lambda p: (run_all(p, 2), None))
    check_results(found for found, _ in results)
    counters = [channel.counters for channel in three_parties.channels]
    cost = dry.cost()
    assert cost.rounds == max(c.depth for c in counters)
    assert cost.sent_bytes == tuple(c.sent_bytes for c in counters)
    assert cost.messages == tuple(c.sent_messages for c in counters)
    assert cost.rounds == 1 + 4 + 1, "the input, two shuffles or a lookup, and the opening"


def test_lanes_of_one_session_can_run_again(three_parties):
    results = three_parties(lambda p: (run_all(p, 1), run_all(p, 1)))
    check_results(found for both in results for found in both)
    dry = CountingProtocol()
    run_all(dry, 1)
    once_only = dry.cost()
    run_all(dry, 1)
    assert dry.cost().sent_bytes == tuple(2 * size for size in once_only.sent_bytes)
