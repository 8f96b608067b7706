"""Queries beyond a node's memory run through its disk, or are refused with the figure."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from in_memory import assert_same
from pyarrow import parquet
from tacit.planner.memory import NODE_BYTES
from tacit.query.errors import SessionError

COLUMNS = [f"v{place}" for place in range(16)]
JOINED = "FROM samples JOIN keys USING (k)"
ORDERED = f"SELECT k, v0, v15 {JOINED} WHERE y > 50 ORDER BY v1 DESC, k LIMIT 5"
SUMMED = f"SELECT COUNT(*) AS n, SUM(CASE WHEN y > 9 THEN v2 END) AS s {JOINED}"
WIDE = f"SELECT {', '.join(COLUMNS)} {JOINED} WHERE y > 50 ORDER BY v1 DESC, k LIMIT 5"


class Samples:
    """A fleet whose nodes may take little memory, and the same tables in DuckDB."""

    def __init__(self, start_fleet: Any, directory: Path, rows: int, limit: int) -> None:
        random = np.random.default_rng(1)
        values = {name: random.integers(0, 10**12, rows) for name in COLUMNS}
        samples = pa.table({"k": random.permutation(rows), **values})
        keys = pa.table({"k": np.arange(rows), "y": random.integers(0, 100, rows)})
        tables = {"mercy": {"samples": samples}, "grace": {"keys": keys}, "registry": {}}
        columns = "".join(
            f", {n} BIGINT NOT NULL CHECK ({n} BETWEEN 0 AND {10**12})" for n in COLUMNS
        )
        key = f"k BIGINT PRIMARY KEY CHECK (k BETWEEN 0 AND {rows})"
        (directory / "catalog.sql").write_text(
            f"CREATE TABLE samples ({key}{columns}) OWNED BY mercy ROWS {rows};"
            f"CREATE TABLE keys ({key}, y BIGINT CHECK (y BETWEEN 0 AND 99))"
            f" OWNED BY grace ROWS {rows};"
        )
        (directory / "federation.toml").write_text(
            "".join(f'[[parties]]\nname = "{party}"\n' for party in tables)
        )
        self.plain = duckdb.connect()
        for party, owned in tables.items():
            (directory / party).mkdir()
            (directory / party / "party.toml").write_text(f"max_memory_bytes = {limit}\n")
            attached = []
            for name, table in owned.items():
                parquet.write_table(table, directory / party / f"{name}.parquet")
                attached.append(f"ATTACH '{name}.parquet' AS {name};\n")
                self.plain.register(name, table)
            (directory / party / "sources.sql").write_text("".join(attached))
        self.fleet = start_fleet(directory)
        self.limit = limit
        self.parties = tuple(tables)

    def expected(self, sql: str) -> pa.Table:
        return self.plain.sql(sql).to_arrow_table()

    def forget_peaks(self) -> None:
        for party in self.parties:
            Path(f"/proc/{self.fleet.pid(party)}/clear_refs").write_text("5")

    def peak(self, party: str) -> int:
        status = Path(f"/proc/{self.fleet.pid(party)}/status").read_text()
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kilobytes) * 1024

    def left_on_disk(self, party: str) -> list[str]:
        """Files in the directory, and files without a name that the node still holds."""
        directory = self.fleet.directory / party / "spill"
        maps = Path(f"/proc/{self.fleet.pid(party)}/maps").read_text().splitlines()
        held = [line for line in maps if str(directory.resolve()) in line]
        return [*map(str, directory.iterdir()), *held]

    def spilled_bytes(self, party: str) -> int:
        """What the last query that finished put on disk."""
        lines = (self.fleet.directory / party / "audit.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return int([e["spilled_bytes"] for e in events if e["event"] == "finished"][-1])

    def check(self, sql: str) -> None:
        """The query is right, went through the disk, stayed below the limit, and left nothing."""
        self.forget_peaks()
        assert_same(self.fleet.mercy.query(sql).table, self.expected(sql), ordered=True)
        for party in self.parties:
            assert self.spilled_bytes(party) > 10**6
            assert self.peak(party) < self.limit
            assert self.left_on_disk(party) == []


@pytest.fixture(scope="module")
def samples(start_fleet: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samples]:
    small = Samples(start_fleet, tmp_path_factory.mktemp("samples"), 60_000, NODE_BYTES + 2**27)
    yield small
    small.fleet.close()


@pytest.mark.parametrize("sql", [ORDERED, SUMMED])
def test_a_query_beyond_the_memory_runs_through_the_disk(samples: Samples, sql: str) -> None:
    samples.check(sql)


def test_a_full_disk_ends_the_query_and_not_the_node(samples: Samples) -> None:
    fleet = samples.fleet
    fleet.restart("grace", "full-disk")
    with pytest.raises(SessionError, match=r"grace has no room on disk .*spill_directory"):
        fleet.mercy.query(ORDERED)
    assert all(samples.left_on_disk(party) == [] for party in samples.parties)
    table = fleet.mercy.query("SELECT COUNT(*) AS n FROM keys").table
    assert table["n"].to_pylist() == [60_000]
    fleet.restart("grace")


def test_a_node_that_was_killed_leaves_nothing_on_its_disk(samples: Samples) -> None:
    fleet = samples.fleet
    fleet.nodes.processes["grace"].kill()
    fleet.restart("grace")
    samples.check(SUMMED)


@pytest.mark.slow
def test_a_query_of_many_times_the_memory(start_fleet: Any, tmp_path: Path) -> None:
    """A sort of wide rows behind a join, which is refused with everything in memory."""
    large = Samples(start_fleet, tmp_path, 300_000, 850 * 2**20)
    try:
        large.check(WIDE)
    finally:
        large.fleet.close()
