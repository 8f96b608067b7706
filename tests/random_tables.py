"""The tables that random queries are asked of, and random rows for them.

Rows hold NULLs, duplicates, unmatched keys and values at the declared bounds; tables may be empty
or hold a single row.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

CATALOG = """
CREATE TABLE person (
    id INTEGER CHECK (id BETWEEN 1 AND 12) PRIMARY KEY,
    region VARCHAR CHECK (region IN ('a', 'b', 'c')) NOT NULL,
    age TINYINT CHECK (age BETWEEN -5 AND 120),
    income DECIMAL(8,2) CHECK (income BETWEEN -5000 AND 90000.5),
    born DATE CHECK (born BETWEEN DATE '1900-01-01' AND DATE '2030-12-31'),
    name VARCHAR(5),
    vip BOOLEAN
) OWNED BY carol ROWS 12;

CREATE TABLE city (
    region VARCHAR CHECK (region IN ('a', 'b', 'c', 'd')),
    size BIGINT CHECK (size BETWEEN 0 AND 5000000000) NOT NULL,
    founded DATE CHECK (founded BETWEEN DATE '0900-01-01' AND DATE '2020-12-31'),
    coast BOOLEAN NOT NULL
) OWNED BY carol ROWS 5;

CREATE TABLE item (
    person INTEGER CHECK (person BETWEEN 0 AND 14),
    qty SMALLINT CHECK (qty BETWEEN -20 AND 20) NOT NULL,
    price DECIMAL(6,2) CHECK (price BETWEEN -999.99 AND 999.99),
    kind VARCHAR CHECK (kind IN ('b', 'c', 'd', '')),
    label VARCHAR(3) NOT NULL,
    sold DATE CHECK (sold BETWEEN DATE '1999-01-01' AND DATE '2021-12-31') NOT NULL,
    weight DOUBLE(2) CHECK (weight BETWEEN -50 AND 50),
    ok BOOLEAN NOT NULL
) OWNED BY alice, bob ROWS 9;

CREATE TABLE stock (
    shop TINYINT CHECK (shop BETWEEN 1 AND 4),
    kind VARCHAR CHECK (kind IN ('b', 'c', 'd', '')),
    amount INTEGER,
    since TIMESTAMP CHECK (since BETWEEN TIMESTAMP '1990-01-01 00:00:00'
        AND TIMESTAMP '2030-01-01 00:00:00'),
    PRIMARY KEY (shop, kind)
) OWNED BY bob ROWS 10;

CREATE TABLE note (
    person BIGINT CHECK (person BETWEEN 1 AND 13) NOT NULL,
    score BIGINT CHECK (score BETWEEN -1000000000000 AND 1000000000000),
    rate DECIMAL(4,3) CHECK (rate BETWEEN 0 AND 1) NOT NULL,
    mark VARCHAR(2),
    seen TIMESTAMP CHECK (seen BETWEEN TIMESTAMP '1990-01-01 00:00:00'
        AND TIMESTAMP '2030-01-01 00:00:00') NOT NULL
) OWNED BY alice ROWS 11;

CREATE PUBLIC TABLE zone (
    region VARCHAR CHECK (region IN ('a', 'b', 'c', 'd')) PRIMARY KEY,
    factor DECIMAL(3,1) CHECK (factor BETWEEN -1 AND 9.5),
    climate VARCHAR(4)
) FROM 'zone.csv' ROWS 3;
"""


ZONES = pa.table(
    {
        "region": ["a", "b", "d"],
        "factor": pa.array([Decimal("1.5"), None, Decimal("-1.0")], pa.decimal128(3, 1)),
        "climate": pa.array([None, "dry", "é"]),
    }
)


class Rows:
    """Random columns of one length."""

    def __init__(self, generator: np.random.Generator, count: int) -> None:
        self.generator = generator
        self.count = count

    def integers(self, low: int, high: int, edge: float = 0.2) -> list[int]:
        """Numbers of a small pool within the bounds, at times the bounds themselves."""
        pool = self.generator.integers(low, high + 1, 6)
        pick = pool[self.generator.integers(0, 6, self.count)]
        edges = np.where(self.generator.random(self.count) < 0.5, low, high)
        at_edge = self.generator.random(self.count) < edge
        return [int(v) for v in np.where(at_edge, edges, pick)]

    def mapped(self, values: list[int], make: Callable[[int], Any]) -> list[Any]:
        return [make(v) for v in values]

    def decimals(self, low: int, high: int, scale: int) -> list[Decimal]:
        return [Decimal(v).scaleb(-scale) for v in self.integers(low, high)]

    def dates(self, first: str, last: str) -> list[datetime.date]:
        low, high = (datetime.date.fromisoformat(d).toordinal() for d in (first, last))
        return [datetime.date.fromordinal(v) for v in self.integers(low, high)]

    def moments(self) -> list[datetime.datetime]:
        start = datetime.datetime(1990, 1, 1)
        span = (datetime.datetime(2030, 1, 1) - start) // datetime.timedelta(microseconds=1)
        return [start + datetime.timedelta(microseconds=v) for v in self.integers(0, span)]

    def words(self, words: list[str]) -> list[str]:
        return [words[k] for k in self.generator.integers(0, len(words), self.count)]

    def truths(self) -> list[bool]:
        return [bool(v) for v in self.generator.random(self.count) < 0.5]

    def some(self, values: list[Any], share: float = 0.25) -> list[Any]:
        """The values, a share of them replaced by NULL."""
        return [None if self.generator.random() < share else v for v in values]


def _people(r: Rows) -> pa.Table:
    ids = r.generator.permutation(np.arange(1, 13))[: r.count]
    return pa.table(
        {
            "id": pa.array(ids.tolist(), pa.int32()),
            "region": pa.array(r.words(["a", "b", "c"]), pa.string()),
            "age": pa.array(r.some(r.integers(-5, 120)), pa.int8()),
            "income": pa.array(r.some(r.decimals(-500000, 9000050, 2)), pa.decimal128(8, 2)),
            "born": pa.array(r.some(r.dates("1900-01-01", "2030-12-31")), pa.date32()),
            "name": pa.array(r.some(r.words(["", "b", "ab", "abé", "zzzzz", "a_c"])), pa.string()),
            "vip": pa.array(r.some(r.truths()), pa.bool_()),
        }
    )


def _cities(r: Rows) -> pa.Table:
    return pa.table(
        {
            "region": pa.array(r.some(r.words(["a", "b", "d"])), pa.string()),
            "size": pa.array(r.integers(0, 5000000000), pa.int64()),
            "founded": pa.array(r.some(r.dates("0900-01-01", "2020-12-31")), pa.date32()),
            "coast": pa.array(r.truths(), pa.bool_()),
        }
    )


def _items(r: Rows) -> pa.Table:
    return pa.table(
        {
            "person": pa.array(r.some(r.integers(0, 14)), pa.int32()),
            "qty": pa.array(r.integers(-20, 20, 0.1), pa.int16()),
            "price": pa.array(r.some(r.decimals(-99999, 99999, 2)), pa.decimal128(6, 2)),
            "kind": pa.array(r.some(r.words(["b", "c", ""])), pa.string()),
            "label": pa.array(r.words(["", "b", "ab", "abc", "é"]), pa.string()),
            "sold": pa.array(r.dates("1999-01-01", "2021-12-31"), pa.date32()),
            "weight": pa.array(r.some([v / 100 for v in r.integers(-5000, 5000)]), pa.float64()),
            "ok": pa.array(r.truths(), pa.bool_()),
        }
    )


def _stock(r: Rows) -> pa.Table:
    pairs = [(shop, kind) for shop in range(1, 5) for kind in ("b", "c", "d", "")]
    chosen = [pairs[k] for k in r.generator.permutation(len(pairs))[: r.count]]
    return pa.table(
        {
            "shop": pa.array([shop for shop, _ in chosen], pa.int8()),
            "kind": pa.array([kind for _, kind in chosen], pa.string()),
            "amount": pa.array(r.some(r.integers(-(2**31), 2**31 - 1)), pa.int32()),
            "since": pa.array(r.some(r.moments()), pa.timestamp("us")),
        }
    )


def _notes(r: Rows) -> pa.Table:
    return pa.table(
        {
            "person": pa.array(r.integers(1, 13), pa.int64()),
            "score": pa.array(r.some(r.integers(-(10**12), 10**12)), pa.int64()),
            "rate": pa.array(r.decimals(0, 1000, 3), pa.decimal128(4, 3)),
            "mark": pa.array(r.some(r.words(["", "b", "ab", "é"])), pa.string()),
            "seen": pa.array(r.moments(), pa.timestamp("us")),
        }
    )


def random_data(seed: int) -> dict[str, dict[str, pa.Table]]:
    """`data[party][table]` for the catalog above."""
    generator = np.random.default_rng(seed)

    def rows(bound: int) -> Rows:
        count = generator.choice([0, 1, bound // 2, bound, bound], p=[0.1, 0.1, 0.2, 0.3, 0.3])
        return Rows(generator, int(count))

    return {
        "alice": {"item": _items(rows(9)), "note": _notes(rows(11)), "zone": ZONES},
        "bob": {"item": _items(rows(9)), "stock": _stock(rows(10)), "zone": ZONES},
        "carol": {"person": _people(rows(12)), "city": _cities(rows(5)), "zone": ZONES},
    }
