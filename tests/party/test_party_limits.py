"""A node bounds what any query may cost it, before it allocates anything."""

import re
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tacit.executor.client.local import create_local
from tacit.executor.party.compiling import SqlCompiler
from tacit.executor.party.limits import check_memory, check_rows, spills
from tacit.executor.party.messages import Start
from tacit.executor.party.node import Node
from tacit.executor.party.policy import Policy, check_policy
from tacit.executor.party.resources import complain
from tacit.executor.party.results import ResultStore
from tacit.executor.party.settings import PartySettings
from tacit.executor.party.slot import Slot
from tacit.planner.cost import LINKS
from tacit.planner.memory import NODE_BYTES, memory_bytes
from tacit.planner.spilling import spilling_bytes
from tacit.query.errors import ConfigurationError, PolicyError, SessionError

CATALOG = """
CREATE TABLE huge (k BIGINT CHECK (k BETWEEN 0 AND 9000000000000000), v INTEGER)
OWNED BY mercy, grace ROWS 2147483647;
CREATE TABLE large (k BIGINT PRIMARY KEY CHECK (k BETWEEN 0 AND 9000000000000000), t VARCHAR(100))
OWNED BY registry ROWS 4000000;
CREATE TABLE notes (k BIGINT) OWNED BY grace ROWS 5;
CREATE TABLE ids (k BIGINT) OWNED BY mercy ROWS 5;
"""
PARTIES = ("mercy", "grace", "registry")
SESSION = "0a" * 16
TABLE = pa.table({"x": [1, 2, 3]})


def compiler(settings: PartySettings | None = None, catalog: str = CATALOG) -> SqlCompiler:
    given = settings or PartySettings()
    return SqlCompiler(
        catalog,
        parties=PARTIES,
        link=LINKS["lan"],
        public_directory=Path(),
        admit=lambda root: check_rows(root, "grace", given),
        afford=lambda root: check_memory(root, "grace", given, "replicated"),
    )


@pytest.mark.parametrize(
    ("sql", "figure"),
    [
        ("SELECT sum(v) AS s FROM huge JOIN large ON huge.k = large.k", "4294967294 rows"),
        ("SELECT k, sum(v) AS s FROM huge GROUP BY k ORDER BY s DESC", "4294967294 rows"),
        ("SELECT k, t FROM large ORDER BY t", "[0-9,]{11,} bytes of memory.*put on disk"),
    ],
)
def test_enormous_bounds_are_refused_before_they_are_priced(sql: str, figure: str) -> None:
    made = compiler(PartySettings(max_memory_bytes=2**28))
    began = time.thread_time()
    with pytest.raises(SessionError, match=f"{figure}.*grace allows at most"):
        made.plan(made.bind(sql), "mercy")
    assert time.thread_time() - began < 3


def test_a_query_ten_times_beyond_the_memory_is_refused_with_the_figure() -> None:
    """What a plan takes grows linearly with its rows."""
    catalog = CATALOG + "CREATE TABLE many (k BIGINT, v INTEGER) OWNED BY mercy ROWS {};"
    sql = "SELECT v, count(*) AS n FROM many JOIN ids USING (k) GROUP BY v"
    figures = []
    for rows in (10**5, 10**6, 10**7, 10**8):
        made = compiler(PartySettings(max_memory_bytes=1, max_rows=10**9), catalog.format(rows))
        with pytest.raises(SessionError, match=r"bytes of memory.*ROWS in the catalog") as refused:
            made.plan(made.bind(sql), "mercy")
        figures.append(int(re.findall(r"about ([0-9,]+)", str(refused.value))[0].replace(",", "")))
    more = [figure - NODE_BYTES for figure in figures]
    assert more[1] <= 10 * more[0] * 1.1
    assert more[2] <= 10 * more[1] * 1.1
    assert more[3] == pytest.approx(10 * more[2], rel=0.1)


def test_what_waits_on_disk_lets_larger_queries_in() -> None:
    """Refused only where even so it does not fit; the more a query moves, the more it helps."""
    wide = ", ".join(f"v{i} BIGINT CHECK (v{i} BETWEEN 0 AND 1000000000)" for i in range(20))
    catalog = CATALOG + f"CREATE TABLE many (k BIGINT, {wide}) OWNED BY mercy, grace ROWS 2000000;"
    sql = "SELECT * FROM many ORDER BY v1 LIMIT 100"
    made = compiler(PartySettings(), catalog)
    root = made.plan(made.bind(sql), "mercy").root
    held, least = memory_bytes(root, 2), spilling_bytes(root, 2)
    assert held > 4 * least
    settings = PartySettings(max_memory_bytes=least)
    assert compiler(settings, catalog).plan(made.bind(sql), "mercy").root == root
    assert spills(root, settings, "replicated")
    assert not spills(root, PartySettings(max_memory_bytes=2 * held), "replicated")
    with pytest.raises(SessionError, match=f"{least:,} bytes of memory .*put on disk"):
        check_memory(root, "grace", PartySettings(max_memory_bytes=least - 1), "replicated")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM notes",
        "SELECT count(*) FROM grace.notes",
        "SELECT count(*) FROM notes n, notes m WHERE n.k = m.k",
        "EXPLAIN ANALYZE SELECT count(*) FROM notes",
        "WITH n AS (SELECT k FROM notes) SELECT count(*) FROM n",
        "SELECT count(*) FROM (SELECT 1 AS x FROM notes LIMIT 0) d",
        "SELECT count(*) FROM ids WHERE EXISTS (SELECT 1 FROM notes WHERE notes.k = ids.k)",
        "SELECT count(*) FROM ids WHERE NOT EXISTS (SELECT 1 FROM notes)",
        "SELECT count(*) FROM ids WHERE k IN (SELECT k FROM notes)",
        "SELECT count(*) FROM ids GROUP BY k HAVING k IN (SELECT k FROM notes)",
        "SELECT sum(CASE WHEN k IN (SELECT k FROM notes) THEN 1 END) FROM ids",
        "SELECT count(*) FROM ids LEFT JOIN notes ON ids.k = notes.k AND 1 = 0",
        "SELECT count(*) FROM ids WHERE 1 = 0 AND k IN (SELECT k FROM notes)",
        "SELECT k FROM ids UNION ALL SELECT k FROM notes",
        "SELECT count(*) FROM ids JOIN ids i ON ids.k = i.k AND i.k IN (SELECT k FROM notes)",
        "SELECT k FROM ids ORDER BY CASE WHEN k IN (SELECT k FROM notes) THEN 1 END",
        "SELECT count(*) FILTER (WHERE k IN (SELECT k FROM notes)) FROM ids",
    ],
)
def test_no_way_to_name_a_table_gets_around_a_policy(sql: str) -> None:
    policy = Policy(owner="grace", allowed=frozenset({"huge"}))
    statement = compiler().bind(sql)
    with pytest.raises(PolicyError, match="does not allow queries on table notes"):
        check_policy(policy, statement)


def test_a_recipient_takes_only_so_many_results(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, "grace", limit=1)
    store.check_room()
    store.store(SESSION, TABLE, asker="mercy", statement="SELECT 1")
    with pytest.raises(SessionError, match="grace keeps 1 results already"):
        store.check_room()
    (tmp_path / "results" / f"{SESSION}.arrow").unlink()
    store.check_room()


def test_a_party_refuses_results_that_it_has_no_room_for(party_example: Path, fleet: Any) -> None:
    settings = fleet.directory / "registry" / "party.toml"
    before = settings.read_text()
    try:
        settings.write_text(before + "max_results = 1\n")
        fleet.restart("registry")
        results = fleet.directory / "registry" / "results"
        results.mkdir(exist_ok=True)
        (results / f"{SESSION}.arrow").touch()
        with pytest.raises(SessionError, match=r"registry keeps .* takes no more"):
            fleet.mercy.query("SELECT COUNT(*) AS n FROM visits REVEAL TO registry")
        assert fleet.count("registry") == 4000
    finally:
        settings.write_text(before)
        (results / f"{SESSION}.arrow").unlink()
        fleet.restart("registry")
    assert fleet.count() == 4000


def test_what_a_crash_left_of_a_result_is_removed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / f".{SESSION}.part").write_bytes(b"half")
    assert ResultStore(tmp_path, "grace").stored() == ()
    assert list((tmp_path / "results").iterdir()) == []


def test_what_a_peer_wrote_cannot_look_like_the_nodes_own_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    complain("session ended: \x1b[2Jbye\ntacit: all is well\r")
    assert capsys.readouterr().err == "tacit: session ended:  [2Jbye\n  tacit: all is well \n"


def test_a_message_holds_nothing_that_moves_a_cursor() -> None:
    with pytest.raises(SessionError, match="plan is not one"):
        Start.from_body({"session": SESSION, "plan": "\x1b[2J", "recipients": "mercy"})


def test_a_place_that_was_lost_is_not_renewed() -> None:
    slot = Slot()
    assert slot.reserve("a", wait_seconds=0, hold_seconds=0.01)
    time.sleep(0.02)
    assert slot.reserve("b", wait_seconds=0, hold_seconds=10)
    assert not slot.renew("a", hold_seconds=10)
    assert slot.renew("b", hold_seconds=10)


def test_local_is_for_one_machine(party_example: Path, tmp_path: Path) -> None:
    """Everything is allowed in a local federation: so nobody else's machine may be in it."""
    target = create_local(party_example, target=tmp_path / "federation")
    path = target / "federation.toml"
    text = path.read_text()
    address = next(line for line in text.splitlines() if line.startswith("control"))
    port = address.rsplit(":", 1)[1]
    path.write_text(text.replace(address, f'control = "elsewhere.example:{port}', 1))
    with pytest.raises(ConfigurationError, match="local is for federations on one machine"):
        Node(target, "mercy")
