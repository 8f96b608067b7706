"""Computations that run side by side and share their rounds.

Each is a lane, with a number that everybody knows it by. One computes at a time, until it needs a
round; when all of them do, their rounds run as one: everything is sent before anything is received.
Which lane computes when follows from which rounds they run, and so from public sizes: all parties
take the same steps, as long as each runs every round of a lane, also those that it has no part in.

Lanes draw from streams of their own (randomness.py), so that no lane's place in a stream depends on
what another has drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeAlias, TypeVar

from greenlet import greenlet

from ...query.errors import InternalError

Work: TypeAlias = Callable[[], None]

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Lanes(Generic[Request, Answer]):
    """The lanes of one party's protocol.

    `current`: the lane that computes now, by the name that it came with; 0 outside of `run`.

    `together` runs the rounds of some lanes as one. `begun` and `ended` are told which lane did.
    """

    def __init__(
        self,
        together: Callable[[Mapping[int, Request]], Mapping[int, Answer]],
        *,
        begun: Callable[[int], None] = lambda lane: None,
        ended: Callable[[int], None] = lambda lane: None,
    ) -> None:
        self.current = 0
        self._together = together
        self._begun = begun
        self._ended = ended
        self._live: dict[int, greenlet] = {}
        self._asked: dict[int, Request] = {}

    def exchange(self, request: Request) -> Answer:
        """Runs a round of the lane that computes now, with those of all other lanes."""
        if not self.current:
            return self._together({0: request})[0]
        waiting = self._live[self.current].parent
        assert waiting is not None
        answer: Answer = waiting.switch(request)
        return answer

    def run(self, ready: Callable[[], Iterable[tuple[int, Work]]]) -> None:
        """Runs what is ready, each in the lane of the number that it comes with, until nothing is.

        `ready` is asked again whenever a lane has ended. What one lane raises ends all.
        """
        if self.current or self._live:
            raise InternalError("lanes run side by side already")
        try:
            self._begin(ready)
            while self._live:
                left = len(self._live)
                asked, self._asked = self._asked, {}
                for lane, answer in self._together(asked).items():
                    self._go_on(lane, answer)
                if len(self._live) < left:
                    self._begin(ready)
        finally:
            self._end_all()

    def _begin(self, ready: Callable[[], Iterable[tuple[int, Work]]]) -> None:
        """Begins what is ready; some of it may end at once, and make more ready."""
        while begun := list(ready()):
            for lane, work in begun:
                self._begun(lane)
                self._live[lane] = greenlet(work)
                self._go_on(lane)

    def _go_on(self, lane: int, *answer: Answer) -> None:
        """Lets a lane compute until it needs another round, or ends."""
        worker = self._live[lane]
        self.current = lane
        try:
            request = worker.switch(*answer)
            if worker.dead:
                del self._live[lane]
                self._ended(lane)
            else:
                self._asked[lane] = request
        finally:
            self.current = 0

    def _end_all(self) -> None:
        """Ends the lanes that another one's error has left waiting."""
        live, self._live, self._asked = self._live, {}, {}
        for worker in live.values():
            if not worker.dead:
                worker.throw()
