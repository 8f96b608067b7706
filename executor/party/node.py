"""A party's node: everything that it consists of, from its start to its end."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType, TracebackType

from ...query.errors import SessionError
from ..transport.sockets import listen
from .compiling import Compiler
from .federation import Address
from .messages import Body, Cancel, Check, Proposal, Question, Removal, Start
from .opening import listening, open_resources
from .participating import Participant
from .resources import RunPlan
from .server import Action, ControlServer
from .serving import OwnerService

_SHUTDOWN_SECONDS = 5.0


class Node:
    """A running node; a context manager. `close` ends its sessions with an error at all parties.

    Errors: ConfigurationError for anything wrong in the directory, an address that is taken, or a
    second node of the same party; CatalogError. Data that do not keep the catalog's promises are
    no such error: the node runs, and refuses every session.
    """

    def __init__(
        self,
        directory: Path,
        party: str,
        *,
        run: RunPlan | None = None,
        compiler: Compiler | None = None,
    ) -> None:
        with ExitStack() as stack:
            resources = open_resources(directory, party, stack, run=run, compiler=compiler)
            member, settings = resources.federation.member(party), resources.settings
            self.party, self._audit = party, resources.audit
            self.control = listening(member.control, settings)
            self.data = listening(member.data, settings)
            self._participant = Participant(resources)
            self._owner = OwnerService(resources, self._participant)
            _check_free(self.control)
            self._server = ControlServer(
                self.control,
                resources.identity,
                resources.federation,
                _actions(self._participant, self._owner),
                self._owner.fetch,
            )
            stack.callback(self._end_calls)
            self._audit.record("node started", version=resources.version)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Ends every session, stops listening and closes the source. Idempotent."""
        self._stack.close()

    def _end_calls(self) -> None:
        reason = SessionError(f"the node of {self.party} is stopping")
        self._owner.cancel_all(reason)
        self._participant.abort_all(reason)
        stopping = threading.Thread(target=self._server.shutdown, daemon=True)
        stopping.start()
        stopping.join(_SHUTDOWN_SECONDS)
        with suppress(SessionError):
            self._audit.record("node stopped")

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def run_node(
    directory: Path,
    party: str,
    *,
    ready: Callable[[str], None],
    stop: threading.Event | None = None,
    run: RunPlan | None = None,
) -> None:
    """Runs a node until SIGTERM, SIGINT or `stop`, and ends it cleanly.

    `ready` is called once, when it listens, with a line of JSON: party, control, data, pid.
    Errors: as Node.
    """
    stop = stop or threading.Event()
    before = _on_signals(stop)
    try:
        with Node(directory, party, run=run) as node:
            ready(
                json.dumps(
                    {
                        "ready": party,
                        "control": str(node.control),
                        "data": str(node.data),
                        "pid": os.getpid(),
                    }
                )
            )
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signals(stop: threading.Event) -> dict[int, Callable[[int, FrameType | None], object]]:
    """Makes SIGTERM and SIGINT set `stop`; the handlers before. Only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    return {n: signal.signal(n, end) for n in (signal.SIGTERM, signal.SIGINT)}  # type: ignore[misc]


def _actions(participant: Participant, owner: OwnerService) -> dict[str, Action]:
    """Everything that can be asked of a node over the control plane, and by whom."""

    def cancel(caller: str, body: Body, cancelled: object) -> Body:
        message = Cancel.from_body(body)
        if caller == participant.party:
            owner.cancel(message)
        else:
            participant.cancel(caller, message)
        return {}

    return {
        "hello": Action(audience="both", perform=lambda who, body, gone: participant.hello()),
        "propose": Action(
            audience="peer",
            perform=lambda who, body, gone: participant.propose(who, Proposal.from_body(body)),
        ),
        "start": Action(
            audience="peer",
            perform=lambda who, body, gone: participant.start(who, Start.from_body(body)),
        ),
        "cancel": Action(audience="both", perform=cancel),
        "drop": Action(
            audience="peer",
            perform=lambda who, body, gone: participant.drop(who, Removal.from_body(body)),
        ),
        "query": Action(
            audience="owner",
            perform=lambda who, body, gone: owner.query(Question.from_body(body), gone),
        ),
        "check": Action(
            audience="owner",
            perform=lambda who, body, gone: owner.check(Check.from_body(body)),
        ),
        "status": Action(audience="owner", perform=lambda who, body, gone: owner.status()),
        "catalog": Action(audience="owner", perform=lambda who, body, gone: owner.catalog()),
        "results": Action(audience="owner", perform=lambda who, body, gone: owner.results()),
    }


def _check_free(address: Address) -> None:
    """Errors: ConfigurationError if somebody listens there: gRPC would share the port silently."""
    listen(address.host, address.port, "control connections").close()
