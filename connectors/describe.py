"""`CREATE TABLE` proposals for files, so that nobody types forty columns."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..query.errors import ConfigurationError
from .files import DATABASES, RawColumn, RawRelation, only_table, open_file
from .spelling import quote_name, quote_text

if TYPE_CHECKING:
    import duckdb

DOMAIN_LIMIT = 50
LARGEST_SCALE = 6
BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
UNSIGNED = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "HUGEINT",
}
NOTE = """\
-- Everything below becomes public in the federation: bounds, domains and ROWS were taken from the
-- data (rounded outwards) and must be reviewed. Widen whatever tells too much; drop what nobody
-- needs to query.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one scan says about a column."""

    rows: int
    nulls: int
    distinct: int
    least: Any
    greatest: Any

    @property
    def unique(self) -> bool:
        return self.distinct == self.rows > 0


def describe_file(path: Path, *, table: str | None = None, owner: str | None = None) -> str:
    """Proposes a CREATE TABLE statement for a file: types, bounds, domains, NOT NULL, key, ROWS.

    `table` defaults to the file's name, `owner` to the word `owner`. A database file holds several
    tables: `table` says which (its only one unless given). Errors: ConfigurationError.
    """
    import duckdb

    path = path.resolve()
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
    try:
        inner = None
        if path.suffix.lower() in DATABASES:
            inner = table = table or only_table(connection, path)
        name = _identifier(table or path.stem)
        relation = open_file(connection, path, "tacit_file", inner_table=inner, detect_types=True)
        facts = _facts(connection, relation)
        return _statement(connection, relation, facts, name, owner or "owner")
    except duckdb.Error as error:
        kind = type(error).__name__
        raise ConfigurationError(f"{path} cannot be described ({kind})") from None
    finally:
        connection.close()


def _statement(
    connection: duckdb.DuckDBPyConnection,
    relation: RawRelation,
    facts: list[Facts],
    name: str,
    owner: str,
) -> str:
    key = _key(relation, facts)
    lines: list[str] = []
    left_out: list[str] = []
    for column, fact in zip(relation.columns, facts, strict=True):
        declared = _declaration(connection, relation, column, fact)
        if declared is None:
            left_out.append(f"-- {column.name} is {column.type}, which has no declaration.\n")
            continue
        rest = " PRIMARY KEY" if column is key else " NOT NULL" if not fact.nulls else ""
        rest += " UNIQUE" if column is not key and _may_be_key(column, fact) else ""
        lines.append(f"    {_identifier(column.name)} {declared}{rest}")
    rows = _outwards(Decimal(max(1, facts[0].rows if facts else 1)), up=True)
    columns = ",\n".join(lines)
    note = NOTE + "".join(left_out)
    return f"{note}CREATE TABLE {name} (\n{columns}\n) OWNED BY {owner} ROWS {rows};\n"


def _facts(connection: duckdb.DuckDBPyConnection, relation: RawRelation) -> list[Facts]:
    """One scan for all columns."""
    items = ["count(*)"]
    for column in relation.columns:
        name = quote_name(column.name)
        least = f"min(strlen({name}))" if _is_text(column) else f"min({name})"
        greatest = f"max(strlen({name}))" if _is_text(column) else f"max({name})"
        items += [f"count({name})", f"count(DISTINCT {name})", least, greatest]
    (row,) = connection.execute(f"SELECT {', '.join(items)} FROM {relation.sql}").fetchall()
    return [
        Facts(rows=row[0], nulls=row[0] - row[i], distinct=row[i + 1], least=row[i + 2],
              greatest=row[i + 3])
        for i in range(1, len(row), 4)
    ]  # fmt: skip


def _is_text(column: RawColumn) -> bool:
    return column.type == "VARCHAR" or column.type.startswith("ENUM(")


def _may_be_key(column: RawColumn, fact: Facts) -> bool:
    return fact.unique and (column.type in (*BITS, *UNSIGNED) or _is_text(column))


def _key(relation: RawRelation, facts: list[Facts]) -> RawColumn | None:
    """The unique column that looks most like a key: named so, else the first."""
    unique = [c for c, f in zip(relation.columns, facts, strict=True) if _may_be_key(c, f)]
    named = [c for c in unique if re.search(r"(id|key|code|no|nr|number)$", c.name.lower())]
    return next(iter(named or unique), None)


def _declaration(
    connection: duckdb.DuckDBPyConnection, relation: RawRelation, column: RawColumn, fact: Facts
) -> str | None:
    """Type and CHECK of one column; None if the type cannot be declared."""
    name, kind = _identifier(column.name), column.type
    if _is_text(column):
        return _text(connection, relation, column, fact)
    if kind == "BOOLEAN":
        return kind
    if kind in BITS or kind in UNSIGNED:
        kind = UNSIGNED.get(kind, kind)
        half = 2 ** (BITS[kind] - 1)
        return kind + _between(name, fact, _whole, limits=(-half, half - 1))
    if kind.startswith("DECIMAL("):
        precision, scale = (int(part) for part in kind[8:-1].split(","))
        top = (Decimal(10) ** precision - 1).scaleb(-scale)
        return f"DECIMAL({precision},{scale})" + _between(name, fact, _whole, limits=(-top, top))
    if kind in ("FLOAT", "DOUBLE"):
        return _fractions(connection, relation, column, fact)
    if kind == "DATE":
        return kind + _between(name, fact, _day)
    if kind in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        return "TIMESTAMP" + _between(name, fact, _instant)
    return None


def _between(
    name: str, fact: Facts, spell: Callable[..., str], *, limits: tuple[int | Decimal, ...] = ()
) -> str:
    """A CHECK around the data, rounded outwards but within the type's own range."""
    if fact.least is None:
        return ""
    low, high = spell(fact.least, up=False), spell(fact.greatest, up=True)
    if limits:
        low, high = str(max(limits[0], Decimal(low))), str(min(limits[1], Decimal(high)))
    return f" CHECK ({name} BETWEEN {low} AND {high})"


def _whole(value: int | float | Decimal, *, up: bool) -> str:
    return str(_outwards(Decimal(value), up=up))


def _day(value: datetime.date, *, up: bool) -> str:
    return f"DATE '{value.year:04}-{'12-31' if up else '01-01'}'"


def _instant(value: datetime.datetime, *, up: bool) -> str:
    return f"TIMESTAMP '{value.year:04}-{'12-31 23:59:59.999999' if up else '01-01 00:00:00'}'"


def _outwards(value: Decimal, *, up: bool) -> int:
    """The next whole number of at most two significant digits, away from the data."""
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    whole = value.to_integral_value(rounding)
    step = Decimal(10) ** max(0, whole.adjusted() - 1) if whole else Decimal(1)
    return int((whole / step).to_integral_value(rounding) * step)


def _fractions(
    connection: duckdb.DuckDBPyConnection, relation: RawRelation, column: RawColumn, fact: Facts
) -> str | None:
    """DECIMAL if few decimals give every value exactly, else DOUBLE with six."""
    name = quote_name(column.name)
    tests = [f"coalesce(bool_and(round({name}, {s}) = {name}), true)"
             for s in range(LARGEST_SCALE + 1)]  # fmt: skip
    (row,) = connection.execute(
        f"SELECT coalesce(bool_and(isfinite({name})), true), {', '.join(tests)} FROM {relation.sql}"
    ).fetchall()
    if not row[0]:
        return None
    bounds = _between(_identifier(column.name), fact, _whole)
    scale = next((s for s, exact in enumerate(row[1:]) if exact), None)
    if fact.least is None or scale is None:
        return f"DOUBLE({LARGEST_SCALE})" + bounds
    largest = max(abs(_outwards(Decimal(v), up=v > 0)) for v in (fact.least, fact.greatest))
    digits = len(str(largest)) + scale
    kind = f"DECIMAL({digits},{scale})" if digits <= 18 else f"DOUBLE({scale})"
    return kind + bounds


def _text(
    connection: duckdb.DuckDBPyConnection, relation: RawRelation, column: RawColumn, fact: Facts
) -> str:
    """A small domain where few values repeat, else a length in steps of four bytes."""
    longest = int(fact.greatest or 1)
    present = fact.rows - fact.nulls
    if not 0 < fact.distinct <= DOMAIN_LIMIT or 2 * fact.distinct > present:
        return f"VARCHAR({max(4, -(-longest // 4) * 4)})"
    name = quote_name(column.name)
    values = connection.execute(
        f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM {relation.sql} WHERE {name} IS NOT NULL"
        " ORDER BY 1"
    ).fetchall()
    domain = ", ".join(quote_text(value) for (value,) in values)
    return f"VARCHAR({max(1, longest)}) CHECK ({_identifier(column.name)} IN ({domain}))"


def _identifier(name: str) -> str:
    """The name in lower case, quoted where it is not a plain word."""
    lowered = name.lower()
    return lowered if re.fullmatch(r"[a-z_][a-z_0-9]*", lowered) else quote_name(lowered)
