"""Prices plans by running them over shares without values.

The same operators, circuits and message table that run a query are driven by `CountingProtocol`, so
that prediction and measurement cannot drift apart, and code that looked at a secret could not be
priced. Exact for everything but the quicksort, whose cost enters as its expectation.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache

from ...planner.cost import Cost, PlanCost
from ...planner.local_work import local_cells
from ...planner.protocol_facts import PROTOCOLS
from ...planner.secure import (
    DEFAULT_ROUND_WORTH,
    Fragment,
    Operator,
    Reveal,
    Root,
    SecurePlan,
    Store,
    children,
)
from ...planner.visibility import known_to
from ..sharing.protocols import CountedProtocol, counting_protocol
from ..sharing.shares import Bits, Ring
from .fragment import share_fragments
from .known import Known
from .run import Runner
from .stored import store
from .table import SecretColumn, SecretTable, encoding_of_column


class DryRunPricer:
    """Implements planner.cost.Pricer for the named protocol."""

    def __init__(
        self,
        parties: tuple[str, ...],
        protocol: str = "replicated",
        outsiders: tuple[str, ...] = (),
        *,
        round_worth: int = DEFAULT_ROUND_WORTH,
    ) -> None:
        self.parties = parties
        self.outsiders = outsiders
        self.protocol = protocol
        self.round_worth = round_worth
        self._operator_cost = lru_cache(maxsize=4096)(self._price_operator)
        self._plan_cost = lru_cache(maxsize=64)(self._price_plan)

    def operator_cost(self, operator: Operator, round_worth: int | None = None) -> Cost:
        """The cost of one operator alone, its inputs given in every form."""
        return self._operator_cost(operator, round_worth or self.round_worth)

    def plan_cost(self, plan: SecurePlan) -> PlanCost:
        """The cost of a whole plan, and what each operator (in post-order) adds to it.

        A column that is computed when it is first needed counts where it is needed. All fragments
        are shared in one round, which counts for the first of them. A round of several operators
        counts for each of them, and once in all. Where correlations are made ahead, a second dry
        run counts them first, as a run makes them. The last prices are remembered: planning may
        have asked for them before.
        """
        return self._plan_cost(plan)

    def _price_plan(self, plan: SecurePlan) -> PlanCost:
        count, outsiders = len(plan.parties), len(plan.outsiders)
        first = counting_protocol(plan.protocol, count, outsiders=outsiders)
        operators = _run(plan, first)
        if not PROTOCOLS[plan.protocol].prepares:
            return PlanCost(total=_with_local_work(first.cost(), plan), operators=operators)
        preparation = first.preparation()
        second = counting_protocol(plan.protocol, count, preparation, outsiders=outsiders)
        ahead = second.cost()
        _run(plan, second)
        return PlanCost(
            total=_with_local_work(second.cost(), plan),
            operators=operators,
            preparation=preparation,
            ahead=ahead,
        )

    def _price_operator(self, operator: Operator, round_worth: int) -> Cost:
        plan = self._alone(operator, round_worth)
        protocol = counting_protocol(
            self.protocol, len(self.parties), outsiders=len(self.outsiders)
        )
        runner = Runner(plan, protocol, _no_watch)
        if isinstance(operator, Fragment):
            share_fragments(protocol, [(operator, plan.members.index(operator.owner), None)])
            return protocol.cost()
        inputs = [_given(child, plan.members) for child in children(operator)]
        if isinstance(operator, Reveal):
            runner.reveal(operator, inputs[0])
        elif isinstance(operator, Store):
            store(protocol, operator, inputs[0], None, range(len(self.parties), len(plan.members)))
        else:
            table = runner.apply(operator, inputs)
            for column in table.columns.values():
                column.force("bits")
        return protocol.cost()

    def _alone(self, operator: Operator, round_worth: int) -> SecurePlan:
        """A plan around one operator, to give a runner its parties."""
        root: Root
        if isinstance(operator, Reveal | Store):
            root = operator
        else:
            root = Reveal(
                columns=operator.columns,
                rows=operator.rows,
                input=operator,
                recipients=(),
                shuffle=False,
            )
        return SecurePlan(
            root=root,
            protocol=self.protocol,
            parties=self.parties,
            asker=self.parties[0],
            statement="",
            outsiders=self.outsiders,
            round_worth=round_worth,
        )


def _run(plan: SecurePlan, protocol: CountedProtocol) -> tuple[Cost, ...]:
    """A dry run of all operators; what each of them adds."""
    runner = Runner(plan, protocol, _no_watch)
    tables = runner.share(None, None)
    runner.finish(tables)
    costs = [protocol.lane_cost(position + 1) for position in range(len(runner.operators))]
    first = min(tables, default=0)
    costs[first] = _added(protocol.lane_cost(0), costs[first])
    return tuple(costs)


def _no_watch(position: int, step: str) -> None:
    """Prices need no progress."""


def _with_local_work(cost: Cost, plan: SecurePlan) -> Cost:
    scanned, entered = local_cells(plan.root)
    return dataclasses.replace(cost, scanned_cells=scanned, entered_cells=entered)


def _added(first: Cost, second: Cost) -> Cost:
    """The cost of one after the other."""
    return Cost(
        rounds=first.rounds + second.rounds,
        sent_bytes=tuple(map(sum, zip(first.sent_bytes, second.sent_bytes, strict=True))),
        messages=tuple(map(sum, zip(first.messages, second.messages, strict=True))),
        gates=first.gates + second.gates,
        moved_bytes=first.moved_bytes + second.moved_bytes,
        work_seconds=first.work_seconds + second.work_seconds,
        expected=first.expected or second.expected,
    )


def _given(operator: Operator, members: tuple[str, ...]) -> SecretTable:
    """An input as shares without parts, every column in both forms."""
    columns: dict[int, SecretColumn] = {}
    known = known_to(operator)
    for column in operator.columns:
        encoding = encoding_of_column(column)
        number = encoding.text_bytes is None and encoding.width <= 64
        columns[column.id] = SecretColumn(
            encoding=encoding,
            rows=operator.rows,
            bits=Bits(operator.rows, encoding.width, ()),
            ring=Ring(operator.rows, 64, ()) if number else None,
            null=Bits(operator.rows, 1, ()) if column.nullable else None,
            clean_bits=True,
            clean_ring=True,
            known=Known(owner=members.index(known[column.id])) if column.id in known else None,
        )
    return SecretTable(operator.rows, columns, Bits(operator.rows, 1, ()))
