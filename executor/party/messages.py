"""What nodes and clients say to each other on the control plane: small JSON objects, checked.

node to node    hello, propose, start, cancel, drop
owner to node   query, check, cancel, status, catalog, results; tables through DoGet
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ...planner.cost import Cost, PlanCost
from ...query.errors import SessionError

MAX_BODY_BYTES = 4 * 2**20
MAX_STATEMENT_CHARACTERS = 200_000
SESSION_BYTES = 16
CANCELLED = "it was cancelled"
"""The reason in a Cancel message when a person wished it."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Base: the fields are the keys of the JSON object, no more and no less."""

    def body(self) -> Body:
        return asdict(self)

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Errors: SessionError for a missing, unknown, mistyped or oversized field."""
        kinds = {field.name: str(field.type) for field in fields(cls)}
        if set(body) != set(kinds):
            raise SessionError(f"a {cls.__name__} message with other fields than it has")
        return cls(**{key: _checked(cls, key, kinds[key], body[key]) for key in kinds})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(Message):
    """The asker asks every other node whether it would take part.

    `tables`: the versions of the shared tables that the statement reads or makes, by name, as a
    JSON object; a table that the asker does not hold has an empty one.
    """

    session: str
    statement: str
    catalog: str
    tables: str
    protocol: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Message):
    """A node would take part, with the plan of this digest."""

    session: str
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Message):
    """All nodes agreed on one plan: run it now. `recipients`: names joined by commas."""

    session: str
    plan: str
    recipients: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Message):
    """Ends a session (or a query that its owner asked, by its own mark) at this node."""

    session: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Message):
    """An owner asks its node one statement; `session` is its own mark, for cancelling."""

    session: str
    statement: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Message):
    """An owner asks its node whether it can read and plan a statement."""

    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Message):
    """What one party spent on a query that ended well; processor time without its own fragments."""

    depth: int
    sent_bytes: int
    sent_messages: int
    busy_microseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal(Message):
    """A party asks every other one to remove its shares of a shared table."""

    session: str
    name: str


def encode(body: Mapping[str, Any]) -> bytes:
    """A message's bytes."""
    return json.dumps(body, separators=(",", ":")).encode()


def decode(data: bytes) -> Body:
    """A message's object. Errors: SessionError if it is too long or no JSON object."""
    if len(data) > MAX_BODY_BYTES:
        raise SessionError(f"a message of {len(data)} bytes; at most {MAX_BODY_BYTES} are taken")
    try:
        body = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise SessionError("a message that is no JSON object")
    return body


def is_session_id(text: object) -> bool:
    """True for 16 bytes in lower-case hexadecimal."""
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{32}", text) is not None


def cost_body(cost: PlanCost) -> Body:
    """A predicted cost as a JSON object."""
    return asdict(cost)


def restore_cost(body: Mapping[str, Any]) -> PlanCost:
    """The predicted cost in a JSON object that the own node made."""
    return PlanCost(
        total=_cost(body["total"]), operators=tuple(_cost(part) for part in body["operators"])
    )


def _cost(body: Mapping[str, Any]) -> Cost:
    return Cost(
        rounds=int(body["rounds"]),
        sent_bytes=tuple(int(n) for n in body["sent_bytes"]),
        messages=tuple(int(n) for n in body["messages"]),
        gates=int(body["gates"]),
        moved_bytes=int(body["moved_bytes"]),
        work_seconds=float(body["work_seconds"]),
        scanned_cells=int(body["scanned_cells"]),
        entered_cells=int(body["entered_cells"]),
        expected=bool(body["expected"]),
    )


def _checked(cls: type[Message], key: str, kind: str, value: Any) -> Any:
    limit = MAX_STATEMENT_CHARACTERS if key in ("statement", "tables") else 512
    match kind:
        case "str":
            fits = isinstance(value, str) and len(value) <= limit
            fits = fits and (key != "session" or is_session_id(value))
            fits = fits and (key == "statement" or value.isprintable())
        case "int":
            fits = type(value) is int and 0 <= value < 2**62
        case _:
            fits = type(value) in (int, float) and 0 < value < 1e9
    if not fits:
        raise SessionError(f"a {cls.__name__} message whose {key} is not one or is too long")
    return value
