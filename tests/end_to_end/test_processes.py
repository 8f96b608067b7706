"""Some records of tests/sql over three real nodes, with mutual TLS between their processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from in_memory import Federation, assert_same
from records import Record, read_records
from tacit.executor.client.client import Client
from tacit.executor.client.local import LocalFederation, create_local

AT_LEAST = 25


def chosen() -> list[Record]:
    """A query of three files in five, at another place in each; none behind a statement."""
    by_file: dict[str, list[Record]] = {}
    for record in read_records():
        if record.kind == "query" and record.script == record.sql:
            by_file.setdefault(record.file, []).append(record)
    return [
        records[(number * 7) % len(records)]
        for number, records in enumerate(by_file.values())
        if number % 5 < 3
    ]


SCRIPT = (
    "CREATE SHARED TABLE stays AS SELECT v.*, p.region FROM visits v JOIN people p"
    " ON v.person_id = p.id",
    "SELECT ward, region, count(*) AS n, sum(cost) AS cost FROM stays GROUP BY ward, region",
    "CREATE OR REPLACE SHARED TABLE stays AS SELECT region, avg(nights) AS nights FROM stays"
    " GROUP BY region",
    "SELECT region, nights FROM stays",
    "DROP TABLE stays",
)
"""Statements and queries, in order."""


def write_example(clinic: Federation, directory: Path) -> None:
    """The clinic as files: a catalog, and each party's tables in Parquet."""
    (directory / "catalog.sql").write_text(clinic.catalog_sql, encoding="utf-8")
    for party, tables in clinic.data.items():
        (directory / party).mkdir()
        for name, table in tables.items():
            pq.write_table(table, directory / party / f"{name}.parquet")
        attached = "".join(f"ATTACH '{name}.parquet' AS {name};\n" for name in tables)
        (directory / party / "sources.sql").write_text(attached, encoding="utf-8")


@pytest.fixture(scope="module")
def clients(
    clinic: Federation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Client]]:
    """A client of each party of the running clinic."""
    example = tmp_path_factory.mktemp("clinic")
    write_example(clinic, example)
    target = create_local(example, target=example / "federation")
    with LocalFederation.start(target) as running:
        opened = {party: running.client(party) for party in clinic.parties}
        yield opened
        for client in opened.values():
            client.close()


def answer(client: Client, sql: str) -> pa.Table:
    result: Any = client.query(sql)
    assert result.rounds == result.predicted.total.rounds
    return result.table


def test_enough_records_are_chosen() -> None:
    assert len(chosen()) >= AT_LEAST


@pytest.mark.parametrize("some", chosen(), ids=lambda record: record.name)
def test_real_nodes_answer_as_duckdb_does(
    some: Record, clients: dict[str, Client], clinic: Federation
) -> None:
    found = answer(clients["alice"], some.sql)
    assert_same(found, clinic.oracle(some.sql), ordered=some.remark == "ordered")


def test_real_nodes_keep_shared_tables(clients: dict[str, Client], clinic: Federation) -> None:
    """Made by one party, read by another, made anew of itself, dropped by the third."""
    make, read, make_anew, read_anew, drop = SCRIPT
    clients["alice"].query(make)
    assert_same(answer(clients["bob"], read), clinic.oracle(f"{make};{read}"), ordered=False)
    clients["bob"].query(make_anew)
    table = clinic.oracle(f"{make};{make_anew};{read_anew}")
    assert_same(answer(clients["carol"], read_anew), table, ordered=False)
    clients["carol"].query(drop)
    assert "stays" not in clients["alice"].catalog().tables
