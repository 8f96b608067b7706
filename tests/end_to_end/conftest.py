"""Federations in memory (tests/in_memory.py), and the data that the tests here share."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from in_memory import Federation
from records import Record, read_records

CATALOG = """
CREATE TABLE people (
    id BIGINT CHECK (id BETWEEN 1 AND 500) PRIMARY KEY,
    region VARCHAR CHECK (region IN ('north', 'south', 'east', 'west')) NOT NULL,
    born DATE CHECK (born BETWEEN DATE '1930-01-01' AND DATE '2020-12-31'),
    income DECIMAL(9,2) CHECK (income BETWEEN -5000 AND 200000),
    name VARCHAR(12)
) OWNED BY carol ROWS 50;

CREATE TABLE visits (
    person_id BIGINT CHECK (person_id BETWEEN 1 AND 600),
    day DATE CHECK (day BETWEEN DATE '2019-01-01' AND DATE '2021-12-31') NOT NULL,
    cost DECIMAL(7,2) CHECK (cost BETWEEN 0 AND 9999.99),
    ward VARCHAR CHECK (ward IN ('surgery', 'medicine', 'emergency')),
    urgent BOOLEAN NOT NULL,
    nights SMALLINT CHECK (nights BETWEEN -3 AND 40) NOT NULL
) OWNED BY alice, bob ROWS 40;

CREATE TABLE drugs (
    person_id BIGINT CHECK (person_id BETWEEN 1 AND 500) NOT NULL,
    drug VARCHAR(10) NOT NULL,
    dose INTEGER CHECK (dose BETWEEN 0 AND 1000)
) OWNED BY bob ROWS 64;

CREATE TABLE empty_table (
    id INTEGER CHECK (id BETWEEN 1 AND 9),
    note VARCHAR(4)
) OWNED BY alice ROWS 3;

CREATE TABLE ledger (
    account INTEGER CHECK (account BETWEEN 1 AND 90) NOT NULL,
    book VARCHAR(3),
    amount DECIMAL(18,2),
    big BIGINT,
    units BIGINT CHECK (units BETWEEN 0 AND 1099511627776) NOT NULL,
    price BIGINT CHECK (price BETWEEN -4000000 AND 4000000)
) OWNED BY alice, bob ROWS 20;

CREATE TABLE readings (
    person_id BIGINT CHECK (person_id BETWEEN 1 AND 500),
    taken TIMESTAMP CHECK (taken BETWEEN TIMESTAMP '2019-06-01' AND TIMESTAMP '2021-07-01'),
    value DOUBLE(2) CHECK (value BETWEEN -40 AND 120),
    fasting BOOLEAN
) OWNED BY bob ROWS 30;

CREATE TABLE courses (
    patient BIGINT CHECK (patient BETWEEN 1 AND 600) NOT NULL,
    slot SMALLINT CHECK (slot BETWEEN 1 AND 3) NOT NULL,
    drug VARCHAR(10),
    days SMALLINT CHECK (days BETWEEN 0 AND 90),
    PRIMARY KEY (patient, slot)
) OWNED BY carol ROWS 40;

CREATE TABLE employers (
    employer VARCHAR(30) PRIMARY KEY,
    city VARCHAR(20),
    staff INTEGER CHECK (staff BETWEEN 1 AND 9999) NOT NULL
) OWNED BY carol ROWS 12;

CREATE TABLE jobs (
    person_id BIGINT CHECK (person_id BETWEEN 1 AND 500) NOT NULL,
    employer VARCHAR(30),
    title VARCHAR(24) NOT NULL,
    hours SMALLINT CHECK (hours BETWEEN 0 AND 60)
) OWNED BY alice, bob ROWS 24;
"""


def _some(values: list[Any], generator: np.random.Generator, share: float) -> list[Any]:
    """The values, a share of them replaced by NULL."""
    return [None if generator.random() < share else v for v in values]


def _days(start: str, count: int, spread: int, generator: np.random.Generator) -> list[Any]:
    days = np.datetime64(start) + generator.integers(0, spread, count)
    return [d.astype(object) for d in days]


def _visits(count: int, generator: np.random.Generator) -> pa.Table:
    cents = generator.integers(0, 999999, count)
    wards = np.array(["surgery", "medicine", "emergency"])[generator.integers(0, 3, count)]
    people = generator.integers(1, 60, count)
    return pa.table(
        {
            "person_id": pa.array(_some(people.tolist(), generator, 0.1), pa.int64()),
            "day": pa.array(_days("2019-01-01", count, 1095, generator), pa.date32()),
            "cost": pa.array(
                _some([Decimal(int(c)) / 100 for c in cents], generator, 0.15),
                pa.decimal128(7, 2),
            ),
            "ward": pa.array(_some(wards.tolist(), generator, 0.2), pa.string()),
            "urgent": pa.array((generator.random(count) < 0.4).tolist(), pa.bool_()),
            "nights": pa.array(generator.integers(-3, 12, count).tolist(), pa.int16()),
        }
    )


def _ledger(count: int, generator: np.random.Generator) -> pa.Table:
    """Numbers near the ends of their types."""
    amounts = [Decimal(int(a)) / 100 for a in generator.integers(-(10**18) + 1, 10**18, count)]
    books = [["a", "b", "ccc"][k] for k in generator.integers(0, 3, count)]
    bigs = generator.integers(-(1 << 62), 1 << 62, count).tolist()
    prices = generator.integers(-4_000_000, 4_000_001, count).tolist()
    return pa.table(
        {
            "account": pa.array(generator.integers(1, 50, count).tolist(), pa.int32()),
            "book": pa.array(_some(books, generator, 0.1)),
            "amount": pa.array(_some(amounts, generator, 0.1), pa.decimal128(18, 2)),
            "big": pa.array(_some(bigs, generator, 0.2), pa.int64()),
            "units": pa.array(generator.integers(0, 1 << 40, count).tolist(), pa.int64()),
            "price": pa.array(_some(prices, generator, 0.2), pa.int64()),
        }
    )


def _readings(count: int, generator: np.random.Generator) -> pa.Table:
    """Moments to the microsecond, some of them midnights; temperatures with two decimals."""
    moments = np.datetime64("2019-06-01T00:00:00.000000") + generator.integers(
        0, 760 * 86_400_000_000, count
    )
    moments[::7] = moments[::7].astype("datetime64[D]")
    values = [round(int(v) / 100, 2) for v in generator.integers(-4000, 12000, count)]
    people = generator.integers(1, 60, count).tolist()
    taken = [m.astype(object) for m in moments]
    fasting = (generator.random(count) < 0.5).tolist()
    return pa.table(
        {
            "person_id": pa.array(_some(people, generator, 0.05), pa.int64()),
            "taken": pa.array(_some(taken, generator, 0.1), pa.timestamp("us")),
            "value": pa.array(_some(values, generator, 0.15), pa.float64()),
            "fasting": pa.array(_some(fasting, generator, 0.2), pa.bool_()),
        }
    )


def _courses(count: int, generator: np.random.Generator) -> pa.Table:
    """Up to three rows of one patient."""
    chosen = np.sort(generator.permutation(3 * 30)[:count])
    drugs = [["aspirin", "statin", "insulin"][k] for k in generator.integers(0, 3, count)]
    days = generator.integers(0, 91, count).tolist()
    return pa.table(
        {
            "patient": pa.array((chosen // 3 + 10).tolist(), pa.int64()),
            "slot": pa.array((chosen % 3 + 1).tolist(), pa.int16()),
            "drug": pa.array(_some(drugs, generator, 0.2), pa.string()),
            "days": pa.array(_some(days, generator, 0.2), pa.int16()),
        }
    )


EMPLOYERS = ["", "a", "Ålesund skipsverft", "Mill & Sons", "mill & sons", "Mill & Sons "]
"""Texts that differ by a byte, by the letter case, by a space at the end, and the empty one."""


def _employers() -> pa.Table:
    names = [*EMPLOYERS, "Northern Railway Company Limit", "Northern Railway Company Limi"]
    cities = ["Oslo", "Oslo", None, "a city with a long nam", "Oslo", "", "Rome", None]
    return pa.table(
        {
            "employer": pa.array(names),
            "city": pa.array([None if c is None else c[:20] for c in cities]),
            "staff": pa.array([7, 1, 300, 12, 12, 5, 4000, 9], pa.int32()),
        }
    )


def _jobs(count: int, generator: np.random.Generator) -> pa.Table:
    names = [*EMPLOYERS, "Northern Railway Company Limit", "nobody"]
    titles = ["clerk", "conductor of long trains", "conductor of long train"]
    hours = generator.integers(0, 61, count).tolist()
    return pa.table(
        {
            "person_id": pa.array(generator.integers(1, 50, count).tolist(), pa.int64()),
            "employer": pa.array(
                _some([names[k] for k in generator.integers(0, 8, count)], generator, 0.2)
            ),
            "title": pa.array([titles[k] for k in generator.integers(0, 3, count)]),
            "hours": pa.array(_some(hours, generator, 0.2), pa.int16()),
        }
    )


def make_data(seed: int = 7) -> dict[str, dict[str, pa.Table]]:
    """Small tables with NULLs, duplicates, unmatched keys and an empty one."""
    generator = np.random.default_rng(seed)
    ids = generator.permutation(np.arange(1, 56))[:45]
    regions = np.array(["north", "south", "east"])[generator.integers(0, 3, 45)]
    names = [None if i % 9 == 0 else f"n{i % 13}" + ("é" if i % 5 == 0 else "") for i in ids]
    incomes = [Decimal(int(c)) / 100 for c in generator.integers(-500000, 20000000, 45)]
    people = pa.table(
        {
            "id": pa.array(ids.tolist(), pa.int64()),
            "region": pa.array(regions.tolist(), pa.string()),
            "born": pa.array(
                _some(_days("1930-01-01", 45, 32000, generator), generator, 0.1), pa.date32()
            ),
            "income": pa.array(_some(incomes, generator, 0.2), pa.decimal128(9, 2)),
            "name": pa.array(names, pa.string()),
        }
    )
    drugs = pa.table(
        {
            "person_id": pa.array(generator.integers(1, 50, 60).tolist(), pa.int64()),
            "drug": pa.array(
                [["aspirin", "statin", "b", "insulin"][k] for k in generator.integers(0, 4, 60)]
            ),
            "dose": pa.array(
                _some(generator.integers(0, 1001, 60).tolist(), generator, 0.2), pa.int32()
            ),
        }
    )
    nothing = pa.table({"id": pa.array([], pa.int32()), "note": pa.array([], pa.string())})
    visits = {"alice": _visits(40, generator), "bob": _visits(33, generator)}
    others = np.random.default_rng(seed + 100)
    return {
        "alice": {
            "visits": visits["alice"],
            "empty_table": nothing,
            "ledger": _ledger(18, generator),
            "jobs": _jobs(20, others),
        },
        "bob": {
            "visits": visits["bob"],
            "drugs": drugs,
            "ledger": _ledger(20, generator),
            "readings": _readings(29, generator),
            "jobs": _jobs(24, others),
        },
        "carol": {
            "people": people,
            "courses": _courses(37, generator),
            "employers": _employers(),
        },
    }


def make_monotone_data() -> dict[str, dict[str, pa.Table]]:
    """The same row counts as `make_data`, every row of a table alike (but for primary keys)."""
    alike = {}
    for party, tables in make_data().items():
        alike[party] = {name: _alike(table, KEYS.get(name, ())) for name, table in tables.items()}
    return alike


KEYS = {
    "people": ("id",),
    "courses": ("patient", "slot"),
    "employers": ("employer",),
}
"""The columns of the primary keys, by table."""


def _alike(table: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    if table.num_rows == 0:
        return table
    first = table.slice(5, 1)
    columns = [
        table.column(name)
        if name in keys
        else pa.chunked_array([first.column(name).chunk(0)] * len(table))
        for name in table.column_names
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


@pytest.fixture(scope="session")
def federate() -> Callable[..., Federation]:
    """Makes in-memory federations."""
    return Federation


@pytest.fixture(scope="session")
def clinic() -> Federation:
    """Three parties, partitioned and unpartitioned tables, NULLs everywhere."""
    return Federation(CATALOG, make_data())


PARTIES = ("alice", "bob", "carol", "dave", "erin")


def clinic_between(
    count: int, data: dict[str, dict[str, pa.Table]], *, record: bool = False
) -> Federation:
    """The clinic's data under `additive`, between so many parties.

    Of two, alice has what is carol's; what comes after carol has no data.
    """
    catalog = CATALOG
    if count == 2:
        catalog = catalog.replace("carol", "alice")
        data = {"alice": {**data["alice"], **data["carol"]}, "bob": data["bob"]}
    return Federation(catalog, data, parties=PARTIES[:count], record=record, protocol="additive")


@pytest.fixture(scope="session")
def additive_clinics() -> Callable[[int], Federation]:
    """The clinic by the number of its parties."""
    made: dict[int, Federation] = {}

    def clinic(count: int) -> Federation:
        if count not in made:
            made[count] = clinic_between(count, make_data())
        return made[count]

    return clinic


@pytest.fixture(scope="session")
def recorded_pairs() -> list[Federation]:
    """Like `recorded_clinics`, under `additive` between two parties."""
    datasets = [make_data(), make_monotone_data()]
    return [clinic_between(2, data, record=True) for data in datasets]


@pytest.fixture(scope="session")
def recorded_clinics() -> list[Federation]:
    """Federations with the same public facts and different rows, their frames recorded."""
    datasets = [make_data(), make_data(8), make_monotone_data()]
    return [Federation(CATALOG, data, record=True) for data in datasets]


EVERY = 14
"""One record in so many is asked of three data sets in the default suite; all of them if slow."""

COSTLY = ("statistics",)
"""Files whose records take seconds: two in three are asked in the default suite."""

SAMPLES = {2: (1, 61), 3: (1, 401), 4: (37, 1009), 5: (61, 1009)}
"""Under `additive`, by the number of parties: of how many records one is asked if slow, and of how
many in the default suite."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrises tests that take `record` with every query of tests/sql, and those that take
    `error` with every record of a refusal."""
    if "error" in metafunc.fixturenames:
        errors = [record for record in read_records() if record.kind == "error"]
        metafunc.parametrize("error", errors, ids=[record.name for record in errors])
    if "record" not in metafunc.fixturenames:
        return
    if "parties" in metafunc.fixturenames:
        metafunc.parametrize(("parties", "record"), _sampled())
        return
    often = {"recorded_clinics": EVERY, "recorded_pairs": 307}
    every = max((n for name, n in often.items() if name in metafunc.fixturenames), default=1)
    cases = [
        pytest.param(record, id=record.name, marks=pytest.mark.slow if number % every else ())
        for number, record in enumerate(_queries())
    ]
    metafunc.parametrize("record", cases)


def _queries() -> list[Record]:
    return [record for record in read_records() if record.kind == "query"]


def _sampled() -> list[Any]:
    """Numbers of parties and records, as `SAMPLES` says; `slow` but for the default suite's."""
    return [
        pytest.param(
            parties,
            record,
            id=f"{parties}-{record.name}",
            marks=pytest.mark.slow if number % default else (),
        )
        for parties, (every, default) in SAMPLES.items()
        for number, record in enumerate(_queries())
        if number % every == 0 or number % default == 0
    ]
