"""Three parties as three processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

import pytest
from tacit.executor.transport import Identity

NAMES = ("mercy", "grace", "registry")

PARTY = """
import json, sys
from pathlib import Path
import numpy as np
from tacit.executor.transport import (
    DataListener, Kind, PeerAddress, connect_mesh, load_identity
)
from tacit.query.errors import PeerError

job = json.loads(sys.stdin.readline())
index, session_id = job["index"], bytes.fromhex(job["session_id"])
identity = load_identity(Path(job["directory"]))
trusted = {name: text.encode() for name, text in job["certificates"].items()}
with DataListener(identity, trusted, host="127.0.0.1", port=0) as listener:
    print(json.dumps(listener.address[1]), flush=True)
    ports = json.loads(sys.stdin.readline())
    peers = [
        PeerAddress(name=name, host="127.0.0.1", port=port, certificate_pem=trusted[name])
        for name, port in ports.items()
    ]
    channel = connect_mesh(
        listener=listener, identity=identity, peers=peers, index=index, session_id=session_id
    )
    left, right = (index - 1) % 3, (index + 1) % 3
    answer = {"rounds": 0}
    print(json.dumps("connected"), flush=True)
    try:
        for round in range(job["rounds"]):
            size = [200, 70_000, 1_000_000][round % 3]
            channel.send(left, Kind.AND, [np.full(size, index, dtype=np.uint8)])
            assert (channel.receive(right, Kind.AND, size) == right).all()
            answer["rounds"] = round + 1
    except PeerError as error:
        answer |= {"error": type(error).__name__, "party": error.party, "text": str(error)}
    answer |= {"depth": channel.counters.depth, "sent_bytes": channel.counters.sent_bytes}
    print(json.dumps(answer), flush=True)
    channel.close()
"""


def ask(process: subprocess.Popen[str], message: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> Any:
    stream: IO[str] | None = process.stdout
    assert stream is not None
    return json.loads(stream.readline())


@pytest.fixture
def processes(identities: dict[str, Identity]) -> Iterator[list[subprocess.Popen[str]]]:
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", PARTY],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            started.append(process)
        yield started


def start(
    processes: list[subprocess.Popen[str]], identities: dict[str, Identity], rounds: int
) -> None:
    certificates = {name: identities[name].certificate_pem.decode() for name in NAMES}
    session_id = os.urandom(16).hex()
    for index, process in enumerate(processes):
        job = {
            "index": index,
            "session_id": session_id,
            "directory": str(identities[NAMES[index]].directory),
            "certificates": certificates,
            "rounds": rounds,
        }
        ask(process, job)
    ports = {name: answer(process) for name, process in zip(NAMES, processes, strict=True)}
    for process in processes:
        ask(process, ports)
    assert [answer(process) for process in processes] == ["connected"] * 3


def test_processes_exchange_frames_and_count_alike(
    processes: list[subprocess.Popen[str]], identities: dict[str, Identity]
) -> None:
    start(processes, identities, rounds=30)
    results = [answer(process) for process in processes]
    assert results == [{"rounds": 30, "depth": 30, "sent_bytes": 10 * 1_070_200}] * 3
    assert [process.wait(10) for process in processes] == [0, 0, 0]


def test_the_death_of_a_process_stops_the_others_and_names_it(
    processes: list[subprocess.Popen[str]], identities: dict[str, Identity]
) -> None:
    start(processes, identities, rounds=1_000_000)
    processes[1].send_signal(signal.SIGKILL)
    results = [answer(processes[p]) for p in (0, 2)]
    assert all(result["error"] in {"PeerLostError", "PeerFailedError"} for result in results)
    assert all("grace" in result["text"] for result in results)
    assert any(result["party"] == "grace" for result in results)
    assert [processes[p].wait(10) for p in (0, 2)] == [0, 0]
