"""Secure plans made by hand, data sets that have nothing in common but their public sizes, and a
plaintext run of the plan (planner/plain_run.py) to compare with."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from in_memory import PARTIES, Outcome, run_in_memory, with_sort
from tacit.planner.secure import Form, Fragment, Operator, Reveal, SecurePlan, Sort, children
from tacit.query.bound import Call, Case, ColumnRef, Expression, Literal
from tacit.query.datatypes import (
    BIGINT,
    BOOLEAN,
    BooleanType,
    Column,
    DateType,
    DecimalType,
    DoubleType,
    Encoding,
    IntegerType,
    SqlType,
    TimestampType,
)
from tacit.query.ranges import encoding_of

WHOLE = "SELECT * FROM "

DATA = ("random", "equal", "distinct", "empty", "nulls")
"""Kinds of data sets; see `values_of`."""


ROWS = [
    pytest.param(rows, marks=() if rows == 65 else pytest.mark.slow)
    for rows in (1, 2, 63, 64, 65, 200)
]
"""Row counts around the words of a plane; all of them with: pytest -m "slow or not slow"."""

SORTS = ("radix", "quick")


def _plain_run() -> Any:
    key = "planner_tests_plain_run"
    if key not in sys.modules:
        path = Path(__file__).parent / "planner" / "plain_run.py"
        spec = importlib.util.spec_from_file_location(key, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


# ---- columns and expressions


def number(
    identity: int, lo: int, hi: int, *, nullable: bool = False, type: SqlType = BIGINT
) -> Column:
    return Column(
        id=identity,
        name=f"c{identity}",
        type=type,
        encoding=Encoding(lo=lo, hi=hi),
        nullable=nullable,
    )


def encoded(identity: int, type: SqlType, encoding: Encoding, *, nullable: bool = False) -> Column:
    return Column(id=identity, name=f"c{identity}", type=type, encoding=encoding, nullable=nullable)


def ref(column: Column) -> ColumnRef:
    return ColumnRef(id=column.id, name=column.name, type=column.type, nullable=column.nullable)


def lit(value: Any, type: SqlType = BIGINT) -> Literal:
    return Literal(value=value, type=type, nullable=value is None)


def call(function: str, *arguments: Expression, type: SqlType = BOOLEAN) -> Call:
    return Call(function=function, arguments=arguments, type=type, nullable=True)


def case(*branches: tuple[Expression, Expression], otherwise: Expression | None = None) -> Case:
    return Case(branches=branches, otherwise=otherwise, type=branches[0][1].type, nullable=True)


def computed(
    identity: int, expression: Expression, given: tuple[Column, ...], *, bits: int | None = None
) -> Column:
    """The column of a projected expression, with the range that follows from its inputs."""
    encoding = encoding_of(expression, {c.id: c for c in given})
    assert encoding is not None
    if bits is not None:
        encoding = Encoding(lo=encoding.lo, hi=encoding.hi, fraction_bits=bits)
    return encoded(identity, expression.type, encoding, nullable=True)


# ---- plans


def fragment(
    name: str,
    owner: str,
    rows: int,
    *columns: Column,
    forms: tuple[Form, ...] | Form = "bits",
) -> Fragment:
    """An owner's whole table `name`."""
    chosen = (forms,) * len(columns) if isinstance(forms, str) else forms
    return Fragment(columns=columns, rows=rows, owner=owner, sql=f"{WHOLE}{name}", forms=chosen)


def plan_of(
    operator: Operator,
    *,
    recipients: tuple[str, ...] = PARTIES[:1],
    shuffle: bool = True,
    columns: tuple[Column, ...] | None = None,
) -> SecurePlan:
    root = Reveal(
        columns=operator.columns if columns is None else columns,
        rows=operator.rows,
        input=operator,
        recipients=recipients,
        shuffle=shuffle,
    )
    return SecurePlan(
        root=root, protocol="replicated", parties=PARTIES, asker=PARTIES[0], statement=""
    )


@dataclass(frozen=True)
class Built:
    """One plan to test: its operator for so many rows, and what its data must keep.

    unique: by table the columns that together are a key. dense: tables without missing rows.
    ordered: ids of the columns that the result is ordered by (then it is not shuffled).
    """

    name: str
    operator: Callable[[int], Operator]
    unique: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dense: tuple[str, ...] = ()
    ordered: tuple[int, ...] | None = None

    def plan(self, rows: int, sort: str) -> SecurePlan:
        root = with_sort(self.operator(rows), sort)  # type: ignore[arg-type]
        return plan_of(root, shuffle=self.ordered is None)

    def sources(self, rows: int, kind: str, seed: int = 0) -> dict[str, Tables]:
        """Every party's tables, filled with a kind of data."""
        tables: dict[str, dict[str, pa.Table]] = {party: {} for party in PARTIES}
        generator = np.random.default_rng([seed, rows])
        for item in sorted(_fragments(self.operator(rows)), key=lambda f: f.sql):
            name = item.sql.removeprefix(WHOLE)
            key = self.unique.get(name, ())
            tables[item.owner][name] = filled(
                item, kind, generator, key=key, dense=name in self.dense
            )
        return {party: Tables(tables[party]) for party in PARTIES}


def _fragments(operator: Operator) -> set[Fragment]:
    found = set().union(*map(_fragments, children(operator)))
    return found | {operator} if isinstance(operator, Fragment) else found


def with_runs(cases: Sequence[Built]) -> list[Any]:
    """(built, rows, sort) for every case, row count and sort algorithm.

    By default 65 rows, with the algorithms in turn, and now and then one row; the rest is slow.
    """
    return [
        pytest.param(
            built,
            rows,
            sort,
            id=f"{built.name}-{rows}-{sort}",
            marks=()
            if (rows, sort) == (65, SORTS[place % 2]) or (rows == 1 and place % 4 == 0)
            else pytest.mark.slow,
        )
        for place, built in enumerate(cases)
        for rows in (1, 2, 63, 64, 65, 200)
        for sort in SORTS
    ]


# ---- data


class Tables:
    """One party's tables; a source that knows no SQL but the fragments made here."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.given = dict(tables)

    def execute(self, sql: str, parameters: Mapping[str, str] | None = None) -> pa.Table:
        return self.given[sql.removeprefix(WHOLE)]

    def tables(self) -> tuple[str, ...]:
        return tuple(self.given)

    def close(self) -> None:
        """Nothing is open."""


class Cursor:
    """The same tables as the plaintext run asks for them."""

    def __init__(self, source: Tables) -> None:
        self.source = source
        self.sql = ""

    def execute(self, sql: str, parameters: object = None) -> Cursor:
        self.sql = sql
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        columns = self.source.execute(self.sql).columns
        return list(zip(*(column.to_pylist() for column in columns), strict=True))


def filled(
    item: Fragment,
    kind: str,
    generator: np.random.Generator,
    *,
    key: tuple[int, ...] = (),
    dense: bool = False,
) -> pa.Table:
    """A table for a fragment; `key` columns together are distinct."""
    count = item.rows if item.placed is None else item.placed.rows
    if not dense and kind == "random":
        count = int(generator.integers(count * 2 // 3, count + 1))
    if not dense and kind == "empty":
        count = 0
    arrays = {}
    for column in item.columns:
        if column.id in key:
            codes = _key_codes(item, column, key, count, generator)
        else:
            codes = values_of(column, kind, count, generator)
        arrays[column.name] = _arrow(codes, column)
    return pa.table(arrays)


def values_of(
    column: Column, kind: str, count: int, generator: np.random.Generator
) -> list[int | None]:
    """random: repeated values, the bounds among them, a fifth NULL; equal: one value; distinct:
    all different, as far as the range goes; nulls: NULL wherever that may be, else one value."""
    encoding = column.encoding
    assert encoding is not None
    if kind == "nulls" and column.nullable:
        return [None] * count
    if encoding.text_bytes is not None:
        return _texts(column, encoding.text_bytes, kind, count, generator)
    size = encoding.hi - encoding.lo + 1
    if kind in ("equal", "nulls", "empty"):
        return [encoding.lo + size // 2] * count
    if kind == "distinct":
        step = max(1, size // max(count, 1))
        return [encoding.lo + row * step % size for row in range(count)]
    few = max(2, count // 3)
    pool = [encoding.lo, encoding.hi]
    pool += [encoding.lo + int(generator.integers(0, 1 << 62)) % size for _ in range(few)]
    drawn = [pool[i] for i in generator.integers(0, len(pool), count)]
    return _some(drawn, column, generator)


def _some(codes: list[int], column: Column, generator: np.random.Generator) -> list[int | None]:
    missing = generator.random(len(codes)) < 0.2
    return [
        None if column.nullable and gone else code
        for code, gone in zip(codes, missing, strict=True)
    ]


def _texts(
    column: Column, size: int, kind: str, count: int, generator: np.random.Generator
) -> list[int | None]:
    words = ["", "~" * size, "é" * (size // 2), *(f"{i:x}"[:size] for i in range(9))]
    if kind == "random":
        drawn = [words[i] for i in generator.integers(0, len(words), count)]
        return _some([_text_code(word, size) for word in drawn], column, generator)
    if kind == "distinct":
        return [_text_code(f"{row:0{size}x}"[-size:], size) for row in range(count)]
    return [_text_code("same"[:size], size)] * count


def _text_code(word: str, size: int) -> int:
    return int.from_bytes(word.encode().ljust(size, b"\0"), "big")


def _key_codes(
    item: Fragment,
    column: Column,
    key: tuple[int, ...],
    count: int,
    generator: np.random.Generator,
) -> list[int | None]:
    """One column of `count` distinct keys: every key column is a digit of the row number."""
    sizes = []
    for other in item.columns:
        assert other.encoding is not None
        if other.id in key:
            sizes.append((other.id, other.encoding.hi - other.encoding.lo + 1))
    assert prod(size for _, size in sizes) >= count
    rest = list(range(count))
    for identity, size in sizes:
        if identity == column.id:
            assert column.encoding is not None
            return [column.encoding.lo + row % size for row in rest]
        rest = [row // size for row in rest]
    raise AssertionError(column)


def _arrow(codes: list[int | None], column: Column) -> pa.Array:
    decode = _plain_run().decode
    if isinstance(column.type, TimestampType):
        start = datetime(1970, 1, 1)
        moments = [None if c is None else start + timedelta(microseconds=c) for c in codes]
        return pa.array(moments, pa.timestamp("us"))
    values = [decode(code, column) for code in codes]
    match column.type:
        case IntegerType(bits=128):
            exact = [None if v is None else Decimal(v) for v in values]
            return pa.array(exact, pa.decimal128(38, 0))
        case IntegerType(bits=bits):
            return pa.array(values, getattr(pa, f"int{bits}")())
        case DecimalType(precision=precision, scale=scale):
            return pa.array(values, pa.decimal128(precision, scale))
        case DoubleType():
            return pa.array(values, pa.float64())
        case DateType():
            return pa.array(values, pa.date32())
        case BooleanType():
            return pa.array([None if v is None else bool(v) for v in values], pa.bool_())
        case _:
            return pa.array(values, pa.string())


# ---- runs


def run_and_compare(
    built: Built, rows: int, *, sort: str, kind: str = "random", seed: int = 0
) -> Outcome:
    """Runs a plan over a data set; its answer equals the plaintext run's."""
    plan = built.plan(rows, sort)
    sources = built.sources(rows, kind, seed)
    outcome = run_in_memory(plan, sources, record=True)
    compare(built, plan, sources, outcome.table)
    return outcome


def compare(built: Built, plan: SecurePlan, sources: Mapping[str, Tables], table: pa.Table) -> None:
    """Rows as encoded integers: as bags, in order where there is one, within ties any of them."""
    plain = _plain_run()
    runner = plain.PlainRun({party: Cursor(source) for party, source in sources.items()})
    shown = plan.root.columns
    actual = encoded_rows(shown, table)
    below = plan.root.input
    expected = [tuple(row[c.id] for c in shown) for row in runner.run(below)]
    if built.ordered is not None:
        places = [[c.id for c in shown].index(identity) for identity in built.ordered]
        mine, theirs = ([[row[p] for p in places] for row in rows] for rows in (actual, expected))
        assert mine == theirs
    if isinstance(below, Sort) and (below.limit is not None or below.offset):
        given = Counter(tuple(row[c.id] for c in shown) for row in runner.run(below.input))
        assert len(actual) == len(expected)
        assert Counter(actual) <= given
    else:
        different = [
            column.name
            for place, column in enumerate(shown)
            if Counter(row[place] for row in actual) != Counter(row[place] for row in expected)
        ]
        assert not different
        assert Counter(actual) == Counter(expected)


def encoded_rows(columns: tuple[Column, ...], table: pa.Table) -> list[tuple[Any, ...]]:
    encode = _plain_run().encode
    lists = [table.column(position).to_pylist() for position in range(len(columns))]
    rows = zip(*lists, strict=True)
    return [tuple(encode(v, c) for v, c in zip(row, columns, strict=True)) for row in rows]


def check_on_all_data(built: Built, rows: int, sort: str, kinds: Sequence[str] = DATA) -> None:
    """Over every kind of data: the plaintext run's answer, the predicted cost, one transcript."""
    first: Outcome | None = None
    for kind in kinds if rows > 2 else ("random", "empty"):
        if kind == "empty" and built.dense:
            continue
        outcome = run_and_compare(built, rows, sort=sort, kind=kind)
        assert not outcome.predicted.expected
        assert_cost_is_exact(outcome)
        first = first or outcome
        assert outcome.transcripts == first.transcripts


def assert_cost_is_exact(outcome: Outcome) -> None:
    assert outcome.measured.rounds == outcome.predicted.rounds
    assert outcome.measured.messages == outcome.predicted.messages
    assert outcome.measured.sent_bytes == outcome.predicted.sent_bytes
