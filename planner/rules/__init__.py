"""The rewrite rules of the logical plan, in the order that they run.

Each is a pure function of the plan; its file says what it does with a small before and after.
"""

from __future__ import annotations

from collections.abc import Callable

from ..logical import Node
from .aggregate_early import aggregate_early
from .aggregate_parts import aggregate_parts
from .aggregate_sides import aggregate_sides
from .bound_residuals import bound_residuals
from .context import Context
from .distinct_semi_builds import distinct_semi_builds
from .drop_dependent_keys import drop_dependent_keys
from .expand_statistics import expand_statistics
from .factor_disjunctions import factor_disjunctions
from .fold_constants import fold_constants
from .group_before_join import group_before_join
from .group_finer_first import group_finer_first
from .hash_strings import hash_strings
from .inline_once import inline_once
from .lift_quotients import lift_quotients
from .merge_projects import merge_projects
from .order_joins import order_joins
from .prune_columns import prune_columns
from .push_filters import push_filters
from .select_for_semi import select_for_semi
from .share_common import share_common
from .sink_expressions import sink_expressions

Rule = Callable[[Node, Context], Node]

RULES: tuple[Rule, ...] = (
    share_common,
    fold_constants,
    factor_disjunctions,
    lift_quotients,
    push_filters,
    bound_residuals,
    merge_projects,
    inline_once,
    prune_columns,
    order_joins,
    aggregate_sides,
    aggregate_early,
    order_joins,
    group_before_join,
    merge_projects,
    sink_expressions,
    merge_projects,
    group_finer_first,
    drop_dependent_keys,
    expand_statistics,
    aggregate_parts,
    hash_strings,
    prune_columns,
    select_for_semi,
    distinct_semi_builds,
)


PRICED: dict[Rule, str] = {group_before_join: "no grouping before joins"}
"""Rules that do not pay everywhere: a plan goes on without them as well, under this name."""

USUAL = "as usual"


def rewrite(plan: Node, context: Context) -> dict[str, Node]:
    """Applies every rule once, in order: the plan by all of them, then those without a rule that is
    priced, by name."""
    plans = {USUAL: plan}
    for rule in RULES:
        before, plans = plans, {name: rule(one, context) for name, one in plans.items()}
        if rule in PRICED and before[USUAL] is not plans[USUAL]:
            plans[PRICED[rule]] = before[USUAL]
    return plans


__all__ = ["PRICED", "RULES", "USUAL", "Context", "Rule", "rewrite"]
