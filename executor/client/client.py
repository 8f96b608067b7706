"""A party's own client: asks its node, watches, and collects the result."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from ...planner.cost import PlanCost
from ...query import load_catalog
from ...query.catalog import Catalog
from ...query.errors import InternalError, PeerTimeoutError, SqlError, TacitError
from ..party.control import MAX_TABLE_BYTES, ControlLink
from ..party.federation import load_federation
from ..party.messages import (
    CANCELLED,
    SESSION_BYTES,
    Body,
    Cancel,
    Check,
    Question,
    restore_cost,
)
from ..party.results import Received
from ..party.settings import load_settings
from ..party.table_schema import restore_schema
from ..transport.identity import load_identity
from .copying import read_copy, relocated
from .output import check_output

SILENCE_SECONDS = 20.0
"""A node tells ten times a second how far it is; one that is silent for so long has stalled."""

_CALL_SECONDS = 10.0
_CHECK_SECONDS = 120.0
_CONFIRM_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a query is, as the own node sees it.

    state: waiting, planning, agreeing, connecting, preparing (what runs ahead of the data), running
    or delivering; `step` says what it is doing, number `step_number` of `steps`. Rounds and bytes
    are this party's so far, the predictions for its whole part; both 0 while unknown.
    """

    state: str
    step: str
    step_number: int
    steps: int
    rounds: int
    sent_bytes: int
    predicted_rounds: int
    predicted_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a query. `table` is None unless this party is a recipient.

    rounds, sent_bytes (by party), messages (of all together) and busy_seconds (processor time by
    party, without its own fragments) are measured; `predicted` is what the planner had computed.
    EXPLAIN gives a table with one column `explain`.
    `message` says what a statement did that gives no rows, as CREATE SHARED TABLE.
    """

    table: pa.Table | None
    recipients: tuple[str, ...]
    rounds: int
    sent_bytes: tuple[int, ...]
    messages: int
    busy_seconds: tuple[float, ...]
    seconds: float
    predicted: PlanCost
    plan_digest: str
    privacy: str
    session_id: str
    message: str = ""


class Client:
    """A line to the node of `party`, with that party's key; a context manager.

    `directory` holds federation.toml and the party's own directory. deadline_seconds bounds each
    query. Errors: ConfigurationError. Threads may share a client.
    """

    def __init__(self, directory: Path | str, party: str, *, deadline_seconds: float = 300) -> None:
        self._federation = load_federation(Path(directory))
        own = self._federation.party_directory(party)
        identity = load_identity(own)
        self._public_directory = load_settings(own).public_directory or Path(directory)
        self.party = party
        self._deadline_seconds = deadline_seconds
        self._link = ControlLink(
            identity, self._federation.member(party), max_message_bytes=MAX_TABLE_BYTES
        )
        self._lock = threading.Lock()
        self._asked: set[str] = set()

    @property
    def parties(self) -> tuple[str, ...]:
        """All parties of the federation."""
        return self._federation.parties

    def query(self, sql: str, *, progress: Callable[[Progress], None] | None = None) -> Result:
        """Asks one SQL statement and waits for its result.

        `progress` is called about ten times a second in this thread. Any exception here, Ctrl-C
        included, cancels the query at every node. COPY writes its file here. Errors: the tree under
        TacitError.
        """
        copying = read_copy(sql, self.party)
        if copying is not None:
            return copying.run(lambda query: self._asked_for(query, progress))
        return self._asked_for(sql, progress)

    def check(self, sql: str) -> None:
        """Reads and plans one SQL statement at the own node; nothing runs, nobody else hears of it.

        Errors: as of `query`, as far as they show without running it.
        """
        copying = read_copy(sql, self.party)
        text = sql if copying is None else copying.query
        try:
            if copying is not None:
                check_output(copying.path)
            self._link.call("check", Check(statement=text).body(), timeout_seconds=_CHECK_SECONDS)
        except SqlError as error:
            if copying is None:
                raise
            raise relocated(error, copying.query, copying.offset, copying.text) from None

    def _asked_for(self, sql: str, progress: Callable[[Progress], None] | None) -> Result:
        question = Question(
            session=os.urandom(SESSION_BYTES).hex(),
            statement=sql,
            seconds=self._deadline_seconds,
        )
        answers: queue.SimpleQueue[Body | TacitError] = queue.SimpleQueue()
        with self._lock:
            self._asked.add(question.session)
        threading.Thread(
            target=self._listen, args=(question, answers), name="tacit-client", daemon=True
        ).start()
        try:
            facts = self._await(answers, progress)
        except TacitError:
            raise
        except BaseException:
            self._cancel_and_wait(question.session, answers)
            raise
        finally:
            with self._lock:
                self._asked.discard(question.session)
        return self._result(facts)

    def cancel(self) -> None:
        """Cancels, at every node, what this client has asked and is waiting for. Thread-safe."""
        with self._lock:
            asked = list(self._asked)
        for session in asked:
            self._cancel(session)

    def catalog(self) -> Catalog:
        """The catalog that the node works by, with the shared tables of now."""
        told = self._link.call("catalog", {}, timeout_seconds=_CALL_SECONDS)
        declared = load_catalog(
            str(told["text"]), parties=self._federation.parties, directory=self._public_directory
        )
        shared = [restore_schema(str(text)) for text in told["shared"]]
        return declared.with_shared({table.name: table for table in shared})

    def status(self) -> Body:
        """The node's name and version, and what runs there."""
        return self._link.call("status", {}, timeout_seconds=_CALL_SECONDS)

    def results(self) -> tuple[Received, ...]:
        """The results of other parties' queries that this party received, the oldest first."""
        found = self._link.call("results", {}, timeout_seconds=_CALL_SECONDS)["results"]
        return tuple(Received(**about) for about in found)

    def result(self, session_id: str) -> pa.Table:
        """A result that this party received. Errors: UserError if there is none."""
        return self._link.fetch({"session": session_id}, timeout_seconds=self._deadline_seconds)

    def close(self) -> None:
        """Ends the line to the node. Idempotent."""
        self._link.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _listen(self, question: Question, answers: queue.SimpleQueue[Body | TacitError]) -> None:
        """Passes on what the node says, so that the waiting thread can be interrupted."""
        limit = self._deadline_seconds + SILENCE_SECONDS
        try:
            for body in self._link.stream("query", question.body(), timeout_seconds=limit):
                answers.put(body)
            answers.put(InternalError(f"the node of {self.party} gave no outcome"))
        except TacitError as error:
            answers.put(error)
        except Exception as error:
            answers.put(InternalError(f"asking failed: {type(error).__name__}"))

    def _await(
        self,
        answers: queue.SimpleQueue[Body | TacitError],
        progress: Callable[[Progress], None] | None,
    ) -> Body:
        """The facts about the finished query."""
        heard = time.monotonic()
        while True:
            try:
                answer = answers.get(timeout=0.5)
            except queue.Empty:
                if time.monotonic() - heard > SILENCE_SECONDS:
                    raise PeerTimeoutError(
                        f"the node of {self.party} has been silent for {SILENCE_SECONDS:g} seconds",
                        party=self.party,
                    ) from None
                continue
            heard = time.monotonic()
            if isinstance(answer, TacitError):
                raise answer
            if "done" in answer:
                facts: Body = answer["done"]
                return facts
            if progress is not None:
                progress(Progress(**answer["progress"]))

    def _result(self, facts: Body) -> Result:
        return Result(
            table=self.result(facts["session"]) if facts["has_table"] else None,
            recipients=tuple(facts["recipients"]),
            rounds=facts["rounds"],
            sent_bytes=tuple(facts["sent_bytes"]),
            messages=facts["messages"],
            busy_seconds=tuple(facts["busy_seconds"]),
            seconds=facts["seconds"],
            predicted=restore_cost(facts["predicted"]),
            plan_digest=facts["plan"],
            privacy=facts["privacy"],
            session_id=facts["session"],
            message=facts["message"],
        )

    def _cancel_and_wait(self, session: str, answers: queue.SimpleQueue[Body | TacitError]) -> None:
        """Cancels and gives the nodes a moment to confirm; a node that is gone needs neither."""
        until = time.monotonic() + _CONFIRM_SECONDS
        with contextlib.suppress(TacitError, queue.Empty):
            self._cancel(session)
            while (left := until - time.monotonic()) > 0:
                answer = answers.get(timeout=left)
                if isinstance(answer, TacitError) or "done" in answer:
                    return

    def _cancel(self, session: str) -> None:
        message = Cancel(session=session, reason=CANCELLED)
        self._link.call("cancel", message.body(), timeout_seconds=_CALL_SECONDS)
