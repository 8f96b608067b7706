"""EXPLAIN: the secure plan as a tree that people can read, with its cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.datatypes import Column, DateType
from .cost import Cost, Link, PlanCost
from .known_joins import domain_size, key_owner
from .memory import memory_bytes
from .protocol_facts import PROTOCOLS
from .secure import (
    Aggregate,
    AggregateSpec,
    AlignedSum,
    Attach,
    Check,
    Concat,
    Expand,
    Filter,
    Fragment,
    Intersection,
    Join,
    Operator,
    Product,
    Project,
    Reveal,
    Root,
    SecurePlan,
    Sort,
    SortKey,
    Store,
    Stored,
    Window,
    children,
)
from .spilling import spilling_bytes
from .sql import INFIX, literal_sql
from .window_sql import UNFRAMED, call_text, frame_text

Alternatives = Mapping[int, Sequence[tuple[str, Cost]]]
"""By identity of an operator: the ways to run it, the chosen one first, and what each costs."""


def explain_plan(
    plan: SecurePlan,
    cost: PlanCost,
    link: Link,
    *,
    supposed: Sequence[tuple[str, int]] = (),
    alternatives: Alternatives | None = None,
    rejected: Mapping[str, Cost] | None = None,
) -> str:
    """Who runs what, how, over how many rows and bits, and what it costs on the link.

    `supposed`: tables with the rows that they are taken to have. `rejected`: whole plans that came
    into question, by name.
    """
    lines = [
        f"plan {plan.digest[:16]}  protocol {plan.protocol}  parties {', '.join(plan.parties)}"
        + (f"  beside them {', '.join(plan.outsiders)}" if plan.outsiders else ""),
        f"total: {amount(cost.total)}, about {seconds_text(link.query_seconds(cost.total))} on "
        f"{link.name}",
    ]
    components = PROTOCOLS[plan.protocol].components
    lines[1] += f", {_memory_text(plan.root, components)}"
    if cost.ahead is not None:
        lines.append(f"of it ahead of the data: {amount(cost.ahead)}")
    if supposed:
        told = ", ".join(f"{name} {rows:,}" for name, rows in supposed)
        lines.append(f"as if there were so many rows, with wider keys: {told}")
    for name, other in (rejected or {}).items():
        lines.append(
            f"rejected, {name}: {amount(other)}, about {seconds_text(link.query_seconds(other))}"
        )
    lines.append("")
    names = column_names(plan.root)
    costs = dict(zip(_positions(plan.root), cost.operators, strict=False))
    shown = _Shown(names, costs, alternatives or {}, link)
    lines += _tree(plan.root, "", "", shown)
    return "\n".join(lines)


def _memory_text(root: Root, components: int) -> str:
    """What a party's memory has to hold, and how much of that if relations wait on disk."""
    held, least = memory_bytes(root, components), spilling_bytes(root, components)
    text = f"{bytes_text(held)} of memory at most"
    return text + (f" ({bytes_text(least)} with the use of disk)" if least < 0.9 * held else "")


def amount(cost: Cost) -> str:
    """Rounds, and the bytes that the busiest party sends."""
    about = "~" if cost.expected else ""
    sent = max(cost.sent_bytes, default=0)
    rounds = "round" if cost.rounds == 1 else "rounds"
    return f"{about}{cost.rounds:,} {rounds}, {about}{bytes_text(sent)} per party"


def bytes_text(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def seconds_text(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _positions(operator: Operator) -> Iterator[int]:
    """Object identities in depth-first post-order, as the pricer numbers operators."""
    for child in children(operator):
        yield from _positions(child)
    yield id(operator)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is told of operators beside what they do."""

    names: dict[int, str]
    costs: dict[int, Cost]
    alternatives: Alternatives
    link: Link

    def price(self, cost: Cost) -> str:
        return f"{amount(cost)}, {seconds_text(self.link.seconds(cost))}"


def _tree(operator: Operator, first: str, rest: str, shown: _Shown) -> Iterator[str]:
    head, details = describe(operator, shown.names)
    own = shown.costs.get(id(operator))
    price = ""
    if own is not None and (own.rounds or max(own.sent_bytes, default=0)):
        price = f"  [{shown.price(own)}]"
    yield f"{first}{head}  rows {operator.rows:,}, {row_width(operator)} bits{price}"
    inputs = children(operator)
    bar = "│    " if inputs else "     "
    for detail in details:
        yield f"{rest}{bar}{detail}"
    for place, (name, cost) in enumerate(shown.alternatives.get(id(operator), ())):
        told = "alone, by" if place == 0 else "rejected:"
        yield f"{rest}{bar}{told} {name}  [{shown.price(cost)}]"
    for place, child in enumerate(inputs):
        last = place == len(inputs) - 1
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _tree(child, rest + branch, rest + below, shown)


def row_width(operator: Operator) -> int:
    """Bits of a row: planes of all columns, their null bits, and the valid bit."""
    return 1 + sum(_width(column) for column in operator.columns)


def _width(column: Column) -> int:
    return (column.encoding.width if column.encoding else 0) + column.nullable


def column_names(root: Operator) -> dict[int, str]:
    """A readable name for every column id of the plan."""
    names: dict[int, str] = {}

    def visit(operator: Operator) -> None:
        for child in children(operator):
            visit(child)
        for column in operator.columns:
            if not isinstance(operator, Reveal | Store):
                known = column.name if column.name else f"c{column.id}"
                names.setdefault(column.id, known)

    visit(root)
    return names


def describe(operator: Operator, names: dict[int, str]) -> tuple[str, list[str]]:
    """One line that says what the operator does, and lines of details."""
    match operator:
        case Fragment():
            if operator.held:
                return f"fragment at {operator.owner}, which keeps it", [operator.sql]
            return _fragment_text(operator, names)
        case Stored():
            shown = ", ".join(f"{names[c.id]} {_width(c)}" for c in operator.columns)
            return f"shared table {operator.table}", [f"shares {shown}"] if shown else []
        case Concat():
            return "union all", []
        case AlignedSum():
            return f"sum of aligned parts, {len(operator.key_values):,} public groups", []
        case Filter():
            return "filter", [expression_text(operator.predicate, names)]
        case Check():
            return "check", [expression_text(operator.condition, names)]
        case Project():
            return "project", [
                f"{names[c.id]} = {expression_text(e, names)}"
                for c, e in zip(operator.columns, operator.expressions, strict=True)
                if names[c.id] != expression_text(e, names)
            ]
        case Join():
            return _join_text(operator, names)
        case Intersection():
            return _intersection_text(operator, names)
        case Product():
            tested = () if operator.predicate is None else (operator.predicate,)
            head = f"{operator.kind} join of all pairs"
            return head, [expression_text(predicate, names) for predicate in tested]
        case Expand():
            return _expand_text(operator, names)
        case Attach():
            return f"{operator.kind} join with one row", []
        case Aggregate():
            keys = ", ".join(names[key] for key in operator.keys)
            head = f"aggregate by {keys}, {_grouping_text(operator)}" if keys else "aggregate"
            return head, [_aggregate_text(spec, names) for spec in operator.aggregates]
        case Sort():
            return _sort_text(operator, names)
        case Window():
            return _window_text(operator, names)
        case Reveal():
            shuffled = ", in random order" if operator.shuffle else ""
            columns = ", ".join(column.name for column in operator.columns)
            return f"reveal to {', '.join(operator.recipients)}{shuffled}", [columns]
        case Store():
            columns = ", ".join(column.name for column in operator.table.columns)
            return f"keep as the shared table {operator.table.name}", [columns]
        case _:
            raise AssertionError(type(operator).__name__)


def _grouping_text(operator: Aggregate) -> str:
    match operator.sort:
        case "dense":
            return "a sum for each possible group"
        case "known":
            owner = key_owner(operator.input, operator.keys)
            return f"in an order that {owner} makes, who knows the keys"
        case "quick" | "radix":
            return f"{operator.sort} sort"
        case _:
            assert_never(operator.sort)


def _fragment_text(operator: Fragment, names: dict[int, str]) -> tuple[str, list[str]]:
    def named(column: Column) -> str:
        own = f"c{column.id}"
        return own if names[column.id] == own else f"{own} {names[column.id]}"

    head = f"fragment at {operator.owner}"
    if operator.placed is not None:
        keys = ", ".join(names[key] for key in operator.placed.keys)
        head += f", at most {operator.placed.rows:,} rows, in the places of {keys}"
    columns = list(zip(operator.columns, operator.forms, strict=True))
    shared = [f"{named(c)} {_width(c)} {form}" for c, form in columns if form != "clear"]
    kept = [named(c) for c, form in columns if form == "clear"]
    details = [operator.sql, f"shares {', '.join(shared) or 'which rows there are'}"]
    return head, details + ([f"uses alone {', '.join(kept)}"] if kept else [])


def _expand_text(operator: Expand, names: dict[int, str]) -> tuple[str, list[str]]:
    pairs = zip(operator.left_keys, operator.right_keys, strict=True)
    keys = " and ".join(f"{names[a]} = {names[b]}" for a, b in pairs)
    rows = f"{operator.rows:,}"
    bound = (
        f"at most {rows} pairs by the catalog"
        if operator.overflow is None
        else f"fails if there are more than {rows} pairs"
    )
    return f"join of repeated keys on {keys}, {operator.sort} sort", [bound]


def _join_text(operator: Join, names: dict[int, str]) -> tuple[str, list[str]]:
    pairs = zip(operator.probe_keys, operator.build_keys, strict=True)
    keys = " and ".join(f"{names[a]} = {names[b]}" for a, b in pairs)
    head = f"{operator.kind} join on {keys}"
    asking = key_owner(operator.probe, operator.probe_keys)
    giving = key_owner(operator.build, operator.build_keys)
    match operator.by:
        case "sort":
            checked = ", uniqueness checked" if operator.check_unique else ""
            return f"{head}, {operator.sort} sort{checked}", []
        case "index":
            return f"{head}, by an index that {asking} makes, who knows the keys of both sides", []
        case "domain" | "cuckoo":
            size = domain_size(operator) if operator.by == "domain" else None
            table = "a cuckoo table" if size is None else f"a table of the {size:,} possible keys"
            known = f"{giving} knows those on the right, {asking} those on the left"
            return f"{head}, through {table}", [known]
        case _:
            assert_never(operator.by)


def _intersection_text(operator: Intersection, names: dict[int, str]) -> tuple[str, list[str]]:
    pairs = zip(operator.probe_keys, operator.build_keys, strict=True)
    keys = " and ".join(f"{names[a]} = {names[b]}" for a, b in pairs)
    probe, build = operator.reveals.probe, operator.reveals.build
    shared = ", ".join(f"{names[c.id]} {_width(c)}" for c in operator.columns)
    told = f"reveals to {probe.owner} and {build.owner} which of their keys match"
    details = [told, *([f"shares {shared}"] if shared else [])]
    return f"{operator.kind} join on {keys}, intersection by {operator.by}", details


def _keys_text(keys: tuple[SortKey, ...], names: dict[int, str]) -> str:
    return ", ".join(
        f"{names[k.column]}{' desc' if k.descending else ''}"
        f"{' nulls first' if k.nulls_first else ''}"
        for k in keys
    )


def _sort_text(operator: Sort, names: dict[int, str]) -> tuple[str, list[str]]:
    keys = _keys_text(operator.keys, names)
    how = "quickselect" if operator.sort == "select" else f"{operator.sort} sort"
    head = f"sort by {keys}, {how}" if keys else "valid rows first"
    if operator.limit is not None:
        head += f", limit {operator.limit}"
    if operator.offset:
        head += f", offset {operator.offset}"
    return head, []


def _window_text(operator: Window, names: dict[int, str]) -> tuple[str, list[str]]:
    keys = ", ".join(names[key] for key in operator.partition)
    order = _keys_text(operator.order, names)
    head = "window" + (f" by {keys}" if keys else "") + (f" ordered by {order}" if order else "")
    details = []
    for spec in operator.calls:
        text = f"{names[spec.column.id]} = {call_text(spec, names)}"
        framed = spec.function not in UNFRAMED
        details.append(f"{text} {frame_text(spec.frame).lower()}" if framed else text)
    return f"{head}, {operator.sort} sort", details


def _aggregate_text(spec: AggregateSpec, names: dict[int, str]) -> str:
    if spec.argument is None:
        return f"{names[spec.column.id]} = count(*)"
    function, inner = spec.function.removesuffix("_distinct"), names[spec.argument]
    if function != spec.function:
        inner = f"distinct {inner}"
    if spec.order is not None:
        inner = f"{inner}, {names[spec.order]}"
    return f"{names[spec.column.id]} = {function}({inner})"


def expression_text(expression: Expression, names: dict[int, str]) -> str:
    """A readable text; casts between numbers, which change nothing, are left out."""
    match expression:
        case ColumnRef():
            return names.get(expression.id, expression.name or f"c{expression.id}")
        case Literal(value=None):
            return "NULL"
        case Literal():
            shown = expression.value
            plain = isinstance(expression.type, DateType) or isinstance(shown, str | bool)
            return literal_sql(expression) if plain else str(shown)
        case Case():
            branches = " ".join(
                f"when {expression_text(a, names)} then {expression_text(b, names)}"
                for a, b in expression.branches
            )
            last = expression.otherwise
            otherwise = "" if last is None else f" else {expression_text(last, names)}"
            return f"case {branches}{otherwise} end"
        case Call(function="cast", arguments=(inner,)):
            return expression_text(inner, names)
        case Call():
            return _call_text(expression, names)
        case _:
            raise AssertionError(type(expression).__name__)


def _call_text(call: Call, names: dict[int, str]) -> str:
    inner = [expression_text(argument, names) for argument in call.arguments]
    match call.function, inner:
        case (("and" | "or"), _):
            return "(" + f" {call.function} ".join(inner) + ")"
        case "is_null", [only]:
            return f"{only} is null"
        case "is_not_null", [only]:
            return f"{only} is not null"
        case "in", [first, *rest]:
            return f"{first} in ({', '.join(rest)})"
        case "/", [left, right]:
            return f"({left} / {right})"
        case function, [left, right] if function in INFIX:
            return f"({left} {INFIX[function].lower()} {right})"
        case function, _:
            return f"{function}({', '.join(inner)})"
