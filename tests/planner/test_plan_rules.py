"""Each rewrite rule by a small query and the plan that it makes: rules.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tacit.planner.build import build, highest_id
from tacit.planner.explain import expression_text
from tacit.planner.facts import Analysis
from tacit.planner.logical import (
    Aggregate,
    Filter,
    Ids,
    Join,
    Node,
    Once,
    Project,
    Scan,
    Sort,
    Union,
    Window,
    children,
)
from tacit.planner.rules import RULES, Context


def show(node: Node) -> str:
    """A logical plan as an indented text."""
    return "\n".join(_lines(node, names(node)))


def names(node: Node) -> dict[int, str]:
    found: dict[int, str] = {}
    for child in children(node):
        found.update(names(child))
    for column in node.columns:
        found.setdefault(column.id, column.name or f"x{column.id}")
    return found


def _lines(node: Node, known: dict[int, str]) -> list[str]:
    match node:
        case Scan():
            head = f"{node.table.name} of {node.owner}: {', '.join(node.names)}"
        case Filter():
            head = f"filter {expression_text(node.predicate, known)}"
        case Project():
            texts = [expression_text(e, known) for e in node.expressions]
            head = f"project {', '.join(texts)}"
        case Join():
            condition = " and ".join(expression_text(e, known) for e in node.condition)
            head = f"{node.kind} join {condition}".rstrip()
        case Aggregate():
            keys = ", ".join(known[key] for key in node.keys)
            calls = [f"{a.function}({known.get(a.argument or -1, '')})" for a in node.aggregates]
            head = f"aggregate [{keys}] {', '.join(calls)}".rstrip()
        case Sort():
            head = f"sort {', '.join(known[k.column] for k in node.keys)} limit {node.limit}"
        case Window():
            keys = ", ".join(known[key] for key in node.partition)
            order = ", ".join(known[k.column] for k in node.order)
            names = ", ".join(c.function for c in node.calls)
            head = f"window [{keys}] [{order}] {names}"
        case Union():
            head = "union"
        case Once():
            head = "once"
        case _:
            head = type(node).__name__.lower()
    lines = [head]
    for child in children(node):
        lines += ["  " + line for line in _lines(child, known)]
    return lines


def after(planner: Any, sql: str, *upto: str) -> str:
    """The plan once the named rules (and nothing else) have run, in the order of RULES."""
    query = planner.bound(sql).query
    context = Context(ids=Ids(highest_id(query) + 1), analysis=Analysis(), parties=planner.parties)
    plan = build(query, context.ids)
    seen: set[str] = set()
    for rule in RULES:
        if rule.__name__ in upto and rule.__name__ not in seen:
            seen.add(rule.__name__)
            plan = rule(plan, context)
    assert seen == set(upto)
    return show(plan)


def cases() -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The rules, the SQL and the plan of every block of rules.txt."""
    blocks = (Path(__file__).parent / "rules.txt").read_text(encoding="utf-8").split("\n\n")
    for block in blocks:
        head, _, expected = block.strip().partition("\n----\n")
        named, *sql = head.splitlines()
        first, *rules = named.split()
        assert first == "rules", named
        yield tuple(rules), " ".join(sql), expected


CASES = tuple(cases())


@pytest.mark.parametrize(("rules", "sql", "expected"), CASES)
def test_rule(hospital: Any, rules: tuple[str, ...], sql: str, expected: str) -> None:
    assert after(hospital, sql, *rules) == expected


def test_every_rule_has_a_case() -> None:
    covered = {name for rules, _, _ in CASES for name in rules}
    assert covered == {rule.__name__ for rule in RULES}
