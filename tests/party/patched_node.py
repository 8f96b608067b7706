"""A node's process with something wrong in it, for tests: `PATCH,... DIRECTORY PARTY`.

other-catalog: reads one more table than the others. tampered-planner: plans something else.
full-disk: there is no space for results, nor for shared tables, nor for what waits on disk.
dies-unprepared, dies-between, dies-uncommitted: the process ends before its shares of a shared
table are on disk, when all of them are, and when it shall give them their name. prepares-slowly:
waits a second for each batch of what is made ahead.
invalid-point, short-message: sends what the set-up, or a transfer, does not allow. In all of them,
a query that names the number 98765 takes long: its plan runs after 20 seconds of small rounds.
"""

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tacit.executor.party import compiling, opening, results, shared_tables, table_files
from tacit.executor.party.__main__ import main
from tacit.executor.sharing import spilling
from tacit.planner.secure import SecurePlan

SLOW = "98765"
SLOW_SECONDS = 20


def slow_run_plan() -> Callable[..., Any]:
    from tacit.executor.operators.run import run_plan

    def run(plan: SecurePlan, *, protocol: Any, watch: Any, **given: Any) -> Any:
        if SLOW in plan.statement:
            for _ in range(SLOW_SECONDS * 50):
                watch(0, "slow")
                protocol.open([protocol.constant_ring(1, 1)])
                time.sleep(0.02)
        return run_plan(plan, protocol=protocol, watch=watch, **given)

    return run


def other_catalog() -> None:
    read = opening.read_catalog
    table = "CREATE TABLE another (x BOOLEAN) OWNED BY mercy ROWS 1;"
    opening.read_catalog = lambda directory: f"{read(directory)}\n{table}\n"


def tampered_planner() -> None:
    plan = compiling.SqlCompiler.plan

    def tampered(self: Any, statement: Any, asker: str) -> SecurePlan:
        made = plan(self, statement, asker)
        root = dataclasses.replace(made.root, recipients=("registry",))
        return dataclasses.replace(made, root=root)

    compiling.SqlCompiler.plan = tampered  # type: ignore[method-assign]


def full_disk() -> None:
    write = results._write
    results._write = lambda path, table: write(Path("/dev/full"), table)
    seal = table_files.Safe.write

    def unwritten(self: Any, path: Path, *given: Any) -> None:
        seal(self, Path("/dev/full"), *given)

    table_files.Safe.write = unwritten  # type: ignore[method-assign]
    spilling._nameless = lambda directory: open("/dev/full", "r+b")  # noqa: SIM115


def dies_in(method: str) -> Callable[[], None]:
    def patch() -> None:
        setattr(shared_tables.SessionShelf, method, lambda self, *given: os._exit(1))

    return patch


def prepares_slowly() -> None:
    from tacit.executor.sharing.additive import pool

    cut = pool.batches

    def slow(kind: str, size: int, count: int) -> list[int]:
        time.sleep(1)
        return cut(kind, size, count)

    pool.batches = slow


def invalid_point() -> None:
    from tacit.executor.sharing.ot import transfers

    class Cheat(transfers.BaseSender):
        def __init__(self, context: bytes) -> None:
            super().__init__(context)
            self.message = bytes(32)

    transfers.BaseSender = Cheat  # type: ignore[misc]


def short_message() -> None:
    from tacit.executor.transport.channel import Kind
    from tacit.executor.transport.tls import TlsChannel

    send = TlsChannel.send

    def cut(self: Any, peer: int, kind: Kind, buffers: Any) -> None:
        send(self, peer, kind, buffers if kind != Kind.OT_EXTEND else [buffers[0].reshape(-1)[:-1]])

    TlsChannel.send = cut  # type: ignore[method-assign]


PATCHES = {
    "none": lambda: None,
    "other-catalog": other_catalog,
    "tampered-planner": tampered_planner,
    "full-disk": full_disk,
    "dies-unprepared": dies_in("prepare"),
    "dies-between": dies_in("vouch"),
    "dies-uncommitted": dies_in("commit"),
    "prepares-slowly": prepares_slowly,
    "invalid-point": invalid_point,
    "short-message": short_message,
}

if __name__ == "__main__":
    patches = sys.argv.pop(1)
    for name in patches.split(","):
        PATCHES[name]()
    opening.run_plan = slow_run_plan()
    sys.exit(main())
