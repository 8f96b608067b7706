"""What every node checks for itself before it takes part in a query."""

from __future__ import annotations

from ...planner.secure import SecurePlan
from ...query.bound import Statement
from .policy import check_intersections, check_policy
from .resources import Resources

MAX_SOURCE_WAIT_SECONDS = 30.0


def examine(resources: Resources, statement: Statement, asker: str) -> SecurePlan:
    """The plan of a statement that this party may and can take part in.

    Errors: PolicyError; SessionError if the plan exceeds this party's limits or its source is not
    ready, which its owner learns as a DataError with the reason; SqlError from the planner.
    """
    check_policy(resources.policy, statement)
    plan = resources.compiler.plan(statement, asker)
    check_intersections(resources.policy, plan.root)
    resources.shared.check_room(plan.root)
    if resources.party in plan.root.recipients and asker != resources.party:
        resources.results.check_room()
    patience = min(MAX_SOURCE_WAIT_SECONDS, resources.settings.peer_timeout_seconds / 2)
    resources.gate.pass_through(patience, for_owner=asker in resources.confidants)
    return plan
