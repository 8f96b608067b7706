"""Texts that leave their owners as keyed hashes: the key, the hash, and what is told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from in_memory import Federation, MemorySource
from tacit.planner import explain_privacy
from tacit.planner.hashing import HASH_BITS, keyed_hash_sql
from tacit.planner.secure import Fragment, Join, children

CATALOG = """
CREATE TABLE people (mail VARCHAR UNIQUE, born SMALLINT CHECK (born BETWEEN 1900 AND 2030))
    OWNED BY alice ROWS 6;
CREATE TABLE orders (mail VARCHAR, total SMALLINT CHECK (total BETWEEN 0 AND 99))
    OWNED BY bob ROWS 5;
"""

LONG = "x" * 200

DATA = {
    "alice": {
        "people": pa.table(
            {
                "mail": ["a@b.c", "", None, LONG, LONG + " ", "ä"],
                "born": pa.array([1950, 1960, 1970, 1980, 1990, 2000], pa.int16()),
            }
        )
    },
    "bob": {
        "orders": pa.table(
            {
                "mail": ["a@b.c", LONG, "", None, "A@b.c"],
                "total": pa.array([1, 2, 3, 4, 5], pa.int16()),
            }
        )
    },
}

JOINED = "SELECT p.born, o.total FROM orders o JOIN people p ON o.mail = p.mail"


class Listening(MemorySource):
    """Notes the parameters that its fragments were given."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        super().__init__(tables)
        self.heard: list[Mapping[str, str] | None] = []

    def execute(self, sql: str, parameters: Mapping[str, str] | None = None) -> pa.Table:
        self.heard.append(parameters)
        return super().execute(sql, parameters)


def federation(protocol: str, parties: tuple[str, ...]) -> Federation:
    made = Federation(CATALOG, DATA, parties=parties, protocol=protocol)
    made.sources = {p: Listening(DATA.get(p, {})) for p in parties}
    return made


@pytest.mark.parametrize(
    ("protocol", "parties"),
    [("replicated", ("alice", "bob", "carol")), ("additive", ("alice", "bob"))],
)
def test_owners_share_a_key_that_is_fresh_in_every_run(
    protocol: str, parties: tuple[str, ...]
) -> None:
    made = federation(protocol, parties)
    for _ in range(2):
        made.check(JOINED)
    sources: list[Any] = [made.sources["alice"], made.sources["bob"]]
    (first, second), (other_first, other_second) = (source.heard for source in sources)
    assert first == other_first
    assert second == other_second
    assert first != second
    assert len(bytes.fromhex(first["hash_key"])) == 16


@pytest.mark.parametrize("protocol", ["replicated", "additive"])
def test_owners_beside_the_compute_parties_are_told_the_key(protocol: str) -> None:
    parties = ("alice", "helper", "other") if protocol == "replicated" else ("alice", "helper")
    made = Federation(CATALOG, DATA, parties=parties, outsiders=("bob",), protocol=protocol)
    outcome = made.check(JOINED)
    assert outcome.measured == outcome.predicted


def test_texts_without_a_bound_are_joined_but_not_shown() -> None:
    made = federation("replicated", ("alice", "bob", "carol"))
    assert sorted(made.query(JOINED).table.column("total").to_pylist()) == [1, 2, 3]
    with pytest.raises(Exception, match="no public bound"):
        made.plan(JOINED.replace("p.born", "p.mail"))


def test_the_plan_has_hashes_for_keys_and_says_so() -> None:
    made = federation("replicated", ("alice", "bob", "carol"))
    plan = made.plan(JOINED)
    assert plan.digest == made.plan(JOINED).digest
    (join,) = [o for o in _all(plan.root) if isinstance(o, Join)]
    by_id = {c.id: c for c in (*join.probe.columns, *join.build.columns)}
    widths = [by_id[i].encoding.width for i in (*join.probe_keys, *join.build_keys)]
    assert widths == [HASH_BITS, HASH_BITS]
    assert all(o.keyed for o in _all(plan.root) if isinstance(o, Fragment))
    assert "a random key" in explain_privacy(plan, made.catalog)


def test_a_query_without_hashes_draws_no_key() -> None:
    made = federation("replicated", ("alice", "bob", "carol"))
    made.check("SELECT MAX(p.born + o.total) AS m FROM orders o JOIN people p ON p.born > o.total")
    assert made.sources["alice"].heard == [None]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "a", "ä€𝄞", "'\"$hash_key", LONG])
def test_the_hash_is_the_head_of_sha256(text: str) -> None:
    key = "00ff" * 8
    sql = f"SELECT {keyed_hash_sql('$text')}"
    (row,) = duckdb.connect().execute(sql, {"hash_key": key, "text": text}).fetchall()
    digest = hashlib.sha256((key + text).encode()).digest()
    assert row == (int.from_bytes(digest[: HASH_BITS // 8], "big"),)


def test_the_hash_of_null_is_null() -> None:
    sql = f"SELECT {keyed_hash_sql('CAST(NULL AS VARCHAR)')}"
    assert duckdb.connect().execute(sql, {"hash_key": "00"}).fetchall() == [(None,)]


def _all(operator: Any) -> list[Any]:
    return [operator, *(inner for child in children(operator) for inner in _all(child))]
