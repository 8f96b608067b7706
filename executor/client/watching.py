"""Asking with a person watching: a progress line, and Ctrl-C that cancels at every node."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TextIO

from ...query.catalog import Catalog
from ...query.errors import CancelledError
from .amounts import counted, in_bytes, in_seconds

if TYPE_CHECKING:
    import pyarrow as pa

    from ..party.results import Received
    from .client import Progress, Result


class Asker(Protocol):
    """What the faces need of a client. Whatever interrupts `query` cancels it at every node."""

    party: str

    def query(self, sql: str, *, progress: Callable[[Progress], None] | None = None) -> Result: ...

    def check(self, sql: str) -> None: ...

    def catalog(self) -> Catalog: ...

    def results(self) -> tuple[Received, ...]: ...

    def result(self, session_id: str) -> pa.Table: ...


class ProgressLine:
    """One line on a terminal that is redrawn in place, at most ten times a second.

    Writes nothing where the stream is not a terminal.
    """

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty() if live is None else live
        self._drawn_at = 0.0
        self._visible = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._live and now - self._drawn_at >= 0.1:
            self._stream.write(f"\r\x1b[K{progress_text(progress)}")
            self._stream.flush()
            self._drawn_at, self._visible = now, True

    def clear(self) -> None:
        """Takes the line away."""
        if self._visible:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._visible = False


def progress_text(progress: Progress) -> str:
    """Stage, rounds and bytes of a running query, beside what was predicted."""
    stage = progress.step or progress.state
    if progress.steps:
        stage = f"[{progress.step_number}/{progress.steps}] {stage}"
    text = f"{stage[:60]}  {_of(progress.rounds, progress.predicted_rounds)} rounds"
    text += f"  {in_bytes(progress.sent_bytes)}"
    if progress.predicted_bytes:
        text += f" of {in_bytes(progress.predicted_bytes)}"
    return text + f"  {in_seconds(progress.seconds)}"


def statistics_text(result: Result) -> str:
    """One line about an answer: its rows, its delivery, and what it took."""
    parts = [counted(result.table.num_rows, "row")] if result.table is not None else []
    parts += [
        counted(result.rounds, "round"),
        f"{in_bytes(sum(result.sent_bytes))} sent by all parties together",
        in_seconds(result.seconds),
    ]
    return ", ".join(parts)


def delivery_text(result: Result) -> str:
    """What was done, or where an answer is that the asker does not receive."""
    if result.message:
        return result.message
    return (
        f"The answer went to {', '.join(result.recipients)}, as the result {result.session_id[:8]}."
    )


def ask(client: Asker, sql: str, *, progress: Callable[[Progress], None] | None = None) -> Result:
    """`client.query`, but Ctrl-C, having cancelled the query at every node, is a CancelledError."""
    try:
        return client.query(sql, progress=progress)
    except KeyboardInterrupt:
        raise CancelledError("cancelled") from None


def _of(count: int, predicted: int) -> str:
    return f"{count:,} of {predicted:,}" if predicted else f"{count:,}"
