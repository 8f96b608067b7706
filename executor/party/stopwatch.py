"""Processor time of this process that goes into a session, apart from what an owner does alone."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up the processor time of all threads of this process while it runs."""

    def __init__(self) -> None:
        self._total = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """Goes on, unless it runs already."""
        if self._since is None:
            self._since = time.process_time()

    def stop(self) -> None:
        """Stands still until the next start."""
        self._total, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """What has been added up so far."""
        running = 0.0 if self._since is None else time.process_time() - self._since
        return self._total + running
