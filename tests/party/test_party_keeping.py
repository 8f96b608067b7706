"""Small things that a node keeps: results, its one place, and why a query must end."""

import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from tacit.executor.party.ending import Ending
from tacit.executor.party.results import MAX_WAITING, ResultStore
from tacit.executor.party.slot import Slot
from tacit.query.errors import CancelledError, SessionError, UserError

TABLE = pa.table({"x": list(range(100_000))})
FIRST, SECOND = "0a" * 16, "0b" * 16


def test_a_result_in_memory_is_taken_once(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, "mercy")
    store.hold(FIRST, TABLE)
    assert store.take(FIRST) is TABLE
    with pytest.raises(UserError, match="mercy holds no result of session"):
        store.take(FIRST)


def test_results_that_nobody_takes_make_room(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, "mercy")
    for number in range(MAX_WAITING + 1):
        store.hold(f"{number:032x}", TABLE)
    with pytest.raises(UserError):
        store.take(f"{0:032x}")
    assert store.take(f"{1:032x}") is TABLE


def test_a_stored_result_outlives_the_node(tmp_path: Path) -> None:
    ResultStore(tmp_path, "mercy").store(FIRST, TABLE, asker="grace", statement="SELECT 1")
    store = ResultStore(tmp_path, "mercy")
    (about,) = store.stored()
    assert (about.session, about.asker, about.statement) == (FIRST, "grace", "SELECT 1")
    assert about.rows == TABLE.num_rows
    assert store.take(FIRST) == TABLE
    assert store.take(FIRST) == TABLE


@pytest.mark.parametrize("name", ["../../secret", "x", "", "0A" * 16])
def test_a_result_is_named_by_a_session_alone(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError):
        ResultStore(tmp_path, "mercy").take(name)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    store = ResultStore(tmp_path, "mercy")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(SessionError, match="mercy cannot store the result: File too large"):
            store.store(FIRST, TABLE, asker="grace", statement="SELECT 1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "results").iterdir()) == []
    store.store(SECOND, TABLE, asker="grace", statement="SELECT 1")
    assert [about.session for about in store.stored()] == [SECOND]


def test_a_damaged_result_does_not_hide_the_others(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, "mercy")
    store.store(FIRST, TABLE, asker="grace", statement="SELECT 1")
    (tmp_path / "results" / f"{SECOND}.arrow").write_bytes(b"ARROW1 and no more")
    assert [about.session for about in store.stored()] == [FIRST]
    with pytest.raises(UserError, match="cannot be read as a result"):
        store.take(SECOND)


def test_the_place_is_held_by_one_session() -> None:
    slot = Slot()
    assert slot.reserve(FIRST, wait_seconds=0, hold_seconds=60)
    assert not slot.reserve(SECOND, wait_seconds=0.01, hold_seconds=60)
    slot.release(SECOND)
    assert not slot.reserve(SECOND, wait_seconds=0, hold_seconds=60)
    slot.release(FIRST)
    assert slot.reserve(SECOND, wait_seconds=0, hold_seconds=60)


def test_a_place_that_is_not_used_falls_free() -> None:
    slot = Slot()
    slot.reserve(FIRST, wait_seconds=0, hold_seconds=0.02)
    assert slot.reserve(SECOND, wait_seconds=1, hold_seconds=60)
    assert not slot.keep(FIRST)
    assert slot.keep(SECOND)


def test_a_place_that_is_kept_does_not_fall_free() -> None:
    slot = Slot()
    slot.reserve(FIRST, wait_seconds=0, hold_seconds=0.01)
    assert slot.keep(FIRST)
    time.sleep(0.02)
    assert not slot.reserve(SECOND, wait_seconds=0, hold_seconds=60)


def test_whoever_waits_gets_the_place_when_it_is_released() -> None:
    slot = Slot()
    slot.reserve(FIRST, wait_seconds=0, hold_seconds=60)
    threading.Timer(0.02, slot.release, [FIRST]).start()
    began = time.monotonic()
    assert slot.reserve(SECOND, wait_seconds=5, hold_seconds=60)
    assert time.monotonic() - began < 2


def test_the_first_reason_to_end_stays_and_everyone_hears_it() -> None:
    ending, heard = Ending(), []
    ending.check()
    ending.listen(heard.append)
    first = CancelledError("first")
    ending.set(first)
    ending.set(CancelledError("second"))
    ending.listen(heard.append)
    assert heard == [first, first]
    with pytest.raises(CancelledError, match="first"):
        ending.check()
