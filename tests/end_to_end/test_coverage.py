"""The records of tests/sql reach every operator, and every clause over every type, NULLs included.

Their answers, costs and transcripts are tested (test_sql.py, test_privacy.py), so an operator or a
theme without a record is one that nothing vouches for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args

import pytest
from in_memory import Federation
from records import read_records
from tacit.planner import secure
from tacit.planner.cost import Cost, PlanCost
from tacit.query import parse
from tacit.query import syntax as s

LEAST = 400

TYPES = {
    "integer": ("id", "person_id", "nights", "dose", "account", "big", "units", "price"),
    "decimal": ("income", "cost", "amount"),
    "date": ("born", "day"),
    "timestamp": ("taken",),
    "double": ("value",),
    "boolean": ("urgent", "fasting"),
    "text": ("name", "drug", "note", "book"),
    "domain": ("region", "ward"),
}
"""The columns of the clinic by type."""

NULLABLE = frozenset(
    str.split(
        "born income name person_id cost ward dose note book amount price taken value fasting"
    )
)

CLAUSES = ("select", "where", "group by", "order by", "distinct", "aggregate", "case", "is null",
           "below an outer join", "set operation", "window", "subquery")  # fmt: skip

JOINS = ("inner", "left", "right", "full", "cross", "using", "natural")
SET_OPERATIONS = ("union", "union all", "intersect", "except")


def nodes(value: Any) -> Iterator[Any]:
    """Every node of a syntax tree."""
    if isinstance(value, tuple):
        for item in value:
            yield from nodes(item)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from nodes(getattr(value, field.name))


def columns(*values: Any) -> set[str]:
    """The names of all columns below."""
    return {n.parts[-1] for value in values for n in nodes(value) if isinstance(n, s.ColumnName)}


def clauses(tree: Any) -> Iterator[tuple[str, set[str]]]:
    """(clause, columns that it reads), for every clause of a statement."""
    for node in nodes(tree):
        match node:
            case s.Select():
                yield "select", columns(node.items)
                yield "where", columns(node.where)
                yield "group by", columns(node.group_by or ())
                yield "distinct", columns(node.items) if node.distinct else set()
                if any(isinstance(n, s.Join) and n.kind != "inner" for n in nodes(node.sources)):
                    yield "below an outer join", columns(node)
            case s.Query(order_by=keys):
                yield "order by", columns(keys)
            case s.Call(window=None):
                aggregate = node.name in ("count", "sum", "avg", "min", "max", "any_value", "mode")
                yield "aggregate", columns(node.arguments) if aggregate else set()
            case s.Call():
                yield "window", columns(node)
            case s.Case():
                yield "case", columns(node)
            case s.IsTest() | s.IsDistinct():
                yield "is null", columns(node)
            case s.SetOperation():
                yield "set operation", columns(node)
            case s.Exists() | s.Subquery() | s.InQuery():
                yield "subquery", columns(node)
            case _:
                pass


@pytest.fixture(scope="module")
def trees() -> list[Any]:
    """Every query and statement of the records."""
    return [tree for r in read_records() if r.kind != "error" for tree in parse(r.sql)]


def test_there_are_enough_records(trees: list[Any]) -> None:
    assert len(trees) >= LEAST


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_is_tried_over_every_type(clause: str, trees: list[Any]) -> None:
    """At least two records for each type, one of them over a column that may be NULL."""
    counts: Counter[str] = Counter()
    for tree in trees:
        read = set().union(*(names for found, names in clauses(tree) if found == clause))
        for kind, names in TYPES.items():
            counts[kind] += bool(read & set(names))
            counts[f"{kind} or NULL"] += bool(read & set(names) & NULLABLE)
    missing = [k for k in TYPES if counts[k] < 2 or counts[f"{k} or NULL"] < 1]
    assert not missing, f"too few records with {clause} over {', '.join(missing)}: {counts}"


def test_every_kind_of_join_and_set_operation_is_tried(trees: list[Any]) -> None:
    found: Counter[str] = Counter()
    for node in nodes(tuple(trees)):
        match node:
            case s.Join():
                found["natural" if node.natural else "using" if node.using else node.kind] += 1
            case s.SetOperation():
                found[node.operator + " all" * node.all] += 1
            case _:
                pass
    assert all(found[name] >= 2 for name in (*JOINS, *SET_OPERATIONS)), found


class Free:
    """A pricer to which every operator costs nothing; pricing is most of the time of planning."""

    def operator_cost(self, operator: secure.Operator) -> Cost:
        return Cost(rounds=0, sent_bytes=(0, 0, 0), messages=(0, 0, 0))

    def plan_cost(self, plan: secure.SecurePlan) -> PlanCost:
        return PlanCost(total=self.operator_cost(plan.root), operators=())


def test_every_operator_kind_and_function_is_planned(clinic: Federation) -> None:
    """An operator, kind or function that is new in planner/secure.py needs a record here."""
    wanted = {
        *(("operator", one.__name__) for one in secure.Operator.__subclasses__()),
        *(("join", kind) for kind in get_args(secure.JoinKind)),
        *(("attach", kind) for kind in get_args(secure.AttachKind)),
        *(("product", kind) for kind in get_args(secure.ProductKind)),
        *(("aggregate", function) for function in get_args(secure.AggregateFunction)),
        *(("window", function) for function in get_args(secure.WindowFunction)),
    }
    planner = Federation(clinic.catalog_sql, clinic.data)
    planner.pricer = Free()  # type: ignore[assignment]
    # An intersection is taken where it costs less, which test_operators_intersection tries.
    found: set[tuple[str, str]] = {("operator", "Store"), ("operator", "Intersection")}
    for record in (r for r in read_records() if r.kind == "query"):
        found |= set(used(planner.plan(record.script).root))
        calls = (n for tree in parse(record.sql) for n in nodes(tree) if isinstance(n, s.Call))
        found |= {("aggregate", call.name) for call in calls}  # some become sums of moments
    missing = sorted(wanted - found)
    assert not missing


def used(operator: Any) -> Iterator[tuple[str, str]]:
    """The operators of a plan, and which kinds and functions of them."""
    yield "operator", type(operator).__name__
    match operator:
        case secure.Join(kind=kind):
            yield "join", kind
        case secure.Attach(kind=kind):
            yield "attach", kind
        case secure.Product(kind=kind):
            yield "product", kind
        case secure.Aggregate(aggregates=specs):
            yield from (("aggregate", spec.function) for spec in specs)
        case secure.Window(calls=specs):
            yield from (("window", spec.function) for spec in specs)
        case _:
            pass
    for child in secure.children(operator):
        yield from used(child)
