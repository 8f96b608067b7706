"""TPC-H for federations: data from tpchgen-cli, dealt to the parties, with a catalog.

Layouts: `vertical` (broker: customer, orders; carrier: lineitem; maker: part, partsupp, supplier)
and `horizontal` (every party has a random third of the rows of each of these tables); nation and
region are public in both. In `shared` nobody has a table that a query names: the tables are owned
as in `vertical` under other names (customer_source), nation and region by the broker, and become
shared tables before the first query. `two` runs between two parties who trust nobody else (broker:
customer, orders, part; carrier: lineitem, partsupp, supplier; nation and region are public). The
catalog's bounds come from the specification, never from the data.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq

QUERIES = tuple(range(1, 23))
LAYOUTS = ("vertical", "horizontal", "shared")
"""Those of three parties, in which every query runs."""
TWO = "two"
TWO_PARTY_QUERIES = (1, 3, 6, 12, 14)
"""The queries that the suites ask of two parties: the others take minutes."""
PARTIES = ("broker", "carrier", "maker")
PUBLIC = ("region", "nation")
OWNERS = {
    "part": "maker",
    "supplier": "maker",
    "partsupp": "maker",
    "customer": "broker",
    "orders": "broker",
    "lineitem": "carrier",
}
TWO_OWNERS = {
    table: "carrier" if owner == "maker" else owner for table, owner in OWNERS.items()
} | {"part": "broker"}
TABLES = (*PUBLIC, *OWNERS)
SOURCE = "_source"
"""What follows the name of an owned table whose rows become a shared table."""
SEED = 1992


def generate(scale: float, cache: Path | None = None) -> Path:
    """The directory with one Parquet file per table at that scale factor; made once."""
    root = cache or Path.home() / ".cache" / "tacit" / "tpch"
    directory = root / f"sf{scale:g}"
    if not directory.exists():
        unfinished = root / f"sf{scale:g}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        beside = Path(sys.executable).with_name("tpchgen-cli")
        program = str(beside) if beside.exists() else "tpchgen-cli"
        options = ["--scale-factor", f"{scale:g}", "--output-dir", str(unfinished), "--quiet"]
        subprocess.run([program, "parquet", *options], check=True, capture_output=True)
        _keep_one_of_each_key(unfinished / "partsupp.parquet")
        unfinished.rename(directory)
    return directory


def _keep_one_of_each_key(partsupp: Path) -> None:
    """Drops rows that repeat a key: with fewer than 40 suppliers, the generator makes some."""
    rows = duckdb.read_parquet(str(partsupp)).to_arrow_table()
    once = duckdb.sql(
        "SELECT DISTINCT ON (ps_partkey, ps_suppkey) * FROM rows"
        " ORDER BY ps_partkey, ps_suppkey, ps_availqty, ps_supplycost"
    ).to_arrow_table()
    if len(once) < len(rows):
        pq.write_table(once, partsupp)


def query_text(number: int) -> str:
    """The text of one of the queries, from examples/tpch."""
    path = Path(__file__).parent.parent / "examples" / "tpch" / f"q{number:02}.sql"
    return path.read_text(encoding="utf-8")


def parties_of(layout: str) -> tuple[str, ...]:
    """The parties of a layout, in the order of their compute index."""
    _check(layout)
    return PARTIES[:2] if layout == TWO else PARTIES


def protocol_of(layout: str) -> str:
    """The protocol that a layout's parties compute by."""
    _check(layout)
    return "additive" if layout == TWO else "replicated"


def _check(layout: str) -> None:
    known = (*LAYOUTS, TWO)
    if layout not in known:
        raise ValueError(f"unknown layout {layout}: {', '.join(known)}")


def preparation(layout: str) -> tuple[str, ...]:
    """The statements that are run once, in this order, before any query of a layout."""
    _check(layout)
    if layout != "shared":
        return ()
    return tuple(
        f"CREATE SHARED TABLE IF NOT EXISTS {table} AS SELECT * FROM {table}{SOURCE}"
        for table in TABLES
    )


def _owners(layout: str, table: str) -> tuple[str, ...]:
    """Who owns a table, in the order of its parts; nobody if it is public."""
    if table in PUBLIC:
        return ("broker",) if layout == "shared" else ()
    if layout == "horizontal":
        return PARTIES
    return (TWO_OWNERS[table] if layout == TWO else OWNERS[table],)


def write_federation(layout: str, scale: float, target: Path, *, data: Path) -> Path:
    """Writes catalog.sql, the public tables, and each party's files and sources.sql to `target`.

    federation.toml names the protocol. `data` is what `generate` returned for that scale. Returns
    `target`.
    """
    parties = parties_of(layout)
    target.mkdir(parents=True, exist_ok=True)
    sources: dict[str, list[str]] = {party: [] for party in parties}
    suffix = SOURCE if layout == "shared" else ""
    for table in TABLES:
        parts = _owners(layout, table)
        if not parts:
            shutil.copy(data / f"{table}.parquet", target)
        for position, party in enumerate(parts):
            (target / party).mkdir(exist_ok=True)
            file = target / party / f"{table}{suffix}.parquet"
            _write_part(data / f"{table}.parquet", file, position, len(parts))
            sources[party].append(f"ATTACH '{file.name}' AS {table}{suffix};\n")
    for party, lines in sources.items():
        (target / party / "sources.sql").write_text("".join(lines), encoding="utf-8")
    text = catalog_sql(layout, scale, _row_bounds(layout, data))
    (target / "catalog.sql").write_text(text, encoding="utf-8")
    protocol = f'protocol = "{protocol_of(layout)}"\n'
    (target / "federation.toml").write_text(protocol, encoding="utf-8")
    return target


def _write_part(source: Path, file: Path, position: int, parts: int) -> None:
    """One party's rows: a random part (fixed seed, independent per table), in the file's order."""
    if parts == 1:
        shutil.copy(source, file)
        return
    whole = duckdb.read_parquet(str(source)).to_arrow_table()
    generator = np.random.default_rng([SEED, zlib.crc32(source.stem.encode())])
    dealt = np.array_split(generator.permutation(len(whole)), parts)[position]
    pq.write_table(whole.take(np.sort(dealt)), file)


def _row_bounds(layout: str, data: Path) -> dict[str, int]:
    """ROWS per owner: the generator's counts; lineitem rounded up to the next thousand."""
    parts = len(PARTIES) if layout == "horizontal" else 1
    bounds = {}
    for table in TABLES:
        rows = pq.read_metadata(data / f"{table}.parquet").num_rows
        rows = rows if table in PUBLIC else math.ceil(rows / parts)
        bounds[table] = math.ceil(rows / 1000) * 1000 if table == "lineitem" else rows
    return bounds


def catalog_sql(layout: str, scale: float, rows: dict[str, int]) -> str:
    """The catalog of a layout at a scale factor, with the specification's bounds."""
    statements = []
    for table in TABLES:
        columns = ",\n".join(f"    {line}" for line in _columns(scale)[table])
        owners = ", ".join(_owners(layout, table))
        if not owners:
            statements.append(
                f"CREATE PUBLIC TABLE {table} (\n{columns}\n) FROM '{table}.parquet'"
                f" ROWS {rows[table]};\n"
            )
            continue
        name = table
        if layout == "shared":
            name = table + SOURCE
            columns = re.sub(r"REFERENCES (\w+)", rf"REFERENCES \1{SOURCE}", columns)
        statements.append(
            f"CREATE TABLE {name} (\n{columns}\n) OWNED BY {owners} ROWS {rows[table]};\n"
        )
    return "\n".join(statements)


def _number(name: str, kind: str, low: str | int, high: str | int) -> str:
    return f"{name} {kind} NOT NULL CHECK ({name} BETWEEN {low} AND {high})"


def _money(name: str, low: str | int, high: str | int) -> str:
    return _number(name, "DECIMAL(15,2)", low, high)


def _day(name: str, high: str = "1998-12-31") -> str:
    return _number(name, "DATE", "DATE '1992-01-01'", f"DATE '{high}'")


def _text(name: str, length: int) -> str:
    return f"{name} VARCHAR({length}) NOT NULL"


def _domain(name: str, *values: str) -> str:
    longest = max(map(len, values))
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{name} VARCHAR({longest}) NOT NULL CHECK ({name} IN ({listed}))"


def _key(name: str, count: float, first: int = 1) -> str:
    return _number(name, "BIGINT", first, max(first, math.ceil(count)))


def _columns(scale: float) -> dict[str, list[str]]:
    """Every table's columns and constraints, in the generator's order of columns."""
    customers, orders, parts, suppliers = (n * scale for n in (150_000, 6_000_000, 200_000, 10_000))
    return {
        "region": [
            f"{_key('r_regionkey', 4, 0)} PRIMARY KEY",
            _domain("r_name", *REGIONS),
            _text("r_comment", 152),
        ],
        "nation": [
            f"{_key('n_nationkey', 24, 0)} PRIMARY KEY",
            _domain("n_name", *NATIONS),
            f"{_key('n_regionkey', 4, 0)} REFERENCES region",
            _text("n_comment", 152),
        ],
        "part": [
            f"{_key('p_partkey', parts)} PRIMARY KEY",
            _text("p_name", 55),
            _domain("p_mfgr", *(f"Manufacturer#{m}" for m in range(1, 6))),
            _domain("p_brand", *(f"Brand#{m}{n}" for m in range(1, 6) for n in range(1, 6))),
            _domain("p_type", *(f"{a} {b} {c}" for a in SIZES for b in FINISHES for c in METALS)),
            _number("p_size", "INTEGER", 1, 50),
            _domain("p_container", *(f"{a} {b}" for a in CONTAINER_SIZES for b in CONTAINERS)),
            _money("p_retailprice", 900, 2100),
            _text("p_comment", 23),
        ],
        "supplier": [
            f"{_key('s_suppkey', suppliers)} PRIMARY KEY",
            _text("s_name", 25),
            _text("s_address", 40),
            f"{_key('s_nationkey', 24, 0)} REFERENCES nation",
            _text("s_phone", 15),
            _money("s_acctbal", "-999.99", "9999.99"),
            _text("s_comment", 101),
        ],
        "partsupp": [
            f"{_key('ps_partkey', parts)} REFERENCES part",
            f"{_key('ps_suppkey', suppliers)} REFERENCES supplier",
            _number("ps_availqty", "INTEGER", 1, 9999),
            _money("ps_supplycost", 1, 1000),
            _text("ps_comment", 199),
            "PRIMARY KEY (ps_partkey, ps_suppkey)",
        ],
        "customer": [
            f"{_key('c_custkey', customers)} PRIMARY KEY",
            _text("c_name", 25),
            _text("c_address", 40),
            f"{_key('c_nationkey', 24, 0)} REFERENCES nation",
            _text("c_phone", 15),
            _money("c_acctbal", "-999.99", "9999.99"),
            _domain("c_mktsegment", *SEGMENTS),
            _text("c_comment", 117),
        ],
        "orders": [
            f"{_key('o_orderkey', orders)} PRIMARY KEY",
            f"{_key('o_custkey', customers)} REFERENCES customer",
            _domain("o_orderstatus", "F", "O", "P"),
            _money("o_totalprice", 800, 600_000),
            _day("o_orderdate", "1998-08-02"),
            _domain("o_orderpriority", *PRIORITIES),
            _text("o_clerk", 15),
            _number("o_shippriority", "INTEGER", 0, 0),
            _text("o_comment", 79),
        ],
        "lineitem": [
            f"{_key('l_orderkey', orders)} REFERENCES orders",
            f"{_key('l_partkey', parts)} REFERENCES part",
            f"{_key('l_suppkey', suppliers)} REFERENCES supplier",
            _number("l_linenumber", "INTEGER", 1, 7),
            _money("l_quantity", 1, 50),
            _money("l_extendedprice", 900, 105_000),
            _money("l_discount", 0, "0.10"),
            _money("l_tax", 0, "0.08"),
            _domain("l_returnflag", "A", "N", "R"),
            _domain("l_linestatus", "F", "O"),
            _day("l_shipdate"),
            _day("l_commitdate"),
            _day("l_receiptdate"),
            _domain("l_shipinstruct", *INSTRUCTIONS),
            _domain("l_shipmode", *MODES),
            _text("l_comment", 44),
            "PRIMARY KEY (l_orderkey, l_linenumber)",
            "FOREIGN KEY (l_partkey, l_suppkey) REFERENCES partsupp (ps_partkey, ps_suppkey)",
        ],
    }


# The specification's word lists (4.2.2.13 and 4.2.3).
REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
NATIONS = (
    "ALGERIA", "ARGENTINA", "BRAZIL", "CANADA", "EGYPT", "ETHIOPIA", "FRANCE", "GERMANY", "INDIA",
    "INDONESIA", "IRAN", "IRAQ", "JAPAN", "JORDAN", "KENYA", "MOROCCO", "MOZAMBIQUE", "PERU",
    "CHINA", "ROMANIA", "SAUDI ARABIA", "VIETNAM", "RUSSIA", "UNITED KINGDOM", "UNITED STATES",
)  # fmt: skip
SIZES = ("STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO")
FINISHES = ("ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED")
METALS = ("TIN", "NICKEL", "BRASS", "STEEL", "COPPER")
CONTAINER_SIZES = ("SM", "LG", "MED", "JUMBO", "WRAP")
CONTAINERS = ("CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM")
SEGMENTS = ("AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY")
PRIORITIES = ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")
INSTRUCTIONS = ("COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN")
MODES = ("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK")
