"""One query, from the side of the party that asks it: agree with all, run, collect."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pyarrow as pa

from ...planner.cost import Cost, PlanCost
from ...planner.secure import SecurePlan
from ...query.bound import Statement
from ...query.errors import (
    CancelledError,
    InternalError,
    PeerError,
    PeerLostError,
    PeerTimeoutError,
    PlanMismatchError,
    SessionError,
    TacitError,
)
from .examining import examine
from .failures import choose_failure
from .messages import (
    CANCELLED,
    SESSION_BYTES,
    Agreement,
    Body,
    Cancel,
    Proposal,
    Question,
    Start,
    Usage,
    cost_body,
)
from .participating import START_WITHIN_SECONDS
from .replies import Replies
from .resources import Resources, complain
from .session import Session

GRACE_SECONDS = 2.0
"""How long the asker waits, after a failure, for what the others say about it."""

_NOTHING = Cost(rounds=0, sent_bytes=(0, 0, 0), messages=(0, 0, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the asking owner gets: facts about the run, and its own copy of the result, if any."""

    facts: Body
    table: pa.Table | None


class Inquiry:
    """One query of this node's owner; `run` once. `cancel` may come from any thread."""

    def __init__(self, resources: Resources, question: Question) -> None:
        self._resources = resources
        self._question = question
        self._began = time.monotonic()
        seconds = min(question.seconds, resources.settings.session_seconds)
        self._until = self._began + seconds
        self._lock = threading.Lock()
        self._reason: TacitError | None = None
        self._wake: Callable[[], None] = lambda: None
        self._session: Session | None = None
        self._state = "planning"
        self._predicted: PlanCost | None = None
        self._timer = threading.Timer(seconds, self.cancel, [_overdue(seconds)])
        self._timer.daemon = True

    def run(self) -> Reply:
        """Answers the question. Errors: the tree under TacitError, whatever party caused them."""
        self._timer.start()
        try:
            statement = self._resources.compiler.bind(self._question.statement)
            if statement.explain in ("plan", "privacy"):
                return self._explained(statement)
            return self._answered(statement)
        finally:
            self._timer.cancel()

    def cancel(self, reason: TacitError | None = None) -> None:
        """Ends the query at every node; `run` raises the reason. Returns at once."""
        with self._lock:
            self._reason = self._reason or reason or CancelledError("the query was cancelled")
            session, wake = self._session, self._wake
        wake()
        if session is not None:
            session.abort(self._reason)

    def progress(self) -> Body:
        """How far it is: the fields of the client's Progress."""
        predicted = self._predicted
        index = self._resources.index
        session = self._session
        stage = {"state": self._state, "step": self._state, "step_number": 0, "steps": 0}
        stage |= {"rounds": 0, "sent_bytes": 0}
        return (asdict(session.stage()) if session is not None else stage) | {
            "predicted_rounds": predicted.total.rounds if predicted else 0,
            "predicted_bytes": predicted.total.sent_bytes[index] if predicted else 0,
            "seconds": time.monotonic() - self._began,
        }

    def _explained(self, statement: Statement) -> Reply:
        """EXPLAIN and EXPLAIN PRIVACY: this party's own planning; nobody else hears of it."""
        compiler = self._resources.compiler
        plan = compiler.plan(statement, self._resources.party)
        privacy = compiler.privacy(plan)
        text = privacy if statement.explain == "privacy" else compiler.explain(plan)
        return Reply(
            facts=self._facts(self._question.session, plan, privacy, _NOTHING)
            | {"recipients": [self._resources.party]},
            table=_lines(text),
        )

    def _answered(self, statement: Statement) -> Reply:
        session_id, plan = self._agree(statement)
        resources = self._resources
        try:
            session = Session(
                resources, session_id, plan, seconds=max(self._until - time.monotonic(), 0.001)
            )
            with self._lock:
                self._session = session
            self._raise_if_cancelled()
            self._predicted = resources.compiler.price(plan)
            table, measured = self._run_everywhere(session)
            if table is not None:
                resources.audit.record("delivered", session=session_id, recipient=resources.party)
            privacy = resources.compiler.privacy(plan)
            facts = self._facts(session_id, plan, privacy, measured)
            if statement.explain == "analyze":
                table = _lines(self._analysis(plan, measured, facts["seconds"]))
            return Reply(facts=facts, table=table)
        finally:
            resources.slot.release(session_id)

    def _agree(self, statement: Statement) -> tuple[str, SecurePlan]:
        """A session that every node has a place for, and the plan that all of them made."""
        resources = self._resources
        until = min(time.monotonic() + resources.settings.queue_seconds, self._until)
        while True:
            session_id = os.urandom(SESSION_BYTES).hex()
            self._take_own_place(session_id, until)
            try:
                plan, busy = self._propose(session_id, statement)
            except BaseException:
                resources.slot.release(session_id)
                raise
            if not busy:
                return session_id, plan
            resources.slot.release(session_id)
            if time.monotonic() >= until:
                raise SessionError(f"{' and '.join(busy)} had no place for the query in time")
            self._pause(0.02 + int.from_bytes(os.urandom(2)) / 2**16 * 0.2)

    def _take_own_place(self, session_id: str, until: float) -> None:
        self._state = "waiting"
        slot, hold = self._resources.slot, START_WITHIN_SECONDS
        while not slot.reserve(session_id, wait_seconds=0.1, hold_seconds=hold):
            self._raise_if_cancelled()
            if time.monotonic() >= until:
                raise SessionError(
                    f"{self._resources.party} was busy with other queries for too long"
                )

    def _propose(self, session_id: str, statement: Statement) -> tuple[SecurePlan, list[str]]:
        """Plans while the others consider; who of them is busy. Errors: of whoever refuses."""
        resources = self._resources
        self._state = "planning"
        audit, party = resources.audit, resources.party
        audit.record(
            "proposed", session=session_id, asker=party, statement=self._question.statement
        )
        proposal = Proposal(
            session=session_id,
            statement=self._question.statement,
            catalog=resources.compiler.catalog.digest,
            protocol=resources.federation.protocol,
            version=resources.version,
            seconds=max(self._until - time.monotonic(), 0.001),
        )
        timeout = resources.settings.peer_timeout_seconds
        replies = self._ask_all("propose", proposal.body(), timeout)
        try:
            plan = examine(resources, statement, party)
            self._state = "agreeing"
            replies.wait(timeout + 1, lambda: self._reason is not None)
            self._raise_if_cancelled()
            busy = _check_replies(replies, plan, party)
        except TacitError as error:
            self._withdraw(session_id, error)
            audit.record("refused", session=session_id, asker=party, cause=type(error).__name__)
            raise
        if busy:
            self._withdraw(session_id, SessionError("another node is busy"))
        return plan, busy

    def _run_everywhere(self, session: Session) -> tuple[pa.Table | None, Cost]:
        """Starts the session at all nodes and runs it here."""
        audit, plan = self._resources.audit, session.plan
        start = Start(
            session=session.id, plan=plan.digest, recipients=",".join(plan.root.recipients)
        )
        if not self._resources.slot.keep(session.id):
            raise SessionError(f"{self._resources.party} no longer holds a place for the query")
        audit.record("started", session=session.id, asker=plan.asker, plan=plan.digest)
        left = max(self._until - time.monotonic(), 0) + GRACE_SECONDS
        replies = self._ask_all("start", start.body(), left, on_failure=session.abort)
        try:
            table, usage = session.run()
            silent = replies.wait(left)
            if silent or replies.failures:
                raise _fault_of(self._resources.party, None, replies, silent)
        except TacitError as error:
            chosen = self._cause(session, error, replies)
            audit.record("aborted", session=session.id, cause=type(chosen).__name__)
            complain(f"session {session.id} ended at step {session.step!r}: {chosen}")
            raise chosen from None
        audit.record(
            "finished", session=session.id, seconds=round(time.monotonic() - self._began, 3)
        )
        return table, self._measured(usage, replies)

    def _cause(self, session: Session, error: TacitError, replies: Replies) -> TacitError:
        """The failure behind the failures, once the others have had time to report."""
        if self._reason is not None:
            self._withdraw(session.id, self._reason)
            replies.wait(GRACE_SECONDS)
            return self._reason
        step = session.step
        silent = replies.wait(0 if replies.failures and error in replies.failures.values() else 0.2)
        if silent:
            self._withdraw(session.id, error)
            silent = replies.wait(GRACE_SECONDS)
        chosen = _fault_of(self._resources.party, error, replies, silent)
        if isinstance(chosen, PeerLostError) and chosen.step == "start":
            return PeerLostError(
                f"{chosen.party} was lost at step {step!r}: its node ended, or the way to it",
                party=chosen.party,
                step=step,
            )
        return chosen

    def _measured(self, usage: Usage, replies: Replies) -> Cost:
        parties, own = self._resources.federation.parties, self._resources.party
        usages = [
            usage if name == own else Usage.from_body(replies.bodies[name]) for name in parties
        ]
        return Cost(
            rounds=max(u.depth for u in usages),
            sent_bytes=tuple(u.sent_bytes for u in usages),
            messages=tuple(u.sent_messages for u in usages),
        )

    def _analysis(self, plan: SecurePlan, measured: Cost, seconds: float) -> str:
        from ...planner.explain import explain_analyze

        if self._predicted is None:
            raise InternalError("a query ran without a prediction")
        return explain_analyze(plan, self._predicted, measured, seconds)

    def _facts(self, session_id: str, plan: SecurePlan, privacy: str, measured: Cost) -> Body:
        predicted = self._predicted or self._resources.compiler.price(plan)
        return {
            "session": session_id,
            "recipients": list(plan.root.recipients),
            "rounds": measured.rounds,
            "sent_bytes": list(measured.sent_bytes),
            "messages": sum(measured.messages),
            "seconds": time.monotonic() - self._began,
            "predicted": cost_body(predicted),
            "plan": plan.digest,
            "privacy": privacy,
        }

    def _ask_all(
        self,
        action: str,
        body: Body,
        timeout_seconds: float,
        on_failure: Callable[[TacitError], None] | None = None,
    ) -> Replies:
        replies = Replies(
            self._resources.links,
            action,
            body,
            timeout_seconds=timeout_seconds,
            on_failure=on_failure,
        )
        with self._lock:
            self._wake = replies.wake
        return replies

    def _withdraw(self, session_id: str, error: TacitError) -> None:
        """Tells the others that the session is over, without waiting for them."""
        reason = CANCELLED if isinstance(error, CancelledError) else "it failed elsewhere"
        message = Cancel(session=session_id, reason=reason)
        Replies(self._resources.links, "cancel", message.body(), timeout_seconds=GRACE_SECONDS)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._raise_if_cancelled()
            time.sleep(0.01)

    def _raise_if_cancelled(self) -> None:
        if self._reason is not None:
            raise self._reason


def _check_replies(replies: Replies, plan: SecurePlan, party: str) -> list[str]:
    """Who is busy. Errors: a refusal, silence, or PlanMismatchError naming who differs."""
    if replies.failures:
        raise choose_failure(replies.failures)
    silent = replies.wait(0)
    if silent:
        raise _silence(silent, "propose")
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
            f"the parties planned the query differently: {party} made {plan.digest}, {theirs}"
        )
    return busy


def _fault_of(
    party: str, error: TacitError | None, replies: Replies, silent: set[str]
) -> TacitError:
    """Of a party's own failure and the others' reports and silence: what explains the rest."""
    failures = dict(replies.failures)
    if error is not None:
        failures[party] = error
    if not failures:
        return _silence(silent, "finish")
    chosen = choose_failure(failures)
    if isinstance(chosen, PeerTimeoutError) and silent and chosen.party not in silent:
        return _silence(silent, chosen.step or "")
    return chosen


def _silence(silent: set[str], step: str) -> PeerError:
    names = sorted(silent)
    return PeerTimeoutError(
        f"{' and '.join(names)} did not answer in time (step {step!r})", party=names[0], step=step
    )


def _overdue(seconds: float) -> SessionError:
    return SessionError(f"the query took longer than its {seconds:g} seconds")


def _lines(text: str) -> pa.Table:
    """Text as a table with one column, a row for each line."""
    return pa.table({"explain": pa.array(text.splitlines(), pa.string())})
