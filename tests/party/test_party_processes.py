"""Nodes as processes: they start only when all is well, and end with whoever started them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tacit.executor.client.local import LocalFederation, create_local
from tacit.executor.party.federation import load_federation
from tacit.query.errors import CatalogError, ConfigurationError

STARTER = """
import os, sys
from pathlib import Path
from tacit.executor.client.local import LocalFederation
federation = LocalFederation.start(Path(sys.argv[1]))
print(*(process.pid for process in federation.processes.values()), flush=True)
sys.stdin.read()
"""


def start_one(directory: Path, party: str) -> None:
    """Starts the node of one party alone and stops it again."""
    federation = LocalFederation(directory, load_federation(directory).parties)
    federation.launch(party)
    try:
        federation.await_ready(party, 30)
    finally:
        federation.stop(patience_seconds=0)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()


def test_nodes_end_with_the_process_that_started_them(party_example: Path, tmp_path: Path) -> None:
    directory = create_local(party_example, target=tmp_path / "federation")
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        pids = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(pids) == 3
        assert all(is_running(pid) for pid in pids)
        os.kill(starter.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while any(is_running(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)


def test_a_node_with_another_key_does_not_start(party_example: Path, tmp_path: Path) -> None:
    directory = create_local(party_example, target=tmp_path / "federation")
    for name in ("key.pem", "certificate.pem"):
        (directory / "mercy" / name).unlink()
        (directory / "mercy" / name).write_bytes((directory / "grace" / name).read_bytes())
        (directory / "mercy" / name).chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"mercy did not start: .* pins for mercy"):
        start_one(directory, "mercy")


@pytest.mark.parametrize("kind", ["control", "data"])
def test_an_address_that_is_taken_is_named(party_example: Path, tmp_path: Path, kind: str) -> None:
    directory = create_local(party_example, target=tmp_path / "federation")
    address = getattr(load_federation(directory).member("grace"), kind)
    with (
        socket.create_server((address.host, address.port)),
        pytest.raises(ConfigurationError, match=f"grace did not start: .*{address.port}"),
    ):
        start_one(directory, "grace")


def test_a_wrong_catalog_is_told_at_the_start(party_example: Path, tmp_path: Path) -> None:
    directory = create_local(party_example, target=tmp_path / "federation")
    (directory / "catalog.sql").write_text("CREATE TABLE visits ();")
    with pytest.raises((ConfigurationError, CatalogError), match="did not start"):
        start_one(directory, "mercy")
