"""Owners, askers and recipients beside the compute parties: same answers, exact costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from in_memory import assert_same
from records import Record, read_records

RECORDS = [record for record in read_records() if record.kind == "query"]
LAYOUTS = {
    "carol beside three": ("replicated", ("alice", "bob", "helper"), ("carol",)),
    "two beside three": ("replicated", ("helper", "other", "bob"), ("alice", "carol")),
    "carol beside two": ("additive", ("alice", "bob"), ("carol",)),
    "two beside two": ("additive", ("bob", "helper"), ("alice", "carol")),
    "two beside three by splitting": ("additive", ("bob", "helper", "other"), ("alice", "carol")),
}
QUERIES = [
    "SELECT region, count(*) AS n, sum(cost) AS s FROM visits JOIN people ON person_id = id "
    "GROUP BY region",
    "SELECT sum(nights) AS nights, max(cost) AS most FROM visits REVEAL TO bob, carol",
    "SELECT account, sum(amount) AS s FROM ledger GROUP BY account ORDER BY account",
    "CREATE SHARED TABLE made AS SELECT person_id, sum(cost) AS s FROM visits GROUP BY person_id; "
    "SELECT count(*) AS n, sum(s) AS total FROM made JOIN people ON person_id = id",
]


@pytest.fixture(scope="module")
def beside(clinic: Any, federate: Callable[..., Any]) -> Callable[[str], Any]:
    """The clinic in one of the layouts."""
    made: dict[str, Any] = {}

    def make(name: str) -> Any:
        if name not in made:
            protocol, parties, outsiders = LAYOUTS[name]
            made[name] = federate(
                clinic.catalog_sql,
                clinic.data,
                parties=parties,
                outsiders=outsiders,
                protocol=protocol,
            )
        return made[name]

    return make


def assert_costs_as_predicted(outcome: Any) -> None:
    if not outcome.predicted.expected:
        assert outcome.measured == outcome.predicted


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(name, marks=pytest.mark.slow if number in (2, 4) else ())
        for number, name in enumerate(LAYOUTS)
    ],
)
@pytest.mark.parametrize("sql", QUERIES)
@pytest.mark.parametrize("asker", ["bob", "carol"])
def test_insiders_and_outsiders_may_ask(
    beside: Callable[[str], Any], layout: str, sql: str, asker: str
) -> None:
    federation = beside(layout)
    outcome = federation.query(sql, asker=asker)
    received = {
        member: table
        for member, table in zip(federation.members, outcome.tables, strict=True)
        if table is not None
    }
    assert set(received) == ({"bob", "carol"} if "REVEAL" in sql else {asker})
    for table in received.values():
        assert_same(table, federation.oracle(sql), ordered="ORDER BY" in sql)
    assert_costs_as_predicted(outcome)


@pytest.mark.parametrize("sample", RECORDS[::24], ids=lambda sample: sample.name)
def test_records_with_carol_outside(beside: Callable[[str], Any], sample: Record) -> None:
    """A sample of the records, asked by carol, whose people enter from outside."""
    federation = beside("carol beside three")
    outcome = federation.query(sample.script, asker="carol")
    ordered = "ordered" in sample.remark
    assert_same(outcome.table, federation.oracle(sample.script), ordered=ordered)
    assert_costs_as_predicted(outcome)


@pytest.mark.parametrize("layout", ["carol beside three", "two beside two"])
@pytest.mark.parametrize("sql", QUERIES[:3])
def test_transcripts_do_not_depend_on_the_rows(
    recorded_clinics: list[Any], federate: Callable[..., Any], layout: str, sql: str
) -> None:
    protocol, parties, outsiders = LAYOUTS[layout]
    transcripts = []
    for clinic in recorded_clinics:
        federation = federate(
            clinic.catalog_sql,
            clinic.data,
            parties=parties,
            outsiders=outsiders,
            protocol=protocol,
            record=True,
        )
        outcome = federation.query(sql, asker="carol", sort="radix")
        transcripts.append(outcome.transcripts)
    assert transcripts[0][federation.members.index("carol")] or "people" not in sql
    assert transcripts[0] == transcripts[1] == transcripts[2]


def test_an_outsider_hears_its_result_alone(beside: Callable[[str], Any]) -> None:
    """Nobody sends to an outsider but to reveal: what it receives is its result's size."""
    federation = beside("carol beside three")
    federation.record = True
    try:
        outcome = federation.query(QUERIES[0], asker="alice")
    finally:
        federation.record = False
    carol = federation.members.index("carol")
    assert all(peer != carol for party in outcome.transcripts for peer, _, _ in party)
    assert {peer for peer, _, _ in outcome.transcripts[carol]} == {0, 1, 2}


def test_the_plan_and_its_privacy_name_those_beside(beside: Callable[[str], Any]) -> None:
    from tacit.planner.privacy import explain_privacy

    federation = beside("carol beside three")
    plan = federation.plan(QUERIES[0])
    assert plan.members == ("alice", "bob", "helper", "carol")
    assert plan.linked == ("carol",)
    assert federation.plan("SELECT count(*) AS n FROM drugs").linked == ()
    text = explain_privacy(plan, federation.catalog)
    assert "takes no part in the computation, and sees nothing of it" in text
    assert "as long as no two compute parties pool what they see" in text
