"""One data session at a time: who holds the node, and who waits for it.

A node that asks waits for its own place while it holds nothing elsewhere, and nodes never wait
for each other's: a busy node says so at once, the asker lets go of all places and tries again.
So two askers cannot hold each other up for good.
"""

from __future__ import annotations

import threading
import time


class Slot:
    """The one place of a node, held by a session id."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._holder: str | None = None
        self._expires: float | None = None

    def reserve(self, session: str, *, wait_seconds: float, hold_seconds: float) -> bool:
        """Takes the place for a session; False if it is not to be had within `wait_seconds`.

        It falls free by itself after `hold_seconds`, unless `keep` is called before.
        """
        until = time.monotonic() + wait_seconds
        with self._condition:
            while not self._is_free():
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._condition.wait(min(left, self._seconds_to_expiry()))
            self._holder = session
            self._expires = time.monotonic() + hold_seconds
            return True

    def renew(self, session: str, *, hold_seconds: float) -> bool:
        """Holds the place for `hold_seconds` from now; False if the session has lost it."""
        with self._condition:
            if self._holder != session or self._is_free():
                return False
            self._expires = time.monotonic() + hold_seconds
            return True

    def keep(self, session: str) -> bool:
        """Makes the place the session's until it is released; False if it is no longer held."""
        with self._condition:
            if self._holder != session or self._is_free():
                return False
            self._expires = None
            return True

    def release(self, session: str) -> None:
        """Frees the place if the session holds it."""
        with self._condition:
            if self._holder == session:
                self._holder, self._expires = None, None
                self._condition.notify_all()

    def _is_free(self) -> bool:
        expired = self._expires is not None and time.monotonic() >= self._expires
        return self._holder is None or expired

    def _seconds_to_expiry(self) -> float:
        return 3600.0 if self._expires is None else max(0.0, self._expires - time.monotonic())
