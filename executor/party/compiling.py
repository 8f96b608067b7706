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
from ...planner.secure import Root, SecurePlan
from ...query import bind, load_catalog, parse
from ...query.bound import Statement
from ...query.catalog import Catalog
from ...query.errors import SqlError, UnsupportedError, UserError
from ..operators.pricing import DryRunPricer

_REMEMBERED = 64


class Compiler(Protocol):
    """What a node needs of query and planner. The same text gives the same plan everywhere."""

    catalog: Catalog

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
    """Compiles against one catalog; remembers the last prices.

    `admit` sees every plan before time and memory go into its price, and may raise.
    """

    def __init__(
        self,
        catalog_text: str,
        *,
        parties: tuple[str, ...],
        link: Link,
        public_directory: Path,
        admit: Callable[[Root], None] = lambda root: None,
    ) -> None:
        self.catalog = load_catalog(catalog_text, parties=parties, directory=public_directory)
        self._parties = parties
        self._link = link
        self._admit = admit
        self._pricer: Pricer = DryRunPricer(parties)
        self.price = lru_cache(_REMEMBERED)(self._pricer.plan_cost)

    def bind(self, text: str) -> Statement:
        """The one statement that a text holds. Errors: SqlError, UserError."""
        try:
            statements = parse(text)
            if len(statements) != 1:
                raise UserError(f"a query is one statement; the text holds {len(statements)}")
            bound = bind(statements[0], self.catalog, parties=self._parties, text=text)
            if bound.into is not None:
                raise UnsupportedError(
                    "CREATE SHARED TABLE is not supported",
                    span=statements[0].span,
                    hint="write the query as a common table: WITH name AS (SELECT ...) SELECT ...",
                )
            return bound
        except SqlError as error:
            raise error.located(text) from None

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
