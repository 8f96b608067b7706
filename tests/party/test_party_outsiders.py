"""Federations with more owners than compute parties: the others own, ask and receive."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.client.client import Progress
from tacit.executor.client.local import LocalFederation, create_local
from tacit.query.errors import DataError, PeerError, PeerFailedError, PolicyError, SessionError

CATALOG = """
CREATE TABLE losses (
    branch INTEGER NOT NULL CHECK (branch BETWEEN 1 AND 99),
    amount INTEGER CHECK (amount BETWEEN 0 AND 1000)
) OWNED BY ann, bea, cleo, dora ROWS 40;

CREATE TABLE branches (
    branch INTEGER PRIMARY KEY CHECK (branch BETWEEN 1 AND 99),
    town VARCHAR CHECK (town IN ('north', 'south')) NOT NULL
) OWNED BY dora ROWS 9;

CREATE TABLE numbers (
    text VARCHAR(5) NOT NULL,
    own INTEGER NOT NULL CHECK (own BETWEEN 1 AND 5)
) OWNED BY cleo ROWS 3;
"""
OWNERS = ("ann", "bea", "cleo", "dora")
TOTAL = "SELECT SUM(amount) AS total, COUNT(*) AS n FROM losses"
TOWNS = (
    "SELECT b.town, SUM(l.amount) AS total FROM losses l JOIN branches b ON l.branch = b.branch "
    "GROUP BY b.town ORDER BY b.town"
)
EXPECTED_TOTAL = [{"total": 10 + 20 + 30 + 40, "n": 4}]
EXPECTED_TOWNS = [{"town": "north", "total": 30}, {"town": "south", "total": 70}]


def write_example(directory: Path, head: str, *, policy: str = "") -> Path:
    """Four owners with one loss each; `head` stands at the top of federation.toml."""
    for number, owner in enumerate(OWNERS, start=1):
        folder = directory / owner
        folder.mkdir(parents=True)
        (folder / "losses.csv").write_text(f"branch,amount\n{number},{number * 10}\n")
        (folder / "sources.sql").write_text("ATTACH 'losses.csv' AS losses;\n")
        (folder / "party.toml").write_text("peer_timeout_seconds = 4\n")
    (directory / "dora" / "branches.csv").write_text(
        "branch,town\n1,north\n2,north\n3,south\n4,south\n"
    )
    with (directory / "dora" / "sources.sql").open("a") as file:
        file.write("ATTACH 'branches.csv' AS branches;\n")
    (directory / "cleo" / "numbers.csv").write_text("text,own\nfour,4\n")
    with (directory / "cleo" / "sources.sql").open("a") as file:
        file.write("ATTACH 'numbers.csv' AS numbers;\n")
    if policy:
        (directory / "dora" / "policy.toml").write_text(policy)
    (directory / "catalog.sql").write_text(CATALOG)
    parties = "".join(f'[[parties]]\nname = "{owner}"\n' for owner in OWNERS)
    (directory / "federation.toml").write_text(head + parties)
    return directory


def rows(federation: LocalFederation, party: str, sql: str) -> list[dict[str, Any]]:
    client = federation.client(party)
    try:
        table = client.query(sql).table
        assert table is not None
        return table.to_pylist()
    finally:
        client.close()


@pytest.fixture(scope="module")
def committee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFederation]:
    """bea, ann and dora compute; cleo stands beside them."""
    base = tmp_path_factory.mktemp("committee")
    example = write_example(base / "example", 'compute = ["bea", "ann", "dora"]\n')
    with LocalFederation.start(create_local(example, target=base / "running")) as running:
        yield running


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFederation]:
    """ann and bea compute by secret splitting; cleo and dora stand beside them."""
    base = tmp_path_factory.mktemp("pair")
    head = 'protocol = "additive"\ncompute = ["ann", "bea"]\n'
    example = write_example(base / "example", head, policy='[tables]\nlosses = "allow"\n')
    with LocalFederation.start(create_local(example, target=base / "running")) as running:
        yield running


@pytest.mark.parametrize("asker", OWNERS)
def test_everybody_may_ask_a_committee_of_three(committee: LocalFederation, asker: str) -> None:
    assert committee.parties == ("bea", "ann", "dora", "cleo")
    assert rows(committee, asker, TOTAL) == EXPECTED_TOTAL
    assert rows(committee, asker, TOWNS) == EXPECTED_TOWNS


@pytest.mark.parametrize("asker", ["bea", "cleo", "dora"])
def test_everybody_may_ask_a_committee_of_two(pair: LocalFederation, asker: str) -> None:
    assert rows(pair, asker, TOTAL) == EXPECTED_TOTAL


def test_costs_are_predicted_and_measured_for_every_party(committee: LocalFederation) -> None:
    client = committee.client("cleo")
    result = client.query(f"{TOTAL} REVEAL TO cleo, ann")
    client.close()
    assert result.recipients == ("ann", "cleo")
    assert len(result.sent_bytes) == len(OWNERS)
    assert result.sent_bytes == result.predicted.total.sent_bytes
    assert result.rounds == result.predicted.total.rounds


def test_an_outsider_receives_what_others_ask(committee: LocalFederation) -> None:
    ann, cleo = committee.client("ann"), committee.client("cleo")
    result = ann.query(f"{TOTAL} REVEAL TO cleo")
    assert result.table is None
    assert cleo.result(result.session_id).to_pylist() == EXPECTED_TOTAL
    ann.close()
    cleo.close()


def test_without_inputs_and_outputs_an_outsider_sends_nothing(committee: LocalFederation) -> None:
    cleo = committee.client("cleo")
    result = cleo.query("SELECT COUNT(*) AS n FROM branches REVEAL TO ann")
    cleo.close()
    assert result.sent_bytes[3] == 0
    assert result.table is None


def test_shared_tables_are_read_and_dropped_by_outsiders(committee: LocalFederation) -> None:
    cleo, ann = committee.client("cleo"), committee.client("ann")
    made = cleo.query("CREATE SHARED TABLE worst AS SELECT branch, amount FROM losses")
    assert "kept by all compute parties" in made.message
    count = "SELECT COUNT(*) AS n FROM worst WHERE amount > 15"
    for client in (cleo, ann):
        table = client.query(count).table
        assert table is not None
        assert table.to_pylist() == [{"n": 3}]
    sizes = {
        party: sum(f.stat().st_size for f in (committee.directory / party).glob("shared_tables/*"))
        for party in committee.parties
    }
    assert sizes["cleo"] < sizes["ann"]
    assert "gone at all parties" in cleo.query("DROP TABLE worst").message
    cleo.close()
    ann.close()


def test_the_policy_of_an_outsider_counts(pair: LocalFederation) -> None:
    with pytest.raises(PolicyError, match="branches"):
        rows(pair, "ann", TOWNS)


def test_a_failing_owner_outside_is_named(committee: LocalFederation) -> None:
    sql = "SELECT SUM(CAST(text AS INTEGER)) AS s FROM numbers"
    for asker in ("ann", "cleo"):
        with pytest.raises((PeerFailedError, DataError, SessionError)):
            rows(committee, asker, f"{sql} REVEAL TO ann")
        assert rows(committee, asker, TOTAL) == EXPECTED_TOTAL


@pytest.mark.parametrize("asker", ["ann", "dora"])
def test_a_dead_outsider_is_named_and_may_come_back(pair: LocalFederation, asker: str) -> None:
    process = pair.processes["cleo"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    with pytest.raises(PeerError, match="cleo"):
        rows(pair, asker, TOTAL)
    assert time.monotonic() - began < 10
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()
    pair.launch("cleo")
    pair.await_ready("cleo", 20)
    assert rows(pair, asker, TOTAL) == EXPECTED_TOTAL


def test_an_outsider_that_stalls_is_named_in_time(committee: LocalFederation) -> None:
    pid = committee.processes["cleo"].pid
    stalled: list[bool] = []

    def watch(progress: Progress) -> None:
        if progress.state == "connecting" and not stalled:
            stalled.append(True)
            os.kill(pid, signal.SIGSTOP)

    ann = committee.client("ann")
    try:
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(PeerError, match="cleo"):
            ann.query(TOTAL, progress=watch)
        assert time.monotonic() - began < 15
    finally:
        os.kill(pid, signal.SIGCONT)
        ann.close()
    time.sleep(0.5)
    assert rows(committee, "ann", TOTAL) == EXPECTED_TOTAL
