"""A bound statement -> the secure plan that every party computes for itself and compares by digest.

build -> rules -> lowering -> forms -> algorithms -> forms (some algorithms read less) -> revealed
intersections. Where several plans come into question (rules/, late_fetch.py), the cheapest on the
link is taken. Deterministic: the same statement, catalog, parties, asker and link give the same
plan in every process.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict, Unpack

from ..query.bound import ColumnRef, Statement
from ..query.datatypes import Column
from ..query.errors import SqlError, UserError
from .algorithms import choose_algorithms
from .build import build, highest_id
from .cost import Link, Pricer
from .facts import Analysis
from .forms import assign_forms
from .intersections import reveal_intersections
from .known import Facts
from .late_fetch import fetch_late
from .logical import Ids, Node, Project
from .lower import Lowering
from .memory import memory_bytes, run_side_by_side
from .ownership import is_local
from .protocol_facts import PROTOCOLS
from .rules import USUAL, Context, rewrite
from .secure import (
    Aggregate,
    AlignedSum,
    Filter,
    Join,
    Operator,
    Reveal,
    Root,
    SecurePlan,
    Sort,
    Store,
)
from .secure import Project as SecureProject
from .shared_tables import shared_table
from .size import check_size
from .ties import check_ties

LATE = "wide columns fetched late"

MORE_MEMORY = 1.25
"""How many times the memory of the usual plan another one may take."""


class Setting(TypedDict):
    """What a plan depends on beside its statement.

    `parties`: the compute parties, by index; `outsiders`: the rest. `admit` sees a plan before it
    is priced, which takes time and memory, and may raise.
    """

    parties: tuple[str, ...]
    asker: str
    pricer: Pricer
    link: Link
    protocol: NotRequired[str]
    outsiders: NotRequired[tuple[str, ...]]
    admit: NotRequired[Callable[[Root], None]]


def plan_query(statement: Statement, **setting: Unpack[Setting]) -> SecurePlan:
    """The secure plan of a query: the cheapest in question. Errors: as `plans_in_question`."""
    plans = plans_in_question(statement, **setting)
    return cheapest(plans, setting["pricer"], setting["link"])


def cheapest(plans: Mapping[str, SecurePlan], pricer: Pricer, link: Link) -> SecurePlan:
    """The plan that takes the least seconds; none is priced where there is no choice."""
    if len(plans) == 1:
        return plans[USUAL]
    return min(plans.values(), key=lambda plan: link.query_seconds(pricer.plan_cost(plan).total))


def plans_in_question(
    statement: Statement,
    *,
    parties: tuple[str, ...],
    asker: str,
    pricer: Pricer,
    link: Link,
    protocol: str = "replicated",
    outsiders: tuple[str, ...] = (),
    admit: Callable[[Root], None] = lambda root: None,
) -> dict[str, SecurePlan]:
    """The plans that come into question, each with its cheapest algorithms. Keywords: `Setting`.

    By name: which rule an unusual one goes without, and what is done late. Errors: UnsupportedError
    (with the place) for SQL that does not run across owners or is too large to plan; UserError for
    values without a public bound or beyond the widths that shares hold; whatever `admit` raises.
    """
    try:
        check_size(statement)
        roots = _roots(statement, parties, outsiders, asker)
    except SqlError as error:
        raise error.located(statement.text) from None
    facts = PROTOCOLS[protocol]
    roots = _no_larger(roots, facts.components)
    for root in roots.values():
        admit(root)
    return {
        name: SecurePlan(
            root=reveal_intersections(
                assign_forms(choose_algorithms(assign_forms(root), pricer, link, parties)),
                pricer,
                link,
                parties,
            ),
            protocol=protocol,
            parties=parties,
            asker=asker,
            statement=statement.text,
            outsiders=outsiders,
            round_worth=link.round_worth(facts.and_bytes(len(parties))),
            side_by_side=facts.lanes and run_side_by_side(root, facts.components),
        )
        for name, root in roots.items()
    }


def _no_larger(roots: dict[str, Root], components: int) -> dict[str, Root]:
    """The usual, and those that take hardly more memory: parties allow as much as they have said,
    and a query should not be refused because it would be faster with more."""
    needed = {name: memory_bytes(root, components) for name, root in roots.items()}
    most = MORE_MEMORY * needed[USUAL]
    return {n: root for n, root in roots.items() if n == USUAL or needed[n] <= most}


def logical_plans(
    statement: Statement, parties: tuple[str, ...]
) -> tuple[dict[str, Node], Context]:
    """The rewritten logical plans in question, by name, and the rules' context."""
    context = Context(
        ids=Ids(highest_id(statement.query) + 1), analysis=Analysis(), parties=parties
    )
    return rewrite(build(statement.query, context.ids), context), context


def _roots(
    statement: Statement, parties: tuple[str, ...], outsiders: tuple[str, ...], asker: str
) -> dict[str, Root]:
    """The plans, and where there are wide columns to fetch at the end, those plans as well.

    Only the usual one has to be possible.
    """
    members = (*parties, *outsiders)
    missing = [name for name in statement.recipients if name not in members]
    if missing:
        raise UserError(f"REVEAL TO names {missing[0]}, which is not one of {', '.join(members)}")
    found, context = logical_plans(statement, members)
    nodes = dict(found)
    check_ties(nodes[USUAL], context.analysis)
    if statement.into is None:
        late = {
            LATE if name == USUAL else f"{name}, {LATE}": fetch_late(node, context)
            for name, node in nodes.items()
        }
        nodes |= {name: node for name, node in late.items() if node is not None}
    roots = {USUAL: _root(nodes.pop(USUAL), context, statement, parties, asker)}
    for name, node in nodes.items():
        with contextlib.suppress(SqlError):
            roots[name] = _root(node, context, statement, parties, asker)
    return roots


def _root(
    node: Node, context: Context, statement: Statement, parties: tuple[str, ...], asker: str
) -> Root:
    recipients, members = statement.recipients or (asker,), context.parties
    lowering = Lowering(
        node, ids=context.ids, analysis=context.analysis, parties=members, asker=asker
    )
    sources = tuple(column.id for column in node.columns)
    if is_local(node):
        owner = None if node.owners else lowering.asker
        operator: Operator = lowering.fragment(
            node, frozenset(node.ids), ordered=statement.into is None, owner=owner
        )
        shuffle = False
    else:
        node, sources = _without_renames(node)
        operator = lowering.lower(node, frozenset(sources))
        shuffle = needs_shuffle(operator, frozenset(sources))
    columns = _revealed(operator, sources, statement.query.columns)
    if statement.into is not None:
        table = shared_table(
            statement,
            statement.into,
            columns,
            facts=_with_smallest(context.facts(node), lowering),
            ids=sources,
            rows=operator.rows,
            parties=parties,
            asker=asker,
        )
        replace = statement.into.replace
        return Store(
            columns=columns, rows=operator.rows, input=operator, table=table, replace=replace
        )
    return Reveal(
        columns=columns,
        rows=operator.rows,
        input=operator,
        recipients=tuple(sorted(set(recipients), key=members.index)),
        shuffle=shuffle,
    )


def _with_smallest(facts: Facts, lowering: Lowering) -> Facts:
    """The facts with what is known of computed DOUBLE values since they have their encodings."""
    return dataclasses.replace(facts, smallest=facts.smallest | lowering.smallest)


def _without_renames(node: Node) -> tuple[Node, tuple[int, ...]]:
    """Skips a top projection that only renames: Reveal picks columns itself."""
    ids = node.ids
    while isinstance(node, Project) and all(isinstance(e, ColumnRef) for e in node.expressions):
        by = {
            c.id: e.id
            for c, e in zip(node.columns, node.expressions, strict=True)
            if isinstance(e, ColumnRef)
        }
        ids = tuple(by[i] for i in ids)
        node = node.input
    return node, ids


def _revealed(
    operator: Operator, sources: tuple[int, ...], outputs: tuple[Column, ...]
) -> tuple[Column, ...]:
    """The operator's columns under the result's names, in the result's order."""
    by_id = {column.id: column for column in operator.columns}
    return tuple(
        dataclasses.replace(by_id[source], name=output.name)
        for source, output in zip(sources, outputs, strict=True)
    )


def needs_shuffle(operator: Operator, revealed: frozenset[int]) -> bool:
    """False if the order of the rows depends on the revealed values (and ORDER BY) alone."""
    match operator:
        case SecureProject(input=below):
            renamed = {
                e.id
                for c, e in zip(operator.columns, operator.expressions, strict=True)
                if isinstance(e, ColumnRef) and c.id in revealed
            }
            return needs_shuffle(below, frozenset(renamed))
        case Sort():
            return False
        case Join(probe=probe):
            return needs_shuffle(probe, revealed & {column.id for column in probe.columns})
        case Aggregate(keys=keys) | AlignedSum(keys=keys) | Filter(input=AlignedSum(keys=keys)):
            return not frozenset(keys) <= revealed
        case _:
            return operator.rows > 1
