"""Errors between processes: as plain records, and which of several failures is the cause.

A record holds a class name of the error tree and texts. What a peer writes in one is only ever
shown, never acted on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...query import errors
from ...query.errors import (
    CancelledError,
    InternalError,
    PeerError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    PeerViolationError,
    SessionError,
    Span,
    SqlError,
    TacitError,
)

MAX_TEXT = 16_384
Record = dict[str, Any]


def describe_failure(error: TacitError) -> Record:
    """An error as a record that `restore_failure` turns back into the same error."""
    record: Record = {"class": type(error).__name__, "message": shown(str(error))}
    if isinstance(error, SqlError):
        record["message"] = error.message
        record["text"], record["hint"] = error.text, error.hint
        record["span"] = [error.span.start, error.span.stop] if error.span else None
    if isinstance(error, PeerError):
        record["party"], record["step"] = error.party, error.step
    return record


def restore_failure(record: object) -> TacitError:
    """The error that a record describes; InternalError if it describes none."""
    if not isinstance(record, Mapping):
        return InternalError("a failure without a description")
    kind = _KINDS.get(str(record.get("class")), InternalError)
    message = shown(str(record.get("message", "")))
    if issubclass(kind, SqlError):
        return kind(
            message, text=_text(record, "text"), hint=_text(record, "hint"), span=_span(record)
        )
    if issubclass(kind, PeerError):
        return kind(message, party=_text(record, "party"), step=_text(record, "step"))
    return kind(message)


def failure_for_peers(
    error: TacitError, party: str, step: str, *, whole: bool = False
) -> TacitError:
    """As much of a failure while running as the other parties may know, or all of it (`whole`).

    Errors about sessions and peers speak of public things only. All others may quote rows, files
    or a policy: the peers learn their category alone.
    """
    match error:
        case PeerError() | SessionError():
            return error
        case _ if whole:
            return PeerFailedError(
                f"{party} failed at step {step!r}: {error}", party=party, step=step
            )
        case errors.DataError():
            cause = "its data do not keep the catalog's promises"
        case errors.UserError() | errors.PolicyError():
            cause = "its data or configuration do not allow the query"
        case _:
            cause = "an internal error"
    return PeerFailedError(
        f"{party} failed at step {step!r}: {cause} (its own log says more)", party=party, step=step
    )


def choose_failure(failures: Mapping[str, TacitError]) -> TacitError:
    """The failure that explains the others, of those that the parties (by name) reported.

    When one party fails, the others report that it did. So a party's word about itself, or about
    a peer that broke the protocol, comes before silence, silence before lost connections, and
    those before reports of failures elsewhere.
    """
    return min(failures.items(), key=lambda item: _rank(*item))[1]


def _rank(reporter: str, error: TacitError) -> int:
    order = (PeerViolationError, PeerTimeoutError, PeerLostError, CancelledError, PeerFailedError)
    if isinstance(error, PeerFailedError) and error.party == reporter:
        return 0
    for rank, kind in enumerate(order, start=1):
        if isinstance(error, kind):
            return rank
    return 0


def shown(text: str) -> str:
    """Text of bounded length in which nothing can confuse a terminal or a log."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text[:MAX_TEXT])


def _text(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    return shown(value) if isinstance(value, str) else None


def _span(record: Mapping[str, Any]) -> Span | None:
    value = record.get("span")
    if isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value):
        start, stop = value
        return Span(start, stop) if 0 <= start <= stop else None
    return None


def _kinds(kind: type[TacitError]) -> Iterator[type[TacitError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from _kinds(below)


_KINDS = {kind.__name__: kind for kind in _kinds(TacitError)}
