"""What a node does for the other parties' queries: considers, takes part, delivers, reports."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from ...planner.secure import SecurePlan
from ...query.errors import (
    CancelledError,
    CatalogMismatchError,
    PeerFailedError,
    PlanMismatchError,
    SessionError,
    TacitError,
)
from .commanding import remove
from .examining import examine
from .failures import failure_for_peers
from .messages import CANCELLED, Agreement, Body, Cancel, Proposal, Removal, Start
from .resources import Resources, complain
from .session import Session
from .versions import check_versions

START_WITHIN_SECONDS = 30.0
"""How long a node that agreed keeps its place for a query that does not start."""

_REMEMBERED_SESSIONS = 65_536
"""Session ids that are not considered again. Keys are fresh even for a session of an old id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seat:
    """A query that this node agreed to take part in."""

    asker: str
    plan: SecurePlan
    seconds: float


class Participant:
    """The node's side towards the other parties. Thread-safe."""

    def __init__(self, resources: Resources) -> None:
        self.party = resources.party
        self._resources = resources
        self._lock = threading.Lock()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._considering: dict[str, str] = {}  # session: asker
        self._seats: dict[str, _Seat] = {}
        self._running: dict[str, tuple[str, Session]] = {}

    def hello(self) -> Body:
        """Who answers here, and what its side of every query depends on."""
        resources = self._resources
        return {
            "party": resources.party,
            "version": resources.version,
            "catalog": resources.compiler.catalog.digest,
        }

    def propose(self, asker: str, proposal: Proposal) -> Body:
        """Considers a query of `asker`: an Agreement, or {"busy": true}.

        A session id is considered once. Errors: whatever stands against taking part.
        """
        resources = self._resources
        self._remember(proposal.session, asker)
        facts = {"session": proposal.session, "asker": asker}
        slot, session = resources.slot, proposal.session
        try:
            if not slot.reserve(session, wait_seconds=0, hold_seconds=START_WITHIN_SECONDS):
                resources.audit.record("refused", **facts, cause="busy with another query")
                return {"busy": True}
            resources.audit.record("proposed", **facts, statement=proposal.statement)
            plan = self._consider(asker, proposal)
            if not slot.renew(session, hold_seconds=START_WITHIN_SECONDS):
                raise SessionError(f"{resources.party} took too long to consider the query")
            seconds = min(proposal.seconds, resources.settings.session_seconds)
            self._seat(session, _Seat(asker=asker, plan=plan, seconds=seconds))
        except BaseException as error:
            slot.release(session)
            resources.audit.record("refused", **facts, cause=type(error).__name__)
            raise
        finally:
            with self._lock:
                self._considering.pop(session, None)
        resources.audit.record("agreed", **facts, plan=plan.digest)
        return Agreement(session=session, plan=plan.digest).body()

    def start(self, asker: str, start: Start) -> Body:
        """Runs a query that was agreed on, to its end; this party's Usage.

        A result for this party is on disk when this returns. Errors: what the asker may know of
        the failure.
        """
        resources = self._resources
        with self._lock:
            seat = self._seats.get(start.session)
            if seat is None or seat.asker != asker:
                raise SessionError(f"{resources.party} knows no such session of {asker}")
            del self._seats[start.session]
            session = Session(resources, start.session, seat.plan, seconds=seat.seconds)
            self._running[session.id] = (asker, session)
        try:
            self._check_start(seat, start)
            return self._run(session, asker)
        finally:
            with self._lock:
                del self._running[session.id]
            resources.slot.release(session.id)

    def cancel(self, party: str, message: Cancel) -> None:
        """Ends a session, by word of its asker or of the owner of this node, wherever it stands."""
        session_id = message.session
        with self._lock:
            self._note(session_id)  # should its proposal come later than this, it is refused
            if self._considering.get(session_id) == party:
                del self._considering[session_id]
            seat = self._seats.get(session_id)
            if seat is not None and party in (seat.asker, self._resources.party):
                del self._seats[session_id]
                self._resources.slot.release(session_id)
            asker, session = self._running.get(session_id, ("", None))
        if session is not None and party in (asker, self._resources.party):
            told = f"{party} ended the query: {message.reason}"
            if message.reason == CANCELLED:
                session.abort(CancelledError(told))
            else:
                session.abort(PeerFailedError(told, party=party, step=session.step))

    def drop(self, party: str, removal: Removal) -> Body:
        """Removes this party's shares of a shared table. Errors: PolicyError; SessionError."""
        return remove(self._resources, party, removal)

    def running(self) -> list[Body]:
        """The sessions that run here for others."""
        with self._lock:
            running = list(self._running.values())
        return [
            {"session": session.id, "asker": asker, "step": session.step}
            for asker, session in running
        ]

    def abort_all(self, reason: TacitError) -> None:
        """Ends every session that runs here for others."""
        with self._lock:
            sessions = [session for _, session in self._running.values()]
        for session in sessions:
            session.abort(reason)

    def _remember(self, session: str, asker: str) -> None:
        with self._lock:
            if session in self._known:
                raise SessionError("a session id is used once, and this one was used before")
            self._note(session)
            self._considering[session] = asker

    def _note(self, session: str) -> None:
        """Remembers a session id; the oldest is forgotten. Call with the lock held."""
        self._known[session] = None
        if len(self._known) > _REMEMBERED_SESSIONS:
            self._known.popitem(last=False)

    def _seat(self, session: str, seat: _Seat) -> None:
        """Errors: CancelledError if the asker withdrew the query while it was considered."""
        with self._lock:
            if session not in self._considering:
                raise CancelledError(f"{seat.asker} withdrew the query")
            self._seats.clear()  # whoever sat in this node's one place did not start in time
            self._seats[session] = seat

    def _consider(self, asker: str, proposal: Proposal) -> SecurePlan:
        resources = self._resources
        party, compiler = resources.party, resources.compiler
        if proposal.version != resources.version:
            raise SessionError(
                f"{party} runs tacit {resources.version}, {asker} runs {proposal.version}"
            )
        if proposal.protocol != resources.federation.protocol:
            raise SessionError(f"{party} runs {resources.federation.protocol} only")
        if proposal.catalog != compiler.catalog.digest:
            raise CatalogMismatchError(
                f"{party} and {asker} hold different catalogs (digests "
                f"{compiler.catalog.digest} and {proposal.catalog}); no query can run until their "
                "catalog.sql are the same"
            )
        check_versions(resources, proposal.tables, asker)
        return examine(resources, compiler.bind(proposal.statement), asker)

    def _check_start(self, seat: _Seat, start: Start) -> None:
        party = self._resources.party
        if start.plan != seat.plan.digest:
            raise PlanMismatchError(
                f"{party} planned {seat.plan.digest}, {seat.asker} started {start.plan}"
            )
        if start.recipients != ",".join(seat.plan.root.recipients):
            raise SessionError(f"{party} was told other recipients than the plan's")
        if not self._resources.slot.keep(start.session):
            raise SessionError(f"{party} no longer holds a place for this session")

    def _run(self, session: Session, asker: str) -> Body:
        resources, audit, plan = self._resources, self._resources.audit, session.plan
        began = time.monotonic()
        try:
            audit.record(
                "started",
                session=session.id,
                asker=asker,
                plan=plan.digest,
                recipients=plan.root.recipients,
            )
            table, usage = session.run()
            seconds = round(time.monotonic() - began, 3)
            audit.record(
                "finished",
                session=session.id,
                seconds=seconds,
                spilled_bytes=session.spilled_bytes,
            )
            if table is not None:
                resources.results.store(session.id, table, asker=asker, statement=plan.statement)
                audit.record("delivered", session=session.id, recipient=resources.party)
            return usage.body()
        except TacitError as error:
            raise self._aborted(session, asker, error) from None

    def _aborted(self, session: Session, asker: str, error: TacitError) -> TacitError:
        """Records a failure for the owner, whole, and gives what the asker may know of it."""
        complain(f"session {session.id} ended at step {session.step!r}: {error}")
        self._resources.audit.record("aborted", session=session.id, cause=type(error).__name__)
        open_to_asker = asker in self._resources.confidants
        return failure_for_peers(error, self._resources.party, session.step, whole=open_to_asker)
