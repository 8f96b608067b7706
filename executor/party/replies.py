"""Asking several nodes at once, and hearing the answers while something else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ...query.errors import InternalError, PeerError, PeerTimeoutError, TacitError
from .control import ControlLink
from .messages import Body


class Replies:
    """One action at every linked node; each answer is a body or an error, by party.

    `on_failure` is called, in another thread, as soon as one of them fails.
    """

    def __init__(
        self,
        links: Mapping[str, ControlLink],
        action: str,
        body: Mapping[str, Any],
        *,
        timeout_seconds: float,
        on_failure: Callable[[TacitError], None] | None = None,
    ) -> None:
        self._condition = threading.Condition()
        self._awaited = set(links)
        self._on_failure = on_failure
        self.bodies: dict[str, Body] = {}
        self.failures: dict[str, TacitError] = {}
        for party, link in links.items():
            threading.Thread(
                target=self._ask,
                args=(party, link, action, body, timeout_seconds),
                name=f"tacit-{action}-{party}",
                daemon=True,
            ).start()

    def wait(self, seconds: float, ended: Callable[[], bool] = lambda: False) -> set[str]:
        """Waits for all answers, or until `ended` and `wake`; the parties still silent then."""
        until = time.monotonic() + seconds
        with self._condition:
            while self._awaited and not ended():
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)
            return set(self._awaited)

    def wake(self) -> None:
        """Makes `wait` look at `ended` again."""
        with self._condition:
            self._condition.notify_all()

    def _ask(
        self,
        party: str,
        link: ControlLink,
        action: str,
        body: Mapping[str, Any],
        timeout_seconds: float,
    ) -> None:
        failure: TacitError | None = None
        answer: Body = {}
        try:
            answer = link.call(action, body, timeout_seconds=timeout_seconds)
        except TacitError as error:
            failure = error
        except Exception as error:
            failure = InternalError(f"{action} at {party} failed: {type(error).__name__}")
        with self._condition:
            if failure is None:
                self.bodies[party] = answer
            else:
                self.failures[party] = failure
            self._awaited.discard(party)
            self._condition.notify_all()
        if failure is not None and self._on_failure is not None:
            self._on_failure(failure)


def silence(parties: set[str], step: str) -> PeerError:
    """The error for parties of which nothing was heard."""
    names = sorted(parties)
    return PeerTimeoutError(
        f"{' and '.join(names)} did not answer in time (step {step!r})", party=names[0], step=step
    )
