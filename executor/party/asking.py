"""One query, from the side of the party that asks it: agree with all, run, collect."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass

import pyarrow as pa

from ...planner.analyze import explain_analyze
from ...planner.cost import Cost, Measured, PlanCost
from ...planner.privacy import row_count
from ...planner.secure import SecurePlan, Store
from ...query.bound import Statement
from ...query.commands import Command
from ...query.errors import (
    CancelledError,
    InternalError,
    PeerLostError,
    PeerTimeoutError,
    SessionError,
    TacitError,
)
from .commanding import command_facts, perform
from .ending import Ending
from .failures import choose_failure
from .messages import Body, Question, Start, Usage, cost_body
from .proposing import Proposer, withdraw
from .replies import Replies, silence
from .resources import Resources, complain
from .session import Session

GRACE_SECONDS = 2.0
"""How long the asker waits, after a failure, for what the others say about it."""

_AT_ONCE_SECONDS = 0.2
_NOTHING = Measured(cost=Cost(rounds=0, sent_bytes=(), messages=()), busy_seconds=())


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
        self._seconds = min(question.seconds, resources.settings.session_seconds)
        self._until = self._began + self._seconds
        self._ending = Ending()
        self._session: Session | None = None
        self._state = "planning"
        self._predicted: PlanCost | None = None

    def run(self) -> Reply:
        """Answers the question. Errors: the tree under TacitError, whatever party caused them."""
        overdue = SessionError(f"the query took longer than its {self._seconds:g} seconds")
        timer = threading.Timer(self._seconds, self._ending.set, [overdue])
        timer.daemon = True
        timer.start()
        try:
            statement = self._resources.compiler.read(self._question.statement)
            if not isinstance(statement, Statement):
                return self._performed(statement)
            if statement.explain in ("plan", "privacy"):
                return self._explained(statement)
            return self._answered(statement)
        finally:
            timer.cancel()

    def cancel(self, reason: TacitError | None = None) -> None:
        """Ends the query at every node; `run` raises the reason. Returns at once."""
        self._ending.set(reason or CancelledError("the query was cancelled"))

    def progress(self) -> Body:
        """How far it is: the fields of the client's Progress."""
        predicted, session = self._predicted, self._session
        if session is not None:
            stage = asdict(session.stage())
        else:
            stage = {"state": self._state, "step": self._state}
            stage |= dict.fromkeys(("step_number", "steps", "rounds", "sent_bytes"), 0)
        return stage | {
            "predicted_rounds": predicted.total.rounds if predicted else 0,
            "predicted_bytes": (
                predicted.total.sent_bytes[self._resources.index] if predicted else 0
            ),
            "seconds": time.monotonic() - self._began,
        }

    def _performed(self, command: Command) -> Reply:
        """What needs no plan and no session."""
        outcome = perform(self._resources, command)
        parties = len(self._resources.federation.parties)
        seconds = time.monotonic() - self._began
        return Reply(facts=command_facts(outcome, parties, seconds), table=outcome.table)

    def _explained(self, statement: Statement) -> Reply:
        """EXPLAIN and EXPLAIN PRIVACY: this party's own planning; nobody else hears of it."""
        compiler, party = self._resources.compiler, self._resources.party
        plan = compiler.plan(statement, party)
        privacy = compiler.privacy(plan)
        text = privacy if statement.explain == "privacy" else compiler.explain(statement, plan)
        facts = self._facts(self._question.session, plan, privacy, _NOTHING)
        return Reply(facts=facts | {"recipients": [party]}, table=_lines(text))

    def _answered(self, statement: Statement) -> Reply:
        resources = self._resources
        proposer = Proposer(
            resources,
            statement,
            self._question.statement,
            until=self._until,
            ending=self._ending,
            tell=self._tell,
        )
        session_id, plan = proposer.agree()
        try:
            self._predicted = resources.compiler.price(plan)
            table, measured = self._run_everywhere(session_id, plan)
            if table is not None:
                resources.audit.record("delivered", session=session_id, recipient=resources.party)
            facts = self._facts(session_id, plan, resources.compiler.privacy(plan), measured)
            if statement.explain == "analyze":
                table = _lines(self._analysis(plan, measured, facts["seconds"]))
            return Reply(facts=facts, table=table)
        finally:
            resources.slot.release(session_id)

    def _run_everywhere(
        self, session_id: str, plan: SecurePlan
    ) -> tuple[pa.Table | None, Measured]:
        """Starts the session at all nodes, runs it here, and waits until all of them are done."""
        resources, audit = self._resources, self._resources.audit
        if not resources.slot.keep(session_id):
            raise SessionError(f"{resources.party} no longer holds a place for the query")
        left = max(self._until - time.monotonic(), 0.001)
        session = Session(resources, session_id, plan, seconds=left)
        recipients = plan.root.recipients
        audit.record(
            "started",
            session=session_id,
            asker=plan.asker,
            plan=plan.digest,
            recipients=recipients,
        )
        start = Start(session=session_id, plan=plan.digest, recipients=",".join(recipients))
        replies = Replies(
            resources.links,
            "start",
            start.body(),
            timeout_seconds=left + GRACE_SECONDS,
            on_failure=session.abort,
        )
        self._session = session
        self._ending.listen(session.abort)
        self._ending.listen(lambda reason: replies.wake())
        try:
            table, usage = session.run()
            patience = min(left, resources.settings.peer_timeout_seconds)
            silent = replies.wait(patience, lambda: self._ending.reason is not None)
            self._ending.check()
            if silent or replies.failures:
                raise _fault_of(replies.failures, silent)
        except TacitError as error:
            cause = self._cause(session, error, replies)
            audit.record("aborted", session=session_id, cause=type(cause).__name__)
            complain(f"session {session_id} ended at step {session.step!r}: {cause}")
            raise cause from None
        audit.record(
            "finished",
            session=session_id,
            seconds=round(time.monotonic() - self._began, 3),
            spilled_bytes=session.spilled_bytes,
        )
        return table, self._measured(usage, replies)

    def _cause(self, session: Session, error: TacitError, replies: Replies) -> TacitError:
        """The failure behind the failures, once the others have had time to report."""
        step, own = session.step, self._resources.party
        told = error in replies.failures.values()
        silent = replies.wait(0 if told or self._ending.reason else _AT_ONCE_SECONDS)
        if silent:
            withdraw(self._resources, session.id, self._ending.reason or error)
            silent = replies.wait(GRACE_SECONDS)
        if self._ending.reason is not None:
            return self._ending.reason
        cause = _fault_of(replies.failures if told else {own: error, **replies.failures}, silent)
        if isinstance(cause, PeerLostError) and cause.step == "start":
            return PeerLostError(
                f"{cause.party} was lost at step {step!r}: its node ended, or the way to it",
                party=cause.party,
                step=step,
            )
        return cause

    def _measured(self, usage: Usage, replies: Replies) -> Measured:
        parties, own = self._resources.federation.parties, self._resources.party
        usages = [
            usage if name == own else Usage.from_body(replies.bodies[name]) for name in parties
        ]
        cost = Cost(
            rounds=max(u.depth for u in usages),
            sent_bytes=tuple(u.sent_bytes for u in usages),
            messages=tuple(u.sent_messages for u in usages),
        )
        return Measured(cost=cost, busy_seconds=tuple(u.busy_microseconds / 1e6 for u in usages))

    def _analysis(self, plan: SecurePlan, measured: Measured, seconds: float) -> str:
        if self._predicted is None:
            raise InternalError("a query ran without a prediction")
        link = self._resources.federation.link
        return explain_analyze(plan, self._predicted, measured, seconds, link)

    def _facts(self, session_id: str, plan: SecurePlan, privacy: str, measured: Measured) -> Body:
        predicted = self._predicted or self._resources.compiler.price(plan)
        return {
            "session": session_id,
            "recipients": list(plan.root.recipients),
            "rounds": measured.cost.rounds,
            "sent_bytes": list(measured.cost.sent_bytes),
            "messages": sum(measured.cost.messages),
            "busy_seconds": list(measured.busy_seconds),
            "seconds": time.monotonic() - self._began,
            "predicted": cost_body(predicted),
            "plan": plan.digest,
            "privacy": privacy,
            "message": _message(plan) if measured is not _NOTHING else "",
        }

    def _tell(self, state: str) -> None:
        self._state = state


def _fault_of(failures: dict[str, TacitError], silent: set[str]) -> TacitError:
    """Of the parties' failures and the silence of others: what explains the rest."""
    if not failures:
        return silence(silent, "finish")
    chosen = choose_failure(failures)
    if isinstance(chosen, PeerTimeoutError) and silent and chosen.party not in silent:
        return silence(silent, chosen.step or "")
    return chosen


def _message(plan: SecurePlan) -> str:
    """What a query did that nobody receives anything of."""
    root, who = plan.root, "compute parties" if plan.outsiders else "parties"
    if not isinstance(root, Store):
        return ""
    rows, columns = row_count(root.rows), len(root.table.columns)
    return (
        f"The shared table {root.table.name} is kept by all {who}: {columns} "
        f"column{'s' if columns != 1 else ''}, at most {rows}."
    )


def _lines(text: str) -> pa.Table:
    """Text as a table with one column, a row for each line."""
    return pa.table({"explain": pa.array(text.splitlines(), pa.string())})
