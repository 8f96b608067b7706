"""Whatever goes wrong, the others say so in time, naming who, and answer the next query."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tacit.executor.client.client import Progress
from tacit.query.errors import (
    CancelledError,
    CatalogMismatchError,
    DataError,
    PeerError,
    PeerLostError,
    PeerTimeoutError,
    PlanMismatchError,
    SessionError,
)

COUNT = "SELECT COUNT(*) AS n FROM visits"
SLOW = f"{COUNT} WHERE patient_id <> 98765"


def once_running(act: Callable[[], None]) -> Callable[[Progress], None]:
    """A progress callback that acts once, when the plan runs."""
    done: list[bool] = []

    def watch(progress: Progress) -> None:
        if progress.step == "slow" and not done:
            done.append(True)
            act()

    return watch


@pytest.fixture
def patched(fleet: Any) -> Iterator[Callable[[str, str], None]]:
    """Replaces a party's node by a patched one, and by a sound one afterwards."""
    replaced = []

    def replace(party: str, patches: str) -> None:
        replaced.append(party)
        fleet.restart(party, patches)

    yield replace
    for party in replaced:
        fleet.restart(party)
    assert fleet.count() == 4000


def test_a_cancelled_query_ends_everywhere(fleet: Any) -> None:
    began = time.monotonic()
    cancel = once_running(lambda: threading.Thread(target=fleet.mercy.cancel).start())
    with pytest.raises(CancelledError):
        fleet.mercy.query(SLOW, progress=cancel)
    assert time.monotonic() - began < 5
    assert fleet.count("grace") == 4000


@pytest.mark.parametrize("victim", ["grace", "registry"])
def test_a_party_that_is_killed_is_named_and_may_come_back(fleet: Any, victim: str) -> None:
    began = time.monotonic()
    kill = once_running(lambda: os.kill(fleet.pid(victim), signal.SIGKILL))
    with pytest.raises(PeerLostError, match=victim) as caught:
        fleet.mercy.query(SLOW, progress=kill)
    assert caught.value.party == victim
    assert caught.value.step
    assert time.monotonic() - began < 5
    with pytest.raises(PeerLostError, match=f"{victim} cannot be reached"):
        fleet.count()
    fleet.restart(victim)
    assert fleet.count() == 4000
    assert fleet.count("grace") == 4000


def test_the_asking_node_may_be_the_one_that_dies(fleet: Any) -> None:
    kill = once_running(lambda: os.kill(fleet.pid("mercy"), signal.SIGKILL))
    with pytest.raises(PeerLostError, match="mercy"):
        fleet.mercy.query(SLOW, progress=kill)
    fleet.restart("mercy")
    assert fleet.count("mercy") == 4000
    assert fleet.count("registry") == 4000


def test_a_party_that_stalls_is_named_in_time(fleet: Any) -> None:
    pid = fleet.pid("grace")
    stall = once_running(lambda: os.kill(pid, signal.SIGSTOP))
    began = time.monotonic()
    try:
        with pytest.raises(PeerTimeoutError, match="grace") as caught:
            fleet.mercy.query(SLOW, progress=stall)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert caught.value.party == "grace"
    assert time.monotonic() - began < 10
    assert fleet.count() == 4000


def test_another_catalog_is_named_before_anything_runs(
    fleet: Any, patched: Callable[[str, str], None]
) -> None:
    patched("grace", "other-catalog")
    with pytest.raises(CatalogMismatchError, match="grace and mercy hold different catalogs"):
        fleet.count("mercy")
    with pytest.raises(CatalogMismatchError, match=r"(mercy|registry) and grace hold"):
        fleet.count("grace")


def test_a_tampered_planner_is_named_before_anything_runs(
    fleet: Any, patched: Callable[[str, str], None]
) -> None:
    patched("grace", "tampered-planner")
    with pytest.raises(
        PlanMismatchError, match=r"mercy made [0-9a-f]{64}, grace made [0-9a-f]{64}"
    ):
        fleet.count("mercy")
    with pytest.raises(PlanMismatchError, match=r"grace made .*mercy made .*registry made"):
        fleet.count("grace")


def test_data_that_break_the_catalog_are_told_to_their_owner_alone(
    fleet: Any, patched: Callable[[str, str], None]
) -> None:
    path, settings = (
        fleet.example / "registry" / "patients.csv",
        fleet.directory / "registry" / "party.toml",
    )
    policy = settings.with_name("policy.toml")
    sound, local = path.read_text(), settings.read_text()
    try:
        path.write_text(sound + "77,444\n")
        settings.write_text(local.replace("local = true", "local = false"))
        policy.write_text('[tables]\npatients = "allow"\n')
        patched("registry", "none")
        with pytest.raises(SessionError) as caught:
            fleet.count()
        with pytest.raises(DataError, match="table patients, column age, row 4: value is outside"):
            fleet.count("registry")
    finally:
        path.write_text(sound)
        settings.write_text(local)
        policy.unlink(missing_ok=True)
    hint = "its own log says what is wrong"
    assert str(caught.value) == f"the source of registry is not ready: {hint}"
    assert "patients" in fleet.log("registry").splitlines()[-1]
    assert "444" not in fleet.log("registry")
    assert fleet.log("mercy").find("patients") < 0


def test_one_person_who_runs_all_parties_learns_what_is_wrong(
    fleet: Any, patched: Callable[[str, str], None]
) -> None:
    path = fleet.example / "registry" / "patients.csv"
    sound = path.read_text()
    try:
        path.write_text(sound + "1,44\n")
        patched("registry", "none")
        with pytest.raises(DataError, match="the source of registry is not ready: table patients"):
            fleet.count("mercy")
    finally:
        path.write_text(sound)


def test_a_full_disk_at_a_recipient_is_told_and_harms_nothing(
    fleet: Any, patched: Callable[[str, str], None]
) -> None:
    patched("registry", "full-disk")
    with pytest.raises(SessionError, match="registry cannot store the result: No space left"):
        fleet.mercy.query("SELECT patient_id, cost FROM visits REVEAL TO registry")
    assert fleet.count() == 4000
    assert fleet.count("registry") == 4000


def test_a_node_that_is_told_to_stop_ends_its_queries_and_itself(fleet: Any) -> None:
    process = fleet.nodes.processes["registry"]
    stop = once_running(lambda: os.kill(process.pid, signal.SIGTERM))
    with pytest.raises((PeerError, SessionError), match="registry"):
        fleet.mercy.query(SLOW, progress=stop)
    assert process.wait(10) == 0
    fleet.restart("registry")
    assert fleet.count() == 4000
