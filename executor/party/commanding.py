"""Statements that need no plan: SHOW TABLES, DESCRIBE, DROP TABLE, and keeping what exists."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pyarrow as pa

from ...planner.cost import Cost, PlanCost
from ...query.catalog import Table
from ...query.commands import Command, DescribeTable, DropTable, KeepTable, ShowTables
from ...query.errors import BindError, PolicyError
from .describing import described, listed
from .failures import choose_failure
from .messages import SESSION_BYTES, Body, Removal, cost_body
from .replies import Replies, silence
from .resources import Resources

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command gave: a table, or a message that says what happened."""

    table: pa.Table | None = None
    message: str = ""


def perform(resources: Resources, command: Command) -> Outcome:
    """Does what this node's owner commands. Errors: BindError; PolicyError; of other nodes."""
    match command:
        case ShowTables():
            catalog = resources.compiler.catalog.with_shared(resources.shared.tables())
            return Outcome(table=listed(catalog, resources.shared.incomplete()))
        case DescribeTable(table=table, owner=owner):
            return Outcome(table=described(table, owner))
        case KeepTable(name=name):
            return Outcome(message=f"The shared table {name} exists already and stays.")
        case DropTable():
            return _drop(resources, command)


def remove(resources: Resources, caller: str, removal: Removal) -> Body:
    """Removes this party's shares of a table, by word of `caller`. Errors: PolicyError."""
    shared, name = resources.shared, removal.name
    table = shared.tables().get(name)
    if table is not None and caller not in resources.confidants:
        _check_say(table, caller)
    removed = shared.drop(name)
    if removed:
        resources.audit.record("dropped", session=removal.session, asker=caller, table=name)
    return {"removed": removed}


def command_facts(outcome: Outcome, parties: int, seconds: float) -> Body:
    """The facts of a Reply (asking.py) to a command, which costs nothing."""
    nothing = Cost(rounds=0, sent_bytes=(0,) * parties, messages=(0,) * parties)
    return {
        "session": os.urandom(SESSION_BYTES).hex(),
        "recipients": [],
        "rounds": 0,
        "sent_bytes": [0] * parties,
        "messages": 0,
        "busy_seconds": [0.0] * parties,
        "seconds": seconds,
        "predicted": cost_body(PlanCost(total=nothing, operators=())),
        "plan": "",
        "privacy": "",
        "message": outcome.message,
    }


def _drop(resources: Resources, command: DropTable) -> Outcome:
    """Removes a table everywhere, here last: as long as it fails elsewhere, it can be repeated."""
    name, party = command.name, resources.party
    table = resources.shared.tables().get(name)
    if table is not None and not resources.settings.local:
        _check_say(table, party)
    removal = Removal(session=os.urandom(SESSION_BYTES).hex(), name=name)
    replies = Replies(resources.links, "drop", removal.body(), timeout_seconds=_SECONDS)
    silent = replies.wait(_SECONDS + 1)
    if replies.failures:
        raise choose_failure(replies.failures)
    if silent:
        raise silence(silent, "drop")
    removed = [body["removed"] is True for body in replies.bodies.values()]
    removed.append(remove(resources, party, removal)["removed"] is True)
    if not any(removed) and not command.if_exists:
        raise BindError(f"there is no shared table {name}")
    if not any(removed):
        return Outcome(message=f"There is no shared table {name}.")
    return Outcome(message=f"The shared table {name} is gone at all parties.")


def _check_say(table: Table, party: str) -> None:
    """Errors: PolicyError unless the party made the table, or owns rows that went into it."""
    sharing = table.sharing
    if sharing is None:
        return
    entitled = {sharing.creator, *(owner for owner, _ in sharing.sources)}
    if party not in entitled:
        raise PolicyError(
            f"{party} may not drop the shared table {table.name}: that is for "
            f"{' and '.join(sorted(entitled))}"
        )
