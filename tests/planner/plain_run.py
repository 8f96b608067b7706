"""A plaintext interpreter of secure plans: the planner's promises checked without cryptography.

Fragments run in DuckDB, one database for each owner; operators run over encoded integers, row by
row. Every value is checked against the range that the plan states for it, every relation against
its row bound, every build side against its uniqueness.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor, isqrt
from typing import Any

import duckdb
from plain_functions import EPOCH, by_duckdb, scale
from plain_windows import plain_window
from tacit.planner.secure import (
    Aggregate,
    AggregateSpec,
    AlignedSum,
    Attach,
    Check,
    Concat,
    Expand,
    Filter,
    Fragment,
    Join,
    Operator,
    Product,
    Project,
    SecurePlan,
    Sort,
    Window,
    children,
)
from tacit.planner.statistics import QUOTIENTS
from tacit.query.bound import Call, Case, ColumnRef, Expression, Interval, Literal
from tacit.query.datatypes import (
    Column,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    TimestampType,
)
from tacit.query.ranges import encoding_of

Row = dict[int, Any]


def encode(value: Any, column: Column) -> Any:
    """The encoded integer of a value that DuckDB gave."""
    encoding = column.encoding
    assert encoding is not None
    if value is None:
        assert column.nullable, column
        return None
    match value:
        case str():
            if encoding.domain is not None:
                return encoding.domain.index(value)
            assert encoding.text_bytes is not None
            return int.from_bytes(value.encode().ljust(encoding.text_bytes, b"\0"), "big")
        case bool():
            return int(value)
        case datetime.datetime():
            return round((value - datetime.datetime(1970, 1, 1)).total_seconds() * 10**6)
        case datetime.date():
            return (value - EPOCH).days
        case float() if encoding.fraction_bits is not None:
            return floor(Fraction(value) * 2**encoding.fraction_bits)
        case float():
            return round(Decimal(repr(value)).scaleb(scale(column.type)))
        case _:
            exact = Fraction(value) * 10 ** scale(column.type)
            assert exact.denominator == 1, (value, column)
            return int(exact)


def decode(value: Any, column: Column) -> Any:
    """The Python value of an encoded integer."""
    encoding = column.encoding
    assert encoding is not None
    if value is None:
        return None
    if encoding.domain is not None:
        return encoding.domain[value]
    if encoding.text_bytes is not None:
        return value.to_bytes(encoding.text_bytes, "big").rstrip(b"\0").decode()
    if encoding.fraction_bits is not None:
        return value / 2**encoding.fraction_bits
    match column.type:
        case DateType():
            return EPOCH + datetime.timedelta(days=value)
        case DecimalType(scale=decimals):
            return Decimal(value).scaleb(-decimals)
        case DoubleType(scale=int() as decimals):
            return float(Decimal(value).scaleb(-decimals))
        case IntegerType():
            return value
        case _:
            return bool(value) if str(column.type) == "BOOLEAN" else value


class Scalars:
    """Evaluates expressions: numbers as scaled integers, strings as strings."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = {column.id: column for column in columns}

    def value(self, e: Expression, row: Row) -> Any:
        match e:
            case ColumnRef():
                column = self.columns[e.id]
                assert e.type == column.type, (e, column)
                assert e.nullable >= column.nullable, (e, column)
                text = column.encoding is not None and (
                    column.encoding.domain is not None or column.encoding.text_bytes is not None
                )
                return decode(row[e.id], column) if text else row[e.id]
            case Literal(value=None) | Literal(value=str()) | Literal(value=Interval()):
                return e.value
            case Literal(value=bool()):
                return int(bool(e.value))
            case Literal():
                exact = Fraction(e.value) * 10 ** scale(e.type)  # type: ignore[arg-type]
                assert exact.denominator == 1, e
                return int(exact)
            case Case():
                for condition, value in e.branches:
                    assert scale(value.type) == scale(e.type) or value == Literal, e
                    if self.value(condition, row):
                        return self.value(value, row)
                return None if e.otherwise is None else self.value(e.otherwise, row)
            case Call():
                return self.call(e, row)
        raise AssertionError(e)

    def call(self, e: Call, row: Row) -> Any:
        if e.function == "mapped":
            return self.mapped(e, row)
        values = [self.value(a, row) for a in e.arguments]
        same_scale = len({scale(a.type) for a in e.arguments}) == 1
        match e.function:
            case "and":
                return 0 if 0 in values else None if None in values else 1
            case "or":
                return 1 if 1 in values else None if None in values else 0
            case "is_null":
                return int(values[0] is None)
            case "is_not_null":
                return int(values[0] is not None)
            case "is_distinct":
                return int(values[0] != values[1])
            case "is_not_distinct":
                return int(values[0] == values[1])
            case "coalesce":
                assert same_scale
                return next((v for v in values if v is not None), None)
            case "nullif":
                assert same_scale
                return None if values[0] == values[1] else values[0]
            case "greatest" | "least":
                known = [v for v in values if v is not None]
                pick = max if e.function == "greatest" else min
                return pick(known) if known else None
            case "in":
                assert same_scale
                if values[0] is None:
                    return None
                found = values[0] in values[1:]
                return None if not found and None in values[1:] else int(found)
        if e.function == "concat":
            return "".join(value for value in values if value is not None)
        if None in values:
            return None
        return self.strict(e, values, same_scale)

    def strict(self, e: Call, values: list[Any], same_scale: bool) -> Any:
        first, second = values[0], values[-1]
        if isinstance(first, str) and isinstance(second, str):
            first, second = first.encode(), second.encode()
        compare: dict[str, Callable[[], bool]] = {
            "=": lambda: first == second,
            "<>": lambda: first != second,
            "<": lambda: first < second,
            "<=": lambda: first <= second,
            ">": lambda: first > second,
            ">=": lambda: first >= second,
        }
        if e.function in compare:
            assert same_scale, e
            return int(compare[e.function]())
        match e.function:
            case "not":
                return 1 - first
            case "+" | "-" if not isinstance(e.type, TimestampType):
                assert same_scale, e
                assert scale(e.type) == scale(e.arguments[0].type), e
                return first + second if e.function == "+" else first - second
            case "*":
                assert scale(e.type) == sum(scale(a.type) for a in e.arguments), e
                return first * second
            case "negate":
                return -first
            case "units":
                return first
            case "shift_right":
                return first >> second
            case "abs":
                return abs(first)
            case "sign":
                return (first > 0) - (first < 0)
            case "cast" if e.type == e.arguments[0].type or (
                not isinstance(e.type, DateType | TimestampType)
                and scale(e.type) >= scale(e.arguments[0].type)
            ):
                return first * 10 ** (scale(e.type) - scale(e.arguments[0].type))
        return by_duckdb(e, values)

    def mapped(self, e: Call, row: Row) -> Any:
        """The entry of a public table for the code of its operand."""
        operand, *entries = e.arguments
        value = self.value(operand, row)
        encoding = encoding_of(operand, self.columns)
        assert encoding is not None
        assert len(entries) == encoding.hi - encoding.lo + 1, e
        if value is None:
            return None
        place = value - encoding.lo if encoding.domain is None else encoding.domain.index(value)
        return self.value(entries[place], row)


@dataclass
class PlainRun:
    """Runs plans over the databases of the owners."""

    databases: dict[str, duckdb.DuckDBPyConnection]

    def __call__(self, plan: SecurePlan) -> list[tuple[Any, ...]]:
        rows = self.run(plan.root.input)
        shown = plan.root.columns
        return [tuple(decode(row[c.id], c) for c in shown) for row in rows]

    def run(self, operator: Operator) -> list[Row]:
        inputs = [self.run(child) for child in children(operator)]
        rows = self.apply(operator, inputs)
        assert len(rows) <= operator.rows, (len(rows), operator.rows, type(operator))
        for column in operator.columns:
            for row in rows:
                self.check(row[column.id], column)
        return [{c.id: row[c.id] for c in operator.columns} for row in rows]

    def check(self, value: Any, column: Column) -> None:
        assert column.encoding is not None
        if value is None:
            assert column.nullable, column
        else:
            assert column.encoding.lo <= value <= column.encoding.hi, (value, column)

    def apply(self, operator: Operator, inputs: list[list[Row]]) -> list[Row]:
        match operator:
            case Fragment():
                return self.fragment(operator)
            case Concat():
                return [
                    self.recode(row, inner.columns, operator.columns)
                    for inner, rows in zip(operator.inputs, inputs, strict=True)
                    for row in rows
                ]
            case AlignedSum():
                return self.aligned(operator, inputs)
            case Filter():
                scalars = Scalars(operator.input.columns)
                return [r for r in inputs[0] if scalars.value(operator.predicate, r)]
            case Check():
                scalars = Scalars(operator.input.columns)
                assert all(scalars.value(operator.condition, r) for r in inputs[0]), "a check fails"
                return inputs[0]
            case Project():
                return self.project(operator, inputs[0])
            case Join():
                return self.join(operator, inputs[0], inputs[1])
            case Expand():
                return self.expand(operator, inputs[0], inputs[1])
            case Product():
                return self.product(operator, inputs[0], inputs[1])
            case Attach():
                return self.attach(operator, inputs[0], inputs[1])
            case Aggregate():
                return self.aggregate(operator, inputs[0])
            case Sort():
                return self.sort(operator, inputs[0])
            case Window():
                return plain_window(operator, inputs[0])
        raise AssertionError(operator)

    def fragment(self, node: Fragment) -> list[Row]:
        key = {"hash_key": "any key"} if "$hash_key" in node.sql else None
        table = self.databases[node.owner].execute(node.sql, key).fetchall()
        assert len(node.forms) == len(node.columns)
        rows = [
            {c.id: encode(v, c) for c, v in zip(node.columns, row, strict=True)} for row in table
        ]
        if node.placed is None:
            return rows
        by_key = {tuple(row[i] for i in node.placed.keys): row for row in rows}
        return [row for key, row in by_key.items() if None not in key]

    def recode(self, row: Row, old: tuple[Column, ...], new: tuple[Column, ...]) -> Row:
        made = {}
        for a, b in zip(old, new, strict=True):
            assert scale(a.type) == scale(b.type), (a, b)
            value = row[a.id]
            text = (
                a.encoding is not None
                and a.encoding != b.encoding
                and (a.encoding.domain is not None or a.encoding.text_bytes is not None)
            )
            made[b.id] = encode(decode(value, a), b) if text else value
        return made

    def aligned(self, node: AlignedSum, inputs: list[list[Row]]) -> list[Row]:
        made = []
        outer = node.columns[len(node.keys) :]
        for place, key in enumerate(node.key_values):
            row: Row = dict(zip(node.keys, key, strict=True))
            for position, column in enumerate(outer):
                parts = [
                    rows[place][inner.columns[position].id]
                    for inner, rows in zip(node.inputs, inputs, strict=True)
                ]
                known = [part for part in parts if part is not None]
                row[column.id] = sum(known) if known else None
            made.append(row)
        return made

    def project(self, node: Project, rows: list[Row]) -> list[Row]:
        scalars = Scalars(node.input.columns)
        made = []
        for row in rows:
            new: Row = {}
            for column, expression in zip(node.columns, node.expressions, strict=True):
                if isinstance(expression, Call) and expression.function in QUOTIENTS:
                    new[column.id] = self.statistic(scalars, expression, row, column)
                elif isinstance(expression, Call) and expression.function == "fixed":
                    new[column.id] = self.fixed(scalars, expression, row, column)
                elif isinstance(expression, Call) and expression.function == "/":
                    new[column.id] = self.quotient(scalars, expression, row, column)
                else:
                    assert self.restates(node, expression) or (
                        scale(expression.type) == scale(column.type)
                    ), (expression, column)
                    value = scalars.value(expression, row)
                    new[column.id] = encode(value, column) if isinstance(value, str) else value
            made.append(new)
        return made

    def restates(self, node: Project, expression: Expression) -> bool:
        """A reference to whole numbers, which may be given decimals."""
        bits = {c.id: c.encoding and c.encoding.fraction_bits for c in node.input.columns}
        return isinstance(expression, ColumnRef) and bits[expression.id] == 0

    def quotient(self, scalars: Scalars, call: Call, row: Row, column: Column) -> Any:
        top, bottom = (scalars.value(a, row) for a in call.arguments)
        assert scale(call.arguments[0].type) == scale(call.arguments[1].type)
        if top is None or not bottom:
            return None
        assert column.encoding is not None
        assert column.encoding.fraction_bits is not None
        size = floor(abs(Fraction(top << column.encoding.fraction_bits, bottom)))
        return size if (top < 0) == (bottom < 0) else -size

    def fixed(self, scalars: Scalars, call: Call, row: Row, column: Column) -> Any:
        whole, bits, _ = call.arguments
        value = scalars.value(whole, row)
        assert scale(whole.type) == 0, call
        assert column.encoding is not None
        assert column.encoding.fraction_bits is not None
        dropped = scalars.value(bits, row) - column.encoding.fraction_bits
        return None if value is None else value >> dropped

    def attach(self, node: Attach, probe: list[Row], build: list[Row]) -> list[Row]:
        assert len(build) <= 1, "more than one row to attach"
        assert build or node.kind != "cross", "the row is not there"
        row = {c.id: None for c in node.build.columns} if not build else build[0]
        if not build and node.kind == "inner":
            return []
        wanted = {c.id for c in node.columns}
        return [{k: v for k, v in (r | row).items() if k in wanted} for r in probe]

    def product(self, node: Product, left: list[Row], right: list[Row]) -> list[Row]:
        scalars = Scalars((*node.left.columns, *node.right.columns))
        missing = [{c.id: None for c in side.columns} for side in (node.left, node.right)]
        found: list[Row] = []
        lonely, others = [], list(range(len(right)))
        for row in left:
            pairs = [row | other for other in right]
            hits = [
                node.predicate is None or bool(scalars.value(node.predicate, pair))
                for pair in pairs
            ]
            found += [pair for pair, hit in zip(pairs, hits, strict=True) if hit]
            others = [i for i in others if not hits[i]]
            if any(hits) if node.kind == "semi" else not any(hits):
                lonely.append(row)
        match node.kind:
            case "semi" | "anti":
                return lonely
            case "left" | "full":
                found += [row | missing[1] for row in lonely]
        if node.kind == "full":
            found += [missing[0] | right[i] for i in others]
        return found

    def statistic(self, scalars: Scalars, call: Call, row: Row, column: Column) -> Any:
        top, bottom = (scalars.value(a, row) for a in call.arguments[:2])
        if top is None or not bottom:
            return None
        assert column.encoding is not None
        bits = column.encoding.fraction_bits or 0
        match call.function:
            case "ratio":
                size = abs(top << bits) // abs(bottom)
            case "root_ratio":
                size = isqrt((top << 2 * bits) // bottom)
            case _:
                size = (abs(top) << bits + 35) // isqrt(bottom << 70)
        return size if (top < 0) == (bottom < 0) else -size

    def join(self, node: Join, probe: list[Row], build: list[Row]) -> list[Row]:
        for a, b in zip(node.probe_keys, node.build_keys, strict=True):
            left = next(c for c in node.probe.columns if c.id == a)
            right = next(c for c in node.build.columns if c.id == b)
            assert left.encoding is not None
            assert right.encoding is not None
            assert left.encoding.domain == right.encoding.domain
            assert scale(left.type) == scale(right.type)
        index: dict[Any, Row] = {}
        for row in build:
            key = tuple(row[i] for i in node.build_keys)
            if None in key:
                continue
            assert key not in index or node.kind in ("semi", "anti"), "the build is not unique"
            index[key] = row
        made = []
        for row in probe:
            key = tuple(row[i] for i in node.probe_keys)
            match = None if None in key else index.get(key)
            if node.kind in ("inner", "semi") and match is None:
                continue
            if node.kind == "anti" and match is not None:
                continue
            other = match or {c.id: None for c in node.build.columns}
            made.append(row if node.kind in ("semi", "anti") else {**other, **row})
        return made

    def expand(self, node: Expand, left: list[Row], right: list[Row]) -> list[Row]:
        by_key: dict[Any, list[Row]] = {}
        for row in right:
            by_key.setdefault(tuple(row[i] for i in node.right_keys), []).append(row)
        made = []
        for row in left:
            key = tuple(row[i] for i in node.left_keys)
            made += [row | other for other in ([] if None in key else by_key.get(key, []))]
        return made

    def aggregate(self, node: Aggregate, rows: list[Row]) -> list[Row]:
        groups: dict[Any, list[Row]] = {} if node.keys else {(): []}
        for row in rows:
            groups.setdefault(tuple(row[i] for i in node.keys), []).append(row)
        order = sorted(groups, key=lambda key: tuple((v is None, v or 0) for v in key))
        made = []
        for key in order:
            row = dict(zip(node.keys, key, strict=True))
            for spec in node.aggregates:
                row[spec.column.id] = aggregate_value(spec, groups[key])
            made.append(row)
        return made

    def sort(self, node: Sort, rows: list[Row]) -> list[Row]:
        for key in reversed(node.keys):
            nulls_last = key.nulls_first == key.descending
            rows = sorted(
                rows,
                key=lambda row, key=key, last=nulls_last: (  # type: ignore[misc]
                    (row[key.column] is None) == last,
                    row[key.column] or 0,
                ),
                reverse=key.descending,
            )
        stop = None if node.limit is None else node.offset + node.limit
        return rows[node.offset : stop]


def aggregate_value(spec: AggregateSpec, rows: list[Row]) -> Any:
    function, argument, order = spec.function, spec.argument, spec.order
    if order is not None:
        known = [row for row in rows if row[order] is not None]
        pick = max if function == "arg_max" else min
        return pick(known, key=lambda row: row[order])[argument] if known else None
    if argument is None:
        return len(rows)
    values = [row[argument] for row in rows if row[argument] is not None]
    if function.endswith("_distinct"):
        values = list(dict.fromkeys(values))
    match function.removesuffix("_distinct"):
        case "count":
            return len(values)
        case "sum":
            return sum(values) if values else None
        case "min":
            return min(values, default=None)
        case "any_value":
            return next(iter(values), None)
        case "constant":
            assert len({row[argument] for row in rows}) <= 1
            return rows[0][argument] if rows else None
        case _:
            return max(values, default=None)
