"""A federation of three node processes, in which single nodes can be stopped and replaced."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tacit.executor.client.client import Client
from tacit.executor.client.local import LocalFederation, create_local

PATCHED_NODE = Path(__file__).with_name("patched_node.py")

CATALOG = """
CREATE TABLE visits (
    patient_id INTEGER NOT NULL CHECK (patient_id BETWEEN 1 AND 999999),
    cost INTEGER CHECK (cost BETWEEN 0 AND 1000)
) OWNED BY mercy, grace ROWS 2000;

CREATE TABLE patients (
    patient_id INTEGER PRIMARY KEY CHECK (patient_id BETWEEN 1 AND 999999),
    age INTEGER NOT NULL CHECK (age BETWEEN 0 AND 120)
) OWNED BY registry ROWS 50;

CREATE TABLE notes (patient_id INTEGER CHECK (patient_id BETWEEN 1 AND 9)) OWNED BY grace ROWS 5;

CREATE TABLE wide (x INTEGER CHECK (x BETWEEN 0 AND 1)) OWNED BY mercy, grace ROWS 20000;
"""

VISITS = "patient_id,cost\n" + "".join(f"{n + 1},{n % 1000}\n" for n in range(2000))
FILES = {
    "mercy": {"visits": VISITS, "wide": "x\n0\n1\n"},
    "grace": {"visits": VISITS, "wide": "x\n1\n", "notes": "patient_id\n1\n"},
    "registry": {"patients": "patient_id,age\n1,30\n2,40\n3,50\n"},
}
SETTINGS = {
    "mercy": "peer_timeout_seconds = 3\n",
    "grace": "peer_timeout_seconds = 3\n",
    "registry": "peer_timeout_seconds = 3\nmax_rows = 30000\n",
}
POLICY = '[tables]\nvisits = "allow"\nwide = "allow"\nnotes = "deny"\n'

COUNT = "SELECT COUNT(*) AS n FROM visits"


class Fleet:
    """Three running nodes and a client of each."""

    def __init__(self, example: Path, directory: Path) -> None:
        self.example = example
        self.directory = directory
        self.nodes = LocalFederation.start(directory, command=self.command)
        self.clients = {party: self.nodes.client(party) for party in self.nodes.parties}

    @property
    def mercy(self) -> Client:
        return self.clients["mercy"]

    @property
    def grace(self) -> Client:
        return self.clients["grace"]

    @property
    def registry(self) -> Client:
        return self.clients["registry"]

    def command(self, party: str, patches: str = "none") -> tuple[str, ...]:
        return (str(PATCHED_NODE), patches, str(self.directory), party)

    def pid(self, party: str) -> int:
        return self.nodes.processes[party].pid

    def restart(self, party: str, patches: str = "none") -> None:
        """Ends a party's node, if it still runs, and starts it again on its addresses."""
        process = self.nodes.processes[party]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
        self.nodes.launch(party, self.command(party, patches))
        self.nodes.await_ready(party, 20)

    def count(self, party: str = "mercy") -> int:
        """The answer to a query that every party takes part in."""
        table = self.clients[party].query(COUNT).table
        assert table is not None
        return int(table["n"][0].as_py())

    def log(self, party: str) -> str:
        return (self.directory / party / "node.log").read_text()

    def close(self) -> None:
        for client in self.clients.values():
            client.close()
        self.nodes.stop()


@pytest.fixture(scope="session")
def start_fleet() -> Callable[[Path], Fleet]:
    """Starts the nodes of another directory of example files."""
    return lambda directory: Fleet(directory, create_local(directory, target=directory / "running"))


@pytest.fixture(scope="package")
def party_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("example")
    (directory / "catalog.sql").write_text(CATALOG)
    for party, tables in FILES.items():
        (directory / party).mkdir()
        for table, text in tables.items():
            (directory / party / f"{table}.csv").write_text(text)
        attached = "".join(f"ATTACH '{table}.csv' AS {table};\n" for table in tables)
        (directory / party / "sources.sql").write_text(attached)
        (directory / party / "party.toml").write_text(SETTINGS[party])
    (directory / "grace" / "policy.toml").write_text(POLICY)
    (directory / "federation.toml").write_text(
        "".join(f'[[parties]]\nname = "{party}"\n' for party in FILES)
    )
    return directory


@pytest.fixture(scope="package")
def fleet(party_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    target = tmp_path_factory.mktemp("running") / "federation"
    running = Fleet(party_example, create_local(party_example, target=target))
    yield running
    running.close()
