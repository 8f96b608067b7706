"""How the asking node gets all others to agree to a query, before anything of it runs."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

from ...planner.secure import SecurePlan
from ...query.bound import Statement
from ...query.errors import CancelledError, PlanMismatchError, SessionError, TacitError
from .ending import Ending
from .examining import examine
from .failures import choose_failure
from .messages import CANCELLED, SESSION_BYTES, Agreement, Cancel, Proposal
from .replies import Replies, silence
from .resources import Resources
from .versions import versions_text

WITHDRAW_SECONDS = 2.0
_LEAST_PAUSE_SECONDS = 0.02
_SPREAD_SECONDS = 0.2


class Proposer:
    """Proposes one statement of this node's party until all nodes have a place for it.

    `until` (time.monotonic) is the end of the whole query; `tell` hears what is going on.
    """

    def __init__(
        self,
        resources: Resources,
        statement: Statement,
        text: str,
        *,
        until: float,
        ending: Ending,
        tell: Callable[[str], None],
    ) -> None:
        self._resources = resources
        self._statement = statement
        self._text = text
        self._until = until
        self._ending = ending
        self._tell = tell

    def agree(self) -> tuple[str, SecurePlan]:
        """A fresh session that every node holds a place for, and the plan that all of them made.

        Errors: of whoever refuses; PlanMismatchError; PeerError; SessionError if a node is busy
        for too long; the reason of the ending.
        """
        slot = self._resources.slot
        until = min(time.monotonic() + self._resources.settings.queue_seconds, self._until)
        while True:
            session_id = os.urandom(SESSION_BYTES).hex()
            self._take_own_place(session_id, until)
            try:
                plan, busy = self._propose(session_id)
            except BaseException:
                slot.release(session_id)
                raise
            if not busy:
                return session_id, plan
            slot.release(session_id)
            if time.monotonic() >= until:
                raise SessionError(f"{' and '.join(busy)} had no place for the query in time")
            self._pause(_LEAST_PAUSE_SECONDS + _random_fraction() * _SPREAD_SECONDS)

    def _take_own_place(self, session_id: str, until: float) -> None:
        self._tell("waiting")
        slot = self._resources.slot
        while not slot.reserve(session_id, wait_seconds=0.1, hold_seconds=math.inf):
            self._ending.check()
            if time.monotonic() >= until:
                raise SessionError(
                    f"{self._resources.party} was busy with other queries for too long"
                )

    def _propose(self, session_id: str) -> tuple[SecurePlan, list[str]]:
        """Plans while the others consider; who of them is busy."""
        resources, audit = self._resources, self._resources.audit
        facts = {"session": session_id, "asker": resources.party}
        audit.record("proposed", **facts, statement=self._text)
        self._tell("planning")
        timeout = resources.settings.peer_timeout_seconds
        replies = Replies(
            resources.links, "propose", self._proposal(session_id).body(), timeout_seconds=timeout
        )
        self._ending.listen(lambda reason: replies.wake())
        try:
            plan = examine(resources, self._statement, resources.party)
            resources.compiler.price(plan)  # remembered; the time while the others plan is free
            self._tell("agreeing")
            replies.wait(timeout + 1, lambda: self._ending.reason is not None)
            self._ending.check()
            busy = _check_replies(replies, plan, resources.party)
        except TacitError as error:
            withdraw(resources, session_id, error)
            audit.record("refused", **facts, cause=type(error).__name__)
            raise
        if busy:
            withdraw(resources, session_id, SessionError("another node is busy"))
        return plan, busy

    def _proposal(self, session_id: str) -> Proposal:
        resources = self._resources
        return Proposal(
            session=session_id,
            statement=self._text,
            catalog=resources.compiler.catalog.digest,
            tables=versions_text(resources.shared, self._statement),
            protocol=resources.federation.protocol,
            version=resources.version,
            seconds=max(self._until - time.monotonic(), 0.001),
        )

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._ending.check()
            time.sleep(0.01)


def withdraw(resources: Resources, session_id: str, error: TacitError) -> None:
    """Tells the others that a session is over, without waiting for them."""
    reason = CANCELLED if isinstance(error, CancelledError) else "it failed elsewhere"
    message = Cancel(session=session_id, reason=reason)
    Replies(resources.links, "cancel", message.body(), timeout_seconds=WITHDRAW_SECONDS)


def _check_replies(replies: Replies, plan: SecurePlan, party: str) -> list[str]:
    """Who is busy. Errors: a refusal, silence, or PlanMismatchError naming who differs."""
    if replies.failures:
        raise choose_failure(replies.failures)
    silent = replies.wait(0)
    if silent:
        raise silence(silent, "propose")
    busy = sorted(name for name, body in replies.bodies.items() if body.get("busy") is True)
    plans = {
        name: Agreement.from_body(body).plan
        for name, body in replies.bodies.items()
        if name not in busy
    }
    others = {name: digest for name, digest in plans.items() if digest != plan.digest}
    if others:
        theirs = ", ".join(f"{name} made {digest}" for name, digest in sorted(others.items()))
        raise PlanMismatchError(
            f"the parties planned the query differently: {party} made {plan.digest}, {theirs}\n"
            "hint: federation.toml must list the parties in the same order, and the same network, "
            "everywhere"
        )
    return busy


def _random_fraction() -> float:
    return int.from_bytes(os.urandom(2)) / 2**16
