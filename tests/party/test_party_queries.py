"""Queries through real nodes: results reach their recipients, and nobody else is served."""

import threading
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.client.client import Client, Progress
from tacit.executor.party.audit import verify_log
from tacit.query.errors import (
    PolicyError,
    SessionError,
    SqlError,
    SqlSyntaxError,
    UserError,
)

COUNT = "SELECT COUNT(*) AS n FROM visits"
JOIN = (
    "SELECT SUM(v.cost) AS total FROM visits v JOIN patients p ON v.patient_id = p.patient_id"
    " WHERE p.age > 35"
)


def test_the_asker_receives_the_answer_and_its_cost(fleet: Any) -> None:
    result = fleet.mercy.query(JOIN)
    assert result.table.to_pydict() == {"total": [6]}
    assert result.recipients == ("mercy",)
    assert result.predicted.total.sent_bytes == pytest.approx(result.sent_bytes, rel=0.03)
    assert len(result.plan_digest) == 64
    assert result.privacy
    assert 0 < result.seconds < 60


def test_what_is_predicted_is_what_is_measured(fleet: Any) -> None:
    result = fleet.grace.query(f"{COUNT} WHERE cost < 500")
    assert result.table.to_pydict() == {"n": [2000]}
    predicted = result.predicted.total
    assert not predicted.expected
    assert predicted.rounds == result.rounds
    assert predicted.sent_bytes == result.sent_bytes
    assert sum(predicted.messages) == result.messages


def test_every_party_may_ask(fleet: Any) -> None:
    assert {fleet.count(party) for party in ("mercy", "grace", "registry")} == {4000}


def test_a_result_reaches_its_recipients_and_nobody_else(fleet: Any) -> None:
    before = fleet.registry.results()
    result = fleet.mercy.query(f"{COUNT} REVEAL TO registry")
    assert result.table is None
    assert result.recipients == ("registry",)
    *older, newest = fleet.registry.results()
    assert tuple(older) == before
    assert (newest.session, newest.asker, newest.rows) == (result.session_id, "mercy", 1)
    assert "REVEAL TO registry" in newest.statement
    assert fleet.registry.result(result.session_id).to_pydict() == {"n": [4000]}
    for other in (fleet.mercy, fleet.grace):
        assert result.session_id not in [about.session for about in other.results()]
        with pytest.raises(UserError, match="holds no result of session"):
            other.result(result.session_id)


def test_the_asker_may_share_the_result(fleet: Any) -> None:
    result = fleet.mercy.query(f"{COUNT} REVEAL TO mercy, grace")
    assert result.table.to_pydict() == {"n": [4000]}
    assert fleet.grace.result(result.session_id) == result.table


def test_explain_needs_nobody_else(fleet: Any) -> None:
    for kind in ("EXPLAIN", "EXPLAIN PRIVACY"):
        result = fleet.mercy.query(f"{kind} {JOIN}")
        assert result.table.column_names == ["explain"]
        assert result.table.num_rows > 1
        assert (result.rounds, sum(result.sent_bytes)) == (0, 0)


def test_explain_analyze_runs_and_delivers(fleet: Any) -> None:
    result = fleet.mercy.query(f"EXPLAIN ANALYZE {COUNT} REVEAL TO mercy, grace")
    assert result.table.column_names == ["explain"]
    assert result.rounds > 0
    assert fleet.grace.result(result.session_id).to_pydict() == {"n": [4000]}


def test_progress_is_told_while_a_query_runs(fleet: Any) -> None:
    heard: list[Progress] = []
    asked = threading.Event()

    def hear(progress: Progress) -> None:
        heard.append(progress)
        if progress.step == "slow" and not asked.is_set():
            asked.set()
            threading.Thread(target=fleet.mercy.cancel).start()

    with pytest.raises(SessionError):
        fleet.mercy.query(f"{COUNT} WHERE patient_id <> 98765", progress=hear)
    last = heard[-1]
    assert last.state == "running"
    assert last.rounds > 0
    assert last.sent_bytes > 0
    assert last.predicted_rounds > 0
    assert last.predicted_bytes > 0
    assert last.steps > 1


def test_the_catalog_is_the_nodes(fleet: Any) -> None:
    assert set(fleet.registry.catalog().tables) == {"visits", "patients", "notes", "wide"}


def test_a_malformed_statement_is_marked(fleet: Any) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        fleet.mercy.query("SELECT COUNT(* FROM visits")
    assert "^" in str(caught.value)
    assert fleet.count() == 4000


def test_a_misspelt_name_is_marked(fleet: Any) -> None:
    with pytest.raises(SqlError) as caught:
        fleet.mercy.query("SELECT COUNT(*) FROM vists")
    assert "^" in str(caught.value)


def test_a_query_is_one_statement(fleet: Any) -> None:
    with pytest.raises(UserError, match="one statement"):
        fleet.mercy.query(f"{COUNT}; {COUNT}")


def test_an_owners_policy_is_asked_at_the_owner(fleet: Any) -> None:
    for client in (fleet.mercy, fleet.grace):
        with pytest.raises(PolicyError, match="policy of grace does not allow queries on table no"):
            client.query("SELECT COUNT(*) FROM notes")
    assert fleet.count() == 4000


def test_a_party_limits_what_it_computes(fleet: Any) -> None:
    with pytest.raises(SessionError, match=r"registry allows at most 30000 \(max_rows"):
        fleet.mercy.query("SELECT x FROM wide")
    assert fleet.count() == 4000


def test_askers_at_once_wait_for_each_other(fleet: Any) -> None:
    answers: list[int | Exception] = []

    def ask(party: str) -> None:
        try:
            answers.extend(fleet.count(party) for _ in range(3))
        except Exception as error:
            answers.append(error)

    threads = [
        threading.Thread(target=ask, args=(party,))
        for party in ("mercy", "grace", "registry", "mercy")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [4000] * 12


def test_a_client_that_leaves_takes_its_query_with_it(fleet: Any) -> None:
    client = Client(fleet.directory, "mercy")
    started = threading.Event()

    class Left(Exception):
        pass

    def leave(progress: Progress) -> None:
        started.set()
        raise Left

    with pytest.raises(Left):
        client.query(f"{COUNT} WHERE patient_id <> 98765", progress=leave)
    client.close()
    assert started.is_set()
    assert fleet.count("grace") == 4000


def test_a_query_has_a_deadline(fleet: Any) -> None:
    with (
        Client(fleet.directory, "mercy", deadline_seconds=0.6) as client,
        pytest.raises(SessionError, match=r"longer than its 0.6 seconds"),
    ):
        client.query(f"{COUNT} WHERE patient_id <> 98765")
    assert fleet.count() == 4000


def test_every_node_records_what_it_took_part_in(fleet: Any) -> None:
    session = fleet.mercy.query(f"{COUNT} REVEAL TO registry").session_id
    for party in ("mercy", "grace", "registry"):
        path: Path = fleet.directory / party / "audit.jsonl"
        assert verify_log(path).fault is None
        lines = [line for line in path.read_text().splitlines() if session in line]
        events = [line.split('"event":"')[1].split('"')[0] for line in lines]
        expected = ["proposed", "started", "finished"]
        if party != "mercy":
            expected.insert(1, "agreed")
        if party == "registry":
            expected.append("delivered")
        assert events == expected
