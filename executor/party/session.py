"""One party's side of one running query: connections, keys, the plan, and how it can end."""

from __future__ import annotations

import gc
import hashlib
import re
import threading
import time
import traceback
from dataclasses import dataclass

import pyarrow as pa

from ...connectors.source import TableSource
from ...planner.protocol_facts import PROTOCOLS
from ...planner.secure import Operator, SecurePlan, children
from ...query.errors import InternalError, PeerViolationError, SessionError, TacitError
from ..sharing.protocol import SharingProtocol
from ..sharing.protocols import open_outside, open_protocol
from ..sharing.randomness import KEY_ROUNDS, SessionKeys, agree_keys
from ..sharing.spilling import Spill, release_free_blocks
from ..transport.channel import Counters
from ..transport.mesh import PeerAddress, connect_mesh
from ..transport.tls import Limits, TlsChannel
from .limits import spills
from .messages import Usage
from .resources import Resources, complain
from .stopwatch import Stopwatch

_INTERRUPT_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a session is. `step_number` counts the plan's operators up to `steps`."""

    state: str
    step: str
    step_number: int
    steps: int
    rounds: int
    sent_bytes: int


class Session:
    """A query that all parties agreed on; `run` once. `abort` may come from any thread."""

    def __init__(
        self, resources: Resources, session_id: str, plan: SecurePlan, *, seconds: float
    ) -> None:
        self.id = session_id
        self.plan = plan
        self._resources = resources
        self._seconds = seconds
        self._lock = threading.Lock()
        self._reason: TacitError | None = None
        self._channel: TlsChannel | None = None
        self._source: TableSource | None = None
        self._start = Counters()
        self._busy = Stopwatch()
        self._state, self._step, self._step_number = "connecting", "connecting", 0
        self._steps = _count(plan.root)
        self._spill = self._place_to_wait()

    def run(self) -> tuple[pa.Table | None, Usage]:
        """Runs the plan with the other parties; the result if it is revealed here, and the cost.

        Errors: the reason of `abort`; PeerError; DataError; SessionError; InternalError, whose
        cause goes to the node's own log without any value.
        """
        timer = threading.Timer(self._seconds, self.abort, [self._overdue()])
        timer.daemon = True
        timer.start()
        try:
            return self._run()
        except TacitError as error:
            _let_go(error)
            raise self._end(_named(error, self.plan.parties)) from None
        except Exception as error:
            complain(f"session {self.id}: {_places(error)}")
            _let_go(error)
            raise self._end(InternalError(f"a mistake of tacit: {type(error).__name__}")) from None
        finally:
            timer.cancel()
            if self._channel is not None:
                self._channel.close()
            if self._spill is not None:
                gc.collect()  # relations that refer to each other, and with them their files
            release_free_blocks()

    def abort(self, reason: TacitError) -> None:
        """Ends the session at all parties; `run` raises the first reason. Returns at once."""
        with self._lock:
            first = self._reason is None
            self._reason = self._reason or reason
            channel = self._channel
        if channel is not None:
            channel.abort(self._reason)
        if first and self._source is not None:
            threading.Thread(target=self._interrupt, name="tacit-interrupt", daemon=True).start()

    @property
    def step(self) -> str:
        return self._step

    @property
    def spilled_bytes(self) -> int:
        """How much of what waited has been put on disk."""
        return 0 if self._spill is None else self._spill.written_bytes

    def stage(self) -> Stage:
        """Where the session is now."""
        counters = self._start if self._channel is None else self._channel.counters
        return Stage(
            state=self._state,
            step=self._step,
            step_number=self._step_number,
            steps=self._steps,
            rounds=max(counters.depth - self._start.depth, 0),
            sent_bytes=max(counters.sent_bytes - self._start.sent_bytes, 0),
        )

    def _run(self) -> tuple[pa.Table | None, Usage]:
        resources = self._resources
        if self._outside and resources.party not in self.plan.linked:
            self._raise_if_ended()
            return None, Usage(depth=0, sent_bytes=0, sent_messages=0, busy_microseconds=0)
        channel = self._connect()
        keys = None if self._outside else agree_keys(channel, self._context())
        shelf = resources.shared.shelf(self.id, self.plan)
        try:
            counters = channel.counters
            if self._outside:
                counters.depth = KEY_ROUNDS  # as at the compute parties, from where all count
            self._start = Counters(
                depth=counters.depth,
                sent_bytes=counters.sent_bytes,
                sent_messages=counters.sent_messages,
            )
            self._state = "running"
            self._busy.start()
            self._source = resources.gate.pass_through(0)
            table = resources.run(
                self.plan,
                protocol=self._opened(channel, keys),
                party=resources.party,
                source=self._source,
                watch=self._watch,
                shelf=shelf,
                spill=self._spill,
            )
            self._busy.stop()
        finally:
            shelf.close()
            self._source = None
            if keys is not None:
                keys.burn()
        self._state, self._step = "delivering", "delivering"
        return table, Usage(
            depth=counters.depth - self._start.depth,
            sent_bytes=counters.sent_bytes - self._start.sent_bytes,
            sent_messages=counters.sent_messages - self._start.sent_messages,
            busy_microseconds=round(self._busy.seconds * 1e6),
        )

    def _place_to_wait(self) -> Spill | None:
        """Where relations wait, if the plan lets expect that memory will be scarce."""
        resources, plan = self._resources, self.plan
        if self._outside or not spills(plan.root, resources.settings, plan.protocol):
            return None
        return Spill(resources.spill_directory, resources.party)

    def _connect(self) -> TlsChannel:
        resources, settings = self._resources, self._resources.settings
        self._raise_if_ended()
        channel = connect_mesh(
            listener=resources.listener,
            identity=resources.identity,
            peers=[
                PeerAddress(
                    name=member.name,
                    host=member.data.host,
                    port=member.data.port,
                    certificate_pem=member.certificate_pem,
                )
                for member in resources.federation.members
            ],
            index=resources.index,
            session_id=bytes.fromhex(self.id),
            computing=len(self.plan.parties),
            linked=[self.plan.members.index(name) for name in self.plan.linked],
            deadline_seconds=self._deadline_seconds(),
            connect_seconds=min(10.0, settings.peer_timeout_seconds),
            limits=Limits(frame_bytes=settings.max_frame_bytes),
        )
        channel.step = self._step = "key agreement"
        with self._lock:
            self._channel = channel
        self._raise_if_ended()
        return channel

    @property
    def _outside(self) -> bool:
        """Whether this party stands beside the compute parties."""
        return self._resources.party in self.plan.outsiders

    def _deadline_seconds(self) -> float:
        """The silence that is borne. An outsider hears nothing while the others compute; should one
        of them fall silent, the rest tell it."""
        timeout = self._resources.settings.peer_timeout_seconds
        return max(timeout, self._seconds) if self._outside else timeout

    def _opened(self, channel: TlsChannel, keys: SessionKeys | None) -> SharingProtocol:
        """The protocol, once what the plan needs ahead of its data is made."""
        if keys is None:
            plan = self.plan
            return open_outside(plan.protocol, channel, outsiders=len(plan.outsiders))
        self._state, channel.step = "preparing", "preparation"
        self._step = channel.step
        protocol = open_protocol(
            self.plan.protocol,
            channel,
            keys,
            context=self._context(),
            preparation=self._preparation(),
        )
        self._state = "running"
        return protocol

    def _preparation(self) -> tuple[tuple[str, int, int], ...]:
        """What is made ahead: only a protocol that prepares needs the plan's price."""
        if not PROTOCOLS[self.plan.protocol].prepares:
            return ()
        return self._resources.compiler.price(self.plan).preparation

    def _context(self) -> bytes:
        """What the session's keys are bound to: everything that the parties agreed on."""
        members = self._resources.federation.members
        agreed = [
            self._resources.version,
            self.id,
            self.plan.digest,
            self._resources.compiler.catalog.digest,
            *(f"{member.name} {member.fingerprint}" for member in members),
        ]
        return hashlib.sha256("\n".join(agreed).encode()).digest()

    def _watch(self, step_number: int, step: str) -> None:
        self._raise_if_ended()
        self._step_number, self._step = step_number, step
        if step == "local fragment":
            self._busy.stop()
        else:
            self._busy.start()
        if self._channel is not None:
            self._channel.step = step

    def _raise_if_ended(self) -> None:
        if self._reason is not None:
            raise self._reason

    def _end(self, error: TacitError) -> TacitError:
        """Tells the peers, and gives the error that counts here."""
        self.abort(error)
        return self._reason or error

    def _interrupt(self) -> None:
        """Ends a local fragment, again and again: before it has begun, once has no effect."""
        while (source := self._source) is not None:
            source.interrupt()
            time.sleep(_INTERRUPT_SECONDS)

    def _overdue(self) -> TacitError:
        return SessionError(
            f"the query took longer than the {self._seconds:g} seconds that "
            f"{self._resources.party} gives it"
        )


def _let_go(error: BaseException) -> None:
    """Frees what the frames of a failure hold: shares in memory, and the files of those on disk."""
    found: BaseException | None = error
    while found is not None:
        traceback.clear_frames(found.__traceback__)
        found = found.__cause__ or found.__context__


def _named(error: TacitError, parties: tuple[str, ...]) -> TacitError:
    """The error; if a protocol found it, which knows its peers by number, with the peer's name."""
    number = error.party if isinstance(error, PeerViolationError) else None
    if number is None or not number.isdigit():
        return error
    name = parties[int(number)]
    text = re.sub(r"^(a peer|party \d+)\b", name, str(error))
    return PeerViolationError(text, party=name, step="key agreement or set-up")


def _count(operator: Operator) -> int:
    return 1 + sum(_count(child) for child in children(operator))


def _places(error: Exception) -> str:
    """Kind and places of an error; not its message, which could quote a row."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
    return f"{type(error).__name__} at {places} ({time.strftime('%H:%M:%S')})"
