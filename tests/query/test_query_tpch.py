"""TPC-H: the eight queries that run are parsed, printed and bound with the types of DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tacit.query import bind, format_statement, load_catalog, parse
from tacit.query.bound import Select
from tacit.query.catalog import Catalog
from tacit.query.ranges import encoding_of
from tacit.query.typerules import unparameterised

EXAMPLES = Path(__file__).parents[2] / "examples" / "tpch"
PARTIES = ("broker", "carrier", "maker")

CATALOG = """
CREATE PUBLIC TABLE region (r_regionkey BIGINT PRIMARY KEY, r_name VARCHAR(25) NOT NULL)
FROM 'region.parquet' ROWS 5;
CREATE PUBLIC TABLE nation (n_nationkey BIGINT PRIMARY KEY, n_name VARCHAR(25) NOT NULL,
    n_regionkey BIGINT NOT NULL REFERENCES region) FROM 'nation.parquet' ROWS 25;
CREATE TABLE part (
    p_partkey BIGINT PRIMARY KEY CHECK (p_partkey BETWEEN 1 AND 2000),
    p_brand VARCHAR(10) NOT NULL, p_type VARCHAR(25) NOT NULL,
    p_size INTEGER NOT NULL CHECK (p_size BETWEEN 1 AND 50), p_container VARCHAR(10) NOT NULL
) OWNED BY maker ROWS 2000;
CREATE TABLE supplier (s_suppkey BIGINT PRIMARY KEY, s_nationkey BIGINT NOT NULL)
OWNED BY maker ROWS 100;
CREATE TABLE customer (
    c_custkey BIGINT PRIMARY KEY, c_nationkey BIGINT NOT NULL, c_mktsegment VARCHAR(10) NOT NULL
) OWNED BY broker ROWS 1500;
CREATE TABLE orders (
    o_orderkey BIGINT PRIMARY KEY, o_custkey BIGINT NOT NULL, o_orderdate DATE NOT NULL,
    o_orderpriority VARCHAR(15) NOT NULL, o_shippriority INTEGER NOT NULL
) OWNED BY broker ROWS 15000;
CREATE TABLE lineitem (
    l_orderkey BIGINT NOT NULL, l_partkey BIGINT NOT NULL, l_suppkey BIGINT NOT NULL,
    l_linenumber INTEGER NOT NULL,
    l_quantity DECIMAL(15,2) NOT NULL CHECK (l_quantity BETWEEN 1 AND 50),
    l_extendedprice DECIMAL(15,2) NOT NULL CHECK (l_extendedprice BETWEEN 900 AND 105000),
    l_discount DECIMAL(15,2) NOT NULL CHECK (l_discount BETWEEN 0 AND 0.10),
    l_tax DECIMAL(15,2) NOT NULL CHECK (l_tax BETWEEN 0 AND 0.08),
    l_returnflag VARCHAR(1) NOT NULL CHECK (l_returnflag IN ('R', 'A', 'N')),
    l_linestatus VARCHAR(1) NOT NULL CHECK (l_linestatus IN ('O', 'F')),
    l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL,
    l_shipinstruct VARCHAR(25) NOT NULL, l_shipmode VARCHAR(10) NOT NULL,
    PRIMARY KEY (l_orderkey, l_linenumber)
) OWNED BY carrier ROWS 61000;
"""

COLUMNS = {
    "q01": "l_returnflag VARCHAR, l_linestatus VARCHAR, sum_qty DECIMAL(38,2), "
    "sum_base_price DECIMAL(38,2), sum_disc_price DECIMAL(38,4), sum_charge DECIMAL(38,6), "
    "avg_qty DOUBLE, avg_price DOUBLE, avg_disc DOUBLE, count_order BIGINT",
    "q03": "l_orderkey BIGINT, revenue DECIMAL(38,4), o_orderdate DATE, o_shippriority INTEGER",
    "q04": "o_orderpriority VARCHAR, order_count BIGINT",
    "q05": "n_name VARCHAR, revenue DECIMAL(38,4)",
    "q06": "revenue DECIMAL(38,4)",
    "q12": "l_shipmode VARCHAR, high_line_count HUGEINT, low_line_count HUGEINT",
    "q14": "promo_revenue DOUBLE",
    "q19": "revenue DECIMAL(38,4)",
}


@pytest.fixture(scope="module")
def tpch() -> Catalog:
    """A catalog with the columns that the queries use."""
    return load_catalog(CATALOG, parties=PARTIES)


@pytest.fixture
def bind_query(tpch: Catalog) -> Callable[[str], Select]:
    """Parses, checks the canonical text, and binds one of the queries."""

    def bind_named(name: str) -> Select:
        text = (EXAMPLES / f"{name}.sql").read_text(encoding="utf-8")
        (statement,) = parse(text)
        assert parse(format_statement(statement)) == (statement,)
        query = bind(statement, tpch, parties=PARTIES, text=text).query
        assert isinstance(query, Select)
        return query

    return bind_named


@pytest.mark.parametrize("name", COLUMNS)
def test_result_columns(bind_query: Callable[[str], Select], name: str) -> None:
    """Names and types as in DuckDB."""
    columns = bind_query(name).columns
    assert ", ".join(f"{c.name} {unparameterised(c.type)}" for c in columns) == COLUMNS[name]


def test_ranges_of_query_1(bind_query: Callable[[str], Select]) -> None:
    """The argument of sum_charge: price * (1 - discount) * (1 + tax), exact to six decimals."""
    query = bind_query("q01")
    assert [column.encoding.domain for column in query.columns[:2]] == [  # type: ignore[union-attr]
        ("A", "N", "R"),
        ("F", "O"),
    ]
    charge = query.items[5].argument  # type: ignore[attr-defined]
    assert query.relation is not None
    encoding = encoding_of(charge, {column.id: column for column in query.relation.columns})
    assert encoding is not None
    assert (encoding.lo, encoding.hi) == (90000 * 90 * 100, 10500000 * 100 * 108)


def test_limits_and_order_of_query_3(bind_query: Callable[[str], Select]) -> None:
    """ORDER BY revenue DESC, o_orderdate LIMIT 10: both are output columns."""
    query = bind_query("q03")
    assert query.limit == 10
    ids = [key.expression.id for key in query.order_by]  # type: ignore[attr-defined]
    assert ids == [query.columns[1].id, query.columns[2].id]
