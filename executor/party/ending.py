"""Why a query must end before its time, if it must."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...query.errors import TacitError


class Ending:
    """Set at most once, from any thread; whoever works on the query looks or listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[TacitError], None]] = []
        self.reason: TacitError | None = None

    def set(self, reason: TacitError) -> None:
        """Ends the query; the first reason stays."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            listeners = list(self._listeners)
        for listener in listeners:
            listener(reason)

    def listen(self, listener: Callable[[TacitError], None]) -> None:
        """Calls `listener` with the reason when it is set, at once if it is set already."""
        with self._lock:
            self._listeners.append(listener)
            reason = self.reason
        if reason is not None:
            listener(reason)

    def check(self) -> None:
        """Errors: the reason, once there is one."""
        if self.reason is not None:
            raise self.reason
