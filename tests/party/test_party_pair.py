"""Two real nodes under `additive`: whatever runs between three parties, and what may go wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tacit.executor.client.client import Client, Progress
from tacit.executor.client.local import LocalFederation, create_local
from tacit.executor.party.federation import load_federation
from tacit.query.errors import (
    CancelledError,
    ConfigurationError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    PolicyError,
    TacitError,
)

PATCHED_NODE = Path(__file__).with_name("patched_node.py")

CATALOG = """
CREATE TABLE staff (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 99),
    team VARCHAR CHECK (team IN ('red', 'blue')) NOT NULL,
    name VARCHAR(8)
) OWNED BY ann ROWS 6;

CREATE TABLE desks (id BIGINT UNIQUE, floor SMALLINT CHECK (floor BETWEEN 1 AND 9))
OWNED BY ann ROWS 20000 REVEALING INTERSECTION (id);

CREATE TABLE badges (id BIGINT UNIQUE, door SMALLINT CHECK (door BETWEEN 1 AND 9))
OWNED BY bea ROWS 20000 REVEALING INTERSECTION (id);

CREATE TABLE pay (
    id INTEGER CHECK (id BETWEEN 1 AND 99) NOT NULL,
    amount BIGINT CHECK (amount BETWEEN -4000000000000000000 AND 4000000000000000000)
) OWNED BY ann, bea ROWS 5;
"""

FILES = {
    "ann": {
        "staff": "id,team,name\n1,red,Zoë\n2,blue,\n3,red,Kim\n7,blue,Lee\n",
        "pay": "id,amount\n1,4000000000000000000\n2,10\n3,\n",
        "desks": "id,floor\n1,2\n7,3\n9,4\n",
    },
    "bea": {
        "badges": "id,door\n1,4\n7,\n8,5\n",
        "pay": "id,amount\n1,4000000000000000000\n1,3999999999999999990\n3,-7\n50,1\n",
    },
}

COUNT = "SELECT count(*) AS n FROM pay"
JOIN = (
    "SELECT s.team, count(p.amount) AS n, sum(p.amount) AS total FROM staff s "
    "LEFT JOIN pay p ON s.id = p.id GROUP BY s.team ORDER BY s.team"
)
TEAMS = {"team": ["blue", "red"], "n": [1, 4], "total": [10, 11999999999999999983]}


class Pair:
    """Two running nodes and a client of each."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes = LocalFederation.start(directory, command=self.command)
        self.clients: dict[str, Client] = {p: self.nodes.client(p) for p in self.nodes.parties}
        self.ann, self.bea = self.clients["ann"], self.clients["bea"]

    def command(self, party: str, patches: str = "none") -> tuple[str, ...]:
        return (str(PATCHED_NODE), patches, str(self.directory), party)

    def restart(self, party: str, patches: str = "none") -> None:
        process = self.nodes.processes[party]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
        self.nodes.launch(party, self.command(party, patches))
        self.nodes.await_ready(party, 30)

    def answer(self, sql: str, party: str = "ann") -> dict[str, list[Any]]:
        table = self.clients[party].query(sql).table
        assert table is not None
        return dict(table.to_pydict())


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("example")
    (directory / "catalog.sql").write_text(CATALOG)
    for party, tables in FILES.items():
        (directory / party).mkdir()
        for table, text in tables.items():
            (directory / party / f"{table}.csv").write_text(text)
        attached = "".join(f"ATTACH '{table}.csv' AS {table};\n" for table in tables)
        (directory / party / "sources.sql").write_text(attached)
        (directory / party / "party.toml").write_text("peer_timeout_seconds = 5\n")
    (directory / "federation.toml").write_text('protocol = "additive"\n')
    return directory


@pytest.fixture(scope="module")
def pair(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    target = tmp_path_factory.mktemp("running") / "federation"
    running = Pair(create_local(example, target=target))
    yield running
    for client in running.clients.values():
        client.close()
    running.nodes.stop()


@pytest.fixture
def patched(pair: Pair) -> Iterator[Callable[[str, str], None]]:
    """Replaces a party's node by a patched one, and by a sound one afterwards."""
    replaced = []

    def replace(party: str, patches: str) -> None:
        replaced.append(party)
        pair.restart(party, patches)

    yield replace
    for party in replaced:
        pair.restart(party)
    assert pair.answer(COUNT) == {"n": [7]}


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        pytest.param(JOIN, TEAMS, id="wide-sums"),
        pytest.param(
            "SELECT id, row_number() OVER (PARTITION BY id ORDER BY amount) AS place FROM pay "
            "WHERE id = 1 ORDER BY place",
            {"id": [1, 1, 1], "place": [1, 2, 3]},
            id="windows",
        ),
        pytest.param(
            "SELECT count(*) AS n FROM staff s, pay p WHERE s.id < p.id", {"n": [9]}, id="products"
        ),
        pytest.param(
            "SELECT name FROM staff WHERE upper(name) LIKE 'Z%' AND id IN (SELECT id FROM pay)",
            {"name": ["Zoë"]},
            id="texts",
        ),
        pytest.param("SELECT sum(amount) AS s FROM pay WHERE id = 98", {"s": [None]}, id="null"),
    ],
)
def test_either_party_gets_the_answer_at_the_predicted_price(
    pair: Pair, sql: str, answer: dict[str, list[Any]]
) -> None:
    for client in pair.clients.values():
        result = client.query(sql)
        assert result.table.to_pydict() == answer
        predicted = result.predicted.total
        assert (predicted.rounds, predicted.sent_bytes) == (result.rounds, result.sent_bytes)
        assert sum(predicted.messages) == result.messages


def test_an_intersection_is_revealed_if_its_owners_policies_name_the_key(pair: Pair) -> None:
    sql = "SELECT d.floor, b.door FROM desks d JOIN badges b ON d.id = b.id WHERE d.id > 1"
    answer = {"floor": [3], "door": [None]}
    shown = pair.answer("DESCRIBE desks")["key"]
    assert shown == ["unique, intersection may be revealed", ""]
    told = pair.answer(f"EXPLAIN PRIVACY {sql}")["explain"]
    assert any("ann and bea each learn which of their values of id occur" in x for x in told)
    assert pair.answer(sql, "bea") == answer  # one person's federation, without policies
    policy = pair.directory / "bea" / "policy.toml"
    try:
        policy.write_text('[tables]\npay = "allow"\n[tables.badges]\nqueries = "allow"\n')
        pair.restart("bea")
        grant = r'say\n\[tables.badges.columns\]\nid = \["join_revealing_intersection"\]'
        for asker in ("ann", "bea"):
            with pytest.raises(PolicyError, match=f"policy of bea does not(.|\n)*{grant}"):
                pair.answer(sql, asker)
            assert len(pair.answer("SELECT id FROM badges", asker)["id"]) == 3
        with policy.open("a") as file:
            file.write('[tables.badges.columns]\nid = ["join_revealing_intersection"]\n')
        pair.restart("bea")
        assert pair.answer(sql) == answer
    finally:
        policy.unlink()
        pair.restart("bea")


def test_results_reach_their_recipients_alone(pair: Pair) -> None:
    result = pair.ann.query(f"{COUNT} REVEAL TO bea")
    assert result.table is None
    assert pair.bea.result(result.session_id).to_pydict() == {"n": [7]}
    both = pair.bea.query(f"{COUNT} REVEAL TO ALL")
    assert both.table == pair.ann.result(both.session_id)


def test_shared_tables_are_kept_read_and_dropped(pair: Pair) -> None:
    """One component of each share is on disk at each party; a restarted node reads it."""
    pair.ann.query("CREATE SHARED TABLE joined AS SELECT s.team, p.amount FROM staff s "
                   "JOIN pay p ON s.id = p.id")  # fmt: skip
    pair.restart("bea")
    for party in pair.clients:
        found = pair.answer(
            "SELECT team, count(*) AS n FROM joined GROUP BY team ORDER BY 1", party
        )
        assert found == {"team": ["blue", "red"], "n": [1, 5]}
    pair.bea.query("DROP TABLE joined")
    with pytest.raises(TacitError, match="joined"):
        pair.ann.query("SELECT count(*) FROM joined")


def while_preparing(act: Callable[[], None]) -> Callable[[Progress], None]:
    """A progress callback that acts once, when transfers are being prepared."""
    done: list[bool] = []

    def watch(progress: Progress) -> None:
        if progress.state == "preparing" and not done:
            done.append(True)
            act()

    return watch


def test_a_party_that_dies_while_preparing_is_named(
    pair: Pair, patched: Callable[[str, str], None]
) -> None:
    patched("bea", "prepares-slowly")
    kill = while_preparing(lambda: os.kill(pair.nodes.processes["bea"].pid, signal.SIGKILL))
    with pytest.raises(PeerLostError, match="bea") as caught:
        pair.ann.query(JOIN, progress=kill)
    assert (caught.value.party, caught.value.step) == ("bea", "preparation")


def test_a_party_that_stalls_while_preparing_is_named_in_time(
    pair: Pair, patched: Callable[[str, str], None]
) -> None:
    patched("bea", "prepares-slowly")
    pid = pair.nodes.processes["bea"].pid
    began = time.monotonic()
    try:
        with pytest.raises(PeerTimeoutError, match="bea"):
            pair.ann.query(JOIN, progress=while_preparing(lambda: os.kill(pid, signal.SIGSTOP)))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - began < 20


def test_a_query_can_be_cancelled_while_it_prepares(
    pair: Pair, patched: Callable[[str, str], None]
) -> None:
    patched("bea", "prepares-slowly")
    cancel = while_preparing(lambda: threading.Thread(target=pair.ann.cancel).start())
    began = time.monotonic()
    with pytest.raises(CancelledError):
        pair.ann.query(JOIN, progress=cancel)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("patch", ["invalid-point", "short-message"])
def test_what_breaks_the_protocol_is_refused_and_named(
    pair: Pair, patched: Callable[[str, str], None], patch: str
) -> None:
    """Either ann says what she got, or bea, whose session ended, is the first to report it."""
    patched("bea", patch)
    with pytest.raises((PeerViolationError, PeerFailedError), match="bea") as caught:
        pair.ann.query(JOIN)
    assert caught.value.party == "bea"


def test_two_parties_cannot_run_replicated(pair: Pair) -> None:
    settings = pair.directory / "federation.toml"
    sound = settings.read_text()
    try:
        settings.write_text(sound.replace('"additive"', '"replicated"'))
        with pytest.raises(ConfigurationError, match="replicated runs between exactly 3"):
            load_federation(pair.directory)
    finally:
        settings.write_text(sound)


@pytest.mark.parametrize(("count", "told"), [(1, "has 1 parties"), (6, "has 6 parties")])
def test_additive_runs_between_two_and_five(tmp_path: Path, count: int, told: str) -> None:
    (tmp_path / "catalog.sql").write_text("CREATE TABLE t (x BOOLEAN) OWNED BY p0 ROWS 1;")
    (tmp_path / "federation.toml").write_text('protocol = "additive"\n')
    for number in range(count):
        (tmp_path / f"p{number}").mkdir()
        (tmp_path / f"p{number}" / "sources.sql").write_text("")
    with pytest.raises(ConfigurationError, match=f"{told}.*additive runs between 2 to 5"):
        create_local(tmp_path, target=tmp_path / "federation")
