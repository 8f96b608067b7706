"""Queries whose relations wait on disk between operators: same answers, same messages."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from in_memory import Federation, assert_same, predicted_cost
from tacit.executor.sharing import groups
from tacit.executor.sharing.spilling import Spill, prepare_directory

ROWS = 1000
CATALOG = f"""
CREATE TABLE visits (patient INTEGER CHECK (patient BETWEEN 1 AND 900), cost DECIMAL(9,2)
  CHECK (cost BETWEEN 0 AND 99999.99), day INTEGER NOT NULL CHECK (day BETWEEN 0 AND 3650))
  OWNED BY alice, bob ROWS {ROWS};
CREATE TABLE patients (patient INTEGER CHECK (patient BETWEEN 1 AND 900) PRIMARY KEY,
  sex VARCHAR(1) CHECK (sex IN ('F', 'M')),
  born INTEGER NOT NULL CHECK (born BETWEEN 1900 AND 2030))
  OWNED BY carol ROWS 900;
"""

QUERIES = {
    "filter": "SELECT SUM(cost * day) AS s FROM visits WHERE day > 100 OR cost < 500",
    "join": "SELECT sex, SUM(cost) AS s, MIN(day) AS d FROM visits JOIN patients USING (patient) "
    "WHERE born < 1990 AND day > 9 GROUP BY sex ORDER BY sex",
    "group": "SELECT COUNT(*) AS n, SUM(s) AS s FROM (SELECT day, SUM(cost) AS s FROM visits "
    "GROUP BY day) g WHERE s > 700",
    "order": "SELECT patient, cost, day FROM visits ORDER BY cost DESC, day, patient LIMIT 7",
    "again": "SELECT COUNT(*) AS n FROM visits a JOIN (SELECT patient, MAX(cost) AS m FROM visits "
    "GROUP BY patient) b ON a.patient = b.patient WHERE a.cost = b.m",
    "window": "SELECT SUM(r) AS s FROM (SELECT RANK() OVER (PARTITION BY day ORDER BY cost) AS r "
    "FROM visits) w",
}


@pytest.fixture(scope="module")
def federation() -> Federation:
    random = np.random.default_rng(5)

    def visits(count: int) -> pa.Table:
        cost = random.integers(0, 100_000, count)
        return pa.table(
            {
                "patient": random.integers(1, 901, count).astype(np.int32),
                "cost": pa.array(cost).cast(pa.decimal128(21, 2)),
                "day": random.integers(0, 3651, count).astype(np.int32),
            }
        )

    patients = pa.table(
        {
            "patient": np.arange(1, 901, dtype=np.int32),
            "sex": random.choice(["F", "M"], 900),
            "born": random.integers(1900, 2031, 900).astype(np.int32),
        }
    )
    parts = {"alice": visits(400), "bob": visits(500)}
    data = {party: {"visits": part} for party, part in parts.items()}
    return Federation(CATALOG, {**data, "carol": {"patients": patients}})


@pytest.fixture
def fresh_prices() -> Iterator[None]:
    """No price of other groups than a test's own."""
    predicted_cost.cache_clear()
    yield
    predicted_cost.cache_clear()


@pytest.mark.usefixtures("fresh_prices")
@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("group_bytes", [groups.GROUP_BYTES, 1000])
def test_relations_on_disk_change_no_answer_and_no_message(
    federation: Federation,
    name: str,
    group_bytes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With small groups there are more rounds, which are foreseen as well."""
    monkeypatch.setattr(groups, "GROUP_BYTES", group_bytes)
    sql = QUERIES[name]
    prepare_directory(tmp_path / "spill")
    spills = {p: Spill(tmp_path / "spill", p, least_bytes=1) for p in federation.members}
    plan = federation.plan(sql)
    plain = federation.query(sql, plan=plan)
    outcome = federation.query(sql, plan=plan, spills=spills)
    assert_same(outcome.table, federation.oracle(sql), ordered="ORDER BY cost" in sql)
    assert all(spill.written_bytes > 1000 for spill in spills.values())
    assert outcome.measured.rounds == plain.measured.rounds == outcome.predicted.rounds
    assert outcome.measured.messages == plain.measured.messages == outcome.predicted.messages
    assert list((tmp_path / "spill").iterdir()) == []
