"""From SQL text to secure plan, as every node does it for itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from ...planner import plan_query
from ...planner.cost import Link, PlanCost, Pricer
from ...planner.explain import explain_plan
from ...planner.privacy import explain_privacy
from ...planner.protocol_facts import PROTOCOLS
from ...planner.secure import Root, SecurePlan
from ...query import bind, load_catalog, parse, syntax
from ...query.bound import Statement
from ...query.catalog import Catalog
from ...query.commands import Command, bind_command, named_tables
from ...query.errors import SqlError, UserError
from ..operators.pricing import DryRunPricer
from .shared_tables import SharedTables

_REMEMBERED = 64


class Compiler(Protocol):
    """What a node needs of query and planner. The same text gives the same plan everywhere."""

    catalog: Catalog

    def command(self, text: str) -> Command | None:
        """The command that a text holds; None if it holds a query. Errors: as `bind`."""

    def bind(self, text: str) -> Statement:
        """The one statement that a text holds. Errors: SqlError, UserError."""

    def plan(self, statement: Statement, asker: str) -> SecurePlan:
        """The plan that answers a statement. Errors: SqlError."""

    def price(self, plan: SecurePlan) -> PlanCost:
        """What the plan will cost."""

    def explain(self, plan: SecurePlan) -> str:
        """The plan for people, with its cost."""

    def privacy(self, plan: SecurePlan) -> str:
        """What each party learns, for people."""


class SqlCompiler:
    """Compiles against one catalog and the shared tables of now; remembers the last prices.

    `parties` are the compute parties by index, `outsiders` the others. `admit` sees every plan
    before time and memory go into its price, and may raise.
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
        shared: SharedTables | None = None,
    ) -> None:
        self._parties, self._outsiders = parties, outsiders
        self._members = (*parties, *outsiders)
        self.catalog = load_catalog(catalog_text, parties=self._members, directory=public_directory)
        self._link = link
        self._protocol = protocol
        self._admit = admit
        self._shared = shared
        worth = link.round_worth(PROTOCOLS[protocol].and_bytes(len(parties)))
        self._pricer: Pricer = DryRunPricer(parties, protocol, outsiders, round_worth=worth)
        self.price = lru_cache(_REMEMBERED)(self._pricer.plan_cost)

    def command(self, text: str) -> Command | None:
        """The command that a text holds, None if it holds a query. Errors: as `bind`."""
        statement, catalog = self._parsed(text)
        return bind_command(statement, catalog, text=text)

    def bind(self, text: str) -> Statement:
        """The one statement that a text holds. Errors: SqlError, UserError."""
        try:
            statement, catalog = self._parsed(text)
            return bind(statement, catalog, parties=self._members, text=text)
        except SqlError as error:
            raise error.located(text) from None

    def _parsed(self, text: str) -> tuple[syntax.Statement, Catalog]:
        """The one statement of a text, and the catalog that it is bound to.

        Errors: SqlSyntaxError; UserError; SessionError for a shared table that cannot be read.
        """
        statements = parse(text)
        if len(statements) != 1:
            raise UserError(f"a query is one statement; the text holds {len(statements)}")
        if self._shared is None:
            return statements[0], self.catalog
        for name in named_tables(statements[0]):
            self._shared.check(name)
        return statements[0], self.catalog.with_shared(self._shared.tables())

    def plan(self, statement: Statement, asker: str) -> SecurePlan:
        """The plan that answers a statement. Errors: SqlError; whatever `admit` raises."""
        try:
            return plan_query(
                statement,
                self.catalog,
                parties=self._parties,
                asker=asker,
                pricer=self._pricer,
                link=self._link,
                protocol=self._protocol,
                outsiders=self._outsiders,
                admit=self._admit,
            )
        except SqlError as error:
            raise error.located(statement.text) from None

    def explain(self, plan: SecurePlan) -> str:
        """The plan for people, with its cost."""
        return explain_plan(plan, self.price(plan), self._link)

    def privacy(self, plan: SecurePlan) -> str:
        """What each party learns, for people."""
        return explain_privacy(plan, self.catalog)
