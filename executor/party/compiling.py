"""From SQL text to secure plan, as every node does it for itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from ...planner.alternatives import alternatives
from ...planner.cost import LINKS, Link, PlanCost, Pricer
from ...planner.explain import explain_plan
from ...planner.plan import cheapest, plans_in_question
from ...planner.privacy import explain_privacy
from ...planner.protocol_facts import PROTOCOLS
from ...planner.secure import Root, SecurePlan
from ...query import bind, load_catalog, parse, syntax
from ...query.bound import Statement
from ...query.catalog import Catalog
from ...query.commands import Command, bind_command, named_tables
from ...query.errors import BindError, SqlError, UserError
from ..operators.pricing import DryRunPricer
from .shared_tables import SharedTables

_REMEMBERED = 64


def _admit_all(root: Root) -> None:
    """What is only supposed may be as large as it likes."""


class Compiler(Protocol):
    """What a node needs of query and planner. The same text gives the same plan everywhere."""

    catalog: Catalog

    def read(self, text: str) -> Command | Statement:
        """The one command or query that a text holds. Errors: as `bind`."""

    def bind(self, text: str) -> Statement:
        """The one statement that a text holds. Errors: SqlError, UserError."""

    def plan(self, statement: Statement, asker: str) -> SecurePlan:
        """The plan that answers a statement. Errors: SqlError."""

    def price(self, plan: SecurePlan) -> PlanCost:
        """What the plan will cost."""

    def explain(self, statement: Statement, plan: SecurePlan) -> str:
        """The plan for people, with its cost, by the options of the EXPLAIN. Errors: BindError."""

    def privacy(self, plan: SecurePlan) -> str:
        """What each party learns, for people."""


class SqlCompiler:
    """Compiles against one catalog and the shared tables of now.

    `parties` are the compute parties by index, `outsiders` the others. `admit` sees every plan
    before time and memory go into its price, `afford` the one that is chosen; both may raise.
    """

    def __init__(
        self,
        catalog_text: str,
        *,
        parties: tuple[str, ...],
        link: Link,
        protocol: str = "replicated",
        outsiders: tuple[str, ...] = (),
        public_directory: Path,
        admit: Callable[[Root], None] = lambda root: None,
        afford: Callable[[Root], None] = lambda root: None,
        shared: SharedTables | None = None,
    ) -> None:
        self._parties, self._outsiders = parties, outsiders
        self._members = (*parties, *outsiders)
        self.catalog = load_catalog(catalog_text, parties=self._members, directory=public_directory)
        self._link = link
        self._protocol = protocol
        self._admit = admit
        self._afford = afford
        self._shared = shared
        self._pricer = self._pricer_on(link)
        self._trees = lru_cache(_REMEMBERED)(parse)
        self._planned = lru_cache(_REMEMBERED)(self._plan)

    def read(self, text: str) -> Command | Statement:
        """The one command or query that a text holds. Errors: as `bind`."""
        statement, catalog = self._parsed(text)
        command = bind_command(statement, catalog, text=text)
        if command is not None:
            return command
        return bind(statement, catalog, parties=self._members, text=text)

    def bind(self, text: str) -> Statement:
        """The one statement that a text holds. Errors: SqlError, UserError."""
        statement, catalog = self._parsed(text)
        return bind(statement, catalog, parties=self._members, text=text)

    def _parsed(self, text: str) -> tuple[syntax.Statement, Catalog]:
        """The one statement of a text, and the catalog that it is bound to.

        Errors: SqlSyntaxError; UserError; SessionError for a shared table that cannot be read.
        """
        statements = self._trees(text)
        if len(statements) != 1:
            raise UserError(f"a query is one statement; the text holds {len(statements)}")
        if self._shared is None:
            return statements[0], self.catalog
        for name in named_tables(statements[0]):
            self._shared.check(name)
        return statements[0], self.catalog.with_shared(self._shared.tables())

    def plan(self, statement: Statement, asker: str) -> SecurePlan:
        """The plan that answers a statement, remembered for a while: a statement names the tables
        with their versions, and so always has the same plan.

        Errors: SqlError; whatever `admit` and `afford` raise.
        """
        return self._planned(statement, asker)

    def _plan(self, statement: Statement, asker: str) -> SecurePlan:
        plans = self._plans(statement, asker)
        link, pricer = self._network(statement)
        plan = cheapest(plans, pricer, link)
        if not statement.supposed:
            self._afford(plan.root)
        return plan

    def _plans(self, statement: Statement, asker: str) -> dict[str, SecurePlan]:
        """The plans that come into question, by name."""
        try:
            link, pricer = self._network(statement)
            return plans_in_question(
                statement,
                parties=self._parties,
                asker=asker,
                pricer=pricer,
                link=link,
                protocol=self._protocol,
                outsiders=self._outsiders,
                admit=_admit_all if statement.supposed else self._admit,
            )
        except SqlError as error:
            raise error.located(statement.text) from None

    def price(self, plan: SecurePlan) -> PlanCost:
        """What the plan will cost; remembered for a while."""
        return self._pricer.plan_cost(plan)

    def explain(self, statement: Statement, plan: SecurePlan) -> str:
        """The plan for people, with its cost, by the options of the EXPLAIN. Errors: BindError."""
        link, pricer = self._network(statement)
        operators, plans = None, {}
        if statement.alternatives:
            operators = alternatives(plan.root, pricer, link, plan.parties)
            found = self._plans(statement, plan.asker)
            plans = {n: pricer.plan_cost(one).total for n, one in found.items() if one != plan}
        return explain_plan(
            plan,
            self.price(plan),
            link,
            supposed=statement.supposed,
            alternatives=operators,
            rejected=plans,
        )

    def _network(self, statement: Statement) -> tuple[Link, Pricer]:
        """The network that a statement is planned for: the federation's own unless it says."""
        if statement.network is None:
            return self._link, self._pricer
        name, span = statement.network
        if name.lower() not in LINKS:
            raise BindError(
                f"there is no network {name}", span=span, hint=f"known: {', '.join(sorted(LINKS))}"
            )
        link = LINKS[name.lower()].running(self._protocol)
        return link, self._pricer_on(link)

    def _pricer_on(self, link: Link) -> Pricer:
        worth = link.round_worth(PROTOCOLS[self._protocol].and_bytes(len(self._parties)))
        return DryRunPricer(self._parties, self._protocol, self._outsiders, round_worth=worth)

    def privacy(self, plan: SecurePlan) -> str:
        """What each party learns, for people."""
        return explain_privacy(plan, self.catalog)
