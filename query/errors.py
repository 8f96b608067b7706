"""The one tree of errors that tacit raises.

TacitError
|- UserError            what the user wrote or configured: says what, where, and what to do
|  |- SqlError          carries the text and the span; prints a caret under the place
|  |  |- SqlSyntaxError
|  |  |- BindError      unknown or ambiguous names, wrong types
|  |  `- UnsupportedError   valid SQL that tacit does not run; names clause and alternative
|  |- CatalogError      the catalog contradicts itself
|  |- ConfigurationError    federation.toml, party.toml, sources.sql, certificates on disk
|  `- DataError         an owner's data break the catalog's promises (told to the owner alone)
|- PolicyError          an owner's policy refuses the query
|- PeerError            another party is at fault
|  |- PeerLostError     its connection ended
|  |- PeerTimeoutError  it did not answer within the deadline
|  |- PeerViolationError    it sent what the protocol does not allow
|  `- PeerFailedError   it reported a failure of its own
|- SessionError         the session was refused or ended
|  |- CancelledError
|  |- CatalogMismatchError
|  `- PlanMismatchError
`- InternalError        our own mistake
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of character offsets [start, stop) in a SQL text."""

    start: int
    stop: int


class TacitError(Exception):
    """Base of every error that tacit raises on purpose."""


class UserError(TacitError):
    """Something that the user wrote or configured is wrong."""


class SqlError(UserError):
    """An error at a place in a SQL text.

    `message` says what is wrong, `hint` what to do instead. `str()` gives line and column, the
    line of text, and a caret line under the span.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str | None = None,
        span: Span | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span
        self.hint = hint

    def located(self, text: str) -> SqlError:
        """Fills in the SQL text where the raiser knew only the span; returns self."""
        if self.text is None:
            self.text = text
        return self

    def __str__(self) -> str:
        lines = [self.message]
        if self.text is not None and self.span is not None:
            start = min(self.span.start, len(self.text))
            line_start = self.text.rfind("\n", 0, start) + 1
            line_stop = self.text.find("\n", start)
            line_stop = len(self.text) if line_stop < 0 else line_stop
            number = self.text.count("\n", 0, start) + 1
            column = start - line_start
            length = max(1, min(self.span.stop, line_stop) - start)
            prefix = f"line {number}: "
            lines[0] += f" (line {number}, column {column + 1})"
            lines.append(prefix + self.text[line_start:line_stop].replace("\t", " "))
            lines.append(" " * (len(prefix) + column) + "^" * length)
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class SqlSyntaxError(SqlError):
    """The text is not SQL that the grammar knows."""


class BindError(SqlError):
    """A name or a type in the text does not fit the catalog."""


class UnsupportedError(SqlError):
    """Valid SQL that tacit does not run; the message names the clause, the hint an alternative."""


class CatalogError(UserError):
    """The catalog contradicts itself."""


class ConfigurationError(UserError):
    """A file of a federation directory is missing or wrong."""


class DataError(UserError):
    """An owner's data break the catalog's promises; the details are for that owner alone."""


class PolicyError(TacitError):
    """An owner's policy refuses the query."""


class PeerError(TacitError):
    """Another party is at fault; `party` names it and `step` what was being done."""

    def __init__(self, message: str, *, party: str | None = None, step: str | None = None) -> None:
        super().__init__(message)
        self.party = party
        self.step = step


class PeerLostError(PeerError):
    """The connection to a party ended."""


class PeerTimeoutError(PeerError):
    """A party did not answer within the deadline."""


class PeerViolationError(PeerError):
    """A party sent something that the protocol does not allow."""


class PeerFailedError(PeerError):
    """A party reported that it failed."""


SECOND_ROW = "a subquery used as a value gives more than one row"
"""Why a query fails that takes one value where there are several; the same words in every place."""


class SessionError(TacitError):
    """The session was refused or ended before its result."""


class CancelledError(SessionError):
    """Somebody cancelled the query."""


class CatalogMismatchError(SessionError):
    """Two parties hold different catalogs."""


class PlanMismatchError(SessionError):
    """Two parties planned the same text differently."""


class InternalError(TacitError):
    """A mistake of tacit itself."""


def told(error: TacitError) -> str:
    """An error's text, with the notes that were added on its way."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])
