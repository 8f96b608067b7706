"""What a node does for its own party: answers questions, hands out results, tells how it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict

import pyarrow as pa

from ...query.bound import Statement
from ...query.errors import CancelledError, InternalError, SessionError, TacitError
from .asking import Inquiry, Reply
from .failures import describe_failure
from .messages import Body, Cancel, Check, Question
from .participating import Participant
from .resources import Resources, complain
from .table_schema import schema_text

TICK_SECONDS = 0.1


class OwnerService:
    """The node's side towards the clients of its own party. Thread-safe."""

    def __init__(self, resources: Resources, participant: Participant) -> None:
        self._resources = resources
        self._participant = participant
        self._lock = threading.Lock()
        self._inquiries: dict[str, Inquiry] = {}

    def query(self, question: Question, abandoned: Callable[[], bool]) -> Iterator[Body]:
        """Answers a question: {"progress": ...} ten times a second, then {"done": ...} or an error.

        If the result comes with it, it waits under the session's id. A client that goes away
        takes its question with it.
        """
        inquiry = Inquiry(self._resources, question)
        done = threading.Event()
        outcome: list[Reply | TacitError] = []
        with self._lock:
            if question.session in self._inquiries:
                raise SessionError("a question under this mark is being answered already")
            self._inquiries[question.session] = inquiry
        threading.Thread(
            target=self._work, args=(inquiry, outcome, done), name="tacit-query", daemon=True
        ).start()
        try:
            while not done.wait(TICK_SECONDS):
                if abandoned():
                    return
                yield {"progress": inquiry.progress()}
            yield self._outcome(outcome[0])
        finally:
            if not done.is_set():
                inquiry.cancel(CancelledError("the client went away"))
            with self._lock:
                del self._inquiries[question.session]

    def check(self, check: Check) -> Body:
        """Reads and plans a statement. Errors: as of a query that nobody has to agree to."""
        compiler = self._resources.compiler
        read = compiler.read(check.statement)
        if isinstance(read, Statement):
            compiler.plan(read, self._resources.party)
        return {}

    def cancel(self, message: Cancel) -> None:
        """Ends a question of the owner's, by its mark, or its part in another party's session."""
        with self._lock:
            inquiry = self._inquiries.get(message.session)
        if inquiry is not None:
            inquiry.cancel()
        self._participant.cancel(self._resources.party, message)

    def status(self) -> Body:
        """What runs here."""
        with self._lock:
            own = {mark: inquiry.progress() for mark, inquiry in self._inquiries.items()}
        return {**self._participant.hello(), "asked": own, "joined": self._participant.running()}

    def catalog(self) -> Body:
        """The catalog that this node works by, as text, and the schemas of its shared tables."""
        shared = [schema_text(table) for table in self._resources.shared.tables().values()]
        return {"text": self._resources.catalog_text, "shared": shared}

    def results(self) -> Body:
        """The results on disk, and what they answer."""
        return {"results": [asdict(about) for about in self._resources.results.stored()]}

    def fetch(self, ticket: Body) -> pa.Table:
        """A result, by session. Errors: UserError if there is none."""
        return self._resources.results.take(str(ticket.get("session")))

    def cancel_all(self, reason: TacitError) -> None:
        """Ends every question."""
        with self._lock:
            inquiries = list(self._inquiries.values())
        for inquiry in inquiries:
            inquiry.cancel(reason)

    def _work(
        self, inquiry: Inquiry, outcome: list[Reply | TacitError], done: threading.Event
    ) -> None:
        try:
            outcome.append(inquiry.run())
        except TacitError as error:
            outcome.append(error)
        except Exception as error:
            complain(f"a mistake of tacit in a query: {type(error).__name__}")
            outcome.append(InternalError(f"a mistake of tacit: {type(error).__name__}"))
        finally:
            done.set()

    def _outcome(self, outcome: Reply | TacitError) -> Body:
        if isinstance(outcome, TacitError):
            return {"error": describe_failure(outcome)}
        if outcome.table is not None:
            self._resources.results.hold(str(outcome.facts["session"]), outcome.table)
        return {"done": outcome.facts | {"has_table": outcome.table is not None}}
