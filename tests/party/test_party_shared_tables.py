"""Shared tables over three real nodes: who may use them, and what a failing node leaves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.party.policy import Policy, check_policy
from tacit.query import bind, load_catalog, parse
from tacit.query.catalog import Sharing, Table
from tacit.query.errors import (
    BindError,
    CatalogMismatchError,
    PeerError,
    PolicyError,
    SessionError,
    TacitError,
)

MAKE = (
    "CREATE SHARED TABLE joined AS SELECT v.patient_id, v.cost, p.age FROM visits v "
    "JOIN patients p ON v.patient_id = p.patient_id"
)
SUM = "SELECT count(*) AS n, sum(cost) AS total, sum(age) AS age FROM joined"
ANSWER = {"n": [6], "total": [6], "age": [240]}


@pytest.fixture
def clean(fleet: Any) -> Iterator[Any]:
    """The fleet, without shared tables and with sound nodes afterwards."""
    yield fleet
    for name in fleet.mercy.catalog().tables:
        if fleet.mercy.catalog().tables[name].sharing is not None:
            fleet.mercy.query(f"DROP TABLE {name}")
    fleet.mercy.query("DROP TABLE IF EXISTS joined")
    assert fleet.count() == 4000


def answer(fleet: Any, party: str, sql: str = SUM) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = fleet.clients[party].query(sql).table.to_pydict()
    return found


def test_every_party_reads_what_one_has_made(clean: Any) -> None:
    made = clean.mercy.query(MAKE)
    assert (made.table, made.recipients) == (None, ())
    assert "joined is kept by all parties: 3 columns, at most 4,000 rows" in made.message
    assert made.predicted.total.rounds == made.rounds or made.predicted.total.expected
    assert [answer(clean, party) for party in clean.clients] == [ANSWER] * 3


def test_a_shared_table_outlives_the_nodes(clean: Any) -> None:
    clean.grace.query(MAKE)
    for party in clean.clients:
        clean.restart(party)
    assert answer(clean, "registry") == ANSWER


def test_show_and_describe_need_no_session(clean: Any) -> None:
    clean.mercy.query(MAKE)
    shown = clean.registry.query("SHOW TABLES").table.to_pylist()
    assert {"name": "joined", "kind": "shared", "owners": "", "rows": 4000} in shown
    assert {
        "name": "visits",
        "kind": "partitioned",
        "owners": "mercy, grace",
        "rows": 2000,
    } in shown
    described = clean.grace.query("DESCRIBE joined").table.to_pylist()
    assert [row["column_name"] for row in described] == ["patient_id", "cost", "age"]
    assert described[1]["values"] == "0 to 1000"
    assert "joined" in clean.grace.catalog().tables
    with pytest.raises(BindError, match="did you mean joined"):
        clean.mercy.query("DESCRIBE joint")


def test_names_are_given_once(clean: Any) -> None:
    clean.mercy.query(MAKE)
    with pytest.raises(BindError, match="joined exists already"):
        clean.grace.query(MAKE)
    with pytest.raises(BindError, match=r"visits is declared in catalog\.sql"):
        clean.grace.query("CREATE SHARED TABLE visits AS SELECT 1 AS x")
    with pytest.raises(BindError, match=r"visits is declared in catalog\.sql"):
        clean.grace.query("DROP TABLE visits")
    kept = clean.grace.query(MAKE.replace("TABLE", "TABLE IF NOT EXISTS"))
    assert "exists already and stays" in kept.message
    clean.grace.query(
        "CREATE OR REPLACE SHARED TABLE joined AS SELECT * FROM joined WHERE age = 30"
    )
    assert answer(clean, "mercy", "SELECT count(*) AS n FROM joined") == {"n": [2]}


def test_a_dropped_table_is_gone_everywhere(clean: Any) -> None:
    clean.mercy.query(MAKE)
    assert "gone at all parties" in clean.registry.query("DROP TABLE joined").message
    for client in clean.clients.values():
        with pytest.raises(BindError, match="there is no table joined"):
            client.query(SUM)
    with pytest.raises(BindError, match="there is no shared table joined"):
        clean.mercy.query("DROP TABLE joined")
    assert "There is no shared table" in clean.mercy.query("DROP TABLE IF EXISTS joined").message


@pytest.fixture
def patched(clean: Any) -> Iterator[Callable[[str, str], None]]:
    """Replaces a party's node by a patched one, and by a sound one afterwards."""
    replaced: list[str] = []

    def replace(party: str, patches: str) -> None:
        replaced.append(party)
        clean.restart(party, patches)

    yield replace
    for party in replaced:
        clean.restart(party)


def names(fleet: Any) -> list[bool]:
    """Whether each party can read the table."""
    return ["joined" in client.catalog().tables for client in fleet.clients.values()]


@pytest.mark.parametrize("patch", ["dies-unprepared", "full-disk"])
def test_who_cannot_write_leaves_nothing_anywhere(clean: Any, patched: Any, patch: str) -> None:
    patched("grace", patch)
    with pytest.raises(TacitError):
        clean.mercy.query(MAKE)
    clean.restart("grace")
    assert names(clean) == [False] * 3
    clean.mercy.query(MAKE)
    assert answer(clean, "grace") == ANSWER


def test_a_crash_before_all_have_vouched_leaves_nothing_to_read(clean: Any, patched: Any) -> None:
    """The party that died cannot know; the others may have given up, or wait for the same."""
    patched("grace", "dies-between")
    with pytest.raises(PeerError):
        clean.mercy.query(MAKE)
    clean.restart("grace")
    assert names(clean) == [False] * 3
    with pytest.raises(SessionError, match="joined of grace cannot be read: it is incomplete"):
        clean.grace.query(SUM)
    clean.grace.query("DROP TABLE joined")
    clean.mercy.query(MAKE)
    assert answer(clean, "grace") == ANSWER


def test_a_crash_while_it_gets_its_name_is_told_and_mended(clean: Any, patched: Any) -> None:
    patched("registry", "dies-uncommitted")
    with pytest.raises(PeerError):
        clean.mercy.query(MAKE)
    clean.restart("registry")
    assert names(clean) == [True, True, False]
    told = r"joined of registry cannot be read: it is incomplete.*\n.*DROP TABLE joined"
    for party in ("mercy", "registry"):
        with pytest.raises(SessionError, match=told):
            clean.clients[party].query(SUM)
    listed = clean.registry.query("SHOW TABLES").table.to_pylist()
    assert {"name": "joined", "kind": "shared, incomplete", "owners": "", "rows": None} in listed
    clean.registry.query("DROP TABLE joined")
    assert names(clean) == [False] * 3
    clean.mercy.query(MAKE)
    assert answer(clean, "registry") == ANSWER


def directory(fleet: Any, party: str) -> Path:
    return Path(fleet.directory / party / "shared_tables")


def test_nodes_that_hold_different_versions_stop_before_the_first_share(clean: Any) -> None:
    clean.mercy.query(MAKE)
    kept = clean.directory / "kept"
    shutil.copytree(directory(clean, "grace"), kept)
    clean.mercy.query(MAKE.replace("SHARED", "OR REPLACE SHARED"))
    shutil.rmtree(directory(clean, "grace"))
    kept.rename(directory(clean, "grace"))
    clean.restart("grace")
    with pytest.raises(CatalogMismatchError, match="hold different versions of the shared table"):
        clean.mercy.query(SUM)
    shutil.rmtree(directory(clean, "grace"))
    clean.restart("grace")
    with pytest.raises(CatalogMismatchError, match="mercy holds a shared table joined, grace does"):
        clean.mercy.query(SUM)
    with pytest.raises(CatalogMismatchError, match="joined, grace does not"):
        clean.grace.query(MAKE)
    clean.grace.query("DROP TABLE joined")
    assert names(clean) == [False] * 3


def test_the_file_of_another_party_is_told_and_not_read(clean: Any) -> None:
    clean.mercy.query(MAKE)
    (own,) = directory(clean, "grace").iterdir()
    (foreign,) = directory(clean, "mercy").iterdir()
    own.write_bytes(foreign.read_bytes())
    with pytest.raises(SessionError, match="joined of grace cannot be read: its file is damaged"):
        clean.mercy.query(SUM)
    assert clean.count() == 4000


# Policy: every owner of rows that went in has a say over every use


CATALOG = """
CREATE TABLE visits (x INTEGER) OWNED BY mercy, grace ROWS 5;
CREATE TABLE notes (x INTEGER) OWNED BY grace ROWS 5;
"""
PARTIES = ("mercy", "grace", "registry")


@pytest.mark.parametrize(("owner", "allowed"), [("mercy", "visits"), ("grace", "notes visits")])
def test_owners_of_the_rows_decide_over_a_shared_table(owner: str, allowed: str) -> None:
    sharing = Sharing(
        version="1",
        holders=PARTIES,
        creator="registry",
        statement="",
        sources=(("grace", "notes"), ("grace", "visits"), ("mercy", "visits")),
        keys=(),
        smallest=(1,),
    )
    catalog = load_catalog(CATALOG, parties=PARTIES)
    columns = catalog.tables["notes"].columns
    mixed = Table(name="mixed", columns=columns, owners=(), rows=5, sharing=sharing)
    for sql in ("SELECT x FROM mixed", "CREATE SHARED TABLE more AS SELECT x FROM mixed"):
        (parsed,) = parse(sql)
        statement = bind(parsed, catalog.with_shared({"mixed": mixed}), parties=PARTIES, text=sql)
        check_policy(Policy(owner="registry", allowed=frozenset()), statement)
        check_policy(Policy(owner=owner, allowed=frozenset(allowed.split())), statement)
        with pytest.raises(PolicyError, match="whose rows are in the shared table mixed"):
            check_policy(Policy(owner=owner, allowed=frozenset({"notes"})), statement)


def test_a_denied_table_goes_into_no_shared_table(clean: Any) -> None:
    with pytest.raises(PolicyError, match="does not allow queries on table notes"):
        clean.mercy.query("CREATE SHARED TABLE stolen AS SELECT * FROM notes")
    assert "stolen" not in clean.mercy.catalog().tables
